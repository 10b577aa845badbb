//! A copy of one shard as it is at one moment, in a few pieces of memory that are used again for the next one: what a
//! snapshot is made of while writes go on. Writers wait for the copying alone.

use std::ops::Range;
use std::sync::Arc;

use collector_model::{Measure, MetricId};

use super::plan::Plan;
use super::{Cause, Head};

/// The copy.
#[derive(Default)]
pub(crate) struct ShardCopy {
    applied: u64,
    series: Vec<Copied>,
    plans: Vec<Arc<Plan>>,
    raw: Vec<Measure>,
    cells: Vec<u64>,
    /// Where in `cells` each archive of each metric ends.
    ends: Vec<usize>,
    tombstones: Vec<(MetricId, u64)>,
}

struct Copied {
    metric: MetricId,
    plan: usize,
    in_segments: bool,
    raw: Range<usize>,
    levels: Range<usize>,
}

/// One metric in a copy.
pub(crate) struct SeriesCopy<'a> {
    pub(crate) metric: MetricId,
    pub(crate) plan: &'a Arc<Plan>,
    pub(crate) in_segments: bool,
    pub(crate) raw: &'a [Measure],
    cells: &'a [u64],
    /// Where the archive before the first one ends, then the ends of all.
    begin: usize,
    ends: &'a [usize],
}

impl<'a> SeriesCopy<'a> {
    /// Windows of each archive, as `Rows::cells` has them.
    pub(crate) fn levels(&self) -> impl Iterator<Item = &'a [u64]> {
        let (cells, mut begin) = (self.cells, self.begin);
        self.ends.iter().map(move |end| {
            let level = cells.get(begin..*end).unwrap_or_default();
            begin = *end;
            level
        })
    }
}

impl ShardCopy {
    /// Takes a shard, on wish without the windows that are being written to segments; nothing of one beyond the last.
    pub(crate) fn take(&mut self, head: &Head, index: usize, unflushed: bool) {
        self.series.clear();
        self.raw.clear();
        self.cells.clear();
        self.ends.clear();
        self.tombstones.clear();
        let Some(shard) = head.shard(index) else {
            return;
        };
        head.waits.begins(index, Cause::Snapshot);
        self.applied = shard.applied;
        for (metric, series) in &shard.metrics {
            let plan = series.plan();
            // Nearly always the same as the last one's.
            let known = self
                .plans
                .iter()
                .rposition(|known| Arc::ptr_eq(known, plan));
            let plan_index = known.unwrap_or_else(|| {
                self.plans.push(Arc::clone(plan));
                self.plans.len() - 1
            });
            let (raw_begin, levels_begin) = (self.raw.len(), self.ends.len());
            self.raw.extend_from_slice(series.raw());
            for rows in series.levels() {
                self.cells.extend_from_slice(match unflushed {
                    true => rows.unflushed(plan.width()),
                    false => rows.cells(),
                });
                self.ends.push(self.cells.len());
            }
            self.series.push(Copied {
                metric: *metric,
                plan: plan_index,
                in_segments: series.in_segments(),
                raw: raw_begin..self.raw.len(),
                levels: levels_begin..self.ends.len(),
            });
        }
        self.tombstones
            .extend(shard.tombstones.iter().map(|(metric, seq)| (*metric, *seq)));
        drop(shard);
        head.waits.ends();
    }

    /// Sequence number of the last log entry folded here.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    /// Number of metrics.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Deleted metrics, with the log entry that deleted them.
    pub(crate) fn tombstones(&self) -> impl Iterator<Item = (MetricId, u64)> {
        self.tombstones.iter().copied()
    }

    /// All metrics.
    pub(crate) fn series(&self) -> impl Iterator<Item = SeriesCopy<'_>> {
        self.series.iter().filter_map(|copied| {
            let before = copied.levels.start.checked_sub(1);
            Some(SeriesCopy {
                metric: copied.metric,
                plan: self.plans.get(copied.plan)?,
                in_segments: copied.in_segments,
                raw: self.raw.get(copied.raw.clone()).unwrap_or_default(),
                cells: &self.cells,
                begin: before
                    .and_then(|at| self.ends.get(at))
                    .copied()
                    .unwrap_or(0),
                ends: self.ends.get(copied.levels.clone()).unwrap_or_default(),
            })
        })
    }
}
