//! What the collector says about itself.

use serde_json::json;
use testkit::{metric, promtool, scrape};

use crate::support::Collector;

#[test]
fn what_comes_in_and_what_is_refused_is_counted() {
    let collector = Collector::start();
    let id = collector.metric("low");
    let path = format!("/v1/metric/{id}/measures");
    let measures = json!([{"timestamp": 1, "value": 1}, {"timestamp": 2, "value": 1}]);
    collector.post(&path, &measures).expect_status(202);
    collector.get("/v1/metric/no-such").expect_status(404);
    let nobody = "/v1/metric/00000000-0000-0000-0000-000000000000/measures";
    collector.post(nobody, &measures).expect_status(404);
    let families = scrape(&collector.running.url("/metrics"));
    let value = |name: &str, labels: &[(&str, &str)]| {
        metric(&families, &format!("nephoscope_collector_{name}"), labels)
    };
    let input = ("input", "gnocchi");
    assert_eq!(value("input_measures_total", &[input]), Some(2.0));
    assert_eq!(value("input_queue_measures", &[input]), Some(0.0));
    let refused = value("input_refused_requests_total", &[input, ("code", "404")]);
    assert_eq!(refused, Some(1.0));
    // Both are of 1970, so the lag is more than fifty years.
    assert!(value("input_lag_seconds", &[input]) > Some(50.0 * 365.0 * 86_400.0));
    assert_eq!(value("input_lag_seconds", &[("input", "influxdb")]), None);
    assert_eq!(value("metrics", &[]), Some(1.0));
    assert_eq!(value("store_poisoned", &[]), Some(0.0));
    let route = ("route", "/v1/metric/{id}/measures");
    assert_eq!(
        value(
            "http_requests_total",
            &[("method", "POST"), route, ("code", "202")]
        ),
        Some(1.0)
    );
    let route = ("route", "/v1/metric/{id}");
    assert_eq!(
        value(
            "http_requests_total",
            &[("method", "GET"), route, ("code", "404")]
        ),
        Some(1.0)
    );
    assert!(value("wal_fsync_duration_seconds_count", &[]) >= Some(1.0));
    assert!(value("write_queue_capacity", &[]) >= Some(1.0));
    assert_eq!(value("build_info", &[]), Some(1.0));
    assert!(metric(&families, "process_resident_memory_bytes", &[]) > Some(0.0));
}

#[test]
fn promtool_has_nothing_to_say_against_it() {
    let collector = Collector::start();
    let id = collector.metric("low");
    collector
        .post(
            &format!("/v1/metric/{id}/measures"),
            &json!([{"timestamp": 1, "value": 1}]),
        )
        .expect_status(202);
    let text = collector.get("/metrics").expect_status(200).text();
    assert_eq!(promtool::check_metrics(&text), Vec::<String>::new());
}

/// What an operator of the store watches.
const OF_THE_STORE: [&str; 40] = [
    "input_measures_total",
    "input_rejected_total",
    "input_late_total",
    "input_duplicates_total",
    "input_queue_batches",
    "input_lag_seconds",
    "write_pause_max_seconds",
    "metrics",
    "write_batches_total",
    "write_queue_length",
    "write_queue_capacity",
    "write_queue_measures",
    "wal_fsync_duration_seconds_bucket",
    "wal_fsync_duration_seconds_sum",
    "wal_fsync_duration_seconds_count",
    "wal_size_bytes",
    "wal_segments",
    "store_poisoned",
    "store_disk_full",
    "checkpoints_total",
    "checkpoint_failures_total",
    "checkpoint_duration_seconds",
    "snapshot_size_bytes",
    "segments",
    "segment_size_bytes",
    "segment_windows",
    "segment_damaged_blocks_total",
    "tombstones",
    "compactions_total",
    "compaction_failures_total",
    "compaction_duration_seconds_total",
    "expired_windows_total",
    "replay_duration_seconds",
    "replay_measures",
    "replay_torn_bytes",
    "replay_damaged_bytes",
    "replay_damaged_places",
    "http_requests_total",
    "http_request_duration_seconds_sum",
    "http_request_duration_seconds_count",
];

#[test]
fn every_figure_of_the_store_is_on_the_metrics_page() {
    let collector = Collector::start();
    let id = collector.metric("low");
    let measures = json!([{"timestamp": 1, "value": 1}]);
    collector
        .post(&format!("/v1/metric/{id}/measures"), &measures)
        .expect_status(202);
    let text = collector.get("/metrics").expect_status(200).text();
    let missing: Vec<&str> = OF_THE_STORE
        .into_iter()
        .filter(|name| {
            let begins = |end: char| text.contains(&format!("\nnephoscope_collector_{name}{end}"));
            !begins(' ') && !begins('{')
        })
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn damage_that_was_found_is_told_while_the_rest_is_served() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let path = format!("/v1/metric/{metric}/measures");
    for second in 1..4 {
        let measures = json!([{"timestamp": second, "value": 1}]);
        collector.post(&path, &measures).expect_status(202);
    }
    let ready = |collector: &Collector| collector.get("/-/ready").expect_status(200).text();
    assert_eq!(ready(&collector).lines().count(), 1);
    let log = collector.dir().join("data/series/wal");
    let collector = collector.restart_after_kill(|| {
        let mut files: Vec<_> = std::fs::read_dir(&log)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut bytes = std::fs::read(&files[0]).unwrap();
        // In the first entry, so that sound ones follow.
        bytes[30] ^= 1;
        std::fs::write(&files[0], bytes).unwrap();
    });
    let text = ready(&collector);
    let warning = text.lines().nth(1).unwrap_or_default();
    assert!(
        warning.starts_with("warning: damaged at the start, set aside in quarantine/: "),
        "{text}"
    );
    let families = scrape(&collector.running.url("/metrics"));
    let places = metric_of(&families, "replay_damaged_places");
    assert_eq!(places, Some(1.0));
}

fn metric_of(families: &exposition::Families, name: &str) -> Option<f64> {
    metric(families, &format!("nephoscope_collector_{name}"), &[])
}
