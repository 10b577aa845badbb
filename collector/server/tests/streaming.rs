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

use serde_json::json;
use support::{ACCEPT_JSON, ADMIN, Collector, JSON};
use testkit::http::request;

/// Minutes of a year.
const YEAR: usize = 525_600;
/// 2026-01-01T00:00:00Z.
const START: usize = 1_767_225_600;

/// Most resident memory since the last [`forget_peak`], MiB: `VmHWM` of `/proc/PID/status`.
fn peak(collector: &Collector) -> usize {
    let path = format!("/proc/{}/status", collector.running.pid());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: usize = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kibibytes / 1024
}

fn forget_peak(collector: &Collector) {
    std::fs::write(format!("/proc/{}/clear_refs", collector.running.pid()), "5").unwrap();
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
    forget_peak(&collector);
    let before = peak(&collector);
    let answer = collector.get(&path).expect_status(200);
    let (grown, mebibytes) = (peak(&collector) - before, answer.body.len() >> 20);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = answer.text();
    assert!(text.starts_with(r#"[["2026-01-01T00:00:00+00:00", 60.0, 0.0], ["#));
    let last = (YEAR - 1) % 977;
    let end = format!(r#", ["2026-12-31T23:59:00+00:00", 60.0, {last}.0]]"#);
    assert!(text.ends_with(&end), "{}", &text[text.len() - 100..]);
    assert_eq!(text.matches("+00:00\", 60.0, ").count(), YEAR);
    assert!(
        mebibytes >= 20 && grown <= mebibytes / 3,
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

#[test]
fn a_sum_of_long_series_is_computed_piece_by_piece() {
    const SERIES: usize = 20;
    const MINUTES: usize = 50_000;
    // Less than is read, and as much as comes out.
    let collector = Collector::configured("api: {max_aggregate_points: 50000}\n");
    minutes_policy(&collector);
    let metrics: Vec<String> = (0..SERIES)
        .map(|_| format!("({} mean)", filled(&collector, MINUTES)))
        .collect();
    let metrics = metrics.join(" ");
    let sum = json!({"operations": format!("(aggregate sum (metric {metrics}))")});
    forget_peak(&collector);
    let before = peak(&collector);
    let answer = collector.post("/v1/aggregates", &sum).expect_status(200);
    let grown = peak(&collector) - before;
    let text = answer.text();
    assert_eq!(text.matches("+00:00\", 60.0, ").count(), MINUTES);
    let minute = MINUTES - 1;
    let end = format!(
        r#", ["2026-02-04T17:19:00+00:00", 60.0, {}.0]]}}}}"#,
        minute % 977 * SERIES
    );
    assert!(text.ends_with(&end), "{}", &text[text.len() - 100..]);
    // All points side by side would take 32 MiB as read, and half of that once more in the grid.
    assert!(grown <= 24, "{grown} MiB");
    // What cannot be computed so is not read at all.
    let rolling = json!({"operations": format!("(rolling mean 5 (metric {metrics}))")});
    let refused = collector
        .post("/v1/aggregates", &rolling)
        .expect_status(400)
        .json();
    assert_eq!(refused["description"]["cause"], "Aggregate is too large");
}
