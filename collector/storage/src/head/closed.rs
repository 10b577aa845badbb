//! What happens to windows when they are closed, shard by shard: how many there are in memory, and their leaving it for
//! segments; and what is kept of deleted metrics as long as segments have windows of them.

use collector_model::MetricId;

use super::series::Series;
use super::{Cause, Head, SHARDS};

/// Metrics worked on under one lock of their shard: writers wait for so many, not for a shard's thousands.
const SLICE: usize = 256;

impl Head {
    fn ids(&self, index: usize) -> Vec<MetricId> {
        let shard = self.shard(index);
        shard.map_or_else(Vec::new, |shard| shard.metrics.keys().copied().collect())
    }

    /// Changes all metrics of a shard, a slice at a time.
    pub(crate) fn change_all(
        &self,
        index: usize,
        cause: Cause,
        mut change: impl FnMut(MetricId, &mut Series),
    ) {
        for slice in self.ids(index).chunks(SLICE) {
            let Some(mut shard) = self.shard_mut(index) else {
                break;
            };
            self.waits.begins(index, cause);
            for metric in slice {
                if let Some(series) = shard.metrics.get_mut(metric) {
                    change(*metric, series);
                }
            }
            drop(shard);
            self.waits.ends();
        }
    }

    /// Bytes of closed windows in memory, in the archives that have at least so many of them: one sum for each number.
    pub(crate) fn closed_bytes<const N: usize>(&self, least: [usize; N]) -> [u64; N] {
        let mut sums = [0; N];
        let mut add = |series: &Series| {
            let width = series.plan().width();
            for ((_, open), level) in series.open_windows().zip(series.levels()) {
                let closed = level.before(open, width).len();
                for (sum, least) in sums.iter_mut().zip(least) {
                    if closed >= least * (width + 1) {
                        *sum += 8 * closed as u64;
                    }
                }
            }
        };
        for index in 0..SHARDS {
            for slice in self.ids(index).chunks(SLICE) {
                if let Some(shard) = self.shard(index) {
                    let series = slice.iter().filter_map(|metric| shard.metrics.get(metric));
                    series.for_each(|series| add(series));
                }
            }
        }
        sums
    }

    /// Drops the windows that are in segments now.
    pub(crate) fn drop_flushed(&self) {
        for index in 0..SHARDS {
            self.change_all(index, Cause::Release, |_, series| series.drop_flushed());
        }
    }

    /// The last deletion that segments may not have seen, 0 if there is none.
    pub(crate) fn newest_tombstone(&self) -> u64 {
        let newest = |index| self.shard(index)?.tombstones.values().copied().max();
        (0..SHARDS).filter_map(newest).max().unwrap_or(0)
    }

    /// Forgets the deletions that all segments have seen.
    pub(crate) fn forget_tombstones(&self, seen: u64) -> usize {
        let mut left = 0;
        for index in 0..SHARDS {
            if let Some(mut shard) = self.shard_mut(index) {
                shard.tombstones.retain(|_, deleted| *deleted > seen);
                shard.tombstones.shrink_to_fit();
                left += shard.tombstones.len();
            }
        }
        left
    }
}
