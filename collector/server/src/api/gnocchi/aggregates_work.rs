//! The computation of an aggregate: points of its metrics side by side, what the operations make of them, and of which
//! metric that is. Where a value depends on a bounded time, that is gone through piece by piece.

use std::collections::BTreeMap;

use collector_model::grid::{Cut, Piece};
use collector_model::operations::{EvaluateError, Limits, Operation, Reach, Reference, evaluate};
use collector_model::{Aggregation, Granularity, window};
use collector_storage::{ReadQuery, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregate_range::{Range, unaggregable};
use super::aggregates_measures::{ByMetric, Measures, Selected, points};
use super::bounds::{Bounds, too_large};
use super::error::ApiResult;
use super::points::Point;
use super::resample::Sampling;
use super::side_by_side::SideBySide;

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

impl Work<'_> {
    /// Computes it for each of these granularities.
    pub(super) fn run(&mut self, granularities: &[Granularity]) -> ApiResult<Measures> {
        let references: Vec<Reference> = self
            .selected
            .iter()
            .map(|one| one.reference.clone())
            .collect();
        let mut found = Found::default();
        for granularity in granularities {
            let queries: Vec<_> = self.queries(*granularity).collect();
            let (this, mut bounds) = (&*self, self.bounds);
            let side_by_side = SideBySide {
                store: this.store,
                queries: &queries,
                granularity: *granularity,
                range: this.range,
                references: &|| this.references(),
            };
            side_by_side.each(this.cut(), &mut bounds, |bounds, piece| {
                this.add(bounds, piece, &references, &mut found)
            })?;
            self.bounds = bounds;
        }
        Ok(match found.aggregated {
            Some(points) => Measures::Aggregated(points),
            None if found.of_resources.is_empty() => Measures::OfMetrics(found.of_metrics),
            None => Measures::OfResources(found.of_resources),
        })
    }

    /// How time may be cut into pieces that are computed each by itself.
    fn cut(&self) -> Option<Cut> {
        Some(match self.operation.reach()? {
            Reach::Moments(before) => Cut::Moments(before),
            Reach::Windows(length) => Cut::Windows(Box::new(move |at| window::start(at, length))),
        })
    }

    fn queries(&self, granularity: Granularity) -> impl Iterator<Item = (Uuid, ReadQuery)> {
        let range = self.range;
        let pairs = self.selected.iter().zip(self.aggregations);
        pairs.map(move |(one, aggregation)| (one.metric.id, range.query(*aggregation, granularity)))
    }

    /// Computes the operations on a piece of time, and adds what comes out to what was found before; says how much.
    fn add(
        &self,
        bounds: &Bounds,
        piece: Piece,
        references: &[Reference],
        found: &mut Found,
    ) -> ApiResult<usize> {
        let clock = *bounds;
        let limits = Limits {
            steps: bounds.steps(),
            stop: move || clock.is_late(),
        };
        let evaluated = evaluate(self.operation, &piece.grid, references, &limits);
        let evaluated = evaluated.map_err(|error| match error {
            EvaluateError::TooMuchWork(_) => too_large(&format!("{error} (max_aggregate_points)")),
            EvaluateError::Stopped => bounds.too_late(),
            other => unaggregable(self.range.dialect, &other.to_string(), self.references()),
        })?;
        let mut grid = evaluated.grid;
        if let Some(from) = piece.from {
            grid.drop_before(from);
        }
        let (sampling, drops) = (Sampling::Fixed(grid.granularity), self.range.drops());
        let mut count = 0;
        let mut extend = |series: &mut Vec<Point>, column: &[f64]| {
            let before = series.len();
            series.extend(points(&grid.timestamps, column, sampling, drops));
            count += series.len() - before;
        };
        if evaluated.aggregated {
            let column = grid.columns.first().map(Vec::as_slice).unwrap_or_default();
            extend(found.aggregated.get_or_insert_default(), column);
            return Ok(count);
        }
        for (one, column) in self.selected.iter().zip(&grid.columns) {
            let metrics = match one.resource {
                Some(id) => found.of_resources.entry(id).or_default(),
                None => &mut found.of_metrics,
            };
            let series = metrics.entry(one.name()).or_default();
            let series = series.entry(one.reference.aggregation.clone()).or_default();
            extend(series, column);
        }
        Ok(count)
    }

    /// What a refusal names.
    fn references(&self) -> Value {
        let references = self.selected.iter().map(|one| &one.reference);
        references
            .map(|one| json!([one.name, one.aggregation]))
            .collect()
    }
}
