//! The computation of an aggregate: points of its metrics side by side, what the operations make of them, and of which
//! metric that is. Where a value depends on its own moment alone, time is gone through piece by piece.

use std::collections::BTreeMap;

use collector_model::operations::{EvaluateError, Limits, Operation, Reference, evaluate};
use collector_model::{AggregatePoint, Aggregation, Granularity};
use collector_storage::{ReadQuery, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregate_range::{Bounds, Gaps, Range, too_large, unaggregable};
use super::aggregates_measures::{ByMetric, Measures, Selected, points};
use super::error::ApiResult;
use super::points::Point;
use super::resample::Sampling;
use super::slices::Slices;

/// What has come out so far.
#[derive(Default)]
struct Found {
    aggregated: Option<Vec<Point>>,
    of_metrics: ByMetric,
    of_resources: BTreeMap<Uuid, ByMetric>,
}

/// The computation of one aggregate.
pub(super) struct Work<'w> {
    /// Where the points are.
    pub(super) store: &'w dyn Store,
    /// What it is made of.
    pub(super) selected: &'w [Selected],
    /// Of each its aggregation.
    pub(super) aggregations: &'w [Aggregation],
    /// What is computed.
    pub(super) operation: &'w Operation,
    /// Of which time.
    pub(super) range: Range,
    /// How large it may be.
    pub(super) bounds: Bounds,
}

impl<'w> Work<'w> {
    /// Computes it for each of these granularities.
    pub(super) fn run(&mut self, granularities: &[Granularity]) -> ApiResult<Measures> {
        let references: Vec<Reference> = self
            .selected
            .iter()
            .map(|one| one.reference.clone())
            .collect();
        let mut found = Found::default();
        for granularity in granularities {
            if self.is_pointwise() {
                let mut slices = self.slices(*granularity);
                while let Some(series) = slices.next(&self.bounds)? {
                    self.add(*granularity, &series, &references, &mut found)?;
                }
                continue;
            }
            let mut series = Vec::with_capacity(self.selected.len());
            let queries: Vec<_> = self.queries(*granularity).collect();
            for (metric, query) in queries {
                series.push(self.bounds.read(self.store, metric, &query)?);
            }
            self.add(*granularity, &series, &references, &mut found)?;
        }
        Ok(match found.aggregated {
            Some(points) => Measures::Aggregated(points),
            None if found.of_resources.is_empty() => Measures::OfMetrics(found.of_metrics),
            None => Measures::OfResources(found.of_resources),
        })
    }

    /// Whether a stretch of time may be computed piece by piece.
    fn is_pointwise(&self) -> bool {
        matches!(self.range.gaps, Gaps::Fill(fill) if fill.is_pointwise())
            && self.operation.is_pointwise()
    }

    fn queries(&self, granularity: Granularity) -> impl Iterator<Item = (Uuid, ReadQuery)> {
        let range = self.range;
        let pairs = self.selected.iter().zip(self.aggregations);
        pairs.map(move |(one, aggregation)| (one.metric.id, range.query(*aggregation, granularity)))
    }

    /// What may be computed piece by piece is also read so. Then only what comes out counts, not what is read.
    fn slices(&self, granularity: Granularity) -> Slices<'w> {
        let queries = self.queries(granularity);
        Slices::of(self.store, queries, granularity, &self.bounds)
    }

    /// Computes the operations on a stretch of time, and adds what comes out to what was found before.
    fn add(
        &mut self,
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        references: &[Reference],
        found: &mut Found,
    ) -> ApiResult<()> {
        let grid = self
            .range
            .grid(granularity, series, &self.bounds, || self.references())?;
        let evaluated = evaluate(self.operation, &grid, references, &self.limits());
        let evaluated = evaluated.map_err(|error| match error {
            EvaluateError::TooMuchWork(_) => too_large(&error.to_string()),
            EvaluateError::Stopped => self.bounds.too_late(),
            other => unaggregable(self.range.dialect, &other.to_string(), self.references()),
        })?;
        let grid = evaluated.grid;
        if self.is_pointwise() {
            self.bounds.spend(match evaluated.aggregated {
                true => grid.timestamps.len(),
                false => series.iter().map(Vec::len).sum(),
            })?;
        }
        let (sampling, drops) = (Sampling::Fixed(grid.granularity), self.range.drops());
        if evaluated.aggregated {
            let column = grid.columns.first().map(Vec::as_slice).unwrap_or_default();
            let points = points(&grid.timestamps, column, sampling, drops);
            found.aggregated.get_or_insert_default().extend(points);
            return Ok(());
        }
        for (one, column) in self.selected.iter().zip(&grid.columns) {
            let metrics = match one.resource {
                Some(id) => found.of_resources.entry(id).or_default(),
                None => &mut found.of_metrics,
            };
            let series = metrics.entry(one.name()).or_default();
            let series = series.entry(one.reference.aggregation.clone()).or_default();
            series.extend(points(&grid.timestamps, column, sampling, drops));
        }
        Ok(())
    }

    fn limits(&self) -> Limits<impl Fn() -> bool> {
        let bounds = self.bounds;
        Limits {
            steps: bounds.steps(),
            stop: move || bounds.is_late(),
        }
    }

    /// What a refusal names.
    fn references(&self) -> Value {
        let references = self.selected.iter().map(|one| &one.reference);
        references
            .map(|one| json!([one.name, one.aggregation]))
            .collect()
    }
}
