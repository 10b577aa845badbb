//! Ten domains as no tutorial has them, in a real libvirtd: without disks, interfaces or balloon, with twenty disks,
//! with strange names, half of Nova's metadata, paused, shut off, transient. Each is there once and whole.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use exposition::{Format, parse_families};
use support::domains::{Irregular, all, firmware, make};
use support::{Scraped, exporter};
use testkit::{Libvirtd, http, promtool, scrape};

#[test]
fn irregular_domains_are_there_once_and_whole() {
    let libvirtd = Libvirtd::start();
    let firmware = firmware(libvirtd.dir());
    let domains = all();
    for domain in &domains {
        make(&libvirtd, &firmware, domain);
    }
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    Scraped::of(&exporter);
    let scraped = Scraped::of(&exporter);
    assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
    assert_eq!(scraped.value("libvirt_domains", &[]), 10.0);

    for domain in &domains {
        let name = ("domain", domain.name);
        let state = match domain.name {
            "paused" => ("the domain is paused by user", "user", 3.0),
            "off" => ("the domain is shut off", "unknown", 5.0),
            _ => ("the domain is running", "booted", 1.0),
        };
        assert_eq!(
            scraped.value(
                "libvirt_domain_info_state",
                &[name, ("state_desc", state.0)]
            ),
            state.2
        );
        scraped.value(
            "libvirt_domain_info_state_reason",
            &[name, ("reason", state.1)],
        );
        assert_eq!(scraped.value("libvirt_domain_timed_out", &[name]), 0.0);
        assert_eq!(
            scraped.value("libvirt_domain_info_virtual_cpus", &[name]),
            1.0
        );
        scraped.value("libvirt_domain_info_meta", &[name]);
        let cpu = scraped.find("libvirt_domain_info_cpu_time_seconds_total", &[name]);
        assert_eq!(
            cpu.is_some(),
            domain.name != "off",
            "CPU time of {}",
            domain.name
        );

        let families = scraped.families_with(name);
        let has = |part: &str| families.iter().any(|family| family.contains(part));
        assert_eq!(
            has("_block_"),
            domain.disks > 0,
            "disks of {}: {families:?}",
            domain.name
        );
        assert!(
            !has("_interface_"),
            "interfaces of {}: {families:?}",
            domain.name
        );
        let is_nova = domain.metadata.contains("nova:instance");
        assert_eq!(
            has("_openstack_info"),
            is_nova,
            "instance {}: {families:?}",
            domain.name
        );
        // No guest runs here that could have said how it uses its memory.
        for unknown in [
            "used_percent",
            "available_bytes",
            "usable_bytes",
            "last_update",
        ] {
            assert!(!has(unknown), "{unknown} of {} is invented", domain.name);
        }
        for disk in 0..domain.disks {
            let target = format!("vd{}", char::from(b'a' + u8::try_from(disk).unwrap()));
            let disk = [name, ("target_device", target.as_str())];
            assert_eq!(
                scraped.value("libvirt_domain_block_stats_capacity_bytes", &disk),
                1_048_576.0
            );
            scraped.value("libvirt_domain_block_stats_info", &disk);
        }
    }
    let instance = [
        ("instance_name", "old \"one\""),
        ("project_id", "p-1"),
        ("flavor_name", "m1"),
    ];
    scraped.value("libvirt_domain_openstack_info", &instance);
    assert_eq!(promtool::check_metrics(&scraped.text), Vec::<String>::new());

    let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
    let openmetrics = http::get_with(&exporter.url("/metrics"), &accept).text();
    let families = parse_families(&openmetrics, Format::OpenMetrics).unwrap();
    let domains = scrape::series(&families, "libvirt_domain_info");
    assert_eq!(domains.len(), 10, "{openmetrics}");
}

#[test]
fn a_domain_that_comes_goes_or_changes_shows_in_the_next_scrape() {
    let libvirtd = Libvirtd::start();
    let firmware = firmware(libvirtd.dir());
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    assert_eq!(Scraped::of(&exporter).value("libvirt_domains", &[]), 0.0);

    let domain = Irregular {
        name: "fleeting",
        disks: 1,
        ..Irregular::default()
    };
    make(&libvirtd, &firmware, &domain);
    let name = ("domain", "fleeting");
    let disk = [name, ("target_device", "vda")];
    Scraped::of(&exporter).value("libvirt_domain_block_stats_info", &disk);

    let plugged = libvirtd.dir().join("plugged.raw");
    std::fs::File::create(&plugged)
        .unwrap()
        .set_len(2 << 20)
        .unwrap();
    let plugged = plugged.to_str().unwrap();
    libvirtd
        .virsh()
        .run(["attach-disk", "fleeting", plugged, "vdb", "--live"]);
    let scraped = Scraped::of(&exporter);
    let disk = [name, ("target_device", "vdb")];
    scraped.value(
        "libvirt_domain_block_stats_info",
        &[disk[0], disk[1], ("source_file", plugged)],
    );
    assert_eq!(
        scraped.value("libvirt_domain_block_stats_capacity_bytes", &disk),
        2_097_152.0
    );

    libvirtd.virsh().run(["suspend", "fleeting"]);
    let scraped = Scraped::of(&exporter);
    assert_eq!(scraped.value("libvirt_domain_info_vstate", &[name]), 3.0);

    libvirtd.virsh().run(["destroy", "fleeting"]);
    let scraped = Scraped::of(&exporter);
    assert_eq!(scraped.value("libvirt_domains", &[]), 0.0);
    assert_eq!(scraped.families_with(name), Vec::<&str>::new());
}
