//! Series of many metrics read side by side, a slice of time after the other, so that a year of all of them is never in
//! memory at once. Every point of a slice comes before every one of the next.

use collector_model::{AggregatePoint, Granularity, MetricId, Timestamp};
use collector_storage::{ReadQuery, Store};

use super::bounds::Bounds;
use super::error::ApiResult;

/// Points of one series that are read at once, at least: a smaller part costs the store as much.
const LEAST: usize = 100;

/// What is left of the series.
pub(super) struct Slices<'s> {
    store: &'s dyn Store,
    series: Vec<Rest>,
    granularity: Granularity,
    /// Points of a series that are read at once.
    most: usize,
    done: bool,
}

/// What is left of one series.
struct Rest {
    metric: MetricId,
    /// What is not read yet; nothing where all is.
    query: Option<ReadQuery>,
    /// What is read and in no slice yet.
    points: Vec<AggregatePoint>,
}

impl<'s> Slices<'s> {
    /// Of series of that granularity, each by its query; a slice has about as many points as one aggregate may.
    pub(super) fn of(
        store: &'s dyn Store,
        queries: &[(MetricId, ReadQuery)],
        granularity: Granularity,
        bounds: &Bounds,
    ) -> Self {
        let series: Vec<Rest> = queries
            .iter()
            .map(|(metric, query)| Rest {
                metric: *metric,
                query: Some(*query),
                points: Vec::new(),
            })
            .collect();
        let most = (bounds.points() / series.len().max(1)).max(LEAST);
        Self {
            store,
            series,
            granularity,
            most,
            done: false,
        }
    }

    /// Whether there is no further slice.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// The points of the next slice, of each series its own; there is always a first one.
    pub(super) fn next(&mut self, bounds: &Bounds) -> ApiResult<Option<Vec<Vec<AggregatePoint>>>> {
        if self.done {
            return Ok(None);
        }
        self.fill(bounds)?;
        let unread = self.series.iter().filter(|rest| rest.query.is_some());
        let known_to = unread
            .filter_map(|rest| rest.points.last())
            .map(|last| last.timestamp);
        let end = known_to.min();
        self.done = end.is_none();
        let slice = self.series.iter_mut().map(|rest| rest.take(end));
        Ok(Some(slice.collect()))
    }

    /// Reads on where all that was read is in slices, all of these series at once.
    fn fill(&mut self, bounds: &Bounds) -> ApiResult<()> {
        let is_used = |rest: &&mut Rest| rest.points.is_empty() && rest.query.is_some();
        let mut used: Vec<&mut Rest> = self.series.iter_mut().filter(is_used).collect();
        let queries = used
            .iter()
            .filter_map(|rest| Some((rest.metric, rest.query?)));
        let queries: Vec<(MetricId, ReadQuery)> = queries.collect();
        let (most, granularity) = (self.most, self.granularity);
        bounds.read_group(self.store, &queries, most, |index, points| {
            if let Some(rest) = used.get_mut(index) {
                rest.add(points, most, granularity);
            }
            Ok(())
        })
    }
}

impl Rest {
    /// Takes what was read; where it is as much as was asked for there may be more behind it.
    fn add(&mut self, points: Vec<AggregatePoint>, most: usize, granularity: Granularity) {
        self.points = points;
        match (self.points.last(), self.query.as_mut()) {
            (Some(last), Some(query)) if self.points.len() >= most => {
                let next = last.timestamp.0.saturating_add(granularity.nanos());
                query.start = Some(Timestamp(next));
            }
            _ => self.query = None,
        }
    }

    /// The points up to that moment, or all.
    fn take(&mut self, end: Option<Timestamp>) -> Vec<AggregatePoint> {
        let Some(end) = end else {
            return std::mem::take(&mut self.points);
        };
        let count = self.points.partition_point(|point| point.timestamp <= end);
        let later = self.points.split_off(count);
        std::mem::replace(&mut self.points, later)
    }
}

#[cfg(test)]
#[path = "slices_tests.rs"]
mod tests;
