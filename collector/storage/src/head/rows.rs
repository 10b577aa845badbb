//! The windows of one archive of one metric: a row per window with a value per aggregation method. Each method counts
//! its points from its own newest window, as in Gnocchi, where each method is a series of its own.

/// The bits of a cell without a value: a NaN that no arithmetic makes and that is never stored as a value.
pub(crate) const ABSENT: u64 = 0x7ff8_0000_4e53_4142;
/// Fewest rows over the limit before old ones are looked for.
const SLACK: usize = 16;

/// Windows in ascending order. How many columns a row has is the plan's to know and given to each call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    /// One row after the other: the start of the window, then the value of each column. In one piece, since a row is
    /// most often used as a whole and memory far away is what folding costs.
    cells: Vec<u64>,
    /// Number of rows at which old ones are dropped next.
    compact_at: u32,
    /// Rows that began before this when segments were last written are in them.
    flushed: i64,
}

impl Default for Rows {
    fn default() -> Self {
        Self::from_cells(Vec::new())
    }
}

impl Rows {
    /// Rows one after the other, whose starts ascend.
    pub(crate) fn from_cells(cells: Vec<u64>) -> Self {
        Self {
            cells,
            compact_at: 0,
            flushed: i64::MIN,
        }
    }

    pub(crate) fn cells(&self) -> &[u64] {
        &self.cells
    }

    /// The rows that begin before `bound`.
    pub(crate) fn before(&self, bound: i64, width: usize) -> &[u64] {
        let end = self.first_from(bound, width) * (width + 1);
        self.cells.get(..end).unwrap_or_default()
    }

    /// Notes that the rows before `bound` are being written to a segment.
    pub(crate) fn mark_flushed(&mut self, bound: i64) {
        self.flushed = bound;
    }

    /// Drops what [`Rows::mark_flushed`] noted.
    pub(crate) fn drop_flushed(&mut self, width: usize) {
        let end = self.first_from(self.flushed, width) * (width + 1);
        if end > 0 {
            self.cells.drain(..end);
            if self.cells.capacity() > self.cells.len() * 2 + 2 * (width + 1) {
                self.cells.shrink_to(self.cells.len() + 2 * (width + 1));
            }
            self.compact_at = 0;
        }
    }

    /// Drops rows that no column keeps, each counted from its newest value in later rows, or else here.
    pub(crate) fn expire(
        &mut self,
        width: usize,
        timespan: Option<i64>,
        later: impl Fn(usize) -> Option<i64>,
    ) {
        let Some(timespan) = timespan else { return };
        let expired = |column| {
            later(column)
                .or_else(|| self.newest(width, column))?
                .checked_sub(timespan)
        };
        let expired: Vec<Option<i64>> = (0..width).map(expired).collect();
        self.keep_needed(width, &expired);
    }

    /// Sets a row as it is, in place of one with the same start.
    pub(crate) fn put(&mut self, row: &[u64], width: usize) {
        if let Some((start, values)) = row.split_first() {
            for (to, from) in self.row(*start as i64, width).iter_mut().zip(values) {
                *to = *from;
            }
        }
    }

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
        Some(Self::from_cells(cells))
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

    /// The rows that [`Rows::mark_flushed`] did not note.
    pub(crate) fn unflushed(&self, width: usize) -> &[u64] {
        let begin = self.first_from(self.flushed, width) * (width + 1);
        self.cells.get(begin..).unwrap_or_default()
    }

    /// Bits of both ends of the newest row, for nothing but to have it in the cache.
    pub(crate) fn touch(&self, width: usize) -> u64 {
        let start = self.cells.len().checked_sub(width + 1);
        let start = start.and_then(|at| self.cells.get(at));
        start
            .zip(self.cells.last())
            .map_or(0, |(start, last)| start ^ last)
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
                if self.cells.capacity() - self.cells.len() < stride {
                    // A million metrics grow alike: memory in steps of a quarter, not by doubling.
                    let rows = (self.cells.len() / stride / 4).max(2);
                    self.cells.reserve_exact(rows * stride);
                }
                self.cells.extend(new_row);
                self.cells.len() - stride
            }
        };
        self.cells.get_mut(at + 1..at + stride).unwrap_or_default()
    }

    pub(crate) fn start(&self, row: usize, width: usize) -> Option<i64> {
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

    /// The newest window in which a column has a value.
    pub(crate) fn newest(&self, width: usize, column: usize) -> Option<i64> {
        let mut rows = (0..self.len(width)).rev();
        let newest = rows.find(|row| self.value(*row, width, column).is_some())?;
        self.start(newest, width)
    }

    /// The last moment that is no longer kept for a column.
    fn expired(&self, width: usize, column: usize, timespan: Option<i64>) -> Option<i64> {
        let timespan = timespan?;
        self.newest(width, column)?.checked_sub(timespan)
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
        if timespan.is_none() || self.len(width) < (self.compact_at as usize).max(SLACK) {
            return;
        }
        let expired: Vec<Option<i64>> = (0..width)
            .map(|column| self.expired(width, column, timespan))
            .collect();
        self.keep_needed(width, &expired);
        let next = self.len(width) + (self.len(width) / 8).max(SLACK);
        self.compact_at = u32::try_from(next).unwrap_or(u32::MAX);
    }

    /// Drops rows that have expired for every column that has a value in them.
    fn keep_needed(&mut self, width: usize, expired: &[Option<i64>]) {
        let needed = |row: &&[u64]| {
            let Some((start, values)) = row.split_first() else {
                return false;
            };
            let mut columns = values.iter().zip(expired);
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
    }
}

#[cfg(test)]
mod tests;
