//! Prometheus' remote write: Debian's Prometheus as the sender, and what is refused.

use std::time::{Duration, Instant};

use testkit::http::request;
use testkit::prometheus;

use crate::support::Collector;

const WRITE: &str = "/v1/prometheus/write";

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_prometheus_that_writes_remotely_finds_its_series_as_metrics() {
    let collector = Collector::start();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let url = collector.running.url(WRITE);
    let yaml = format!(
        "global: {{scrape_interval: 1s}}\n\
         remote_write: [{{url: \"{url}\", queue_config: {{batch_send_deadline: 1s}}}}]\n\
         scrape_configs: [{{job_name: own, static_configs: [{{targets: [\"SELF\"]}}]}}]\n"
    );
    // It scrapes the collector, whose port is known.
    let target = collector.running.url("");
    let target = target.trim_start_matches("http://").trim_end_matches('/');
    std::fs::write(&config, yaml.replace("SELF", target)).unwrap();
    let prometheus = prometheus::start(&config);
    let metric = format!("/v1/resource/prometheus/own@{target}/metric/up/measures");
    eventually("the series up as a metric", || {
        let read = collector.get(&metric);
        read.status == 200 && !read.json().as_array().unwrap().is_empty()
    });
    let resource = collector.json(&format!("/v1/resource/prometheus/own@{target}"));
    assert_eq!(
        (&resource["job"], &resource["instance"]),
        (&"own".into(), &target.into())
    );
    let points = collector.json(&metric);
    let last = points.as_array().unwrap().last().unwrap();
    assert_eq!(last[2], 1.0);
    assert!(resource["metrics"]["nephoscope_collector_metrics"].is_string());
    drop(prometheus);
}

#[test]
fn what_is_no_remote_write_is_refused_and_changes_nothing() {
    let collector = Collector::start();
    let url = collector.running.url(WRITE);
    let send = |headers: &[(&str, &str)], body: &[u8]| request("POST", &url, headers, body);
    assert!(
        send(&[], b"\x05nonsense")
            .expect_status(400)
            .text()
            .contains("snappy")
    );
    // A snappy block that would grow to 4 GB.
    send(&[], b"\xff\xff\xff\xff\x0f\x00").expect_status(413);
    // Sound snappy of one literal, no protobuf.
    assert!(
        send(&[], b"\x01\x00\x0f")
            .expect_status(400)
            .text()
            .contains("protobuf")
    );
    send(&[("content-encoding", "gzip")], b"").expect_status(415);
    let second = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    send(&[("content-type", second)], b"").expect_status(415);
    // An empty request is one of no series.
    send(&[], b"\x00").expect_status(202);
    collector
        .get("/v1/resource_type/prometheus")
        .expect_status(404);
}
