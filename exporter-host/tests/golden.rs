//! The whole scrape of a host that is described by fixture files: what the collectors make of it must not change
//! unseen. `UPDATE_GOLDEN=1` writes the golden file anew.

mod common;

use testkit::golden::assert_golden;
use testkit::http::get;
use testkit::promtool;

/// What differs from run to run or from machine to machine.
const MOVING: [&str; 5] = [
    "node_exporter_build_info",
    "node_scrape_collector_duration_seconds",
    "node_textfile_mtime_seconds",
    "node_time_seconds",
    "node_uname_info",
];

/// The beginnings of names that promtool would have otherwise: the kernel's own, or node_exporter's, or those of pages that ask for them.
const KNOWN: [&str; 6] = [
    "node_entropy_",
    "node_memory_",
    "node_netstat_",
    "node_process_total ",
    "node_wifi_station_",
    "node_zfs_",
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
    let golden = golden.replace(&common::fixtures().display().to_string(), "TREE");
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
fn promtool_minds_nothing_but_names_that_are_node_exporters() {
    let exporter = common::start_on(&common::fixtures());
    let text = get(&exporter.url("/metrics")).expect_status(200).text();
    for complaint in promtool::check_metrics(&text) {
        let is_known = KNOWN.iter().any(|name| complaint.starts_with(name));
        assert!(is_known, "{complaint}");
    }
}
