//! The store's figures as families: the queue before it, its log, checkpoints, segments, and what the start found.

use collector_storage::{SYNC_BUCKETS, StoreStats};
use exposition::{Families, MetricType, Suffix};

/// Writes all of them.
pub(super) fn collect(store: &StoreStats, out: &mut Families) {
    out.gauge(
        "nephoscope_collector_metrics",
        "Metrics that the store knows.",
        store.metrics as f64,
    );
    wal(store, out);
    checkpoints(store, out);
    pauses(store, out);
    segments(store, out);
    replay(store, out);
}

fn wal(store: &StoreStats, out: &mut Families) {
    let mut family = out.family(
        "nephoscope_collector_wal_fsync_duration_seconds",
        "Durations of the write-ahead log's fdatasync, one for all writes that waited.",
        MetricType::Histogram,
    );
    for (bound, count) in SYNC_BUCKETS.iter().zip(store.wal_syncs.buckets) {
        family.suffixed(Suffix::Bucket, &[("le", &bound.to_string())], count as f64);
    }
    let count = store.wal_syncs.count as f64;
    family.suffixed(Suffix::Bucket, &[("le", "+Inf")], count);
    family.suffixed(Suffix::Sum, &[], store.wal_syncs.sum);
    family.suffixed(Suffix::Count, &[], count);
    let mut gauge = |name: &str, help: &str, value: f64| out.gauge(name, help, value);
    gauge(
        "nephoscope_collector_wal_size_bytes",
        "Bytes of the write-ahead log on disk.",
        store.wal_bytes as f64,
    );
    gauge(
        "nephoscope_collector_wal_segments",
        "Files of the write-ahead log.",
        store.wal_segments as f64,
    );
    gauge(
        "nephoscope_collector_write_queue_length",
        "Writes that wait for the commit thread.",
        store.queue_depth as f64,
    );
    gauge(
        "nephoscope_collector_write_queue_capacity",
        "Most writes that may wait; more are refused with 503.",
        store.queue_capacity as f64,
    );
    gauge(
        "nephoscope_collector_write_queue_measures",
        "Measures in the waiting writes.",
        store.queue_measures as f64,
    );
    gauge(
        "nephoscope_collector_store_poisoned",
        "1 when a write or fsync failed and the store refuses writes until a restart.",
        f64::from(u8::from(store.poisoned.is_some())),
    );
    gauge(
        "nephoscope_collector_store_disk_full",
        "1 when the last write found no space.",
        f64::from(u8::from(store.disk_full)),
    );
    out.counter(
        "nephoscope_collector_write_batches_total",
        "Batches of measures that were acknowledged.",
        store.batches as f64,
    );
}

fn checkpoints(store: &StoreStats, out: &mut Families) {
    out.counter(
        "nephoscope_collector_checkpoints_total",
        "Checkpoints made since the start.",
        store.checkpoints as f64,
    );
    out.counter(
        "nephoscope_collector_checkpoint_failures_total",
        "Checkpoints that failed since the start; the log was kept.",
        store.checkpoint_failures as f64,
    );
    out.gauge(
        "nephoscope_collector_checkpoint_duration_seconds",
        "How long the last checkpoint took.",
        store.checkpoint_duration.as_secs_f64(),
    );
    out.gauge(
        "nephoscope_collector_snapshot_size_bytes",
        "Bytes of the last checkpoint's snapshot.",
        store.snapshot_bytes as f64,
    );
}

fn pauses(store: &StoreStats, out: &mut Families) {
    let recent = store.recent_pauses;
    out.family(
        "nephoscope_collector_write_pause_max_seconds",
        "The longest that a write has waited within the last five to ten minutes, by cause: for a shard of metrics that was \
         copied for a snapshot, whose closed windows were copied for segments (flush), that gave up what is in segments \
         (release) or that was read, and for the log to go on in a new file (rotate).",
        MetricType::Gauge,
    )
    .sample(&[("cause", "snapshot")], recent.snapshot.as_secs_f64())
    .sample(&[("cause", "flush")], recent.flush.as_secs_f64())
    .sample(&[("cause", "release")], recent.release.as_secs_f64())
    .sample(&[("cause", "read")], recent.read.as_secs_f64())
    .sample(&[("cause", "rotate")], recent.rotate.as_secs_f64());
}

fn segments(store: &StoreStats, out: &mut Families) {
    out.gauge(
        "nephoscope_collector_tombstones",
        "Deleted metrics that segments may still have windows of, at the last checkpoint.",
        store.tombstones as f64,
    );
    out.gauge(
        "nephoscope_collector_segments",
        "Files of closed windows.",
        store.segments as f64,
    );
    out.gauge(
        "nephoscope_collector_segment_size_bytes",
        "Bytes of the files of closed windows.",
        store.segment_bytes as f64,
    );
    out.gauge(
        "nephoscope_collector_segment_windows",
        "Windows in the files of closed windows.",
        store.segment_windows as f64,
    );
    out.counter(
        "nephoscope_collector_segment_damaged_blocks_total",
        "Damaged blocks found in segments since the start; the rest is served.",
        store.damaged_blocks as f64,
    );
    out.counter(
        "nephoscope_collector_compactions_total",
        "Merges of segments since the start.",
        store.compactions as f64,
    );
    out.counter(
        "nephoscope_collector_compaction_failures_total",
        "Merges of segments that failed since the start; the segments stay as they were.",
        store.compaction_failures as f64,
    );
    out.counter(
        "nephoscope_collector_compaction_duration_seconds_total",
        "Time spent on merges of segments since the start.",
        store.compaction_time.as_secs_f64(),
    );
    out.counter(
        "nephoscope_collector_expired_windows_total",
        "Windows dropped from segments as expired or deleted since the start.",
        store.dropped_windows as f64,
    );
}

fn replay(store: &StoreStats, out: &mut Families) {
    let replay = &store.replay;
    out.gauge(
        "nephoscope_collector_replay_duration_seconds",
        "How long loading the snapshot and replaying the log took at the start.",
        replay.duration.as_secs_f64(),
    );
    out.gauge(
        "nephoscope_collector_replay_measures",
        "Measures that were replayed from the log at the start.",
        replay.measures as f64,
    );
    out.gauge(
        "nephoscope_collector_replay_torn_bytes",
        "Bytes of an unfinished write, never acknowledged, that were cut off at the start.",
        replay.torn_bytes as f64,
    );
    out.gauge(
        "nephoscope_collector_replay_damaged_places",
        "Stretches of log, snapshot or segments that were found damaged or missing at the start; /-/ready names them.",
        replay.damaged.len() as f64,
    );
    out.gauge(
        "nephoscope_collector_replay_damaged_bytes",
        "Bytes of log or snapshot that were found damaged at the start and set aside.",
        replay.damaged_bytes as f64,
    );
}
