//! node_exporter's own end-to-end fixture: its kernel files are given to our binary, and each series that its expected
//! output has of our collectors must be there with the same type, labels and value.

mod common;
#[path = "common/debian_source.rs"]
mod debian_source;
#[path = "common/ttar.rs"]
mod ttar;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use exposition::{Families, Format, parse_families};
use testkit::Shipped;
use testkit::scrape::scrape;
use ttar::Entry;

/// Whose families begin so; the longest beginning counts.
const OWNERS: &[(&str, &str)] = &[
    ("node_arp_", "arp"),
    ("node_bcache_", "bcache"),
    ("node_bonding_", "bonding"),
    ("node_boot_time_", "stat"),
    ("node_btrfs_", "btrfs"),
    ("node_buddyinfo_", "buddyinfo"),
    ("node_cgroups_", "cgroups"),
    ("node_context_switches_", "stat"),
    ("node_cooling_device_", "thermal_zone"),
    ("node_cpu_", "cpu"),
    ("node_cpu_bug_info", "cpuinfo"),
    ("node_cpu_flag_info", "cpuinfo"),
    ("node_cpu_frequency_", "cpufreq"),
    ("node_cpu_info", "cpuinfo"),
    ("node_cpu_scaling_", "cpufreq"),
    ("node_disk_", "diskstats"),
    ("node_dmi_", "dmi"),
    ("node_drbd_", "drbd"),
    ("node_edac_", "edac"),
    ("node_entropy_", "entropy"),
    ("node_fibrechannel_", "fibrechannel"),
    ("node_filefd_", "filefd"),
    ("node_filesystem_", "filesystem"),
    ("node_forks_", "stat"),
    ("node_hwmon_", "hwmon"),
    ("node_infiniband_", "infiniband"),
    ("node_interrupts_", "interrupts"),
    ("node_intr_", "stat"),
    ("node_ipvs_", "ipvs"),
    ("node_ksmd_", "ksmd"),
    ("node_lnstat_", "lnstat"),
    ("node_load", "loadavg"),
    ("node_md_", "mdadm"),
    ("node_memory_", "meminfo"),
    ("node_memory_numa_", "meminfo_numa"),
    ("node_mountstats_", "mountstats"),
    ("node_netstat_", "netstat"),
    ("node_network_", "netclass"),
    ("node_network_receive_", "netdev"),
    ("node_network_transmit_", "netdev"),
    ("node_network_transmit_queue_length", "netclass"),
    ("node_nf_conntrack_", "conntrack"),
    ("node_nfs_", "nfs"),
    ("node_nfsd_", "nfsd"),
    ("node_nvme_", "nvme"),
    ("node_os_", "os"),
    ("node_power_supply_", "powersupplyclass"),
    ("node_pressure_", "pressure"),
    ("node_processes_", "processes"),
    ("node_procs_", "stat"),
    ("node_qdisc_", "qdisc"),
    ("node_rapl_", "rapl"),
    ("node_schedstat_", "schedstat"),
    ("node_selinux_", "selinux"),
    ("node_slabinfo_", "slabinfo"),
    ("node_sockstat_", "sockstat"),
    ("node_softirqs_", "stat"),
    ("node_softnet_", "softnet"),
    ("node_sysctl_", "sysctl"),
    ("node_tape_", "tapestats"),
    ("node_thermal_zone_", "thermal_zone"),
    ("node_udp_queues", "udp_queues"),
    ("node_vmstat_", "vmstat"),
    ("node_wifi_", "wifi"),
    ("node_xfs_", "xfs"),
    ("node_zfs_", "zfs"),
];

/// Labels that newer releases have too.
const NEWER_LABELS: [&str; 2] = ["adminstate", "cntlid"];

/// The flags with which node_exporter made its expected output, as far as we have them.
const FLAGS: [&str; 10] = [
    "--no-collector.netdev.netlink",
    "--collector.netdev.device-include=lo",
    "--collector.arp.device-exclude=nope",
    "--collector.hwmon.chip-include=(applesmc|coretemp|hwmon4|nct6779)",
    "--collector.netclass.ignore-invalid-speed",
    "--collector.netclass.ignored-devices=(dmz|int)",
    "--collector.stat.softirq",
    "--collector.buddyinfo",
    "--collector.cgroups",
    "--collector.interrupts",
];

/// A series: its type and its labels.
type Series = BTreeMap<(String, String), f64>;

fn series(families: &Families, tree: &str) -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for family in families.iter() {
        let of_family = all.entry(family.name().to_owned()).or_default();
        for sample in family.samples() {
            let labels: BTreeSet<String> = sample
                .labels()
                .filter(|(name, value)| !NEWER_LABELS.contains(name) && !value.is_empty())
                .map(|(name, value)| {
                    format!("{name}={}", value.replace(tree, "collector/fixtures"))
                })
                .collect();
            let labels = labels.into_iter().collect::<Vec<_>>().join(",");
            of_family.insert((format!("{:?}", family.kind()), labels), sample.value);
        }
    }
    all
}

fn owner(family: &str) -> &'static str {
    let of_family = OWNERS.iter().filter(|(start, _)| family.starts_with(start));
    of_family
        .max_by_key(|(start, _)| start.len())
        .map_or("none", |(_, owner)| *owner)
}

/// By collector: series of the expected output that are the same in ours, and all of them.
fn score(
    expected: &BTreeMap<String, Series>,
    ours: &BTreeMap<String, Series>,
) -> BTreeMap<&'static str, (usize, usize)> {
    let mut scores: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for (family, series) in expected {
        let score = scores.entry(owner(family)).or_default();
        for (labels, value) in series {
            let same = ours.get(family).and_then(|ours| ours.get(labels));
            let is_same =
                same.is_some_and(|ours| ours == value || (ours.is_nan() && value.is_nan()));
            score.0 += usize::from(is_same);
            score.1 += 1;
        }
    }
    scores
}

#[test]
#[ignore = "downloads Debian's source package of node_exporter"]
fn every_series_of_our_collectors_is_that_of_node_exporters_own_fixture() {
    let fixtures = debian_source::fixtures();
    let tree = fixtures.display().to_string();
    let exporter = Shipped::new(common::EXPORTER)
        .args([
            format!("--path.procfs={tree}/proc"),
            format!("--path.sysfs={tree}/sys"),
            format!("--path.rootfs={tree}"),
            format!("--path.udev.data={tree}/udev/data"),
            format!("--collector.textfile.directory={tree}/textfile/two_metric_files"),
        ])
        .args(FLAGS)
        .args([
            "--collector.ksmd",
            "--collector.lnstat",
            "--collector.meminfo_numa",
            "--collector.slabinfo",
        ])
        .start();
    let text = std::fs::read_to_string(fixtures.join("e2e-output.txt")).unwrap();
    let mut expected = series(&parse_families(&text, Format::Text).unwrap(), &tree);
    expected.retain(|family, _| owner(family) != "none");
    let found: Families = scrape(&exporter.url("/metrics"));
    let has: BTreeSet<String> = found
        .get("node_scrape_collector_success")
        .unwrap()
        .samples()
        .filter_map(|sample| Some(sample.label("collector")?.into_owned()))
        .collect();
    let scores = score(&expected, &series(&found, &tree));
    let (same, all) = scores
        .values()
        .fold((0, 0), |sum, (same, all)| (sum.0 + same, sum.1 + all));
    let mut report = String::new();
    for (collector, (same, all)) in &scores {
        report.push_str(&format!("{collector}: {same} of {all}\n"));
    }
    report.push_str(&format!("in total: {same} of {all}\n"));
    std::io::stderr().write_all(report.as_bytes()).unwrap();
    let short = |(collector, (same, all)): &(&&str, &(usize, usize))| {
        has.contains(**collector) && same < all
    };
    let short: Vec<_> = scores.iter().filter(short).collect();
    assert!(short.is_empty(), "{short:?}");
}

#[test]
fn archives_are_unpacked_with_their_ends_and_zeros() {
    let text = "# Archive\nDirectory: sys\nMode: 755\n# ttar\nPath: sys/a\nLines: 2\none\ntwoEOF\nMode: 644\n\
        Path: sys/b\nLines: 1\nxNULLBYTEy\nMode: 644\nPath: sys/c\nSymlinkTo: ../a\nPath: sys/d\nLines: 0\n";
    let expected = [
        Entry::Directory("sys"),
        Entry::File("sys/a", b"one\ntwo".to_vec()),
        Entry::File("sys/b", b"x\0y\n".to_vec()),
        Entry::Link("sys/c", "../a"),
        Entry::File("sys/d", Vec::new()),
    ];
    assert_eq!(ttar::entries(text), expected);
    let dir = tempfile::tempdir().unwrap();
    ttar::unpack(text, dir.path());
    assert_eq!(
        std::fs::read(dir.path().join("sys/a")).unwrap(),
        b"one\ntwo"
    );
}

#[test]
fn lists_of_packages_become_lists_of_sources() {
    let text =
        "deb http://mirror.example/debian stable main\ndeb-src http://old.example stable main\n";
    assert_eq!(
        debian_source::as_sources(text),
        "deb-src http://mirror.example/debian stable main\n"
    );
    assert_eq!(
        debian_source::as_sources("Types: deb\nURIs: u\n"),
        "Types: deb-src\nURIs: u\n"
    );
}

#[test]
fn a_series_with_another_value_type_or_label_is_not_the_same() {
    let parse = |text: &str| series(&parse_families(text, Format::Text).unwrap(), "/tree");
    let expected = parse(
        "# TYPE node_load1 gauge\nnode_load1 1\n# TYPE node_xfs_a counter\nnode_xfs_a{device=\"a\"} 1\n",
    );
    assert_eq!(score(&expected, &expected)["xfs"], (1, 1));
    for ours in [
        "# TYPE node_xfs_a counter\nnode_xfs_a{device=\"a\"} 2\n",
        "# TYPE node_xfs_a gauge\nnode_xfs_a{device=\"a\"} 1\n",
        "# TYPE node_xfs_a counter\nnode_xfs_a{device=\"b\"} 1\n",
    ] {
        assert_eq!(score(&expected, &parse(ours))["xfs"], (0, 1), "{ours}");
    }
}
