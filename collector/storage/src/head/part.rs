//! What memory has of one archive of a metric in answer to a query, to be joined with what segments have.

use collector_model::{AggregatePoint, Granularity, Timestamp};

/// What one archive in memory has to say to a query; the older windows are in segments.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) granularity: Granularity,
    /// First start and end asked for.
    pub(crate) range: (i64, i64),
    /// Column of the aggregation.
    pub(crate) column: usize,
    pub(super) timespan: Option<i64>,
    /// Windows in memory.
    pub(super) points: Vec<(i64, f64)>,
    /// Start of the first window in memory.
    pub(super) first: Option<i64>,
    /// Start of the newest window in memory that has a value.
    pub(crate) newest: Option<i64>,
}

impl Part {
    /// Whether points expire, so that the newest window matters.
    pub(crate) fn expires(&self) -> bool {
        self.timespan.is_some()
    }

    /// The range that segments are asked for, given the newest window anywhere; `None` if memory has all of it.
    pub(crate) fn older(&self, newest: Option<i64>) -> Option<(i64, i64)> {
        let (from, to) = self.range;
        let expired = newest
            .zip(self.timespan)
            .map(|(newest, timespan)| newest.saturating_sub(timespan).saturating_add(1));
        let from = expired.map_or(from, |kept| kept.max(from));
        let to = self.first.map_or(to, |first| first.min(to));
        (from < to).then_some((from, to))
    }

    /// Appends points up to so many in all, given those of segments and the newest window anywhere.
    pub(crate) fn finish(
        self,
        older: Vec<(i64, f64)>,
        newest: Option<i64>,
        most: usize,
        out: &mut Vec<AggregatePoint>,
    ) {
        let expired = newest
            .zip(self.timespan)
            .and_then(|(newest, timespan)| newest.checked_sub(timespan));
        let most = most.saturating_sub(out.len());
        out.reserve((older.len() + self.points.len()).min(most));
        let kept = older
            .into_iter()
            .chain(self.points)
            .filter(|(start, _)| expired.is_none_or(|expired| *start > expired))
            .take(most);
        out.extend(kept.map(|(start, value)| AggregatePoint {
            timestamp: Timestamp(start),
            granularity: self.granularity,
            value,
        }));
    }
}
