//! Metrics that come and go leave nothing behind: neither memory, nor files of the store, nor rows of the catalogue.
//! `NEPHOSCOPE_CHURN_SECONDS` makes it long and `NEPHOSCOPE_CHURN_METRICS` says how many there are in each round; every
//! round prints a line.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells how it went"
)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use support::remote_write;
use support::{ADMIN, Collector};
use testkit::http::request;
use testkit::{metric, scrape};

/// Metrics in each round, unless the variable says otherwise.
const METRICS: u64 = 4_000;
/// Rounds at least; the first ones fill caches and files to their usual size.
const ROUNDS: usize = 12;
const WARM: usize = 4;
const PER_RESOURCE: u64 = 100;
const SERIES_PER_REQUEST: u64 = 5_000;
const START_MS: u64 = 1_767_225_600_000;

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

/// Bytes of all files below.
fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::metadata(path).map_or(0, |meta| meta.len());
    };
    entries.map(|entry| size(&entry.unwrap().path())).sum()
}

/// Bytes after a round: of memory, of the store's files and of the catalogue's.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    memory: u64,
    store: u64,
    catalogue: u64,
}

fn sizes(collector: &Collector) -> Sizes {
    let data = collector.dir().join("data");
    Sizes {
        memory: collector.running.usage().resident_bytes,
        store: size(&data.join("series")),
        catalogue: size(&data) - size(&data.join("series")),
    }
}

/// The job of the series in one request.
fn job(round: usize, first: u64) -> String {
    format!("round-{round}-{first}")
}

/// Writes one measure, then a later one, to each metric of this round.
fn create(collector: &Collector, round: usize, metrics: u64) {
    for minute in [0, 120] {
        for first in (0..metrics).step_by(SERIES_PER_REQUEST as usize) {
            let numbers = first..metrics.min(first + SERIES_PER_REQUEST);
            let body = remote_write::request(numbers.map(|number| {
                let labels = [
                    ("__name__", format!("churn_{}", number % PER_RESOURCE)),
                    ("instance", format!("host-{}", number / PER_RESOURCE)),
                    ("job", job(round, first)),
                ];
                (labels, vec![(1.0, START_MS + minute * 60_000)])
            }));
            let url = collector.running.url("/v1/prometheus/write");
            request("POST", &url, &[ADMIN], &body).expect_status(202);
        }
    }
}

#[test]
fn metrics_that_come_and_go_leave_no_growth() {
    let seconds = Duration::from_secs(number("NEPHOSCOPE_CHURN_SECONDS", 0));
    let metrics = number("NEPHOSCOPE_CHURN_METRICS", METRICS);
    let collector = Collector::start();
    let (begin, mut all) = (Instant::now(), Vec::new());
    while all.len() < ROUNDS || begin.elapsed() < seconds {
        let round = all.len();
        create(&collector, round, metrics);
        let known = |name: &str| {
            let families = scrape(&collector.running.url("/metrics"));
            metric(&families, &format!("nephoscope_collector_{name}"), &[])
        };
        assert_eq!(known("metrics"), Some(metrics as f64));
        for first in (0..metrics).step_by(SERIES_PER_REQUEST as usize) {
            let of_job = json!({"=": {"job": job(round, first)}});
            let deleted = collector.send("DELETE", "/v1/resource/prometheus", &of_job);
            let resources = SERIES_PER_REQUEST
                .min(metrics - first)
                .div_ceil(PER_RESOURCE);
            assert_eq!(
                deleted.expect_status(200).json(),
                json!({"deleted": resources})
            );
        }
        assert_eq!(known("metrics"), Some(0.0));
        for list in ["/v1/resource/generic", "/v1/metric"] {
            assert_eq!(collector.json(list), json!([]), "{list}");
        }
        let now = sizes(&collector);
        println!(
            "{:6.0} s, round {round}: {now:?}",
            begin.elapsed().as_secs_f64()
        );
        all.push(now);
    }
    // The largest of the rounds in the middle, which saw everything at least once, against the last ones.
    let (before, after) = all.split_at((all.len() / 2).max(WARM));
    let before = before.get(WARM - 1..).unwrap_or_default();
    let largest = |of: fn(&Sizes) -> u64, rounds: &[Sizes]| rounds.iter().map(of).max().unwrap();
    // Both have a log that grows up to its next checkpoint.
    for (what, of, slack) in [
        (
            "memory",
            (|sizes| sizes.memory) as fn(&Sizes) -> u64,
            24 << 20,
        ),
        ("store", |sizes| sizes.store, 512 << 20),
        ("catalogue", |sizes| sizes.catalogue, 64 << 20),
    ] {
        let (before, after) = (largest(of, before), largest(of, after));
        assert!(
            after <= before + before / 4 + slack,
            "{what} grew from {before} to {after} bytes"
        );
    }
}
