//! The store's figures for self-metrics: plain numbers, taken at one moment. Their names on `/metrics` are the
//! server's.

use std::time::Duration;

/// Upper bounds of the fsync latency buckets, in seconds.
pub const SYNC_BUCKETS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];

/// A histogram of durations in the form that Prometheus wants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LatencyHistogram {
    /// How many durations were at most the bound of the same place in [`SYNC_BUCKETS`] (cumulative).
    pub buckets: [u64; SYNC_BUCKETS.len()],
    /// How many there were.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
}

impl LatencyHistogram {
    pub(crate) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        for (bucket, bound) in self.buckets.iter_mut().zip(SYNC_BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
        self.count += 1;
        self.sum += seconds;
    }
}

/// The longest times that writes have waited, by their cause; the log's fdatasync is a figure of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pauses {
    /// For a shard that was copied for a snapshot.
    pub snapshot: Duration,
    /// For a shard whose closed windows were copied for segments.
    pub flush: Duration,
    /// For a shard that gave up windows that are in segments.
    pub release: Duration,
    /// For a shard that somebody read.
    pub read: Duration,
    /// For a checkpoint that began a new file of the log.
    pub rotate: Duration,
}

impl Pauses {
    /// The longer of two for each cause.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            snapshot: self.snapshot.max(other.snapshot),
            flush: self.flush.max(other.flush),
            release: self.release.max(other.release),
            read: self.read.max(other.read),
            rotate: self.rotate.max(other.rotate),
        }
    }

    /// The longest of them.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let times = [
            self.snapshot,
            self.flush,
            self.release,
            self.read,
            self.rotate,
        ];
        times.into_iter().max().unwrap_or_default()
    }
}

/// What the last opening of the store had to do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplayReport {
    /// Metrics in the snapshot.
    pub snapshot_metrics: u64,
    /// Log entries that came after the snapshot and were applied.
    pub entries: u64,
    /// Measures in them.
    pub measures: u64,
    /// Bytes of an unfinished, never acknowledged write at the end of the log that were cut off.
    pub torn_bytes: u64,
    /// Damaged stretches of log or snapshot that were set aside in `quarantine/`, as `file at byte N: reason`.
    pub damaged: Vec<String>,
    /// Bytes in them.
    pub damaged_bytes: u64,
    /// Measures whose metric's registration is among the damage.
    pub orphans: u64,
    /// How long loading and replaying took.
    pub duration: Duration,
}

/// The store's figures at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreStats {
    /// Registered metrics.
    pub metrics: u64,
    /// Batches acknowledged since the start.
    pub batches: u64,
    /// Measures in them, also the late ones.
    pub measures: u64,
    /// Submissions refused because the queue was full.
    pub busy: u64,
    /// Calls waiting for the commit thread.
    pub queue_depth: u64,
    /// Most calls that may wait.
    pub queue_capacity: u64,
    /// Measures in the waiting calls.
    pub queue_measures: u64,
    /// Bytes of the log on disk.
    pub wal_bytes: u64,
    /// Files of the log.
    pub wal_segments: u64,
    /// Durations of the log's fdatasync.
    pub wal_syncs: LatencyHistogram,
    /// Checkpoints made since the start.
    pub checkpoints: u64,
    /// Checkpoints that failed since the start; the log was kept.
    pub checkpoint_failures: u64,
    /// Whether the last checkpoint failed.
    pub checkpoint_failing: bool,
    /// Bytes of the last snapshot.
    pub snapshot_bytes: u64,
    /// How long the last checkpoint took.
    pub checkpoint_duration: Duration,
    /// The longest times that writes have waited since the start.
    pub pauses: Pauses,
    /// Those of the last five to ten minutes.
    pub recent_pauses: Pauses,
    /// Segments on disk.
    pub segments: u64,
    /// Bytes of them.
    pub segment_bytes: u64,
    /// Windows in them.
    pub segment_windows: u64,
    /// Blocks of segments that were found damaged since the start; the rest is served.
    pub damaged_blocks: u64,
    /// Merges of segments since the start.
    pub compactions: u64,
    /// Merges that failed since the start; the segments stay as they are.
    pub compaction_failures: u64,
    /// Windows that merges have dropped as expired or deleted since the start.
    pub dropped_windows: u64,
    /// Time spent on merges since the start.
    pub compaction_time: Duration,
    /// Deleted metrics that segments may still have windows of, at the last checkpoint.
    pub tombstones: u64,
    /// Why writes are refused until a restart, if they are.
    pub poisoned: Option<String>,
    /// Whether the last write found no space.
    pub disk_full: bool,
    /// What opening the store found.
    pub replay: ReplayReport,
}
