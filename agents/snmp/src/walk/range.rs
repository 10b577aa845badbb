//! A part of a subtree as a walk sees it: where it is, where it has to stop, and whether what came back is a step
//! forward.

use std::collections::HashSet;

use async_snmp::{Oid, VarBind};

/// From behind one instance to another one, which is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    from: Oid,
    /// The last instance that is part of it; `None` up to the end of the subtree.
    until: Option<Oid>,
}

impl Range {
    /// Whether it begins where the subtree of `root` does.
    pub(crate) fn begins_at(&self, root: &Oid) -> bool {
        self.from == *root
    }
}

/// The ranges that make up the subtree of `root`, parted at the columns `splits`, which are in order and within it.
pub(crate) fn parted(root: &Oid, splits: &[Oid]) -> Vec<Range> {
    ranges(root, splits, &[])
}

/// The ranges of the subtree of `root` that have any of the columns `needed` but none of the columns `skipped`, parted at
/// the needed ones if `in_columns`. Both are in order and within the subtree.
pub(crate) fn without(root: &Oid, skipped: &[Oid], needed: &[Oid], in_columns: bool) -> Vec<Range> {
    let mut ranges = ranges(root, if in_columns { needed } else { &[] }, skipped);
    ranges.retain(|range| {
        needed.iter().any(|column| {
            let is_before = |until: &Oid| column.arcs() < until.arcs();
            column.arcs() >= range.from.arcs() && range.until.as_ref().is_none_or(is_before)
        })
    });
    ranges
}

fn ranges(root: &Oid, splits: &[Oid], skipped: &[Oid]) -> Vec<Range> {
    let mut ends: Vec<(&Oid, Oid)> = skipped
        .iter()
        .map(|column| (column, after(column)))
        .collect();
    // What comes after a skipped column is where the next range begins; a split is both.
    for split in splits {
        if !skipped.iter().any(|column| split.starts_with(column)) {
            ends.push((split, split.clone()));
        }
    }
    ends.sort_by(|(a, _), (b, _)| a.arcs().cmp(b.arcs()));
    let mut ranges = Vec::new();
    let mut from = root.clone();
    for (until, next) in ends {
        // Between neighbours that are both skipped there is nothing.
        if until.arcs() > from.arcs() {
            ranges.push(Range {
                from,
                until: Some(until.clone()),
            });
        }
        from = next;
    }
    ranges.push(Range { from, until: None });
    ranges
}

/// The column after `column`: no instance has that OID, for columns have none of their own.
fn after(column: &Oid) -> Oid {
    let mut arcs = column.arcs().to_vec();
    if let Some(last) = arcs.last_mut() {
        *last = last.saturating_add(1);
    }
    Oid::new(arcs)
}

/// A walk through a range.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The last instance that was found, or where to begin.
    pub(crate) at: Oid,
    until: Option<Oid>,
    seen: HashSet<Oid>,
}

/// What a row means for a walk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is part of the range.
    Row,
    /// It is beyond: the range is done.
    Over,
    /// The device goes in circles.
    Back,
}

impl From<Range> for Cursor {
    fn from(range: Range) -> Self {
        Self {
            at: range.from,
            until: range.until,
            seen: HashSet::new(),
        }
    }
}

impl Cursor {
    /// Goes on to `row`, the answer to what comes after `at` within the subtree of `root`. `may_fall` allows OIDs that do
    /// not rise, as long as none comes twice.
    pub(crate) fn step(&mut self, row: &VarBind, root: &Oid, may_fall: bool) -> Step {
        let is_within =
            !row.value.is_exception() && row.oid.len() > root.len() && row.oid.starts_with(root);
        let is_beyond = |until: &Oid| row.oid.arcs() > until.arcs();
        if !is_within || self.until.as_ref().is_some_and(is_beyond) {
            return Step::Over;
        }
        if row.oid.arcs() <= self.at.arcs() && (!may_fall || !self.seen.insert(row.oid.clone())) {
            return Step::Back;
        }
        self.at = row.oid.clone();
        Step::Row
    }
}

#[cfg(test)]
mod tests {
    use async_snmp::Value;

    use super::*;

    fn oid(arcs: &[u32]) -> Oid {
        Oid::new(arcs.to_vec())
    }

    fn row(arcs: &[u32]) -> VarBind {
        VarBind {
            oid: oid(arcs),
            value: Value::Integer(1),
        }
    }

    /// The rows of `device`, in order, that the ranges take.
    fn taken(ranges: Vec<Range>, root: &Oid, device: &[VarBind]) -> Vec<Oid> {
        let mut taken = Vec::new();
        for range in ranges {
            let mut cursor = Cursor::from(range);
            loop {
                let next = device.iter().find(|row| row.oid.arcs() > cursor.at.arcs());
                let Some(next) = next else { break };
                match cursor.step(next, root, false) {
                    Step::Row => taken.push(next.oid.clone()),
                    Step::Over => break,
                    Step::Back => panic!("{next:?}"),
                }
            }
        }
        taken
    }

    #[test]
    fn ranges_take_every_row_once_but_those_of_skipped_columns() {
        let root = oid(&[1, 3]);
        let device: Vec<VarBind> = (1..=5)
            .flat_map(|column| (0..3).map(move |index| row(&[1, 3, column, index])))
            .chain([row(&[1, 3, 7]), row(&[1, 4, 1, 0])])
            .collect();
        let all: Vec<Oid> = device.iter().take(16).map(|row| row.oid.clone()).collect();
        let column = |number| oid(&[1, 3, number]);
        for splits in [
            vec![],
            vec![column(1), column(3), column(7)],
            vec![column(9)],
        ] {
            assert_eq!(taken(ranges(&root, &splits, &[]), &root, &device), all);
            for skipped in [vec![column(1)], vec![column(2), column(3)], vec![column(5)]] {
                let left: Vec<Oid> = all
                    .iter()
                    .filter(|oid| !skipped.iter().any(|column| oid.starts_with(column)))
                    .cloned()
                    .collect();
                let ranges = ranges(&root, &splits, &skipped);
                assert_eq!(
                    taken(ranges, &root, &device),
                    left,
                    "{splits:?} {skipped:?}"
                );
            }
        }
    }

    #[test]
    fn where_columns_are_skipped_nothing_else_is_walked_that_is_not_needed() {
        let root = oid(&[1, 3]);
        let column = |number| oid(&[1, 3, number]);
        let range = |from: &Oid, until: Option<Oid>| Range {
            from: from.clone(),
            until,
        };
        let skipped = [column(1), column(4), column(9)];
        let needed = [column(2), column(3), column(7)];
        assert_eq!(
            without(&root, &skipped, &needed, false),
            [
                range(&column(2), Some(column(4))),
                range(&column(5), Some(column(9)))
            ]
        );
        assert_eq!(without(&root, &skipped, &[], false), []);
        let columns = without(&root, &skipped, &needed, true);
        assert_eq!(columns.first(), Some(&range(&column(2), Some(column(3)))));
        assert_eq!(columns.len(), 3);
    }

    #[test]
    fn a_device_that_goes_in_circles_is_found_out() {
        let root = oid(&[1, 3]);
        let mut cursor = Cursor::from(ranges(&root, &[], &[]).remove(0));
        assert_eq!(cursor.step(&row(&[1, 3, 5]), &root, false), Step::Row);
        assert_eq!(cursor.step(&row(&[1, 3, 5]), &root, false), Step::Back);
        assert_eq!(cursor.step(&row(&[1, 3, 4]), &root, true), Step::Row);
        assert_eq!(cursor.step(&row(&[1, 3, 4]), &root, true), Step::Back);
        assert_eq!(cursor.step(&row(&[1, 4]), &root, true), Step::Over);
    }
}
