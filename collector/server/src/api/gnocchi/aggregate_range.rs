//! What the query string of an aggregate says: the stretch of time, the granularity, what stands for missing points and
//! how much the series must overlap where nothing does; and the bounds of one aggregate.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use collector_model::grid::{Fill, Grid, GridError, Overlap};
use collector_model::{AggregatePoint, Aggregation, Granularity, Timestamp};
use collector_storage::{ReadQuery, Store, StoreError};
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::query::Params;
use crate::api::{ApiConfig, Compatibility};

/// How the gaps of series are dealt with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gaps {
    /// Something stands in them.
    Fill(Fill),
    /// There may be only so few: percent of the moments that must be common.
    Overlap(f64),
}

/// The query string.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    /// First moment, rounded down to the granularity.
    pub(super) start: Option<Timestamp>,
    /// End, itself excluded.
    pub(super) stop: Option<Timestamp>,
    /// One granularity; `None` is all that the metrics have in common.
    pub(super) granularity: Option<Granularity>,
    /// What is done about missing points.
    pub(super) gaps: Gaps,
    /// Whose words refusals are in.
    pub(super) dialect: Compatibility,
}

impl Range {
    /// Reads it; `otherwise` is what is done where neither `fill` nor `needed_overlap` is said.
    pub(super) fn of(params: &Params, otherwise: Gaps, dialect: Compatibility) -> ApiResult<Self> {
        let needed = params.get("needed_overlap").map(|text| {
            let needed = text.trim().parse::<f64>();
            needed.map_err(|_| ApiError::argument("needed_overlap", "Must be a number"))
        });
        let needed = needed.transpose()?;
        let (start, stop) = (params.moment("start")?, params.moment("stop")?);
        let granularity = params.granularity("granularity")?;
        let fill = params.get("fill").map(|text| {
            text.parse().map_err(|_: collector_model::grid::FillError| {
                ApiError::argument("fill", dialect.fills())
            })
        });
        let gaps = match (fill.transpose()?, needed) {
            (Some(fill), _) => Gaps::Fill(fill),
            (None, Some(needed)) => Gaps::Overlap(needed),
            (None, None) => otherwise,
        };
        Ok(Self {
            start,
            stop,
            granularity,
            gaps,
            dialect,
        })
    }

    /// Whether what is missing or infinite in the result is left out.
    pub(super) fn drops(&self) -> bool {
        matches!(self.gaps, Gaps::Fill(fill) if fill.drops())
    }

    /// The query of one series.
    pub(super) fn query(&self, aggregation: Aggregation, granularity: Granularity) -> ReadQuery {
        ReadQuery {
            granularity: Some(granularity),
            aggregation,
            start: self.start,
            stop: self.stop,
        }
    }

    /// Series of one granularity side by side; `references` are what a refusal names.
    pub(super) fn grid(
        &self,
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        bounds: &Bounds,
        references: impl FnOnce() -> Value,
    ) -> ApiResult<Grid> {
        let grid = match self.gaps {
            Gaps::Fill(fill) => Grid::filled(granularity, series, fill, bounds.cells()),
            Gaps::Overlap(needed) => {
                let overlap = Overlap {
                    needed,
                    cut_start: self.start.is_none(),
                    cut_stop: self.stop.is_none(),
                };
                Grid::overlapping(granularity, series, overlap, bounds.cells())
            }
        };
        grid.map_err(|error| match error {
            GridError::TooLarge { .. } => too_large(&error.to_string()),
            GridError::NoOverlap | GridError::TooLittle { .. } => {
                unaggregable(self.dialect, &error.to_string(), references())
            }
        })
    }
}

/// How large one aggregate may be, and how much of that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    metrics: usize,
    points: usize,
    left: usize,
    timeout: Duration,
    end: Instant,
}

impl Bounds {
    /// Steps of a computation for each point that may be read.
    const STEPS_FOR_POINT: u64 = 200;
    /// Values of a grid for each point that may be read: series with few moments in common make a large one.
    const CELLS_FOR_POINT: usize = 10;

    /// Those that are configured.
    pub(super) fn of(config: &ApiConfig) -> Self {
        Self {
            metrics: usize::try_from(config.max_aggregate_metrics).unwrap_or(usize::MAX),
            points: config.max_aggregate_points,
            left: config.max_aggregate_points,
            timeout: config.query_timeout,
            end: Instant::now() + config.query_timeout,
        }
    }

    /// Most points.
    pub(super) fn points(&self) -> usize {
        self.points
    }

    /// When the time for the whole question is over.
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// Time that was not used for computing.
    pub(super) fn wait(&mut self, time: Duration) {
        self.end += time;
    }

    /// Whether the time for the whole question is over.
    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.end
    }

    /// The 503 for a question that took too long.
    pub(super) fn too_late(&self) -> ApiError {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "the query took longer than {} (query_timeout); ask for less",
                humantime::format_duration(self.timeout)
            ),
        )
    }

    /// Most steps of a computation.
    pub(super) fn steps(&self) -> u64 {
        let points = u64::try_from(self.points).unwrap_or(u64::MAX);
        points.saturating_mul(Self::STEPS_FOR_POINT)
    }

    /// Most values of a grid.
    fn cells(&self) -> usize {
        self.points.saturating_mul(Self::CELLS_FOR_POINT)
    }

    /// Most resources to ask the catalogue for: one more than are taken.
    pub(super) fn resources(&self) -> u32 {
        u32::try_from(self.metrics).map_or(u32::MAX, |most| most.saturating_add(1))
    }

    /// 400 for more metrics, or resources, than are taken.
    pub(super) fn check(&self, count: usize, of: &str) -> ApiResult<()> {
        if count <= self.metrics {
            return Ok(());
        }
        Err(too_large(&format!(
            "more than {} {of} (max_aggregate_metrics)",
            self.metrics
        )))
    }

    /// Reads one series; a metric that the store has not heard of has no points.
    pub(super) fn read(
        &mut self,
        store: &dyn Store,
        metric: uuid::Uuid,
        query: &ReadQuery,
    ) -> ApiResult<Vec<AggregatePoint>> {
        let points = self.read_first(store, metric, query, usize::MAX)?;
        self.spend(points.len())?;
        Ok(points)
    }

    /// Reads many series, in the order of the queries, as [`Bounds::read`] each.
    pub(super) fn read_all(
        &mut self,
        store: &dyn Store,
        queries: &[(uuid::Uuid, ReadQuery)],
    ) -> ApiResult<Vec<Vec<AggregatePoint>>> {
        let mut series = vec![Vec::new(); queries.len()];
        let clock = *self;
        let taken = clock.read_group(store, queries, usize::MAX, |index, points| {
            self.spend(points.len())?;
            if let Some(place) = series.get_mut(index) {
                *place = points;
            }
            Ok(())
        });
        taken.map(|()| series)
    }

    /// Reads the first so many points of many series, in an order of the store's own.
    pub(super) fn read_group(
        &self,
        store: &dyn Store,
        queries: &[(uuid::Uuid, ReadQuery)],
        most: usize,
        mut take: impl FnMut(usize, Vec<AggregatePoint>) -> ApiResult<()>,
    ) -> ApiResult<()> {
        let mut outcome = Ok(());
        store.read_group(queries, most, &mut |index, read| {
            outcome = match self.is_late() {
                true => Err(self.too_late()),
                false => known(read).and_then(|points| take(index, points)),
            };
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        outcome
    }

    /// Counts points; 400 where they are more than one answer may have.
    pub(super) fn spend(&mut self, points: usize) -> ApiResult<()> {
        let left = self.left.checked_sub(points);
        self.left = left.ok_or_else(|| self.too_many_points())?;
        Ok(())
    }

    /// Reads the first so many points of a series, however many may be read in all.
    pub(super) fn read_first(
        &self,
        store: &dyn Store,
        metric: uuid::Uuid,
        query: &ReadQuery,
        most: usize,
    ) -> ApiResult<Vec<AggregatePoint>> {
        if self.is_late() {
            return Err(self.too_late());
        }
        known(store.read_first(metric, query, most))
    }

    /// 400 where an answer would have more points than one may.
    pub(super) fn check_points(&self, count: usize) -> ApiResult<()> {
        if count <= self.points {
            return Ok(());
        }
        Err(self.too_many_points())
    }

    fn too_many_points(&self) -> ApiError {
        too_large(&format!(
            "more than {} points (max_aggregate_points); ask for a shorter time or one granularity",
            self.points
        ))
    }
}

/// What was read; a metric that the store has not heard of has no points.
fn known(read: Result<Vec<AggregatePoint>, StoreError>) -> ApiResult<Vec<AggregatePoint>> {
    match read {
        Err(StoreError::UnknownMetric(_)) => Ok(Vec::new()),
        read => Ok(read?),
    }
}

/// The 400 for an aggregate that is larger than is configured.
pub(super) fn too_large(reason: &str) -> ApiError {
    ApiError::bad_request(json!({"cause": "Aggregate is too large", "reason": reason}))
}

/// The 400 for series that cannot be put together.
pub(super) fn unaggregable(dialect: Compatibility, reason: &str, detail: Value) -> ApiError {
    ApiError::bad_request(
        json!({"cause": dialect.cannot_aggregate(), "reason": reason, "detail": detail}),
    )
}

#[cfg(test)]
#[path = "aggregate_range_tests.rs"]
mod tests;
