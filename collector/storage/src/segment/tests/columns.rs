//! Columns of one segment: all of them, stretches, and the first values of a stretch.

use proptest::prelude::{ProptestConfig, prop, proptest};

use super::*;
use crate::segment::chunk::Select;
use crate::segment::lookup::Ask;

/// The windows of a column in one segment, with blocks that have seen deletions up to `since`.
fn column(
    segment: &Segment,
    lookup: &mut Lookup,
    (number, column): (u64, usize),
    range: (i64, i64),
    since: u64,
) -> Vec<(i64, u64)> {
    let select = Select {
        column,
        range,
        most: usize::MAX,
    };
    selected(segment, lookup, number, select, since)
}

fn selected(
    segment: &Segment,
    lookup: &mut Lookup,
    number: u64,
    select: Select,
    since: u64,
) -> Vec<(i64, u64)> {
    let ask = Ask {
        metric: id(number),
        select,
        since,
    };
    let mut found = Vec::new();
    lookup.column(segment, &ask, &mut found).unwrap();
    let bits = found
        .into_iter()
        .map(|(start, value)| (start, value.to_bits()));
    bits.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_rows_read_back_to_the_bit(
        metrics in prop::collection::btree_map(
            0..10_000_u64,
            prop::collection::btree_map(-1_000_000..1_000_000_i64, (prop::option::of(proptest::num::u64::ANY), prop::option::of(-1e6..1e6_f64)), 1..40),
            1..60,
        ),
        dense in proptest::bool::ANY,
    ) {
        let store = store();
        let effort = if dense { Effort::Dense } else { Effort::Fast };
        let bits = |value: Option<f64>| value.map_or(ABSENT, f64::to_bits);
        let first = |bits: Option<u64>| bits.map(f64::from_bits).filter(|value| !value.is_nan());
        let mut writer = SegmentWriter::create(&System, store.path(), 1, MINUTE).unwrap();
        for (metric, rows) in &metrics {
            let cells: Vec<u64> = rows
                .iter()
                .flat_map(|(minute, (a, b))| [(minute * MINUTE) as u64, bits(first(*a)), bits(*b)])
                .collect();
            writer.add(7, id(*metric), &cells, 2, effort).unwrap();
        }
        writer.publish().unwrap();
        let segment = open(&store, 1);
        assert_eq!(segment.meta.metrics, metrics.len() as u64);
        assert_eq!(segment.meta.seq, 7);
        let all = (i64::MIN, i64::MAX);
        // One lookup for all, which keeps its place, also where the next metric is before the last one.
        let mut lookup = Lookup::default();
        for (metric, rows) in metrics.iter().chain(metrics.iter().rev().take(3)) {
            let expected: Vec<(i64, u64)> = rows
                .iter()
                .filter_map(|(minute, (a, _))| Some((minute * MINUTE, first(*a)?.to_bits())))
                .collect();
            assert_eq!(column(&segment, &mut lookup, (*metric, 0), all, 0), expected);
            let middle = rows.keys().nth(rows.len() / 2).unwrap() * MINUTE;
            for range in [(i64::MIN, middle), (middle, middle + 1), (middle - 1, middle + 90 * MINUTE), (middle + 1, i64::MAX)] {
                let some: Vec<(i64, u64)> = expected.iter().copied().filter(|(start, _)| (range.0..range.1).contains(start)).collect();
                assert_eq!(column(&segment, &mut lookup, (*metric, 0), range, 0), some);
                for most in [1, 2, some.len() / 2, some.len()] {
                    let select = Select { column: 0, range, most };
                    let first = selected(&segment, &mut lookup, *metric, select, 0);
                    assert_eq!(first, &some[..most.min(some.len())]);
                }
            }
            let second = column(&segment, &mut lookup, (*metric, 1), all, 0);
            assert_eq!(second.len(), rows.values().filter(|(_, b)| b.is_some()).count());
        }
        assert_eq!(column(&segment, &mut lookup, (10_001, 0), all, 0), []);
        assert_eq!(column(&segment, &mut lookup, (*metrics.keys().next().unwrap(), 0), all, 8), []);
    }
}

#[test]
fn a_stretch_of_a_long_dense_column_is_what_is_in_the_whole() {
    let store = store();
    let mut writer = SegmentWriter::create(&System, store.path(), 1, MINUTE).unwrap();
    // Regular, with a gap, and with another step.
    let long: Vec<u64> = [cells(0..700), cells(800..1_500), cells(1_501..1_503)].concat();
    writer.add(1, id(5), &long, 2, Effort::Dense).unwrap();
    writer.publish().unwrap();
    let segment = open(&store, 1);
    let mut lookup = Lookup::default();
    for of in [(5, 0), (5, 1)] {
        let all = column(&segment, &mut lookup, of, (i64::MIN, i64::MAX), 0);
        assert_eq!(all.len(), if of.1 == 0 { 1_402 } else { 467 });
        for (from, to) in [
            (0, 1),
            (3, 511),
            (511, 514),
            (690, 810),
            (1_000, 1_600),
            (750, 760),
        ] {
            let range = (from * MINUTE, to * MINUTE);
            let inside = all
                .iter()
                .copied()
                .filter(|(start, _)| (range.0..range.1).contains(start));
            let inside: Vec<(i64, u64)> = inside.collect();
            let some = column(&segment, &mut lookup, of, range, 0);
            assert_eq!(some, inside, "{of:?} {from}..{to}");
            for most in [0, 1, 100, 600] {
                let (number, column) = of;
                let select = Select {
                    column,
                    range,
                    most,
                };
                let first = selected(&segment, &mut lookup, number, select, 0);
                let expected = &inside[..most.min(inside.len())];
                assert_eq!(first, expected, "{of:?} {from}..{to}, {most}");
            }
        }
    }
}
