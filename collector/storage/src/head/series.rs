//! One metric: its newest measures (the raw tail, as long as the back window needs them) and the windows of each of
//! its archives. Folding a batch in and reading windows out; durability and locking are others' business.

use std::sync::Arc;

use collector_model::{Granularity, Measure, MetricId, Timestamp, window};
use smallvec::SmallVec;

use crate::head::part::Part;
use crate::head::plan::{LevelPlan, Plan};
use crate::head::rows::Rows;
use crate::rollup::{self, Scratch};
use crate::{ReadQuery, StoreError};

/// What became of measures that were folded in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How many came too late and were dropped; the first ones.
    pub(crate) late: usize,
    /// How many took the place of a known measure of their moment.
    pub(crate) replaced: usize,
}

/// A metric's state.
#[derive(Debug)]
pub(crate) struct Series {
    plan: Arc<Plan>,
    raw: Vec<Measure>,
    /// As many as the plan has archives, in its order. A single one is beside the rest of the metric in memory.
    levels: SmallVec<[Rows; 1]>,
    /// Whether segments may have windows of it.
    in_segments: bool,
}

impl Series {
    /// A metric without measures.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let levels = plan.levels().iter().map(|_| Rows::default()).collect();
        Self {
            plan,
            raw: Vec::new(),
            levels,
            in_segments: false,
        }
    }

    pub(crate) fn in_segments(&self) -> bool {
        self.in_segments
    }

    pub(crate) fn set_in_segments(&mut self) {
        self.in_segments = true;
    }

    /// The archives with the start of the first window that may still change, from which on windows stay in memory.
    pub(crate) fn open_windows(&self) -> impl Iterator<Item = (Granularity, i64)> {
        let bound = self.raw.last().map(|last| self.tail_start(last.timestamp));
        self.plan.levels().iter().map(move |level| {
            let open = bound.map_or(i64::MIN, |bound| window::start(bound, level.granularity).0);
            (level.granularity, open)
        })
    }

    pub(crate) fn levels_mut(&mut self) -> &mut [Rows] {
        &mut self.levels
    }

    /// Drops the windows that are in segments now.
    pub(crate) fn drop_flushed(&mut self) {
        let width = self.plan.width();
        self.levels
            .iter_mut()
            .for_each(|rows| rows.drop_flushed(width));
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn raw(&self) -> &[Measure] {
        &self.raw
    }

    pub(crate) fn levels(&self) -> &[Rows] {
        &self.levels
    }

    /// Takes on a plan that [`Plan::may_become`] allowed.
    pub(crate) fn set_plan(&mut self, plan: Arc<Plan>) {
        self.plan = plan;
    }

    /// Whether all windows that would be open again under a plan with a longer back window are in memory still: what
    /// segments have is not computed anew.
    pub(crate) fn may_reopen(&self, plan: &Plan) -> bool {
        let Some(last) = self.raw.last().map(|last| last.timestamp) else {
            return true;
        };
        if !self.in_segments || plan.raw_blocks() <= self.plan.raw_blocks() {
            return true;
        }
        let bound = window::back_window_start(last, plan.block(), plan.raw_blocks());
        let mut levels = plan.levels().iter().zip(&self.levels);
        levels.all(|(level, rows)| {
            let newest = window::start(last, level.granularity).0;
            let kept = level.timespan.map(|span| newest.saturating_sub(span));
            let open = window::start(bound, level.granularity).0;
            let open = open.max(kept.unwrap_or(i64::MIN));
            let first = rows.start(0, self.plan.width());
            first.is_some_and(|first| first <= open)
        })
    }

    /// Adds measures to the raw tail as they were kept; false if they do not follow.
    pub(crate) fn append_raw(&mut self, measures: impl IntoIterator<Item = Measure>) -> bool {
        measures.into_iter().all(|measure| {
            let follows = self
                .raw
                .last()
                .is_none_or(|last| last.timestamp < measure.timestamp);
            if follows {
                self.raw.push(measure);
            }
            follows
        })
    }

    /// Adds rows to an archive; false if they do not belong there.
    pub(crate) fn append_rows(&mut self, level: usize, rows: Rows) -> bool {
        let width = self.plan.width();
        self.levels
            .get_mut(level)
            .is_some_and(|level| level.append(rows, width))
    }

    /// Folds measures in, ascending and each timestamp once, as Gnocchi folds those of one run: what is older than
    /// the back window of the newest measure *known before* is dropped, a known timestamp gets the new value, then
    /// all windows from the first measure of the batch on are computed anew, and only then the raw tail is cut.
    pub(crate) fn fold(&mut self, batch: &[Measure], scratch: &mut Scratch) -> Taken {
        let Some(oldest) = batch.first().map(|measure| measure.timestamp) else {
            return Taken::default();
        };
        let late = match self.raw.last() {
            Some(last) => {
                let bound = self.tail_start(last.timestamp);
                batch.partition_point(|measure| measure.timestamp < bound)
            }
            None => 0,
        };
        let replaced = merge(&mut self.raw, batch.get(late..).unwrap_or_default());
        let from = self
            .raw
            .first()
            .map_or(oldest, |first| first.timestamp.max(oldest));
        for (level, rows) in self.plan.levels().iter().zip(&mut self.levels) {
            rollup::recompute(
                &self.plan,
                level.granularity,
                &self.raw,
                from,
                rows,
                scratch,
            );
            rows.compact(self.plan.width(), level.timespan);
        }
        self.truncate();
        Taken { late, replaced }
    }

    /// How many of these measures, which ascend, no archive would keep a window of.
    pub(crate) fn expired(&self, measures: &[Measure]) -> usize {
        let kept = self.raw.last().and_then(|newest| {
            let kept_from = |level: &LevelPlan| {
                let newest = window::start(newest.timestamp, level.granularity);
                Some(newest.0.saturating_sub(level.timespan?))
            };
            let levels = self.plan.levels().iter().map(kept_from);
            levels.collect::<Option<Vec<_>>>()?.into_iter().min()
        });
        kept.map_or(0, |kept| {
            measures.partition_point(|measure| measure.timestamp.0 <= kept)
        })
    }

    fn tail_start(&self, last: Timestamp) -> Timestamp {
        window::back_window_start(last, self.plan.block(), self.plan.raw_blocks())
    }

    fn truncate(&mut self) {
        let Some(last) = self.raw.last() else { return };
        let bound = self.tail_start(last.timestamp);
        if self
            .raw
            .first()
            .is_some_and(|first| first.timestamp < bound)
        {
            let expired = self
                .raw
                .partition_point(|measure| measure.timestamp < bound);
            self.raw.drain(..expired);
            // A long first batch shall not hold its memory for ever.
            if self.raw.capacity() > 64 && self.raw.len() < self.raw.capacity() / 4 {
                self.raw.shrink_to(self.raw.len() * 2);
            }
        }
    }

    /// Reads what the next fold will need and returns some of its bits: called for many metrics before they are
    /// folded, the processor fetches them from memory at the same time instead of one after the other.
    pub(crate) fn touch(&self) -> u64 {
        let raw = self.raw.last().map_or(0, |last| last.value.to_bits());
        self.levels
            .iter()
            .fold(raw, |bits, rows| bits ^ rows.touch(self.plan.width()))
    }

    /// What memory has to say to a query; `metric` is for the error's text.
    pub(crate) fn parts(
        &self,
        metric: MetricId,
        query: &ReadQuery,
        most: usize,
    ) -> Result<Vec<Part>, StoreError> {
        let aggregation = query.aggregation;
        let unknown = StoreError::UnknownAggregation {
            metric,
            aggregation,
        };
        let column = self.plan.column(aggregation).ok_or(unknown)?;
        let width = self.plan.width();
        let mut parts = Vec::new();
        for (level, rows) in self.plan.levels().iter().zip(&self.levels) {
            let granularity = level.granularity;
            if query
                .granularity
                .is_some_and(|wanted| wanted != granularity)
            {
                continue;
            }
            let from = query.start.map(|start| window::start(start, granularity).0);
            let to = query.stop.map(|stop| stop.0);
            parts.push(Part {
                granularity,
                range: (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)),
                column,
                timespan: level.timespan,
                points: rows
                    .column(width, column, level.timespan, (from, to))
                    .take(most)
                    .collect(),
                first: rows.start(0, width),
                newest: rows.newest(width, column),
            });
        }
        match query.granularity {
            Some(granularity) if parts.is_empty() => Err(StoreError::UnknownGranularity {
                metric,
                granularity,
            }),
            _ => Ok(parts),
        }
    }
}

/// Merges two ascending lists; where both have a timestamp the new value stays. Returns how often that was so.
fn merge(raw: &mut Vec<Measure>, new: &[Measure]) -> usize {
    let Some(first) = new.first() else { return 0 };
    // Nearly always everything new comes after everything known.
    if raw
        .last()
        .is_none_or(|last| last.timestamp < first.timestamp)
    {
        raw.extend_from_slice(new);
        return 0;
    }
    let overlap = raw.partition_point(|measure| measure.timestamp < first.timestamp);
    let mut known = raw.split_off(overlap).into_iter().peekable();
    let mut replaced = 0;
    for measure in new {
        while let Some(earlier) = known.next_if(|known| known.timestamp < measure.timestamp) {
            raw.push(earlier);
        }
        let same = known.next_if(|known| known.timestamp == measure.timestamp);
        replaced += usize::from(same.is_some());
        raw.push(*measure);
    }
    raw.extend(known);
    replaced
}

#[cfg(test)]
mod tests;
