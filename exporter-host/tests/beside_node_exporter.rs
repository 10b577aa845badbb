//! Runs Debian's node_exporter beside ours with their default collectors and the same flags and compares all that both say: on this
//! machine's kernel, where values move between two scrapes, and on the fixture files, where they do not.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use exposition::{Families, MetricType};
use testkit::scrape::scrape;
use testkit::{Peer, Running, Shipped, promtool};

/// Collectors of the default set that only Debian's has.
const PEER_ONLY: [&str; 1] = ["--no-collector.systemd"];

/// Families that newer releases than Debian's have too, by the beginnings of their names.
const NEWER: [&str; 22] = [
    "node_bcachefs_",
    "node_btrfs_commit",
    "node_btrfs_last_commit_seconds",
    "node_btrfs_max_commit_seconds",
    "node_cpu_scaling_governor",
    "node_edac_channel_",
    "node_edac_dimm_",
    "node_filesystem_mount_info",
    "node_hwmon_freq_freq_mhz",
    "node_kernel_hung_tasks_total",
    "node_md_degraded",
    "node_md_raid_disks",
    "node_nvme_namespace_",
    "node_pressure_irq_stalled_seconds_total",
    "node_softnet_backlog_len",
    "node_softnet_cpu_collision_total",
    "node_softnet_flow_limit_count_total",
    "node_softnet_received_rps_total",
    "node_watchdog_",
    "node_wifi_station_received_packets_total",
    "node_wifi_station_transmitted_packets_total",
    "node_zfs_arc_memory_available_bytes",
];

/// Families that have had more series since.
const EXTENDED: [&str; 4] = [
    "node_hwmon_sensor_label",
    "node_nfs_requests_total",
    "node_scrape_collector_success",
    "node_zfs_zpool_state",
];

/// Collectors that no node_exporter has.
const OURS_ONLY: [&str; 2] = ["--no-collector.inventory", "--no-collector.ipmi"];

/// A family in which newer releases have put right which number is which.
const CORRECTED: &str = "node_nfsd_requests_total";

/// Labels that newer releases have too.
const NEWER_LABELS: [&str; 3] = ["adminstate", "cntlid", "rotational"];

/// Families whose values are facts about the program rather than about the host.
const OWN: [&str; 2] = [
    "node_exporter_build_info",
    "node_scrape_collector_duration_seconds",
];

/// Gauges that stay as they are while the host runs.
const STATIC: [&str; 26] = [
    "node_boot_time_seconds",
    "node_disk_ata_rotation_rate_rpm",
    "node_disk_device_mapper_info",
    "node_disk_filesystem_info",
    "node_disk_info",
    "node_entropy_pool_size_bits",
    "node_filefd_maximum",
    "node_filesystem_device_error",
    "node_filesystem_files",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_Hugepagesize_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_memory_VmallocTotal_bytes",
    "node_network_flags",
    "node_network_iface_id",
    "node_network_info",
    "node_network_mtu_bytes",
    "node_network_protocol_type",
    "node_os_info",
    "node_os_version",
    "node_scrape_collector_success",
    "node_time_clocksource_available_info",
    "node_time_zone_offset_seconds",
    "node_uname_info",
];

/// The kernel's idle counters may go back by a tick while a CPU sleeps.
const TICKS: f64 = 0.05;

/// Upstream's defaults, which Debian's package has changed: both programs get them.
const FLAGS: [&str; 3] = [
    "--collector.netstat.fields=^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
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
    FLAGS
        .map(str::to_owned)
        .into_iter()
        .chain(extra.iter().cloned())
        .collect()
}

fn start_both(extra: &[String]) -> (Running, Running) {
    let peer = Peer::new("prometheus-node-exporter")
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .args(PEER_ONLY)
        .args(flags(extra))
        .wait_http("/")
        .start();
    (
        peer,
        Shipped::new(common::EXPORTER)
            .args(OURS_ONLY)
            .args(flags(extra))
            .start(),
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
                    .filter(|(name, value)| !NEWER_LABELS.contains(name) && !value.is_empty())
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

fn is_newer(name: &str) -> bool {
    NEWER.iter().any(|newer| name.starts_with(newer))
}

fn names(families: &BTreeMap<String, Family>) -> BTreeSet<&str> {
    families
        .keys()
        .map(String::as_str)
        .filter(|name| !is_newer(name))
        .collect()
}

#[track_caller]
fn assert_same_families(peer: &BTreeMap<String, Family>, ours: &BTreeMap<String, Family>) {
    assert_eq!(names(peer), names(ours));
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
            low.or(high).is_some() || EXTENDED.contains(&name) || OWN.contains(&name),
            "{name}{labels:?} is not node_exporter's"
        );
        let (Some(low), Some(high)) = (low, high) else {
            continue;
        };
        // Established connections are a number without a type, but no counter.
        let is_counter = ours.kind == MetricType::Counter
            || (ours.kind == MetricType::Untyped && name != "node_netstat_Tcp_CurrEstab");
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
    let more = [
        "--collector.stat.softirq",
        "--collector.buddyinfo",
        "--collector.cgroups",
        "--collector.interrupts",
        "--collector.ksmd",
        "--collector.meminfo_numa",
        "--collector.qdisc",
        "--collector.slabinfo",
        "--collector.wifi",
    ];
    let mut extra = common::paths(&common::fixtures());
    extra.extend(more.map(str::to_owned));
    let (peer, exporter) = start_both(&extra);
    let (peer, ours) = (families(&peer), families(&exporter));
    assert_same_families(&peer, &ours);
    for (name, family) in &peer {
        if OWN.contains(&name.as_str()) || name == "node_time_seconds" || name == CORRECTED {
            continue;
        }
        let mut series = ours[name].series.clone();
        if EXTENDED.contains(&name.as_str()) {
            series.retain(|labels, _| family.series.contains_key(labels));
        }
        assert_eq!(series, family.series, "{name}");
    }
    assert!(peer.len() > 400, "{} families were compared", peer.len());
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
