//! What happens when something is wrong: a flag, a kernel file that is not there, a kernel file that is garbage. The
//! message names the thing, and everything else goes on.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use testkit::scrape::{scrape, series};
use testkit::{Running, Shipped};

/// Kernel files, and the collectors that cannot work without them.
const NEEDED: [(&[&str], &[&str]); 8] = [
    (&["proc/diskstats"], &["diskstats"]),
    (
        &["proc/1/mountinfo", "proc/self/mountinfo"],
        &["filesystem"],
    ),
    (&["proc/loadavg"], &["loadavg"]),
    (&["proc/meminfo"], &["meminfo"]),
    (&["proc/net/dev"], &["netdev"]),
    (&["proc/stat"], &["cpu", "stat"]),
    (
        &["sys/devices/system/clocksource/clocksource0/current_clocksource"],
        &["time"],
    ),
    (&["proc/vmstat"], &["vmstat"]),
];

/// The collectors whose success is 0.
fn failed(exporter: &Running) -> BTreeSet<String> {
    let families = scrape(&exporter.url("/metrics"));
    let success = series(&families, "node_scrape_collector_success");
    assert!(success.len() >= 50, "{} collectors", success.len());
    let failed = success.into_iter().filter(|(_, value)| *value == 0.0);
    failed
        .filter_map(|(mut labels, _)| labels.remove("collector"))
        .collect()
}

fn damaged(damage: impl Fn(&Path)) {
    let absent = failed(&common::start_on(&common::fixtures()));
    for (files, collectors) in NEEDED {
        let tree = common::copy_of_fixtures();
        for file in files {
            damage(&tree.path().join(file));
        }
        let exporter = common::start_on(tree.path());
        let expected: BTreeSet<String> = collectors.iter().map(|name| (*name).to_owned()).collect();
        let failed = &failed(&exporter) - &absent;
        assert_eq!(failed, expected, "{files:?}");
        let log = exporter.stderr();
        assert!(
            files.iter().any(|file| log.contains(file)),
            "{files:?} is not in the log:\n{log}"
        );
    }
}

#[test]
fn a_missing_kernel_file_fails_its_collector_only() {
    damaged(|path| std::fs::remove_file(path).unwrap());
}

#[test]
fn garbage_in_a_kernel_file_fails_its_collector_only() {
    damaged(|path| std::fs::write(path, "\u{1}garbage: here\nand there\n").unwrap());
}

#[test]
fn bytes_that_are_no_text_fail_their_collector_only() {
    damaged(|path| std::fs::write(path, [0xff, 0xfe, b'\n', 0]).unwrap());
}

#[test]
fn garbage_in_optional_files_costs_nothing_but_what_they_would_have_told() {
    let tree = common::copy_of_fixtures();
    for file in [
        "udev/b8:0",
        "sys/devices/system/cpu/cpu0/topology/core_id",
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count",
    ] {
        std::fs::write(tree.path().join(file), [0xff, 0xfe, b'\n', 0]).unwrap();
    }
    let exporter = common::start_on(tree.path());
    assert_eq!(
        failed(&exporter),
        failed(&common::start_on(&common::fixtures()))
    );
    let families = scrape(&exporter.url("/metrics"));
    let disks = series(&families, "node_disk_info");
    let sda = disks
        .iter()
        .find(|(labels, _)| labels["device"] == "sda")
        .unwrap();
    assert_eq!(sda.0["model"], "");
}

#[test]
fn a_kernel_file_that_is_mended_works_again_without_a_restart() {
    let tree = common::copy_of_fixtures();
    let loadavg = tree.path().join("proc/loadavg");
    std::fs::remove_file(&loadavg).unwrap();
    let exporter = common::start_on(tree.path());
    let absent = failed(&common::start_on(&common::fixtures()));
    let broken = &failed(&exporter) - &absent;
    assert_eq!(broken, BTreeSet::from(["loadavg".to_owned()]));
    std::fs::write(&loadavg, "0.5 0.25 0.125 1/2 3\n").unwrap();
    assert_eq!(failed(&exporter), absent);
}

#[test]
fn a_bad_flag_is_one_line_that_names_it() {
    let cases: [(&[&str], &str); 6] = [
        (&["--collector.loadavgs"], "--collector.loadavgs"),
        (
            &["--collector.vmstat.fields=("],
            "--collector.vmstat.fields",
        ),
        (
            &["--collector.diskstats.device-exclude=[z-a]"],
            "--collector.diskstats.device-exclude",
        ),
        (
            &["--collector.filesystem.mount-timeout=soon"],
            "--collector.filesystem.mount-timeout",
        ),
        (&["--web.listen-address=nowhere"], "--web.listen-address"),
        (
            &[
                "--collector.netdev.device-include=a",
                "--collector.netdev.device-exclude=b",
            ],
            "--collector.netdev.device-exclude",
        ),
    ];
    for (args, flag) in cases {
        let finished = Shipped::new(common::EXPORTER)
            .args(args)
            .run(Duration::from_secs(30));
        let said = finished.stderr.trim_end();
        assert_eq!(finished.status.code(), Some(64), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(said.contains(flag), "{args:?}: {said}");
        assert_eq!(finished.stdout, "", "{args:?}");
    }
}
