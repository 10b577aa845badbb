//! The computation of `/v1/aggregation`: the points of several metrics put together into one series, in longer windows
//! where that is asked for, piece by piece of time where that can be; those of one metric as they are.

use std::sync::Arc;

use collector_index::Metric;
use collector_model::grid::{Cut, Piece};
use collector_model::operations::{Method, aggregate, resample};
use collector_model::{Aggregation, Granularity, MetricId};
use collector_storage::{ReadQuery, Store};
use serde_json::{Value, json};

use super::aggregate_range::Range;
use super::aggregates_measures::points;
use super::bounds::Bounds;
use super::error::ApiResult;
use super::points::Point;
use super::resample::Sampling;
use super::series::Series;
use super::side_by_side::SideBySide;

/// What is put together.
pub(super) struct Work {
    /// The metrics.
    pub(super) metrics: Vec<Arc<Metric>>,
    /// Name of the aggregation of each.
    pub(super) aggregation: String,
    /// The aggregation of each.
    pub(super) methods: Vec<Aggregation>,
    /// How they are put together; `None` only for one metric, which is not.
    pub(super) method: Option<Method>,
    /// Longer windows.
    pub(super) sampling: Option<Sampling>,
    /// Of which time.
    pub(super) range: Range,
}

impl Work {
    /// The points of each of these granularities, and what is left of the bounds.
    pub(super) fn run(
        &self,
        store: &dyn Store,
        granularities: &[Granularity],
        mut bounds: Bounds,
    ) -> ApiResult<(Vec<Point>, Bounds)> {
        let mut out: Vec<Point> = Vec::new();
        for granularity in granularities {
            let queries = self.metrics.iter().zip(&self.methods);
            let queries: Vec<_> = queries
                .map(|(metric, method)| (metric.id, self.range.query(*method, *granularity)))
                .collect();
            match (self.method, queries.as_slice()) {
                (Some(method), [_, _, ..]) => {
                    let references = || self.references();
                    let side_by_side = SideBySide {
                        store,
                        queries: &queries,
                        granularity: *granularity,
                        range: self.range,
                        references: &references,
                    };
                    side_by_side.each(self.cut(method), &mut bounds, |_, piece| {
                        Ok(self.add(method, *granularity, piece, &mut out))
                    })?;
                }
                // One metric is not put together with anything.
                (_, queries) => {
                    for query in queries {
                        out.extend(self.alone(store, query, &mut bounds)?);
                    }
                }
            }
        }
        Ok((out, bounds))
    }

    fn alone(
        &self,
        store: &dyn Store,
        (metric, query): &(MetricId, ReadQuery),
        bounds: &mut Bounds,
    ) -> ApiResult<Vec<Point>> {
        let Some(sampling) = self.sampling else {
            let points = bounds.read(store, *metric, query)?;
            return Ok(points.into_iter().map(Point::from).collect());
        };
        let series = Series {
            store,
            metric: *metric,
        };
        let points = series.resampled(query, sampling, *bounds)?;
        bounds.spend(points.len())?;
        Ok(points)
    }

    /// How time may be cut into pieces; not where differences are looked at on both sides of putting points together.
    fn cut(&self, method: Method) -> Option<Cut> {
        match self.sampling {
            None => Some(Cut::Moments(usize::from(method.is_rate()))),
            Some(sampling) => {
                let is_rate = method.is_rate() || self.methods.iter().any(|method| method.rate);
                (!is_rate).then(|| Cut::Windows(Box::new(move |at| sampling.start(at))))
            }
        }
    }

    /// Adds the points of a piece; says how many.
    fn add(
        &self,
        method: Method,
        granularity: Granularity,
        piece: Piece,
        out: &mut Vec<Point>,
    ) -> usize {
        let mut grid = piece.grid;
        if let (Some(sampling), Some(aggregation)) = (self.sampling, self.methods.first()) {
            grid = resample(grid, *aggregation, |at| sampling.start(at));
        }
        let mut grid = aggregate(grid, method);
        if let Some(from) = piece.from {
            grid.drop_before(from);
        }
        let values = grid.columns.first().map(Vec::as_slice).unwrap_or_default();
        let shown = self.sampling.unwrap_or(Sampling::Fixed(granularity));
        let before = out.len();
        out.extend(points(&grid.timestamps, values, shown, self.range.drops()));
        out.len() - before
    }

    /// What a refusal names.
    fn references(&self) -> Value {
        let metrics = self.metrics.iter();
        metrics
            .map(|metric| json!([metric.id, self.aggregation]))
            .collect()
    }
}
