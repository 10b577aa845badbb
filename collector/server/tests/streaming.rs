//! Huge answers of the shipped binary: they are written while they are read, so that their memory is bounded, and one
//! that cannot be finished is cut off.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{ACCEPT_JSON, ADMIN, Collector, JSON};
use testkit::Usage;
use testkit::http::{Response, request};

/// Minutes of a year.
const YEAR: usize = 525_600;
/// 2026-01-01T00:00:00Z.
const START: usize = 1_767_225_600;

/// Waits until the collector rests, for it goes on storing what it has acknowledged.
fn rest(collector: &Collector) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut before = collector.running.usage();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = collector.running.usage();
        let steady = now.resident_bytes.abs_diff(before.resident_bytes) < 256 << 10;
        if steady && now.cpu - before.cpu <= Duration::from_millis(20) {
            return;
        }
        assert!(Instant::now() < deadline, "it does not rest: {now:?}");
        before = now;
    }
}

/// What it answers, and how much more memory it took meanwhile than when it rested, MiB.
fn answered(collector: &Collector, ask: impl FnOnce() -> Response) -> (Response, u64) {
    rest(collector);
    Usage::forget_peak(collector.running.pid()).unwrap();
    let before = collector.running.usage().resident_bytes;
    let answer = ask().expect_status(200);
    let peak = collector.running.usage().peak_resident_bytes;
    (answer, peak.saturating_sub(before) >> 20)
}

/// Makes the policy of metrics with a window in each minute of a year.
fn minutes_policy(collector: &Collector) {
    let policy = json!({
        "name": "minutes", "aggregation_methods": ["mean"], "back_window": 0,
        "definition": [{"granularity": 60, "points": YEAR}],
    });
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
}

/// A metric with a value in each of the first so many minutes of a year.
fn filled(collector: &Collector, minutes: usize) -> String {
    let metric = collector.metric("minutes");
    for minutes in (0..minutes).collect::<Vec<_>>().chunks(100_000) {
        let mut body = String::from("[");
        for minute in minutes {
            let comma = if body.len() > 1 { "," } else { "" };
            let (at, value) = (START + minute * 60, minute % 977);
            let _ = write!(body, r#"{comma}{{"timestamp":{at},"value":{value}}}"#);
        }
        body.push(']');
        let url = collector
            .running
            .url(&format!("/v1/metric/{metric}/measures"));
        request("POST", &url, &[ADMIN, ACCEPT_JSON, JSON], body.as_bytes()).expect_status(202);
    }
    metric
}

#[test]
fn a_year_of_minutes_is_written_while_it_is_read() {
    let collector = Collector::start();
    minutes_policy(&collector);
    let metric = filled(&collector, YEAR);
    let path = format!("/v1/metric/{metric}/measures");
    let day = collector.json(&format!("{path}?stop=2026-01-02"));
    assert_eq!(day.as_array().unwrap().len(), 1_440);
    let (answer, grown) = answered(&collector, || collector.get(&path));
    let mebibytes = answer.body.len() as u64 >> 20;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = answer.text();
    assert!(text.starts_with(r#"[["2026-01-01T00:00:00+00:00", 60.0, 0.0], ["#));
    let last = (YEAR - 1) % 977;
    let end = format!(r#", ["2026-12-31T23:59:00+00:00", 60.0, {last}.0]]"#);
    assert!(text.ends_with(&end), "{}", &text[text.len() - 100..]);
    assert_eq!(text.matches("+00:00\", 60.0, ").count(), YEAR);
    // The text alone would be all of it, the points another 12 MiB; the allocator keeps some pages of each thread.
    assert!(
        mebibytes >= 20 && grown <= mebibytes * 3 / 4,
        "{grown} of {mebibytes} MiB"
    );
}

#[test]
fn an_answer_that_would_be_too_large_is_refused_before_it_begins() {
    let collector = Collector::configured("api: {max_aggregate_points: 500000}\n");
    minutes_policy(&collector);
    let metric = filled(&collector, YEAR);
    let path = format!("/v1/metric/{metric}/measures");
    let refused = collector.get(&path).expect_status(400).json();
    assert_eq!(refused["description"]["cause"], "Aggregate is too large");
    let part = collector
        .get(&format!("{path}?start=2026-02-01"))
        .expect_status(200);
    assert_eq!(
        part.text().matches("+00:00\", 60.0, ").count(),
        YEAR - 31 * 1_440
    );
}

const SERIES: usize = 20;
const MINUTES: usize = 50_000;

/// A collector with so many series of so many minutes, which takes as many points as one of them has; and their ids.
fn with_long_series() -> (Collector, Vec<String>) {
    let collector = Collector::configured("api: {max_aggregate_points: 50000}\n");
    minutes_policy(&collector);
    let metrics = (0..SERIES).map(|_| filled(&collector, MINUTES)).collect();
    (collector, metrics)
}

/// What is answered, which takes less memory than all points side by side would: 32 MiB as read, and half of that once
/// more in the grid.
fn in_little_memory(collector: &Collector, ask: impl FnOnce() -> Response) -> String {
    let (answer, grown) = answered(collector, ask);
    assert!(grown <= 16, "{grown} MiB");
    answer.text()
}

fn points(text: &str) -> usize {
    text.matches("+00:00\", ").count()
}

fn references(metrics: &[String]) -> String {
    let metrics = metrics.iter().map(|metric| format!("({metric} mean)"));
    metrics.collect::<Vec<_>>().join(" ")
}

#[test]
fn operations_on_long_series_are_computed_piece_by_piece() {
    let (collector, metrics) = with_long_series();
    let of = |operations: String| json!({"operations": operations});
    let metrics = references(&metrics);
    let last = (MINUTES - 1) % 977;
    // The minutes of the last hour, which is not whole, and its mean.
    let hour: Vec<usize> = (MINUTES / 60 * 60..MINUTES)
        .map(|minute| minute % 977)
        .collect();
    let mean = hour.iter().sum::<usize>() as f64 / hour.len() as f64;
    for (operations, count, end) in [
        (
            format!("(aggregate sum (metric {metrics}))"),
            MINUTES,
            format!(
                ", [\"2026-02-04T17:19:00+00:00\", 60.0, {}.0]]",
                last * SERIES
            ),
        ),
        (
            format!("(rolling mean 5 (aggregate sum (metric {metrics})))"),
            MINUTES - 4,
            format!(
                ", [\"2026-02-04T17:19:00+00:00\", 60.0, {}.0]]",
                (last - 2) * SERIES
            ),
        ),
        (
            format!("(aggregate max (rateofchange (metric {metrics})))"),
            MINUTES - 1,
            ", [\"2026-02-04T17:19:00+00:00\", 60.0, 1.0]]".to_owned(),
        ),
        (
            format!("(aggregate max (resample mean 3600 (metric {metrics})))"),
            MINUTES.div_ceil(60),
            format!(", [\"2026-02-04T17:00:00+00:00\", 3600.0, {mean:?}]]"),
        ),
    ] {
        let text = in_little_memory(&collector, || {
            collector.post("/v1/aggregates", &of(operations.clone()))
        });
        assert_eq!(points(&text), count, "{operations}");
        let tail = &text[text.len() - 100..];
        assert!(
            text.ends_with(&format!("{end}}}}}")),
            "{operations}: {tail}"
        );
    }
    // What cannot be computed so is refused, and so is what would give too much.
    for (query, operations) in [
        ("?fill=ffill", format!("(aggregate sum (metric {metrics}))")),
        (
            "",
            format!("(rolling mean 2 (resample mean 120 (metric {metrics})))"),
        ),
        ("", format!("(rolling mean 5 (metric {metrics}))")),
    ] {
        let path = format!("/v1/aggregates{query}");
        let refused = collector.post(&path, &of(operations)).expect_status(400);
        let text = refused.text();
        assert!(text.contains("(max_aggregate_points)"), "{text}");
    }
}

#[test]
fn older_ways_to_aggregate_and_groups_take_no_more_memory() {
    let (collector, metrics) = with_long_series();
    let query: String = metrics
        .iter()
        .map(|metric| format!("&metric={metric}"))
        .collect();
    let last = (MINUTES - 1) % 977;
    let legacy = format!("/v1/aggregation/metric?aggregation=mean&reaggregation=sum{query}");
    let text = in_little_memory(&collector, || collector.get(&legacy));
    assert_eq!(points(&text), MINUTES);
    assert!(text.ends_with(&format!("60.0, {}.0]]", last * SERIES)));
    let resampled = format!("{legacy}&granularity=60&resample=3600");
    let text = in_little_memory(&collector, || collector.get(&resampled));
    assert_eq!(points(&text), MINUTES.div_ceil(60));
    let one = format!(
        "/v1/metric/{}/measures?granularity=60&resample=3600",
        metrics[0]
    );
    let text = in_little_memory(&collector, || collector.get(&one));
    assert_eq!(points(&text), MINUTES.div_ceil(60));
    for (project, members) in ["a", "b"].iter().zip(metrics.chunks(SERIES / 2)) {
        for (at, metric) in members.iter().enumerate() {
            let resource = json!({
                "id": format!("{project}{at}"), "project_id": project, "metrics": {"load": metric},
            });
            collector
                .post("/v1/resource/generic", &resource)
                .expect_status(201);
        }
    }
    let grouped = json!({
        "operations": "(aggregate sum (metric load mean))", "resource_type": "generic", "search": {},
    });
    // Half of the time, for both groups are one answer.
    let half = "/v1/aggregates?groupby=project_id&stop=2026-01-18T08:40";
    let text = in_little_memory(&collector, || collector.post(half, &grouped));
    assert_eq!(points(&text), MINUTES);
    let whole = collector.post("/v1/aggregates?groupby=project_id", &grouped);
    assert!(
        whole
            .expect_status(400)
            .text()
            .contains("(max_aggregate_points)")
    );
}
