//! The bounds of one question for measures: how many metrics and points it may be about, how long it may take, and how
//! much of that is used. Every read of the store for an answer goes through here.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use collector_model::AggregatePoint;
use collector_storage::{ReadQuery, Store, StoreError};
use serde_json::json;

use super::error::{ApiError, ApiResult};
use crate::api::ApiConfig;

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

    /// 503 where the time for the whole question is over.
    pub(super) fn check_time(&self) -> ApiResult<()> {
        match self.is_late() {
            true => Err(self.too_late()),
            false => Ok(()),
        }
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
    pub(super) fn cells(&self) -> usize {
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
        // One more than may be read tells that there are too many.
        let most = self.left.saturating_add(1);
        let points = self.read_first(store, metric, query, most)?;
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
        let most = self.left.saturating_add(1);
        let taken = clock.read_group(store, queries, most, |index, points| {
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
            let points = self.check_time().and_then(|()| known(read));
            outcome = points.and_then(|points| take(index, points));
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
        self.check_time()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_metrics_than_are_configured_are_refused() {
        let config = ApiConfig {
            max_aggregate_metrics: 2,
            ..ApiConfig::default()
        };
        let bounds = Bounds::of(&config);
        assert_eq!(bounds.check(2, "metrics"), Ok(()));
        let error = bounds.check(3, "metrics").unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            error.detail["reason"],
            "more than 2 metrics (max_aggregate_metrics)"
        );
    }
}
