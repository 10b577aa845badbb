//! What the query string of an aggregate says: the stretch of time, the granularity, what stands for missing points and
//! how much the series must overlap where nothing does; and the bounds of one aggregate.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use collector_model::grid::{Fill, Grid, GridError, Overlap};
use collector_model::{AggregatePoint, Aggregation, Granularity, Timestamp};
use collector_storage::{ReadQuery, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

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
        self.take(store.read(metric, query))
    }

    /// Reads many series, in the order of the queries, as [`Bounds::read`] each.
    pub(super) fn read_all(
        &mut self,
        store: &dyn Store,
        queries: &[(uuid::Uuid, ReadQuery)],
    ) -> ApiResult<Vec<Vec<AggregatePoint>>> {
        let mut series = vec![Vec::new(); queries.len()];
        let mut outcome = Ok(());
        store.read_group(queries, &mut |index, read| match self.take(read) {
            Ok(points) => {
                if let Some(place) = series.get_mut(index) {
                    *place = points;
                }
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        });
        outcome.map(|()| series)
    }

    /// Takes what was read from what is left.
    fn take(
        &mut self,
        read: Result<Vec<AggregatePoint>, StoreError>,
    ) -> ApiResult<Vec<AggregatePoint>> {
        if self.is_late() {
            return Err(self.too_late());
        }
        let points = match read {
            Err(StoreError::UnknownMetric(_)) => Vec::new(),
            read => read?,
        };
        let left = self.left.checked_sub(points.len());
        self.left = left.ok_or_else(|| {
            too_large(&format!(
                "more than {} points (max_aggregate_points); ask for a shorter time or one granularity",
                self.points
            ))
        })?;
        Ok(points)
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

/// Aggregates that are computed at once; each may take much memory and a whole core.
static RUNNING: Semaphore = Semaphore::const_new(4);

/// Runs what takes long or reads from disk beside the tasks that serve requests, when it is its turn. The work looks at
/// the time by itself, see [`Bounds::read`].
pub(super) async fn blocking<T: Send + 'static>(
    bounds: Bounds,
    work: impl FnOnce() -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    // Held by the work itself, which goes on where the client goes away. The semaphore is never closed.
    let turn = tokio::time::timeout_at(bounds.end.into(), RUNNING.acquire()).await;
    let turn = turn.map_err(|_| bounds.too_late())?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    let done = done.await;
    // The task is never cancelled; a panic in it has been reported by its hook.
    done.unwrap_or_else(|_| Err(ApiError::bare(StatusCode::INTERNAL_SERVER_ERROR)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(query: &str) -> Gaps {
        let otherwise = Gaps::Fill(Fill::Drop);
        let range = Range::of(&Params::of(query), otherwise, Compatibility::V4_4);
        range.unwrap().gaps
    }

    #[test]
    fn a_fill_goes_before_an_overlap_and_both_before_the_default() {
        assert_eq!(gaps(""), Gaps::Fill(Fill::Drop));
        assert_eq!(gaps("needed_overlap=50"), Gaps::Overlap(50.0));
        assert_eq!(
            gaps("needed_overlap=50&fill=-1.5"),
            Gaps::Fill(Fill::Number(-1.5))
        );
        assert_eq!(gaps("fill=full_bfill"), Gaps::Fill(Fill::FullBackward));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (query, name) in [
            ("needed_overlap=much", "needed_overlap"),
            ("start=early", "start"),
            ("stop=late", "stop"),
            ("granularity=fine", "granularity"),
            ("fill=water", "fill"),
        ] {
            let error = Range::of(
                &Params::of(query),
                Gaps::Overlap(100.0),
                Compatibility::V4_7,
            )
            .unwrap_err();
            assert_eq!(error.detail["detail"], name, "{query}");
        }
    }

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
