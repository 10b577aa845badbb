//! The whole scrape of a host that is described by fixture files: what the collectors make of it must not change
//! unseen. `UPDATE_GOLDEN=1` writes the golden file anew.

mod common;

use testkit::golden::assert_golden;
use testkit::http::get;
use testkit::promtool;

/// What differs from run to run or from machine to machine.
const MOVING: [&str; 4] = [
    "node_exporter_build_info",
    "node_scrape_collector_duration_seconds",
    "node_time_seconds",
    "node_uname_info",
];

#[test]
fn the_scrape_of_the_fixtures_is_the_golden_file() {
    let exporter = common::start_on(&common::fixtures());
    let text = get(&exporter.url("/metrics")).expect_status(200).text();
    let golden: String = text
        .lines()
        .filter(|line| line.contains("node_") && !MOVING.iter().any(|name| line.contains(name)))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_golden(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metrics.txt"),
        &golden,
    );
}

#[test]
fn a_second_scrape_says_the_same_as_the_first() {
    let exporter = common::start_on(&common::fixtures());
    let scrape = || {
        let text = get(&exporter.url("/metrics")).expect_status(200).text();
        let fixed =
            |line: &&str| line.contains("node_") && !MOVING.iter().any(|name| line.contains(name));
        text.lines()
            .filter(fixed)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(scrape(), scrape());
}

#[test]
fn promtool_minds_nothing_but_the_kernels_names_of_memory_fields() {
    let exporter = common::start_on(&common::fixtures());
    let text = get(&exporter.url("/metrics")).expect_status(200).text();
    for complaint in promtool::check_metrics(&text) {
        assert!(complaint.starts_with("node_memory_"), "{complaint}");
    }
}
