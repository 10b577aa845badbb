//! The compaction thread: drops segments that have expired, then merges what has become many. It works beside the
//! commit thread and holds no lock that a write waits for longer than it takes to look one metric up.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::Shared;
use crate::StoreError;
use crate::segment::compact::{self, Merged};
use crate::segment::reader::Segment;
use crate::segment::segment_path;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Deletions that segments have not seen, as a share of all metrics, from which on segments are written anew.
const TOMBSTONES_SHARE: usize = 8;
const TOMBSTONES_LEAST: usize = 10_000;

/// Priority of the thread, as of `nice`: on a busy machine it still gets a third of what others get, so that segments do
/// not pile up.
const COMPACTION_NICE: i32 = 5;

/// What the thread waits for.
#[derive(Debug, Default)]
pub(super) struct Signal {
    wanted: Mutex<bool>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Signal {
    /// Asks for a look at the segments.
    pub(super) fn ask(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Ends the thread, also in the middle of a merge.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.ask();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits until asked; false when there is nothing more to do.
    fn wait(&self) -> bool {
        let mut wanted = self.lock();
        while !*wanted {
            wanted = self
                .changed
                .wait(wanted)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *wanted = false;
        !self.is_closed()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Up to which newest window a segment was looked at, so that it is not read again before more can have expired.
type Checked = HashMap<u64, i64>;

impl Shared {
    /// Works until the store closes.
    pub(super) fn compact_segments(&self) {
        // Merging is never urgent: writers and readers go first. Linux takes this for the calling thread alone.
        if let Err(error) = rustix::process::setpriority_process(None, COMPACTION_NICE) {
            tracing::debug!(%error, "compaction runs with the priority of all others");
        }
        let mut checked = Checked::new();
        while self.compactions.wait() {
            loop {
                match self.compact_once(&mut checked) {
                    Ok(true) => {}
                    Ok(false) | Err(StoreError::Closed) => break,
                    Err(error) => {
                        self.counters.compaction(None);
                        tracing::error!(%error, "compaction failed, the segments stay as they are");
                        break;
                    }
                }
            }
        }
    }

    /// Does the most useful thing there is; false if there is none.
    fn compact_once(&self, checked: &mut Checked) -> Result<bool, StoreError> {
        if self.compactions.is_closed() {
            return Err(StoreError::Closed);
        }
        let list = self.live.segments.list();
        checked.retain(|id, _| list.iter().any(|segment| segment.id == *id));
        let mut granularities: Vec<i64> = list
            .iter()
            .map(|segment| segment.meta.granularity)
            .collect();
        granularities.sort_unstable();
        granularities.dedup();
        let with_deleted = self.segment_with_deleted(&list);
        for granularity in granularities {
            let of_granularity: Vec<Arc<Segment>> = list
                .iter()
                .filter(|segment| segment.meta.granularity == granularity)
                .map(Arc::clone)
                .collect();
            if let Some(segment) = self.expired(granularity, &of_granularity, checked) {
                let merged = self.merge(std::slice::from_ref(&segment), |rows| {
                    // A file with most of its windows still needed stays as it is.
                    rows.1 * 4 <= rows.0 * 3
                })?;
                if let Some(id) = merged.and_then(|merged| merged.id) {
                    let looked_at = checked.get(&segment.id).copied();
                    checked.extend(looked_at.map(|newest| (id, newest)));
                }
                return Ok(true);
            }
            if let Some(stretch) = compact::choose(&of_granularity) {
                let inputs = of_granularity.get(stretch).unwrap_or_default();
                self.merge(inputs, |_| true)?;
                return Ok(true);
            }
        }
        match with_deleted {
            Some(segment) => {
                self.merge(std::slice::from_ref(&segment), |_| true)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// A segment in which everything that the shortest policy keeps has expired.
    fn expired(
        &self,
        granularity: i64,
        segments: &[Arc<Segment>],
        checked: &mut Checked,
    ) -> Option<Arc<Segment>> {
        let timespan = self.head.shortest_timespan(granularity)?;
        let newest = segments.iter().map(|segment| segment.meta.max).max()?;
        let due = |segment: &&Arc<Segment>| {
            let last = checked.get(&segment.id).copied();
            newest.saturating_sub(segment.meta.max) >= timespan
                && last.is_none_or(|last| newest.saturating_sub(last) >= timespan / 4)
        };
        let segment = segments.iter().find(due).map(Arc::clone)?;
        checked.insert(segment.id, newest);
        Some(segment)
    }

    /// The segment that has seen the fewest deletions, if there are many that some have not seen.
    fn segment_with_deleted(&self, list: &[Arc<Segment>]) -> Option<Arc<Segment>> {
        let deleted = self.counters.tombstones();
        let many = TOMBSTONES_LEAST.max(self.head.len() / TOMBSTONES_SHARE);
        let oldest = list.iter().min_by_key(|segment| segment.meta.seq)?;
        (deleted >= many && oldest.meta.seq < self.head.newest_tombstone())
            .then(|| Arc::clone(oldest))
    }

    /// Merges segments and lets the result count if `worth_it` says so of the windows read and written.
    pub(super) fn merge(
        &self,
        inputs: &[Arc<Segment>],
        worth_it: impl FnOnce((u64, u64)) -> bool,
    ) -> Result<Option<Merged>, StoreError> {
        let begin = std::time::Instant::now();
        let id = self.live.new_id();
        let stop = || self.compactions.is_closed();
        let merged = compact::merge(&*self.disk, &self.dir, &self.head, inputs, id, &stop)?;
        if !worth_it(merged.rows) {
            if let Some(id) = merged.id {
                let path = segment_path(&self.dir, id);
                self.disk
                    .remove(&path)
                    .map_err(crate::file::failed("remove", &path))?;
            }
            return Ok(None);
        }
        self.live
            .adopt_merge(&*self.disk, &self.dir, inputs, merged.id)?;
        self.publish_segments();
        self.counters.compaction(Some((
            merged.rows.0 - merged.rows.1.min(merged.rows.0),
            begin.elapsed(),
        )));
        Ok(Some(merged))
    }

    /// Shows the figures of the segments.
    pub(super) fn publish_segments(&self) {
        self.counters.set_segments(&self.live.segments.list());
    }
}
