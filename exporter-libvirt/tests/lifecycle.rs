//! What happens to domains while they are scraped: they come, go, pause, are renamed, crash, are killed, saved, migrated
//! and backed up. No scrape breaks, and each is there with its state and the reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::domains::{Irregular, firmware, make, panicking_firmware};
use support::{Scraped, exporter};
use testkit::{Libvirtd, Running, TinySpec};

const PATIENCE: Duration = Duration::from_secs(60);

/// Scrapes until `is_there`; each scrape has to be whole.
fn until(exporter: &Running, is_there: impl Fn(&Scraped) -> bool) -> Scraped {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let scraped = Scraped::of(exporter);
        assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
        if is_there(&scraped) {
            return scraped;
        }
        assert!(Instant::now() < deadline, "{}", scraped.text);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the domain is in the state, for the reason.
fn is(scraped: &Scraped, domain: &str, state: f64, reason: &str) -> bool {
    let labels = [("domain", domain), ("reason", reason)];
    scraped.find("libvirt_domain_info_vstate", &labels[..1]) == Some(state)
        && scraped
            .find("libvirt_domain_info_state_reason", &labels)
            .is_some()
}

/// Runs `act` beside scrapes, each of which has to be whole.
fn beside_scrapes(exporter: &Running, act: impl FnOnce() + Send) {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            act();
            is_done.store(true, Ordering::Release);
        });
        while !is_done.load(Ordering::Acquire) {
            assert_eq!(Scraped::of(exporter).value("libvirt_up", &[]), 1.0);
        }
    });
}

#[test]
fn domains_that_come_go_pause_and_are_renamed_between_and_during_scrapes_break_none() {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        disk: true,
        ..TinySpec::default()
    };
    let stays = testkit::tiny::boot_many(&libvirtd, 1, spec);
    let firmware = firmware(libvirtd.dir());
    let irregular = Irregular {
        name: "before",
        then: Some(&[]),
        ..Irregular::default()
    };
    make(&libvirtd, &firmware, &irregular);
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..4 {
                let domains = testkit::tiny::boot_many(&libvirtd, 2, spec);
                domains[0].suspend();
                domains[1].destroy();
                drop(domains);
            }
            libvirtd.virsh().run(["domrename", "before", "after"]);
            is_done.store(true, Ordering::Release);
        });
        while !is_done.load(Ordering::Acquire) {
            let scraped = Scraped::of(&exporter);
            assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
            let name = [("domain", stays[0].name())];
            let read = "libvirt_domain_block_stats_read_requests_total";
            assert!(scraped.find(read, &name).is_some(), "{}", scraped.text);
        }
    });
    let scraped = Scraped::of(&exporter);
    assert_eq!(scraped.value("libvirt_domains", &[]), 2.0);
    assert_eq!(
        scraped.value("libvirt_domain_info_vstate", &[("domain", "after")]),
        5.0
    );
    assert_eq!(
        scraped.find("libvirt_domain_info_vstate", &[("domain", "before")]),
        None
    );
}

#[test]
fn a_guest_that_panics_is_crashed_and_one_whose_hypervisor_is_killed_is_off_for_that_reason() {
    let libvirtd = Libvirtd::start();
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    let panics = Irregular {
        name: "panics",
        metadata: "<on_crash>preserve</on_crash>",
        disks: 1,
        devices: "<panic model='isa'/>",
        then: Some(&["start"]),
    };
    make(&libvirtd, &panicking_firmware(libvirtd.dir()), &panics);
    let killed = Irregular {
        name: "killed",
        disks: 1,
        then: Some(&["start"]),
        ..Irregular::default()
    };
    make(&libvirtd, &firmware(libvirtd.dir()), &killed);
    let scraped = until(&exporter, |it| is(it, "panics", 6.0, "panicked"));
    let crashed = [
        ("domain", "panics"),
        ("state_desc", "the domain is crashed"),
    ];
    assert_eq!(scraped.value("libvirt_domain_info_state", &crashed), 6.0);
    scraped.value(
        "libvirt_domain_block_stats_read_requests_total",
        &crashed[..1],
    );
    let uuid = libvirtd.virsh().run(["domuuid", "killed"]);
    let pid = libvirtd.qemu_pid(uuid.trim().parse().unwrap());
    kill_process(
        Pid::from_raw(pid.try_into().unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    let scraped = until(&exporter, |it| is(it, "killed", 5.0, "crashed"));
    let name = [("domain", "killed")];
    let cpu = scraped.find("libvirt_domain_info_cpu_time_seconds_total", &name);
    assert_eq!(cpu, None, "there is no process any more");
    assert_eq!(scraped.value("libvirt_domain_stuck", &name), 0.0);
}

#[test]
fn a_guest_that_is_saved_and_restored_and_one_that_migrates_are_there_before_and_after() {
    let [from, to] = [Libvirtd::start(), Libvirtd::start()];
    let firmware = firmware(from.dir());
    for name in ["moves", "sleeps"] {
        let domain = Irregular {
            name,
            then: Some(&["start"]),
            ..Irregular::default()
        };
        make(&from, &firmware, &domain);
    }
    let [source, target] = [&from, &to].map(|it| exporter(&it.read_only_uri(), &[]));
    until(&source, |it| is(it, "moves", 1.0, "booted"));

    beside_scrapes(&source, || {
        drop(from.virsh().run(["managedsave", "sleeps"]));
    });
    until(&source, |it| is(it, "sleeps", 5.0, "saved"));
    beside_scrapes(&source, || drop(from.virsh().run(["start", "sleeps"])));
    until(&source, |it| is(it, "sleeps", 1.0, "restored"));

    let (uri, socket) = (
        to.uri(),
        format!("unix://{}/migration", from.dir().display()),
    );
    let migrate = [
        "migrate",
        "moves",
        "--live",
        "--persistent",
        "--desturi",
        &uri,
    ];
    beside_scrapes(&source, || {
        let virsh = from.virsh();
        virsh.run(migrate.iter().chain(&["--migrateuri", &socket]));
    });
    until(&source, |it| is(it, "moves", 5.0, "migrated"));
    until(&target, |it| is(it, "moves", 1.0, "migrated"));
}

#[test]
fn a_backup_which_the_kernel_does_not_show_is_a_job_from_begin_to_end() {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        disk: true,
        ..TinySpec::default()
    };
    let domains = testkit::tiny::boot_many(&libvirtd, 20, spec);
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    let name = domains[13].name();
    let job = |scraped: &Scraped, domain: &str| {
        scraped.find("libvirt_domain_job_info_type", &[("domain", domain)])
    };
    let all_idle = |scraped: &Scraped| {
        domains
            .iter()
            .all(|it| job(scraped, it.name()) == Some(0.0))
    };
    until(&exporter, all_idle);
    let dir = libvirtd.dir().display();
    let backup = libvirtd.dir().join("backup.xml");
    let xml = format!(
        "<domainbackup mode='pull'><server transport='unix' socket='{dir}/nbd'/><disks><disk name='vda' backup='yes'
         type='file'><scratch file='{dir}/scratch.qcow2'/></disk></disks></domainbackup>"
    );
    std::fs::write(&backup, xml).unwrap();
    let virsh = libvirtd.virsh();
    virsh.run(["backup-begin", name, backup.to_str().unwrap()]);
    let scraped = until(&exporter, |it| job(it, name) == Some(2.0));
    scraped.value(
        "libvirt_domain_job_info_time_elapsed_seconds",
        &[("domain", name)],
    );
    virsh.run(["domjobabort", name]);
    until(&exporter, all_idle);
}
