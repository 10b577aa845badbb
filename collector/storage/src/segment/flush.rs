//! The flush: at a checkpoint the closed windows of all metrics leave memory for new segments, one per granularity.
//! They are copied under a shard's lock and compressed outside; memory drops them when the manifest has them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use collector_model::MetricId;
use smallvec::SmallVec;

use super::writer::SegmentWriter;
use crate::StoreError;
use crate::codec::values::Effort;
use crate::file::Disk;
use crate::head::{Cause, Head};

/// Fewest closed windows of an archive that are worth a chunk, unless memory is short.
pub(crate) const WORTH_ROWS: usize = 8;
/// Closed windows of an archive that make a good chunk: nothing is gained by more of them in memory.
pub(crate) const GOOD_ROWS: usize = 256;

/// Segments in the making.
pub(crate) struct Flush<'a> {
    disk: &'a dyn Disk,
    store: &'a Path,
    ids: &'a AtomicU64,
    rows: usize,
    writers: BTreeMap<i64, SegmentWriter<'a>>,
    /// Copied windows of one shard: granularity, metric, place in `cells`, number of columns.
    taken: Vec<(i64, MetricId, std::ops::Range<usize>, usize)>,
    cells: Vec<u64>,
}

impl<'a> Flush<'a> {
    /// A flush of archives with at least `rows` closed windows; the files' numbers are taken from `ids`.
    pub(crate) fn new(
        disk: &'a dyn Disk,
        store: &'a Path,
        ids: &'a AtomicU64,
        rows: usize,
    ) -> Self {
        Self {
            disk,
            store,
            ids,
            rows,
            writers: BTreeMap::new(),
            taken: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Takes the closed windows of a shard.
    pub(crate) fn take(&mut self, head: &Head, index: usize) -> Result<(), StoreError> {
        let Some(seq) = head
            .shard(index)
            .map(|shard| shard.applied.max(head.done()))
        else {
            return Ok(());
        };
        self.taken.clear();
        self.cells.clear();
        let least = self.rows.max(1);
        // What is closed does not change, so that metrics may be taken at different moments; one that is deleted
        // meanwhile leaves a tombstone that is newer than `seq`.
        head.change_all(index, Cause::Flush, |metric, series| {
            let width = series.plan().width();
            let mut any = false;
            let open: SmallVec<[_; 4]> = series.open_windows().collect();
            for ((granularity, open), rows) in open.into_iter().zip(series.levels_mut()) {
                let closed = rows.before(open, width);
                let enough = closed.len() >= least * (width + 1);
                if enough {
                    let begin = self.cells.len();
                    self.cells.extend_from_slice(closed);
                    let place = begin..self.cells.len();
                    self.taken.push((granularity.nanos(), metric, place, width));
                    any = true;
                }
                // Also a mark that a failed flush left goes.
                rows.mark_flushed(if enough { open } else { i64::MIN });
            }
            if any {
                series.set_in_segments();
            }
        });
        self.taken
            .sort_unstable_by_key(|(granularity, metric, ..)| (*granularity, metric.as_u128()));
        for (granularity, metric, place, width) in &self.taken {
            let writer = match self.writers.entry(*granularity) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let id = self.ids.fetch_add(1, Ordering::Relaxed);
                    let writer = SegmentWriter::create(self.disk, self.store, id, *granularity)?;
                    entry.insert(writer)
                }
            };
            let cells = self.cells.get(place.clone()).unwrap_or_default();
            writer.add(seq, *metric, cells, *width, Effort::Fast)?;
        }
        Ok(())
    }

    /// Gives all files their names and returns their numbers.
    pub(crate) fn publish(self) -> Result<Vec<u64>, StoreError> {
        let mut ids = Vec::new();
        for writer in self.writers.into_values() {
            ids.extend(writer.publish()?);
        }
        Ok(ids)
    }
}
