//! Running figures behind `StoreStats`: counted by the commit and checkpoint threads, read by anybody at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::batch::SortedBatch;
use crate::checkpoint::snapshot::Written;
use crate::head::Folded;
use crate::segment::reader::Segment;
use crate::{LatencyHistogram, Pauses, StoreStats};

/// Figures since the start. They say nothing about each other, so no ordering is needed between them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    metrics: AtomicU64,
    batches: AtomicU64,
    measures: AtomicU64,
    late: AtomicU64,
    expired: AtomicU64,
    repeated: AtomicU64,
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
    last: Option<(Written, Duration)>,
    pauses: Pauses,
}

impl Counters {
    pub(crate) fn accepted(&self, batch: &SortedBatch, folded: Folded) {
        let (received, kept) = (batch.received() as u64, batch.len() as u64);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.measures.fetch_add(received, Ordering::Relaxed);
        self.late.fetch_add(folded.late, Ordering::Relaxed);
        self.expired.fetch_add(folded.expired, Ordering::Relaxed);
        self.repeated.fetch_add(received - kept, Ordering::Relaxed);
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
        let pauses = &mut self
            .checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pauses;
        *pauses = Pauses {
            snapshot: pauses.snapshot.max(times.snapshot),
            flush: pauses.flush.max(times.flush),
            release: pauses.release.max(times.release),
            rotate: pauses.rotate.max(times.rotate),
        };
    }

    pub(crate) fn checkpoint(&self, result: Option<(Written, Duration)>) {
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
        let checkpoints = *self
            .checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = checkpoints.last;
        StoreStats {
            metrics: read(&self.metrics),
            batches: read(&self.batches),
            measures: read(&self.measures),
            late_measures: read(&self.late),
            expired_measures: read(&self.expired),
            repeated_measures: read(&self.repeated),
            busy: read(&self.busy),
            wal_bytes: read(&self.wal_bytes),
            wal_segments: read(&self.wal_segments),
            wal_syncs: *self.syncs.lock().unwrap_or_else(PoisonError::into_inner),
            checkpoints: checkpoints.made,
            checkpoint_failures: checkpoints.failed,
            checkpoint_failing: checkpoints.failing,
            snapshot_bytes: last.map_or(0, |(written, _)| written.bytes),
            checkpoint_pause: last.map_or(Duration::ZERO, |(written, _)| written.pauses.longest()),
            checkpoint_duration: last.map_or(Duration::ZERO, |(_, duration)| duration),
            pauses: checkpoints.pauses,
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
