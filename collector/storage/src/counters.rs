//! Running figures behind `StoreStats`: counted by the commit and checkpoint threads, read by anybody at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::segment::reader::Segment;
use crate::{Ack, LatencyHistogram, Pauses, StoreStats};

/// Figures since the start. They say nothing about each other, so no ordering is needed between them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    metrics: AtomicU64,
    batches: AtomicU64,
    measures: AtomicU64,
    busy: AtomicU64,
    wal_bytes: AtomicU64,
    wal_segments: AtomicU64,
    disk_full: AtomicBool,
    tombstones: AtomicU64,
    segments: AtomicU64,
    segment_bytes: AtomicU64,
    segment_rows: AtomicU64,
    compactions: AtomicU64,
    compaction_failures: AtomicU64,
    dropped_rows: AtomicU64,
    compaction_millis: AtomicU64,
    syncs: Mutex<LatencyHistogram>,
    checkpoints: Mutex<Checkpoints>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Checkpoints {
    made: u64,
    failed: u64,
    failing: bool,
    /// Bytes of the snapshot, and how long it took.
    last: Option<(u64, Duration)>,
    pauses: Pauses,
    recent: Recent,
}

/// The longest pauses of two stretches of time, the present one and the one before.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    since: Option<Instant>,
    present: Pauses,
    before: Pauses,
}

/// How long a stretch is.
const STRETCH: Duration = Duration::from_secs(300);

impl Recent {
    /// Begins a new stretch where it is time; what is older than the one before is forgotten.
    fn move_on(&mut self, now: Instant) {
        let age = now.duration_since(*self.since.get_or_insert(now));
        if age >= STRETCH {
            let present = std::mem::take(&mut self.present);
            self.before = if age < 2 * STRETCH {
                present
            } else {
                Pauses::default()
            };
            self.since = Some(now);
        }
    }

    fn paused(&mut self, times: Pauses, now: Instant) {
        self.move_on(now);
        self.present = self.present.max(times);
    }

    fn longest(&mut self, now: Instant) -> Pauses {
        self.move_on(now);
        self.before.max(self.present)
    }
}

impl Counters {
    /// Counts a batch that is on stable storage.
    pub(crate) fn accepted(&self, ack: Ack) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.measures.fetch_add(ack.received, Ordering::Relaxed);
    }

    pub(crate) fn refused_busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_metrics(&self, metrics: usize) {
        self.metrics.store(metrics as u64, Ordering::Relaxed);
    }

    pub(crate) fn set_wal(&self, bytes: u64, segments: u64) {
        self.wal_bytes.store(bytes, Ordering::Relaxed);
        self.wal_segments.store(segments, Ordering::Relaxed);
    }

    pub(crate) fn set_disk_full(&self, full: bool) {
        if self.disk_full.swap(full, Ordering::Relaxed) != full {
            match full {
                true => tracing::error!("no space left for the log, writes are refused"),
                false => tracing::info!("space is back, writes are taken again"),
            }
        }
    }

    pub(crate) fn synced(&self, duration: Duration) {
        self.syncs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .observe(duration);
    }

    /// Notes the longest times that kept writes waiting.
    pub(crate) fn paused(&self, times: Pauses) {
        let mut checkpoints = self
            .checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        checkpoints.pauses = checkpoints.pauses.max(times);
        checkpoints.recent.paused(times, Instant::now());
    }

    pub(crate) fn checkpoint(&self, result: Option<(u64, Duration)>) {
        let mut checkpoints = self
            .checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match result {
            Some(written) => {
                checkpoints.made += 1;
                checkpoints.failing = false;
                checkpoints.last = Some(written);
            }
            None => {
                checkpoints.failed += 1;
                checkpoints.failing = true;
            }
        }
    }

    pub(crate) fn set_tombstones(&self, tombstones: usize) {
        self.tombstones.store(tombstones as u64, Ordering::Relaxed);
    }

    pub(crate) fn tombstones(&self) -> usize {
        self.tombstones.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn set_segments(&self, segments: &[Arc<Segment>]) {
        let sum = |of: fn(&Segment) -> u64| segments.iter().map(|segment| of(segment)).sum();
        self.segments
            .store(segments.len() as u64, Ordering::Relaxed);
        self.segment_bytes
            .store(sum(|segment| segment.bytes), Ordering::Relaxed);
        self.segment_rows
            .store(sum(|segment| segment.meta.rows), Ordering::Relaxed);
    }

    /// Counts a merge: windows that it dropped, and how long it took; `None` is one that failed.
    pub(crate) fn compaction(&self, result: Option<(u64, Duration)>) {
        match result {
            Some((dropped, duration)) => {
                let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                self.compactions.fetch_add(1, Ordering::Relaxed);
                self.dropped_rows.fetch_add(dropped, Ordering::Relaxed);
                self.compaction_millis.fetch_add(millis, Ordering::Relaxed);
            }
            None => drop(self.compaction_failures.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// The figures that are counted here.
    pub(crate) fn stats(&self) -> StoreStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (checkpoints, recent_pauses) = {
            let mut checkpoints = self
                .checkpoints
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let recent = checkpoints.recent.longest(Instant::now());
            (*checkpoints, recent)
        };
        let last = checkpoints.last;
        StoreStats {
            metrics: read(&self.metrics),
            batches: read(&self.batches),
            measures: read(&self.measures),
            busy: read(&self.busy),
            wal_bytes: read(&self.wal_bytes),
            wal_segments: read(&self.wal_segments),
            wal_syncs: *self.syncs.lock().unwrap_or_else(PoisonError::into_inner),
            checkpoints: checkpoints.made,
            checkpoint_failures: checkpoints.failed,
            checkpoint_failing: checkpoints.failing,
            snapshot_bytes: last.map_or(0, |(bytes, _)| bytes),
            checkpoint_duration: last.map_or(Duration::ZERO, |(_, duration)| duration),
            pauses: checkpoints.pauses,
            recent_pauses,
            segments: read(&self.segments),
            segment_bytes: read(&self.segment_bytes),
            segment_windows: read(&self.segment_rows),
            compactions: read(&self.compactions),
            compaction_failures: read(&self.compaction_failures),
            dropped_windows: read(&self.dropped_rows),
            compaction_time: Duration::from_millis(read(&self.compaction_millis)),
            tombstones: read(&self.tombstones),
            disk_full: self.disk_full.load(Ordering::Relaxed),
            ..StoreStats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_told_for_five_to_ten_minutes() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let rotate = |millis| Pauses {
            rotate: Duration::from_millis(millis),
            ..Pauses::default()
        };
        let mut recent = Recent::default();
        recent.paused(rotate(7), at(0));
        recent.paused(rotate(5), at(200));
        assert_eq!(recent.longest(at(299)), rotate(7));
        recent.paused(rotate(3), at(400));
        assert_eq!(recent.longest(at(599)), rotate(7));
        assert_eq!(recent.longest(at(700)), rotate(3));
        assert_eq!(recent.longest(at(2_000)), rotate(0));
    }
}
