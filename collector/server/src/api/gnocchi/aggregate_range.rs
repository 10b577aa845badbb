//! What the query string of an aggregate says: the stretch of time, the granularity, what stands for missing points and
//! how much the series must overlap where nothing does.

use collector_model::grid::{Common, Fill, Grid, GridError, Kept, Overlap};
use collector_model::{AggregatePoint, Aggregation, Granularity, Timestamp};
use collector_storage::ReadQuery;
use serde_json::{Value, json};

use super::bounds::{Bounds, too_large};
use super::error::{ApiError, ApiResult};
use super::query::Params;
use crate::api::Compatibility;

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
        references: &dyn Fn() -> Value,
    ) -> ApiResult<Grid> {
        let grid = match self.gaps {
            Gaps::Fill(fill) => Grid::filled(granularity, series, fill, bounds.cells()),
            Gaps::Overlap(needed) => {
                let overlap = self.overlap(needed);
                Grid::overlapping(granularity, series, overlap, bounds.cells())
            }
        };
        grid.map_err(|error| self.refuse(error, references))
    }

    /// A slice of time of such a grid, as it is before its overlap is looked at; only where the gaps can be filled
    /// without a look at other moments.
    pub(super) fn slice(
        &self,
        granularity: Granularity,
        series: &[Vec<AggregatePoint>],
        bounds: &Bounds,
    ) -> ApiResult<Grid> {
        let fill = match self.gaps {
            Gaps::Fill(fill) => Some(fill),
            Gaps::Overlap(_) => None,
        };
        let grid = Grid::aligned(granularity, series, fill, bounds.cells());
        grid.map_err(|error| self.refuse(error, &|| Value::Null))
    }

    /// What is left of a grid with that much in common; 400 where that is too little.
    pub(super) fn kept(&self, common: Common, references: &dyn Fn() -> Value) -> ApiResult<Kept> {
        match self.gaps {
            Gaps::Fill(_) => Ok(Kept::default()),
            Gaps::Overlap(needed) => {
                let kept = common.check(self.overlap(needed));
                kept.map_err(|error| self.refuse(error, references))
            }
        }
    }

    fn overlap(&self, needed: f64) -> Overlap {
        Overlap {
            needed,
            cut_start: self.start.is_none(),
            cut_stop: self.stop.is_none(),
        }
    }

    fn refuse(&self, error: GridError, references: &dyn Fn() -> Value) -> ApiError {
        match error {
            GridError::TooLarge { .. } => too_large(&format!("{error} (max_aggregate_points)")),
            GridError::NoOverlap | GridError::TooLittle { .. } => {
                unaggregable(self.dialect, &error.to_string(), references())
            }
        }
    }
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
