//! Prometheus' remote write: Debian's Prometheus and vmagent as the senders, those of its next release too, and what is
//! refused.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::http::{Response, request};
use testkit::{Peer, Running, metric, prometheus, scrape};

use crate::support::Collector;
use crate::support::remote_write_v2::{self as v2, Series, compress};

const WRITE: &str = "/v1/prometheus/write";

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What `packaging/dev/install-deps test` has unpacked of Debian's next release.
fn next_release(program: &str) -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/sid");
    unpacked.join("usr/bin").join(program)
}

/// `host:port` of a collector.
fn target(collector: &Collector) -> String {
    let url = collector.running.url("");
    url.trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned()
}

/// Waits until the collector has what `job` has scraped of it, and gives the resource.
fn scraped_by(collector: &Collector, job: &str) -> Value {
    let target = target(collector);
    let metric = format!("/v1/resource/prometheus/{job}@{target}/metric/up/measures");
    eventually("the series up as a metric", || {
        let read = collector.get(&metric);
        read.status == 200 && !read.json().as_array().unwrap().is_empty()
    });
    let resource = collector.json(&format!("/v1/resource/prometheus/{job}@{target}"));
    assert_eq!(
        (&resource["job"], &resource["instance"]),
        (&job.into(), &target.into())
    );
    let points = collector.json(&metric);
    let last = points.as_array().unwrap().last().unwrap();
    assert_eq!(last[2], 1.0);
    assert!(resource["metrics"]["nephoscope_collector_metrics"].is_string());
    resource
}

/// One of the collector's own counters.
fn counter(collector: &Collector, name: &str, labels: &[(&str, &str)]) -> f64 {
    let families = scrape(&collector.running.url("/metrics"));
    metric(&families, name, labels).unwrap_or(0.0)
}

fn requests(collector: &Collector, version: &str) -> f64 {
    let name = "nephoscope_collector_remote_write_requests_total";
    counter(collector, name, &[("version", version)])
}

#[test]
fn a_prometheus_that_writes_remotely_finds_its_series_as_metrics() {
    let collector = Collector::start();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let (url, target) = (collector.running.url(WRITE), target(&collector));
    let yaml = format!(
        "global: {{scrape_interval: 1s}}\n\
         remote_write: [{{url: \"{url}\", queue_config: {{batch_send_deadline: 1s}}}}]\n\
         scrape_configs: [{{job_name: own, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    let _prometheus = prometheus::start(&config);
    scraped_by(&collector, "own");
    assert!(requests(&collector, "1.0") > 0.0);
    eventually("metadata of the series", || {
        let ignored = "nephoscope_collector_remote_write_ignored_total";
        counter(&collector, ignored, &[("kind", "metadata")]) > 0.0
    });
}

#[test]
fn prometheus_3_writes_by_version_2_and_loses_nothing() {
    let collector = Collector::start();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let (url, target) = (collector.running.url(WRITE), target(&collector));
    let yaml = format!(
        "global: {{scrape_interval: 1s}}\n\
         remote_write: [{{url: \"{url}\", protobuf_message: io.prometheus.write.v2.Request,\
           queue_config: {{batch_send_deadline: 1s}}}}]\n\
         scrape_configs: [{{job_name: third, static_configs: [{{targets: [\"{target}\", \"127.0.0.1:1\"]}}]}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    let prometheus = prometheus::start_program(&next_release("prometheus"), &config);
    scraped_by(&collector, "third");
    assert!(requests(&collector, "2.0") > 0.0);
    assert_eq!(requests(&collector, "1.0"), 0.0);
    // The sender counts what the answers do not confirm. Of several series of one name only one is kept, as in Gnocchi.
    let one_name = counter(
        &collector,
        "nephoscope_collector_input_rejected_total",
        &[("input", "remote_write"), ("reason", "same_name")],
    );
    let own = scrape(&prometheus.url("/metrics"));
    let total = |name: &str| {
        let series = testkit::series(&own, &format!("prometheus_remote_storage_{name}"));
        series.iter().map(|(_, value)| value).sum::<f64>()
    };
    assert!(total("samples_total") > 0.0);
    let unconfirmed = total("samples_failed_total");
    assert!(
        unconfirmed <= one_name,
        "{unconfirmed} {one_name}\n{}",
        prometheus.stderr()
    );
    assert!(
        !prometheus.stderr().contains("non-recoverable"),
        "{}",
        prometheus.stderr()
    );
}

fn vmagent(program: &Path, collector: &Collector, dir: &Path) -> Running {
    let config = dir.join("vmagent.yml");
    let target = target(collector);
    let yaml = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs: [{{job_name: vm, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    Peer::new(&program.display().to_string())
        .args([
            format!("-promscrape.config={}", config.display()),
            format!("-remoteWrite.url={}", collector.running.url(WRITE)),
            format!("-remoteWrite.tmpDataPath={}", dir.join("queue").display()),
            "-httpListenAddr=127.0.0.1:{port}".to_owned(),
        ])
        .wait_http("/metrics")
        .start()
}

#[test]
fn vmagent_writes_here_the_newer_one_too_that_tries_zstd_first() {
    for program in [PathBuf::from("vmagent"), next_release("vmagent")] {
        let collector = Collector::start();
        let dir = tempfile::tempdir().unwrap();
        let vmagent = vmagent(&program, &collector, dir.path());
        scraped_by(&collector, "vm");
        assert!(requests(&collector, "1.0") > 0.0);
        let own = scrape(&vmagent.url("/metrics"));
        let dropped = testkit::series(&own, "vmagent_remotewrite_packets_dropped_total");
        assert!(
            dropped.iter().all(|(_, count)| *count == 0.0),
            "{dropped:?}\n{}",
            vmagent.stderr()
        );
    }
}

const SECOND: (&str, &str) = (
    "content-type",
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
);

#[test]
fn version_2_says_what_was_written_and_what_was_refused() {
    let collector = Collector::start();
    let url = collector.running.url(WRITE);
    let headers = [
        SECOND,
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "2.0.0"),
    ];
    let send =
        |series: &[Series<'_>]| request("POST", &url, &headers, &compress(&v2::request(series)));
    let written = |answer: &Response| {
        ["samples", "histograms", "exemplars"].map(|kind| {
            let name = format!("x-prometheus-remote-write-{kind}-written");
            answer.header(&name).unwrap().parse::<usize>().unwrap()
        })
    };
    let labels = [("__name__", "up"), ("instance", "h:1"), ("job", "j")];
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let now = 1_700_000_000_000;
    // Exemplars are passed over; a marker of the end is no measure and nothing is wrong with it.
    let good = Series {
        labels: &labels,
        samples: &[(1.0, now), (2.0, now + 60_000), (stale, now + 61_000)],
        exemplars: 1,
        ..Series::default()
    };
    let answer = send(&[good]).expect_status(204);
    assert_eq!((written(&answer), answer.body.len()), ([3, 0, 0], 0));
    let measures =
        collector.json("/v1/resource/prometheus/j@h:1/metric/up/measures?aggregation=max");
    assert_eq!(measures.as_array().unwrap().last().unwrap()[2], 2.0);

    // A part that cannot be written: the rest is, and nobody need send it again.
    let histogram = Series {
        labels: &[("__name__", "h"), ("job", "j")],
        histograms: 2,
        ..Series::default()
    };
    let sample = Series {
        labels: &labels,
        samples: &[(3.0, now + 120_000)],
        ..Series::default()
    };
    let answer = send(&[histogram, sample]).expect_status(400);
    assert_eq!(written(&answer), [1, 0, 0]);
    assert!(
        answer
            .text()
            .contains("native histograms are not kept: 2 refused"),
        "{}",
        answer.text()
    );
    let early = Series {
        labels: &labels,
        samples: &[(4.0, -5), (5.0, now + 180_000)],
        ..Series::default()
    };
    let answer = send(&[early]).expect_status(400);
    assert_eq!(written(&answer), [1, 0, 0]);
    assert!(
        answer.text().contains("up: timestamp -5 ms"),
        "{}",
        answer.text()
    );
    let nameless = Series {
        labels: &[("job", "j")],
        samples: &[(4.0, now)],
        ..Series::default()
    };
    let answer = send(&[nameless]).expect_status(400);
    assert_eq!(written(&answer), [0, 0, 0]);

    for (reason, count) in [
        ("native_histogram", 2.0),
        ("stale_marker", 1.0),
        ("bad_series", 2.0),
    ] {
        let rejected = counter(
            &collector,
            "nephoscope_collector_input_rejected_total",
            &[("input", "remote_write"), ("reason", reason)],
        );
        assert_eq!(rejected, count, "{reason}");
    }
    let ignored = |kind| {
        counter(
            &collector,
            "nephoscope_collector_remote_write_ignored_total",
            &[("kind", kind)],
        )
    };
    assert_eq!((ignored("exemplar"), ignored("metadata")), (1.0, 5.0));
    assert_eq!(
        (requests(&collector, "2.0"), requests(&collector, "1.0")),
        (4.0, 0.0)
    );

    // What cannot be read is refused whole.
    let mut broken = v2::request(&[Series {
        labels: &labels,
        samples: &[(9.0, now + 240_000)],
        ..Series::default()
    }]);
    broken.extend([5 << 3 | 2, 4, 1 << 3 | 2, 2, 1, 99]);
    let answer = request("POST", &url, &headers, &compress(&broken)).expect_status(400);
    assert_eq!(written(&answer), [0, 0, 0]);
    assert!(
        answer.text().contains("there is no symbol 99"),
        "{}",
        answer.text()
    );
    let measures =
        collector.json("/v1/resource/prometheus/j@h:1/metric/up/measures?aggregation=max");
    assert!(
        measures
            .as_array()
            .unwrap()
            .iter()
            .all(|point| point[2] != 9.0)
    );
}

#[test]
fn labels_that_grow_beyond_the_bound_when_written_out_are_refused() {
    let collector = Collector::configured("api: {max_body_size: 100000}\n");
    let url = collector.running.url(WRITE);
    let long = "x".repeat(40_000);
    let labels = [("__name__", long.as_str())];
    let one = || Series {
        labels: &labels,
        samples: &[(1.0, 1)],
        ..Series::default()
    };
    let send =
        |series: &[Series<'_>]| request("POST", &url, &[SECOND], &compress(&v2::request(series)));
    let answer = send(&[one(), one(), one()]).expect_status(400);
    assert!(
        answer.text().contains("larger than 100000 bytes"),
        "{}",
        answer.text()
    );
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
    let third = "application/x-protobuf;proto=io.prometheus.write.v3.Request";
    send(&[("content-type", third)], b"").expect_status(415);
    send(&[("content-encoding", "zstd")], b"").expect_status(415);
    send(&[SECOND], b"\x00").expect_status(204);
    // An empty request is one of no series.
    send(&[], b"\x00").expect_status(202);
    collector
        .get("/v1/resource_type/prometheus")
        .expect_status(404);
}
