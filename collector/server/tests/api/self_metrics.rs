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
    let families = scrape(&collector.running.url("/metrics"));
    let value = |name: &str, labels: &[(&str, &str)]| {
        metric(&families, &format!("nephoscope_collector_{name}"), labels)
    };
    assert_eq!(value("measures_total", &[("source", "api")]), Some(2.0));
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
