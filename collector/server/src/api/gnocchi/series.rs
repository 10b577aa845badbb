//! The points of one metric, read page after page and written while they are read: a year of minutes is never whole in
//! memory.

use collector_model::{AggregatePoint, MetricId, Timestamp};
use collector_storage::{ReadQuery, Store};

use super::bounds::{Bounds, too_large};
use super::computing::Answer;
use super::error::ApiResult;
use super::points::{Point, write_points};
use super::resample::{Resampler, Sampling, is_within, whole_files};

/// Points that are read at once: each takes 32 bytes.
const PAGE: usize = 10_000;
/// Points that are written at once.
const PIECE: usize = 1_000;

/// A metric to read.
pub(super) struct Series<'s> {
    /// Where it is.
    pub(super) store: &'s dyn Store,
    /// Its id.
    pub(super) metric: MetricId,
}

impl Series<'_> {
    /// Writes the points of queries of one granularity each, as one list. Where there are many they are counted first,
    /// so that a refusal comes before the answer.
    pub(super) fn write(&self, queries: &[ReadQuery], answer: &mut Answer) -> ApiResult<()> {
        let (mut count, mut kept) = (0, Vec::new());
        let bounds = |answer: &Answer| answer.bounds;
        self.pages(queries, answer, bounds, |points, answer| {
            count += points.len();
            answer.bounds.check_points(count)?;
            if count <= PAGE {
                kept.extend(points);
            }
            Ok(())
        })?;
        answer.text.push('[');
        if count <= PAGE {
            write_points(kept.into_iter().map(Point::from), true, &mut answer.text);
        } else {
            drop(kept);
            let mut first = true;
            self.pages(queries, answer, bounds, |points, answer| {
                for points in points.chunks(PIECE) {
                    let points = points.iter().copied().map(Point::from);
                    write_points(points, first, &mut answer.text);
                    first = false;
                    answer.pass_on()?;
                }
                Ok(())
            })?;
        }
        answer.text.push(']');
        Ok(())
    }

    /// Puts the points of a query of one granularity together into longer windows, of which one is in memory at a time.
    pub(super) fn resampled(
        &self,
        query: &ReadQuery,
        sampling: Sampling,
        mut bounds: Bounds,
    ) -> ApiResult<Vec<Point>> {
        let mut resampler = Resampler::new(sampling, query.aggregation);
        let mut found = Vec::new();
        let whole = [whole_files(*query)];
        self.pages(
            &whole,
            &mut bounds,
            |bounds| *bounds,
            |points, bounds| {
                for point in &points {
                    let whole = resampler.push(point);
                    found.extend(whole.filter(|point| is_within(point, query)));
                }
                if resampler.waiting() > bounds.points() {
                    let reason = "a window has too many points (max_aggregate_points)";
                    return Err(too_large(reason));
                }
                bounds.check_points(found.len())
            },
        )?;
        let last = resampler.finish();
        found.extend(last.filter(|point| is_within(point, query)));
        Ok(found)
    }

    /// Reads all points, page after page, within the bounds that the state has then.
    fn pages<S>(
        &self,
        queries: &[ReadQuery],
        state: &mut S,
        bounds: impl Fn(&S) -> Bounds,
        mut page: impl FnMut(Vec<AggregatePoint>, &mut S) -> ApiResult<()>,
    ) -> ApiResult<()> {
        for query in queries {
            let mut query = *query;
            loop {
                let points = bounds(state).read_first(self.store, self.metric, &query, PAGE)?;
                let last = points.last().filter(|_| points.len() >= PAGE);
                let next =
                    last.map(|last| last.timestamp.0.saturating_add(last.granularity.nanos()));
                page(points, state)?;
                match next {
                    Some(next) => query.start = Some(Timestamp(next)),
                    None => break,
                }
            }
        }
        Ok(())
    }
}
