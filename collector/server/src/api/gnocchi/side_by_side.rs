//! Series of one granularity side by side, for whatever is computed of them: at once, or, where a result depends on a
//! bounded time around it, piece by piece, so that a year of all of them is never in memory.

use collector_model::grid::{Common, Cut, Grid, Kept, Piece, Pieces};
use collector_model::{AggregatePoint, Granularity, MetricId};
use collector_storage::{ReadQuery, Store};
use serde_json::Value;

use super::aggregate_range::{Gaps, Range};
use super::bounds::{Bounds, too_large};
use super::error::ApiResult;
use super::slices::Slices;

/// The series.
pub(super) struct SideBySide<'s> {
    /// Where they are.
    pub(super) store: &'s dyn Store,
    /// Which they are.
    pub(super) queries: &'s [(MetricId, ReadQuery)],
    /// The length of their windows.
    pub(super) granularity: Granularity,
    /// What is done about gaps.
    pub(super) range: Range,
    /// What a refusal names.
    pub(super) references: &'s dyn Fn() -> Value,
}

impl SideBySide<'_> {
    /// Gives a grid after the other to `compute`, cut as it says where that is possible; it says how many points come out.
    /// In pieces only these are counted, else those that are read.
    pub(super) fn each(
        &self,
        cut: Option<Cut>,
        bounds: &mut Bounds,
        mut compute: impl FnMut(&Bounds, Piece) -> ApiResult<usize>,
    ) -> ApiResult<()> {
        let Some(cut) = cut.filter(|cut| self.is_bounded(cut, bounds)) else {
            let series = bounds.read_all(self.store, self.queries)?;
            let grid = self.grid(&series, bounds)?;
            return compute(bounds, Piece { grid, from: None }).map(drop);
        };
        let mut slices = self.slices(bounds);
        let series = slices.next(bounds)?.unwrap_or_default();
        if slices.is_done() {
            let grid = self.grid(&series, bounds)?;
            let count = compute(bounds, Piece { grid, from: None })?;
            return bounds.spend(count);
        }
        let mut read = Some(series);
        let mut kept = Kept::default();
        if let Gaps::Overlap(_) = self.range.gaps {
            kept = self.overlap(read.take(), slices, bounds)?;
            slices = self.slices(bounds);
        }
        let mut pieces = Pieces::new(cut);
        loop {
            let series = match read.take() {
                Some(series) => Some(series),
                None => slices.next(bounds)?,
            };
            let Some(series) = series else { break };
            let mut grid = self.slice(&series, bounds)?;
            drop(series);
            grid.trim(kept);
            if let Some(piece) = pieces.push(grid) {
                let count = compute(bounds, piece)?;
                bounds.spend(count)?;
            }
            if pieces.waiting() > bounds.cells() {
                let reason = "a window has too many points (max_aggregate_points)";
                return Err(too_large(reason));
            }
        }
        if let Some(piece) = pieces.finish() {
            let count = compute(bounds, piece)?;
            bounds.spend(count)?;
        }
        Ok(())
    }

    /// Whether pieces cut so are small, and their gaps can be filled.
    fn is_bounded(&self, cut: &Cut, bounds: &Bounds) -> bool {
        let is_small = match cut {
            Cut::Moments(before) => before.saturating_mul(self.queries.len()) <= bounds.points(),
            Cut::Windows(_) => true,
        };
        let fills = |gaps| match gaps {
            Gaps::Fill(fill) => fill.is_pointwise(),
            Gaps::Overlap(_) => true,
        };
        is_small && fills(self.range.gaps)
    }

    fn slices(&self, bounds: &Bounds) -> Slices<'_> {
        Slices::of(self.store, self.queries, self.granularity, bounds)
    }

    fn grid(&self, series: &[Vec<AggregatePoint>], bounds: &Bounds) -> ApiResult<Grid> {
        let granularity = self.granularity;
        self.range
            .grid(granularity, series, bounds, self.references)
    }

    fn slice(&self, series: &[Vec<AggregatePoint>], bounds: &Bounds) -> ApiResult<Grid> {
        self.range.slice(self.granularity, series, bounds)
    }

    /// Goes through all once, to see how much the series overlap.
    fn overlap(
        &self,
        mut read: Option<Vec<Vec<AggregatePoint>>>,
        mut slices: Slices<'_>,
        bounds: &Bounds,
    ) -> ApiResult<Kept> {
        let mut common = Common::default();
        while let Some(series) = read {
            common.add(&self.slice(&series, bounds)?);
            read = slices.next(bounds)?;
        }
        self.range.kept(common, self.references)
    }
}
