//! The exporter beside a real libvirtd with a real guest: every number is what `virsh domstats` says before and
//! after, every fact is what stands in the domain's XML.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use std::time::{Duration, Instant};

use support::bracket::{BLOCK, Bracket, DOMAIN, INTERFACE, VCPU};
use support::domains::{Irregular, firmware, make};
use support::{Scraped, exporter};
use testkit::{Guest, GuestSpec, Libvirtd, Running, promtool};

const BOOT: Duration = Duration::from_secs(300);

fn booted(libvirtd: &Libvirtd) -> Guest {
    let spec = GuestSpec::new("instance-0000002a").nova("web \"1\" & 云");
    let guest = Guest::boot(libvirtd, spec);
    guest.wait_for_agent(BOOT);
    // The guest's own numbers come with the balloon's first report, the disk's with the first write.
    guest.wait_for_stat_above("balloon.usable", 0.0, BOOT);
    guest.wait_for_stat_above("block.0.wr.bytes", 0.0, BOOT);
    guest
}

#[test]
fn a_guests_numbers_are_those_of_virsh_and_its_facts_those_of_its_xml() {
    let libvirtd = Libvirtd::start();
    let guest = booted(&libvirtd);
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    // Without /proc everything is asked of libvirt.
    let blind = support::exporter(&libvirtd.read_only_uri(), &["--path.procfs=/nonexistent"]);
    Scraped::of(&exporter);
    Scraped::of(&blind);

    let uuid = guest.uuid().to_string();
    let domain = [("domain", guest.name()), ("uuid", uuid.as_str())];
    let with = |label| [domain.as_slice(), &[label]].concat();
    // Numbers that go up and down, such as free memory, may leave the bracket between its ends; not each time.
    let attempt = |exporter: &Running| {
        let before = guest.domstats();
        let scraped = Scraped::of(exporter);
        let after = guest.domstats();
        let bracket = Bracket { before, after };
        let mut said = bracket.complaints(&scraped, DOMAIN, &domain);
        said.extend(bracket.complaints(&scraped, VCPU, &with(("vcpu", "0"))));
        said.extend(bracket.complaints(&scraped, BLOCK, &with(("target_device", "vda"))));
        if let Some(tap) = guest.tap() {
            said.extend(bracket.complaints(&scraped, INTERFACE, &with(("target_device", tap))));
        }
        (scraped, said)
    };
    let until_confirmed = |exporter| {
        for _ in 0..20 {
            let (scraped, said) = attempt(exporter);
            if said.is_empty() {
                return scraped;
            }
        }
        let (scraped, said) = attempt(exporter);
        assert_eq!(said, Vec::<String>::new());
        scraped
    };
    until_confirmed(&blind);
    let scraped = until_confirmed(&exporter);

    assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
    assert_eq!(scraped.value("libvirt_domains", &[]), 1.0);
    assert_eq!(scraped.value("libvirt_domain_timed_out", &domain), 0.0);
    if let Some(tap) = guest.tap() {
        let nic = [
            ("target_device", tap),
            ("mac_address", guest.mac()),
            ("source_bridge", testkit::libvirtd::BRIDGE),
        ];
        let nic = [domain.as_slice(), &nic].concat();
        scraped.value("libvirt_domain_interface_stats_info", &nic);
        scraped.value("libvirt_domain_interface_meta", &with(nic[2]));
    }

    let percent = scraped.value("libvirt_domain_memory_stats_used_percent", &domain);
    let [available, usable] = ["available", "usable"].map(|name| {
        scraped.value(
            &format!("libvirt_domain_memory_stats_{name}_bytes"),
            &domain,
        )
    });
    assert_eq!(percent, (available - usable) / available * 100.0);
    assert_eq!(
        scraped.value("libvirt_domain_memory_stats_period_seconds", &domain),
        1.0
    );

    let disk = [
        ("target_device", "vda"),
        ("driver_type", "qcow2"),
        ("source_file", guest.disk().to_str().unwrap()),
    ];
    scraped.value(
        "libvirt_domain_block_stats_info",
        &[domain.as_slice(), &disk].concat(),
    );
    scraped.value("libvirt_domain_info", &with(("os_type_arch", "x86_64")));
    let nova = testkit::nova::Nova::new("web \"1\" & 云");
    let image = nova.image_id.to_string();
    let facts = [
        ("instance_name", nova.display_name.as_str()),
        ("instance_id", &uuid),
        ("flavor_name", &nova.flavor),
        ("user_name", &nova.user_name),
        ("user_id", &nova.user_id),
        ("project_name", &nova.project_name),
        ("project_id", &nova.project_id),
        ("image_id", &image),
    ];
    scraped.value(
        "libvirt_domain_openstack_info",
        &[domain.as_slice(), &facts].concat(),
    );
    scraped.value(
        "libvirt_domain_info_meta",
        &with(("project_uuid", &nova.project_id)),
    );
    let created = scraped.value(
        "libvirt_domain_openstack_created_timestamp_seconds",
        &domain,
    );
    assert_eq!(created, 1_767_225_600.0);

    assert_eq!(promtool::check_metrics(&scraped.text), Vec::<String>::new());
    assert_eq!(exporter.stdout(), "");
    let log = exporter.stderr();
    let refused = log
        .lines()
        .filter(|line| line.contains("no connection that may write"));
    assert_eq!(refused.count(), 1, "read-only: said once\n{log}");
}

#[test]
fn groups_that_are_switched_off_are_not_there_and_the_rest_is() {
    let libvirtd = Libvirtd::start();
    let _domains = testkit::tiny::boot_many(
        &libvirtd,
        1,
        testkit::TinySpec {
            disk: true,
            ..Default::default()
        },
    );
    let flags = ["--no-collector.block", "--no-collector.memory"];
    let scraped = Scraped::of(&support::exporter(&libvirtd.uri(), &flags));
    let families = scraped.families_with(("domain", "instance-00000001"));
    assert!(
        !families
            .iter()
            .any(|name| name.contains("_block_") || name.contains("_memory_")),
        "{families:?}"
    );
    assert!(
        families.contains(&"libvirt_domain_info_cpu_time_seconds_total"),
        "{families:?}"
    );
    assert_eq!(
        scraped.value("libvirt_domain_timed_out", &[]),
        0.0,
        "what was not asked for is not missed"
    );

    let flags = ["--collector.disable-defaults", "--collector.openstack"];
    let exporter = support::exporter(&libvirtd.uri(), &flags);
    let families: Vec<_> = Scraped::of(&exporter)
        .families_with(("domain", "instance-00000001"))
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(families, ["libvirt_domain_info_meta"]);
}

#[test]
fn groups_that_are_off_by_default_are_there_where_they_are_switched_on_and_nothing_is_invented() {
    let libvirtd = Libvirtd::start();
    let domain = Irregular {
        name: "measured",
        metadata: "<iothreads>1</iothreads>",
        disks: 1,
        then: Some(&["start"]),
        ..Irregular::default()
    };
    make(&libvirtd, &firmware(libvirtd.dir()), &domain);
    let virsh = libvirtd.virsh();
    // Not every host lets itself be counted.
    let is_counted = virsh
        .try_run(["perf", "measured", "--enable", "page_faults"])
        .is_ok();
    let flags = ["iothread", "dirtyrate", "perf", "vm"].map(|it| format!("--collector.{it}"));
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let all = exporter(&libvirtd.read_only_uri(), &flags);
    let plain = exporter(&libvirtd.read_only_uri(), &[]);
    let name = ("domain", "measured");
    let scraped = Scraped::of(&all);
    let thread = [name, ("iothread", "1")];
    assert_eq!(
        scraped.value("libvirt_domain_iothread_poll_max_seconds", &thread),
        32_768e-9
    );
    assert_eq!(
        scraped.value("libvirt_domain_dirtyrate_status", &[name]),
        0.0
    );
    let rate = scraped.find("libvirt_domain_dirtyrate_bytes_per_second", &[name]);
    let started = scraped.find("libvirt_domain_dirtyrate_start_seconds", &[name]);
    assert_eq!((rate, started), (None, None), "it was never measured");
    let event = [name, ("event", "page_faults")];
    let counted = scraped.find("libvirt_domain_perf_events_total", &event);
    assert_eq!(counted.is_some(), is_counted);
    assert!(
        !scraped.text.contains("libvirt_domain_vm_"),
        "it runs without KVM"
    );
    if counts_by_kvm(&libvirtd) {
        let flush = [("domain", "accelerated"), ("stat", "remote_tlb_flush")];
        Scraped::of(&all).value("libvirt_domain_vm_events_total", &flush);
    }

    virsh.run(["domdirtyrate-calc", "measured", "--seconds", "1"]);
    let measured = |it: &Scraped| it.find("libvirt_domain_dirtyrate_status", &[name]) == Some(2.0);
    let deadline = Instant::now() + BOOT;
    let scraped = loop {
        let scraped = Scraped::of(&all);
        if measured(&scraped) {
            break scraped;
        }
        assert!(Instant::now() < deadline, "{}", scraped.text);
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(
        scraped.value("libvirt_domain_dirtyrate_period_seconds", &[name]),
        1.0
    );
    let families = Scraped::of(&plain);
    let families = families.families_with(name);
    let is_extra = |it: &&&str| {
        ["iothread", "dirtyrate", "perf_", "_vm_"]
            .iter()
            .any(|word| it.contains(word))
    };
    assert_eq!(families.iter().filter(is_extra).count(), 0, "{families:?}");
}

/// Starts a domain with KVM, where the host has it and libvirt tells what it counts.
fn counts_by_kvm(libvirtd: &Libvirtd) -> bool {
    let (file, firmware) = (libvirtd.dir().join("kvm.xml"), firmware(libvirtd.dir()));
    let xml = format!(
        "<domain type='kvm'><name>accelerated</name><memory unit='MiB'>1</memory>
         <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{}</loader></os></domain>",
        firmware.display()
    );
    std::fs::write(&file, xml).unwrap();
    let virsh = libvirtd.virsh();
    virsh.try_run(["create", file.to_str().unwrap()]).is_ok()
        && virsh
            .run(["domstats", "accelerated", "--vm"])
            .contains("remote_tlb_flush.")
}
