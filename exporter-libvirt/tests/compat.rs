//! In the place of each peer: the series of Debian's exporter beside it, and the names and labels that the others'
//! published dashboards and documents ask for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use std::collections::BTreeSet;

use exposition::{Families, Format, parse_families};
use support::{Scraped, exporter};
use testkit::{Guest, GuestSpec, Libvirtd, Peer, TinySpec, http};

/// Every series of libvirt's, without its value. The exporters' own (`libvirt_exporter_…`, `libvirt_scrape_…`) are not
/// about libvirt.
fn series(text: &str) -> BTreeSet<String> {
    let families: Families = parse_families(text, Format::Text).unwrap();
    let mut series = BTreeSet::new();
    for family in families
        .iter()
        .filter(|family| family.name().starts_with("libvirt_"))
    {
        if family.name().starts_with("libvirt_exporter_")
            || family.name().starts_with("libvirt_scrape_")
        {
            continue;
        }
        for sample in family.samples() {
            let mut labels: Vec<_> = sample
                .labels()
                .filter(|(_, value)| !value.is_empty())
                .collect();
            labels.sort();
            series.insert(format!("{} {labels:?}", family.name()));
        }
    }
    series
}

#[test]
fn in_kuminas_place_the_series_are_those_of_debians_exporter() {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        tap: true,
        disk: true,
        nova: true,
    };
    let _domains = testkit::tiny::boot_many(&libvirtd, 2, spec);
    for nova in [None, Some("--libvirt.export-nova-metadata")] {
        let peer = Peer::new("prometheus-libvirt-exporter")
            .args([format!("--libvirt.uri={}", libvirtd.read_only_uri())])
            .args(["--web.listen-address=127.0.0.1:{port}"])
            .args(nova)
            .wait_http("/metrics")
            .start();
        let flags: Vec<_> = ["--compat=kumina"].into_iter().chain(nova).collect();
        let ours = exporter(&libvirtd.read_only_uri(), &flags);
        let theirs = http::get(&peer.url("/metrics")).expect_status(200).text();
        let (ours, theirs) = (series(&Scraped::of(&ours).text), series(&theirs));
        assert!(theirs.len() > 20, "{theirs:#?}");
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let added: Vec<_> = ours.difference(&theirs).collect();
        assert_eq!((missing, added), (Vec::new(), Vec::new()), "with {nova:?}");
    }
}

/// What inovex's dashboard for OpenStack asks for: families with the labels by which it selects, groups and joins.
const INOVEX: &[(&str, &[&str])] = &[
    ("libvirt_domain_info_state", &["domain", "state_desc"]),
    ("libvirt_domain_vcpu_current", &["domain"]),
    ("libvirt_domain_memory_stats_maximum_bytes", &["domain"]),
    (
        "libvirt_domain_block_stats_info",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_info",
        &["domain", "target_device"],
    ),
    ("libvirt_domain_info_cpu_time_seconds_total", &["domain"]),
    (
        "libvirt_domain_vcpu_delay_seconds_total",
        &["domain", "vcpu"],
    ),
    (
        "libvirt_domain_vcpu_time_seconds_total",
        &["domain", "vcpu"],
    ),
    ("libvirt_domain_memory_stats_used_percent", &["domain"]),
    ("libvirt_domain_memory_stats_swap_in_bytes", &["domain"]),
    ("libvirt_domain_memory_stats_swap_out_bytes", &["domain"]),
    (
        "libvirt_domain_block_stats_read_requests_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_write_requests_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_read_bytes_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_write_bytes_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_read_time_seconds_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_write_time_seconds_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_receive_bytes_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_transmit_bytes_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_receive_packets_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_transmit_packets_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_receive_errors_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_transmit_errors_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_stats_receive_drops_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_openstack_info",
        &[
            "domain",
            "instance_name",
            "instance_id",
            "project_name",
            "user_name",
        ],
    ),
];

/// What Tinkoff's document promises of a guest of this kind.
const TINKOFF: &[(&str, &[&str])] = &[
    (
        "libvirt_domain_info_meta",
        &[
            "domain",
            "uuid",
            "instance_name",
            "flavor",
            "user_uuid",
            "project_uuid",
            "root_type",
        ],
    ),
    ("libvirt_domain_info_vstate", &["domain"]),
    ("libvirt_domain_info_maximum_memory_bytes", &["domain"]),
    ("libvirt_domain_info_memory_usage_bytes", &["domain"]),
    ("libvirt_domain_info_virtual_cpus", &["domain"]),
    (
        "libvirt_domain_block_meta",
        &[
            "domain",
            "target_device",
            "source_file",
            "bus",
            "disk_type",
            "driver_type",
        ],
    ),
    (
        "libvirt_domain_block_stats_allocation",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_physicalsize_bytes",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_block_stats_flush_time_seconds_total",
        &["domain", "target_device"],
    ),
    (
        "libvirt_domain_interface_meta",
        &["domain", "source_bridge", "target_device"],
    ),
    (
        "libvirt_domain_memory_stats_actual_balloon_bytes",
        &["domain"],
    ),
    ("libvirt_domain_memory_stats_available_bytes", &["domain"]),
    ("libvirt_domain_memory_stats_disk_cache_bytes", &["domain"]),
    ("libvirt_domain_memory_stats_rss_bytes", &["domain"]),
    ("libvirt_domain_memory_stats_usable_bytes", &["domain"]),
    ("libvirt_domain_memory_stats_used_percent", &["domain"]),
    ("libvirt_domain_vcpu_cpu", &["domain", "vcpu"]),
    (
        "libvirt_domain_vcpu_wait_seconds_total",
        &["domain", "vcpu"],
    ),
    (
        "libvirt_versions_info",
        &["hypervisor_running", "libvirtd_running", "libvirt_library"],
    ),
];

#[test]
fn dashboards_of_inovex_and_tinkoff_find_their_names_and_labels_in_their_place_and_by_default() {
    let libvirtd = Libvirtd::start();
    let guest = Guest::boot(&libvirtd, GuestSpec::new("instance-0000002c").nova("web"));
    let boot = std::time::Duration::from_secs(300);
    guest.wait_for_stat_above("balloon.usable", 0.0, boot);
    for (flags, asked, foreign) in [
        (&["--compat=inovex"][..], INOVEX, Some("uuid")),
        (&["--compat=tinkoff"], TINKOFF, Some("project_id")),
        (&[], INOVEX, None),
        (&[], TINKOFF, None),
    ] {
        let scraped = Scraped::of(&exporter(&libvirtd.read_only_uri(), flags));
        let families = parse_families(&scraped.text, Format::Text).unwrap();
        for (name, labels) in asked {
            if name.contains("interface") && guest.tap().is_none() {
                continue;
            }
            let family = families
                .get(name)
                .unwrap_or_else(|| panic!("no {name} with {flags:?}"));
            let sample = family.samples().next().unwrap();
            let has = |label: &&&str| sample.label(label).is_some();
            let missing: Vec<_> = labels.iter().filter(|label| !has(label)).collect();
            assert!(
                missing.is_empty(),
                "{name} has no {missing:?} with {flags:?}"
            );
            let is_info = name.ends_with("_info") || name.ends_with("_meta");
            if let Some(foreign) = foreign.filter(|_| !is_info) {
                assert_eq!(sample.label(foreign), None, "{name} with {flags:?}");
            }
        }
        let is_narrowed = families.get("libvirt_domain_stuck").is_none();
        assert_eq!(
            is_narrowed,
            foreign.is_some(),
            "what no peer has, with {flags:?}"
        );
    }
}
