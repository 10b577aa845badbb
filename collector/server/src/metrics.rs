//! The collector's own metrics: what came in and was refused, what the HTTP API was asked, and the store's figures.
//! Counted here and written at each scrape of `/metrics`; the process' own are the runtime's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use collector_storage::{SYNC_BUCKETS, StoreStats};
use exposition::{Families, MetricType, Suffix};

use crate::ingest::ceilometer::Counters;
use crate::ingest::statsd;

/// Where measures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A client of the API.
    Api,
    /// Samples of Ceilometer.
    Ceilometer,
    /// A scrape of an exporter.
    Scrape,
    /// Datagrams of statsd.
    Statsd,
}

/// Method, route and status of requests.
type RequestKey = (String, String, u16);

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// What came of Ceilometer's samples and events.
    pub(crate) ceilometer: Counters,
    /// What came of statsd's lines.
    pub(crate) statsd: statsd::Counters,
    from_api: AtomicU64,
    from_ceilometer: AtomicU64,
    from_scrapes: AtomicU64,
    from_statsd: AtomicU64,
    rejected: Mutex<BTreeMap<&'static str, u64>>,
    requests: Mutex<BTreeMap<RequestKey, (u64, Duration)>>,
    answers_cut: AtomicU64,
}

impl Metrics {
    /// Counts measures that are on stable storage.
    pub(crate) fn accepted(&self, source: Source, measures: usize) {
        let counter = match source {
            Source::Api => &self.from_api,
            Source::Ceilometer => &self.from_ceilometer,
            Source::Scrape => &self.from_scrapes,
            Source::Statsd => &self.from_statsd,
        };
        counter.fetch_add(measures as u64, Ordering::Relaxed);
    }

    /// Counts measures that were refused.
    pub(crate) fn rejected(&self, reason: &'static str, measures: usize) {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        *rejected.entry(reason).or_default() += measures as u64;
    }

    /// Counts a request. `route` is the pattern, not the path, so that there are few of them.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (method.to_owned(), route.to_owned(), status);
        let (count, sum) = requests.entry(key).or_default();
        *count += 1;
        *sum += took;
    }

    /// Counts an answer that ended in the middle.
    pub(crate) fn answer_cut(&self) {
        self.answers_cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes all families.
    pub(crate) fn collect(&self, store: &StoreStats, out: &mut Families) {
        self.measures(store, out);
        self.ceilometer.collect(out);
        self.statsd.collect(out);
        self.http(out);
        wal(store, out);
        checkpoints(store, out);
        segments(store, out);
        replay(store, out);
    }

    fn measures(&self, store: &StoreStats, out: &mut Families) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        out.family(
            "nephoscope_collector_measures_total",
            "Measures that were acknowledged, by where they came from.",
            MetricType::Counter,
        )
        .sample(&[("source", "api")], load(&self.from_api))
        .sample(&[("source", "ceilometer")], load(&self.from_ceilometer))
        .sample(&[("source", "scrape")], load(&self.from_scrapes))
        .sample(&[("source", "statsd")], load(&self.from_statsd));
        let rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = out.family(
            "nephoscope_collector_measures_rejected_total",
            "Measures that were refused, by reason.",
            MetricType::Counter,
        );
        for (reason, count) in rejected.iter() {
            family.sample(&[("reason", reason)], *count as f64);
        }
        out.family(
            "nephoscope_collector_late_measures_total",
            "Measures dropped because they came too late, by reason: older than the back window of their archive policy, \
             or than everything that the policy keeps.",
            MetricType::Counter,
        )
        .sample(&[("reason", "back_window")], (store.late_measures - store.expired_measures) as f64)
        .sample(&[("reason", "timespan")], store.expired_measures as f64);
        out.counter(
            "nephoscope_collector_repeated_measures_total",
            "Measures dropped because their batch has another one of the same metric and moment.",
            store.repeated_measures as f64,
        );
        out.gauge(
            "nephoscope_collector_metrics",
            "Metrics that the store knows.",
            store.metrics as f64,
        );
    }

    fn http(&self, out: &mut Families) {
        out.counter(
            "nephoscope_collector_http_answers_cut_total",
            "Answers of the API that ended in the middle: the query took too long, or nobody read on.",
            self.answers_cut.load(Ordering::Relaxed) as f64,
        );
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = out.family(
            "nephoscope_collector_http_requests_total",
            "Requests to the API, by method, route and status code.",
            MetricType::Counter,
        );
        for ((method, route, status), (count, _)) in requests.iter() {
            let code = status.to_string();
            let labels = [
                ("method", method.as_str()),
                ("route", route),
                ("code", &code),
            ];
            family.sample(&labels, *count as f64);
        }
        let mut by_route: BTreeMap<(&str, &str), (u64, Duration)> = BTreeMap::new();
        for ((method, route, _), (count, took)) in requests.iter() {
            let total = by_route.entry((method, route)).or_default();
            total.0 += count;
            total.1 += *took;
        }
        let mut family = out.family(
            "nephoscope_collector_http_request_duration_seconds",
            "Time from a request's head to its answer's, by method and route.",
            MetricType::Summary,
        );
        for ((method, route), (count, took)) in by_route {
            let labels = [("method", method), ("route", route)];
            family.suffixed(Suffix::Sum, &labels, took.as_secs_f64());
            family.suffixed(Suffix::Count, &labels, count as f64);
        }
    }
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
