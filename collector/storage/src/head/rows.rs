//! The windows of one archive of one metric: a row per window with a value per aggregation method. Each method counts
//! its points from its own newest window, as in Gnocchi, where each method is a series of its own.

/// The bits of a cell without a value: a NaN that no arithmetic makes and that is never stored as a value.
const ABSENT: u64 = 0x7ff8_0000_4e53_4142;
/// Fewest rows over the limit before old ones are looked for.
const SLACK: usize = 16;

/// Windows in ascending order. How many columns a row has is the plan's to know and given to each call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    /// One row after the other: the start of the window, then the value of each column. In one piece, since a row is
    /// most often used as a whole and memory far away is what folding costs.
    cells: Vec<u64>,
    /// Number of rows at which old ones are dropped next.
    compact_at: usize,
}

impl Rows {
    /// Rows read from a snapshot; `None` unless there are `width` values for each start and the starts ascend.
    pub(crate) fn from_parts(starts: &[i64], values: &[f64], width: usize) -> Option<Self> {
        let fits = width > 0 && starts.len().checked_mul(width) == Some(values.len());
        if !fits || !starts.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let mut cells = Vec::with_capacity(starts.len() * (width + 1));
        for (start, values) in starts.iter().zip(values.chunks_exact(width)) {
            cells.push(*start as u64);
            cells.extend(values.iter().map(|value| value.to_bits()));
        }
        Some(Self {
            cells,
            compact_at: 0,
        })
    }

    /// Adds rows that come after all others; false, and nothing done, if they do not.
    pub(crate) fn append(&mut self, mut later: Self, width: usize) -> bool {
        let follows = match (self.last_start(width), later.start(0, width)) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        if follows {
            self.cells.append(&mut later.cells);
        }
        follows
    }

    pub(crate) fn len(&self, width: usize) -> usize {
        self.cells.len() / (width + 1)
    }

    /// Starts of the windows, and in a second list the values of all their columns, absent ones as the bits that
    /// [`Rows::from_parts`] takes for such.
    pub(crate) fn parts(&self, width: usize) -> (Vec<i64>, Vec<f64>) {
        let rows = self
            .cells
            .chunks_exact(width + 1)
            .filter_map(<[u64]>::split_first);
        let starts = rows.clone().map(|(start, _)| *start as i64).collect();
        (
            starts,
            rows.flat_map(|(_, values)| values)
                .map(|bits| f64::from_bits(*bits))
                .collect(),
        )
    }

    /// Bits of the newest row, for nothing but to have it in the cache.
    pub(crate) fn touch(&self) -> u64 {
        self.cells.last().copied().unwrap_or_default()
    }

    /// Sets values of columns in the window that begins at `start`.
    pub(crate) fn set(
        &mut self,
        start: i64,
        width: usize,
        values: impl Iterator<Item = (usize, f64)>,
    ) {
        let row = self.row(start, width);
        for (column, value) in values {
            if let Some(cell) = row.get_mut(column) {
                *cell = if value.is_nan() {
                    f64::NAN.to_bits()
                } else {
                    value.to_bits()
                };
            }
        }
    }

    /// The columns of a window, made if need be.
    fn row(&mut self, start: i64, width: usize) -> &mut [u64] {
        let stride = width + 1;
        let newest = self.cells.len().checked_sub(stride);
        let newest_start = newest
            .and_then(|at| self.cells.get(at))
            .map(|start| *start as i64);
        let new_row = std::iter::once(start as u64).chain(std::iter::repeat_n(ABSENT, width));
        let at = match (newest, newest_start) {
            (Some(at), Some(last)) if last == start => at,
            (Some(_), Some(last)) if last > start => {
                let row = self.first_from(start, width);
                if self.start(row, width) != Some(start) {
                    self.cells.splice(row * stride..row * stride, new_row);
                }
                row * stride
            }
            _ => {
                self.cells.extend(new_row);
                self.cells.len() - stride
            }
        };
        self.cells.get_mut(at + 1..at + stride).unwrap_or_default()
    }

    fn start(&self, row: usize, width: usize) -> Option<i64> {
        self.cells.get(row * (width + 1)).map(|start| *start as i64)
    }

    fn last_start(&self, width: usize) -> Option<i64> {
        self.start(self.len(width).checked_sub(1)?, width)
    }

    /// Index of the first row that begins at `bound` or later.
    fn first_from(&self, bound: i64, width: usize) -> usize {
        let (mut low, mut high) = (0, self.len(width));
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.start(middle, width) {
                Some(start) if start < bound => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    fn value(&self, row: usize, width: usize, column: usize) -> Option<f64> {
        let bits = *self.cells.get(row * (width + 1) + 1 + column)?;
        (bits != ABSENT).then(|| f64::from_bits(bits))
    }

    /// The last moment that is no longer kept for a column.
    fn expired(&self, width: usize, column: usize, timespan: Option<i64>) -> Option<i64> {
        let mut rows = (0..self.len(width)).rev();
        let newest = rows.find(|row| self.value(*row, width, column).is_some())?;
        self.start(newest, width)?.checked_sub(timespan?)
    }

    /// Windows of a column that have a value, begin in `[from, to)` and are among the column's newest in `timespan`.
    pub(crate) fn column(
        &self,
        width: usize,
        column: usize,
        timespan: Option<i64>,
        (from, to): (Option<i64>, Option<i64>),
    ) -> impl Iterator<Item = (i64, f64)> {
        let at = |bound: i64| self.first_from(bound, width);
        let expired = self.expired(width, column, timespan);
        let kept = expired.map_or(0, |expired| at(expired.saturating_add(1)));
        let first = from.map_or(0, at).max(kept);
        let end = to.map_or(self.len(width), at);
        (first..end)
            .filter_map(move |row| Some((self.start(row, width)?, self.value(row, width, column)?)))
    }

    /// Drops windows that no column keeps any more. It looks only now and then, so that a window costs little.
    pub(crate) fn compact(&mut self, width: usize, timespan: Option<i64>) {
        if timespan.is_none() || self.len(width) < self.compact_at.max(SLACK) {
            return;
        }
        let expired: Vec<Option<i64>> = (0..width)
            .map(|column| self.expired(width, column, timespan))
            .collect();
        let needed = |row: &&[u64]| {
            let Some((start, values)) = row.split_first() else {
                return false;
            };
            let mut columns = values.iter().zip(&expired);
            columns.any(|(bits, expired)| {
                *bits != ABSENT && expired.is_none_or(|expired| *start as i64 > expired)
            })
        };
        let rows = self.cells.chunks_exact(width + 1);
        let kept = rows.clone().filter(needed).count();
        if kept < self.len(width) {
            let mut cells = Vec::with_capacity(kept * (width + 1));
            rows.filter(needed)
                .for_each(|row| cells.extend_from_slice(row));
            self.cells = cells;
        }
        self.compact_at = self.len(width) + (self.len(width) / 8).max(SLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: (Option<i64>, Option<i64>) = (None, None);

    fn column(rows: &Rows, column: usize, timespan: Option<i64>) -> Vec<(i64, f64)> {
        rows.column(2, column, timespan, ALL).collect()
    }

    #[test]
    fn values_are_set_in_any_order_and_read_ascending() {
        let mut rows = Rows::default();
        for start in [20, 10, 30, 10] {
            rows.set(start, 2, [(0, start as f64)].into_iter());
        }
        rows.set(20, 2, [(1, 7.0)].into_iter());
        assert_eq!(column(&rows, 0, None), [(10, 10.0), (20, 20.0), (30, 30.0)]);
        assert_eq!(column(&rows, 1, None), [(20, 7.0)]);
        let between: Vec<i64> = rows
            .column(2, 0, None, (Some(11), Some(30)))
            .map(|(start, _)| start)
            .collect();
        assert_eq!(between, [20]);
    }

    #[test]
    fn each_column_counts_from_its_own_newest_window() {
        let mut rows = Rows::default();
        for start in [10, 20, 30, 40] {
            rows.set(start, 2, [(0, 1.0)].into_iter());
        }
        rows.set(20, 2, [(1, 2.0)].into_iter());
        rows.set(10, 2, [(1, 2.0)].into_iter());
        assert_eq!(column(&rows, 0, Some(20)), [(30, 1.0), (40, 1.0)]);
        assert_eq!(column(&rows, 1, Some(20)), [(10, 2.0), (20, 2.0)]);
    }

    #[test]
    fn compaction_drops_what_no_column_returns_and_nothing_else() {
        let mut rows = Rows::default();
        rows.set(0, 2, [(1, 5.0)].into_iter());
        for start in 0..100 {
            rows.set(start, 2, [(0, 1.0)].into_iter());
        }
        let before = (column(&rows, 0, Some(3)), column(&rows, 1, Some(3)));
        rows.compact(2, Some(3));
        assert_eq!(rows.len(2), 4);
        assert_eq!(
            (column(&rows, 0, Some(3)), column(&rows, 1, Some(3))),
            before
        );
    }

    #[test]
    fn rows_stay_bounded_while_windows_come() {
        let mut rows = Rows::default();
        for start in 0..10_000 {
            rows.set(start, 1, [(0, 1.0)].into_iter());
            rows.compact(1, Some(100));
            assert!(rows.len(1) <= 117, "{}", rows.len(1));
        }
        assert_eq!(rows.column(1, 0, Some(100), ALL).count(), 100);
    }

    #[test]
    fn a_nan_is_a_value_whatever_its_bits() {
        let mut rows = Rows::default();
        rows.set(1, 2, [(0, f64::from_bits(ABSENT))].into_iter());
        assert!(column(&rows, 0, None)[0].1.is_nan());
        assert_eq!(column(&rows, 1, None), []);
    }

    #[test]
    fn only_fitting_parts_make_rows() {
        assert!(Rows::from_parts(&[1, 2], &[0.0; 4], 2).is_some());
        assert!(Rows::from_parts(&[1, 2], &[0.0; 3], 2).is_none());
        assert!(Rows::from_parts(&[2, 2], &[0.0; 4], 2).is_none());
        assert!(Rows::from_parts(&[2], &[], 0).is_none());
        let mut rows = Rows::from_parts(&[1, 2], &[5.0, 6.0], 1).unwrap();
        assert!(!rows.append(Rows::from_parts(&[2], &[0.0], 1).unwrap(), 1));
        assert!(rows.append(Rows::from_parts(&[3], &[7.0], 1).unwrap(), 1));
        assert_eq!(rows.parts(1), (vec![1, 2, 3], vec![5.0, 6.0, 7.0]));
    }
}
