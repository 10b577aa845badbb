//! Runs Debian's node_exporter beside ours with the same collectors and flags and compares all that both say: on this
//! machine's kernel, where values move between two scrapes, and on the fixture files, where they do not.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use exposition::{Families, MetricType};
use testkit::scrape::scrape;
use testkit::{Peer, Running, Shipped, promtool};

const COLLECTORS: [&str; 10] = [
    "cpu",
    "diskstats",
    "filesystem",
    "loadavg",
    "meminfo",
    "netdev",
    "stat",
    "time",
    "uname",
    "vmstat",
];

/// Families that newer releases than Debian's have too.
const NEWER: [&str; 1] = ["node_filesystem_mount_info"];

/// Families whose values are facts about the program rather than about the host.
const OWN: [&str; 2] = [
    "node_exporter_build_info",
    "node_scrape_collector_duration_seconds",
];

/// Gauges that stay as they are while the host runs.
const STATIC: [&str; 17] = [
    "node_boot_time_seconds",
    "node_disk_ata_rotation_rate_rpm",
    "node_disk_device_mapper_info",
    "node_disk_filesystem_info",
    "node_disk_info",
    "node_filesystem_device_error",
    "node_filesystem_files",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_Hugepagesize_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_memory_VmallocTotal_bytes",
    "node_scrape_collector_success",
    "node_time_clocksource_available_info",
    "node_time_zone_offset_seconds",
    "node_uname_info",
];

/// The kernel's idle counters may go back by a tick while a CPU sleeps.
const TICKS: f64 = 0.05;

/// Upstream's defaults, which Debian's package has changed: both programs get them.
const FLAGS: [&str; 2] = [
    "--collector.netdev.device-exclude=^$",
    "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
];

type Series = BTreeMap<BTreeMap<String, String>, f64>;

struct Family {
    kind: MetricType,
    help: String,
    series: Series,
}

fn flags(extra: &[String]) -> Vec<String> {
    let collectors = COLLECTORS.iter().map(|name| format!("--collector.{name}"));
    ["--collector.disable-defaults".to_owned()]
        .into_iter()
        .chain(collectors)
        .chain(FLAGS.map(str::to_owned))
        .chain(extra.iter().cloned())
        .collect()
}

fn start_both(extra: &[String]) -> (Running, Running) {
    let peer = Peer::new("prometheus-node-exporter")
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .args(flags(extra))
        .wait_http("/")
        .start();
    (
        peer,
        Shipped::new(common::EXPORTER).args(flags(extra)).start(),
    )
}

/// The families of the host; those about the process are each program's own.
fn families(exporter: &Running) -> BTreeMap<String, Family> {
    let scraped: Families = scrape(&exporter.url("/metrics"));
    let own = |family: &exposition::FamilyRef<'_>| family.name().starts_with("node_");
    scraped
        .iter()
        .filter(own)
        .map(|family| {
            let series = family.samples().map(|sample| {
                let labels = sample
                    .labels()
                    .map(|(name, value)| (name.to_owned(), value.into_owned()));
                (labels.collect(), sample.value)
            });
            let family_of = Family {
                kind: family.kind(),
                help: family.help().to_owned(),
                series: series.collect(),
            };
            (family.name().to_owned(), family_of)
        })
        .collect()
}

fn names(families: &BTreeMap<String, Family>) -> BTreeSet<&str> {
    families
        .keys()
        .map(String::as_str)
        .filter(|name| !NEWER.contains(name))
        .collect()
}

#[track_caller]
fn assert_same_families(peer: &BTreeMap<String, Family>, ours: &BTreeMap<String, Family>) {
    assert_eq!(names(peer), names(ours));
    // The HELP of the build information speaks of Go.
    for (name, peer) in peer
        .iter()
        .filter(|(name, _)| *name != "node_exporter_build_info")
    {
        let ours = &ours[name];
        assert_eq!(ours.kind, peer.kind, "{name}");
        assert_eq!(ours.help, peer.help, "{name}");
    }
}

#[test]
fn on_this_machine_families_series_and_values_are_those_of_node_exporter() {
    let (peer, exporter) = start_both(&[]);
    let before = families(&peer);
    let ours = families(&exporter);
    let after = families(&peer);
    assert_same_families(&before, &ours);
    for (name, family) in ours.iter().filter(|(name, _)| before.contains_key(*name)) {
        if name != "node_exporter_build_info" {
            compare(name, &before[name].series, family, &after[name].series);
        }
    }
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert!(ours["node_cpu_seconds_total"].series.len() >= 8 * cpus);
}

/// A device may come or go between two scrapes: what both scrapes of the peer have must be there, and nothing that
/// neither has.
fn compare(name: &str, before: &Series, ours: &Family, after: &Series) {
    for labels in before.keys().filter(|labels| after.contains_key(*labels)) {
        assert!(
            ours.series.contains_key(labels),
            "{name}{labels:?} is missing"
        );
    }
    for (labels, value) in &ours.series {
        let (low, high) = (before.get(labels), after.get(labels));
        assert!(
            low.or(high).is_some(),
            "{name}{labels:?} is not node_exporter's"
        );
        let (Some(low), Some(high)) = (low, high) else {
            continue;
        };
        let is_counter = ours.kind == MetricType::Counter || ours.kind == MetricType::Untyped;
        if STATIC.contains(&name) {
            assert!(
                low == value && value == high,
                "{name}{labels:?}: {low}, ours {value}, {high}"
            );
        } else if is_counter || name == "node_time_seconds" {
            let bracket = low - TICKS..=high + TICKS;
            assert!(
                bracket.contains(value),
                "{name}{labels:?}: {low}, ours {value}, {high}"
            );
        }
    }
}

#[test]
fn on_the_same_kernel_files_every_series_and_value_is_equal() {
    let softirq = "--collector.stat.softirq".to_owned();
    let extra = [common::paths(&common::fixtures()), vec![softirq]].concat();
    let (peer, exporter) = start_both(&extra);
    let (peer, ours) = (families(&peer), families(&exporter));
    assert_same_families(&peer, &ours);
    for (name, family) in &peer {
        let is_own = OWN.contains(&name.as_str()) || name == "node_time_seconds";
        if !is_own {
            assert_eq!(ours[name].series, family.series, "{name}");
        }
    }
    assert!(peer.len() > 100, "{} families were compared", peer.len());
}

#[test]
fn every_way_to_count_network_traffic_has_node_exporters_series() {
    let detailed = "--collector.netdev.enable-detailed-metrics".to_owned();
    let from_proc = "--no-collector.netdev.netlink".to_owned();
    let addresses = "--collector.netdev.address-info".to_owned();
    for extra in [
        vec![detailed.clone(), addresses],
        vec![detailed, from_proc.clone()],
        vec![from_proc],
    ] {
        let (peer, exporter) = start_both(&extra);
        let (peer, ours) = (families(&peer), families(&exporter));
        assert_same_families(&peer, &ours);
        for (name, family) in peer
            .iter()
            .filter(|(name, _)| name.starts_with("node_network_"))
        {
            let lo = |family: &Family| {
                let of_lo = |labels: &&BTreeMap<String, String>| labels["device"] == "lo";
                family
                    .series
                    .keys()
                    .filter(of_lo)
                    .cloned()
                    .collect::<Vec<_>>()
            };
            assert_eq!(lo(&ours[name]), lo(family), "{name}");
        }
    }
}

#[test]
fn promtool_complains_of_nothing_that_it_does_not_complain_of_in_node_exporter() {
    let (peer, exporter) = start_both(&[]);
    let complaints = |exporter: &Running| {
        let text = testkit::http::get(&exporter.url("/metrics"))
            .expect_status(200)
            .text();
        promtool::check_metrics(&text)
            .into_iter()
            .collect::<BTreeSet<String>>()
    };
    let (peer, ours) = (complaints(&peer), complaints(&exporter));
    let new: Vec<_> = ours.difference(&peer).collect();
    assert!(new.is_empty(), "{new:#?}");
}
