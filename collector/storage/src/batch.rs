//! A batch in the order in which it is folded and logged: by metric, then by time, each timestamp once. Made from a
//! client's batch on the client's thread; what happens to it afterwards is the commit thread's business.

use std::ops::Range;

use collector_model::{Measure, MetricId, Timestamp};

use crate::{Batch, StoreError};

/// Most measures in one batch; bounds the memory and the time that one call can take of all others.
pub const MAX_BATCH_MEASURES: usize = 1_000_000;

/// Measures of many metrics: ascending by metric, each metric once; ascending by timestamp, each timestamp once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SortedBatch {
    /// Metrics with the end of their measures; the beginning is the end of the metric before.
    ends: Vec<(MetricId, usize)>,
    measures: Vec<Measure>,
    /// How many measures the client sent.
    received: usize,
    /// The latest moment of all measures.
    newest: Option<Timestamp>,
}

impl SortedBatch {
    /// Sorts and checks a client's batch. Of measures of one metric with one timestamp the smallest value stays (NaN
    /// counts as the largest): that is what Gnocchi makes of them.
    ///
    /// # Errors
    /// [`StoreError::BatchTooLarge`], [`StoreError::BeforeEpoch`].
    pub fn new(mut batch: Batch) -> Result<Self, StoreError> {
        batch.sort_by_key(|(metric, _)| metric.as_u128());
        let received = batch.iter().map(|(_, measures)| measures.len()).sum();
        let groups = batch
            .iter()
            .map(|(metric, measures)| (*metric, measures.as_slice()));
        Self::collect(groups, batch.len(), received)
    }

    /// The same of metrics whose measures are stretches of one list, without memory of its own for each; a stretch
    /// beyond the list's end is empty.
    ///
    /// # Errors
    /// [`StoreError::BatchTooLarge`], [`StoreError::BeforeEpoch`].
    pub fn of_stretches(
        mut stretches: Vec<(MetricId, Range<usize>)>,
        measures: &[Measure],
    ) -> Result<Self, StoreError> {
        stretches.sort_by_key(|(metric, _)| metric.as_u128());
        let received = stretches.iter().map(|(_, stretch)| stretch.len()).sum();
        let groups = stretches
            .iter()
            .map(|(metric, stretch)| (*metric, measures.get(stretch.clone()).unwrap_or_default()));
        Self::collect(groups, stretches.len(), received)
    }

    /// Of groups that ascend by metric.
    fn collect<'m>(
        groups: impl Iterator<Item = (MetricId, &'m [Measure])>,
        metrics: usize,
        received: usize,
    ) -> Result<Self, StoreError> {
        if received > MAX_BATCH_MEASURES {
            return Err(StoreError::BatchTooLarge {
                measures: received,
                limit: MAX_BATCH_MEASURES,
            });
        }
        let mut sorted = Self::with_capacity(metrics, received);
        sorted.received = received;
        let mut groups = groups.peekable();
        while let Some((metric, measures)) = groups.next() {
            let start = sorted.measures.len();
            sorted.measures.extend_from_slice(measures);
            while let Some((_, more)) = groups.next_if(|(next, _)| *next == metric) {
                sorted.measures.extend_from_slice(more);
            }
            sorted.sort_from(start);
            let first = sorted.measures.get(start);
            if first.is_some_and(|first| first.timestamp < Timestamp(0)) {
                return Err(StoreError::BeforeEpoch(metric));
            }
            sorted.end(metric);
        }
        Ok(sorted)
    }

    /// Sorts the last measures by time and leaves the smallest value of each timestamp.
    fn sort_from(&mut self, start: usize) {
        let last = self.measures.get(start..).unwrap_or_default();
        if last.is_sorted_by(|a, b| a.timestamp < b.timestamp) {
            return;
        }
        let mut last = self.measures.split_off(start);
        last.sort_by(|a, b| {
            let values = || {
                a.value
                    .partial_cmp(&b.value)
                    .unwrap_or_else(|| a.value.is_nan().cmp(&b.value.is_nan()))
            };
            a.timestamp.cmp(&b.timestamp).then_with(values)
        });
        last.dedup_by_key(|measure| measure.timestamp);
        self.measures.append(&mut last);
    }

    pub(crate) fn with_capacity(metrics: usize, measures: usize) -> Self {
        Self {
            ends: Vec::with_capacity(metrics),
            measures: Vec::with_capacity(measures),
            received: 0,
            newest: None,
        }
    }

    /// Adds a measure to the metric that [`SortedBatch::end`] will name. The caller keeps the order.
    pub(crate) fn push(&mut self, measure: Measure) {
        self.measures.push(measure);
    }

    /// Ends a metric's measures; one without any is left out.
    pub(crate) fn end(&mut self, metric: MetricId) {
        if self.ends.last().map_or(0, |(_, end)| *end) < self.measures.len() {
            self.ends.push((metric, self.measures.len()));
            let last = self.measures.last().map(|measure| measure.timestamp);
            self.newest = self.newest.max(last);
        }
    }

    /// How many measures the client sent; of one read from the log, how many there are.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received.max(self.measures.len())
    }

    /// The latest moment of all measures; none of an empty batch.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    pub(crate) fn len(&self) -> usize {
        self.measures.len()
    }

    /// Whether there is no measure in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    /// The metrics, ascending.
    pub fn metrics(&self) -> impl ExactSizeIterator<Item = MetricId> {
        self.ends.iter().map(|(metric, _)| *metric)
    }

    /// Metrics with their measures, in order.
    pub fn iter(&self) -> impl Iterator<Item = (MetricId, &[Measure])> {
        let mut start = 0;
        self.ends.iter().map(move |(metric, end)| {
            let measures = self.measures.get(start..*end).unwrap_or_default();
            start = *end;
            (*metric, measures)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(points: &[(i64, f64)]) -> Vec<Measure> {
        points
            .iter()
            .map(|(at, value)| Measure::new(Timestamp(*at), *value))
            .collect()
    }

    #[test]
    fn a_batch_is_sorted_by_metric_and_time_and_merges_what_belongs_together() {
        let (a, b) = (MetricId::from_u128(1), MetricId::from_u128(2));
        let batch = vec![
            (b, measures(&[(5, 1.0), (3, 2.0)])),
            (a, measures(&[(9, 3.0)])),
            (b, measures(&[(4, 4.0)])),
        ];
        let sorted = SortedBatch::new(batch).unwrap();
        let groups: Vec<(MetricId, Vec<Measure>)> = sorted
            .iter()
            .map(|(metric, points)| (metric, points.to_vec()))
            .collect();
        assert_eq!(
            groups,
            [
                (a, measures(&[(9, 3.0)])),
                (b, measures(&[(3, 2.0), (4, 4.0), (5, 1.0)]))
            ]
        );
        assert_eq!((sorted.len(), sorted.received()), (4, 4));
        assert_eq!(sorted.newest(), Some(Timestamp(9)));
        let list = measures(&[(5, 1.0), (3, 2.0), (9, 3.0), (4, 4.0)]);
        let stretches = vec![(b, 0..2), (a, 2..3), (b, 3..4), (a, 4..9)];
        let same = SortedBatch::of_stretches(stretches, &list).unwrap();
        assert!(same.iter().eq(sorted.iter()));
    }

    #[test]
    fn of_one_timestamp_the_smallest_value_stays() {
        let batch = vec![(
            MetricId::nil(),
            measures(&[(5, f64::NAN), (5, 3.0), (5, 1.0), (4, f64::NAN)]),
        )];
        let sorted = SortedBatch::new(batch).unwrap();
        let points: Vec<(i64, String)> = sorted
            .iter()
            .flat_map(|(_, points)| points)
            .map(|point| (point.timestamp.0, point.value.to_string()))
            .collect();
        assert_eq!(points, [(4, "NaN".to_owned()), (5, "1".to_owned())]);
        assert_eq!((sorted.len(), sorted.received()), (2, 4));
    }

    #[test]
    fn a_metric_without_measures_is_left_out() {
        let sorted = SortedBatch::new(vec![(MetricId::nil(), Vec::new())]).unwrap();
        assert!(sorted.is_empty());
        assert_eq!((sorted.metrics().len(), sorted.newest()), (0, None));
    }

    #[test]
    fn measures_before_the_epoch_and_too_many_at_once_are_refused() {
        let early = SortedBatch::new(vec![(MetricId::nil(), measures(&[(5, 1.0), (-1, 1.0)]))]);
        assert!(matches!(early, Err(StoreError::BeforeEpoch(metric)) if metric == MetricId::nil()));
        let many = vec![(
            MetricId::nil(),
            measures(&[(1, 1.0)]).repeat(MAX_BATCH_MEASURES + 1),
        )];
        let error = SortedBatch::new(many).unwrap_err().to_string();
        assert_eq!(
            error,
            "batch of 1000001 measures: at most 1000000 are taken at once"
        );
    }
}
