//! What the exporter does when libvirt or a hypervisor is not there, goes away, comes back, or hangs: it says so once, and
//! every scrape still answers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use support::{Scraped, exporter};
use testkit::{Domain, Libvirtd, TinySpec};

const DOWN: &str = "libvirt does not answer";
const UP: &str = "libvirt answers";

fn lines_with(log: &str, part: &str) -> usize {
    log.lines().filter(|line| line.contains(part)).count()
}

#[test]
fn without_a_libvirt_up_is_0_and_the_log_says_so_once() {
    let mut exporter = exporter("qemu:///system?socket=/nonexistent/libvirt-sock", &[]);
    for _ in 0..3 {
        let scraped = Scraped::of(&exporter);
        assert_eq!(scraped.value("libvirt_up", &[]), 0.0);
        assert_eq!(
            scraped.value(
                "libvirt_scrape_collector_success",
                &[("collector", "domains")]
            ),
            0.0
        );
        assert_eq!(scraped.find("libvirt_domains", &[]), None);
    }
    let log = exporter.stderr();
    assert_eq!(lines_with(&log, DOWN), 1, "{log}");
    assert!(log.contains("/nonexistent/libvirt-sock"), "{log}");
    assert!(exporter.terminate().success());
}

#[test]
fn a_libvirt_that_goes_and_comes_back_is_followed() {
    let mut libvirtd = Libvirtd::start();
    let _domain = testkit::tiny::boot_many(
        &libvirtd,
        1,
        TinySpec {
            nova: true,
            ..TinySpec::default()
        },
    );
    libvirtd.stop_daemon();
    let exporter = exporter(&libvirtd.read_only_uri(), &[]);
    assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 0.0);

    libvirtd.start_daemon();
    for _ in 0..2 {
        let scraped = Scraped::of(&exporter);
        assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
        assert_eq!(scraped.value("libvirt_domains", &[]), 1.0);
    }
    // Killed and started anew between two scrapes: the broken connection is replaced within the scrape.
    libvirtd.kill_daemon();
    libvirtd.start_daemon();
    assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 1.0);

    libvirtd.kill_daemon();
    for _ in 0..2 {
        assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 0.0);
    }
    libvirtd.start_daemon();
    assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 1.0);
    let log = exporter.stderr();
    assert_eq!(
        (lines_with(&log, DOWN), lines_with(&log, UP)),
        (2, 2),
        "{log}"
    );
}

#[test]
fn a_libvirt_that_hangs_costs_few_threads_and_every_scrape_answers() {
    let libvirtd = Libvirtd::start();
    let exporter = exporter(&libvirtd.read_only_uri(), &["--libvirt.timeout=300ms"]);
    let stuck = |scraped: &Scraped| scraped.value("libvirt_exporter_stuck_connections", &[]);
    let abandoned =
        |scraped: &Scraped| scraped.value("libvirt_exporter_abandoned_connections_total", &[]);
    // A libvirt that has just started may itself be slow.
    let until_well = || loop {
        let scraped = Scraped::of(&exporter);
        if scraped.value("libvirt_up", &[]) == 1.0 && stuck(&scraped) == 0.0 {
            return scraped;
        }
    };
    let before = abandoned(&until_well());

    let daemon = Pid::from_raw(libvirtd.pid().try_into().unwrap()).unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    for _ in 0..6 {
        assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 0.0);
    }
    let scraped = Scraped::of(&exporter);
    assert_eq!(stuck(&scraped), 4.0);
    assert_eq!(abandoned(&scraped), before + 4.0);

    kill_process(daemon, Signal::CONT).unwrap();
    until_well();
    let log = exporter.stderr();
    assert!(log.contains("no answer in time"), "{log}");
}

/// The exporter beside three domains with a disk, of which the first is stopped and let go again.
fn one_of_three_hangs(flags: &[&str]) {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        disk: true,
        ..TinySpec::default()
    };
    let domains = testkit::tiny::boot_many(&libvirtd, 3, spec);
    let exporter = exporter(&libvirtd.read_only_uri(), flags);
    let read_requests = |scraped: &Scraped, domain: &Domain| {
        let name = [("domain", domain.name())];
        scraped.find("libvirt_domain_block_stats_read_requests_total", &name)
    };
    let of = |scraped: &Scraped, family: &str| {
        domains
            .iter()
            .map(|domain| scraped.value(family, &[("domain", domain.name())]))
            .collect::<Vec<_>>()
    };
    let until_whole = || loop {
        let scraped = Scraped::of(&exporter);
        if scraped.value("libvirt_up", &[]) == 1.0
            && of(&scraped, "libvirt_domain_timed_out") == [0.0; 3]
            && domains
                .iter()
                .all(|it| read_requests(&scraped, it).is_some())
        {
            return scraped;
        }
    };
    until_whole();

    let hypervisor = Pid::from_raw(domains[0].pid().try_into().unwrap()).unwrap();
    kill_process(hypervisor, Signal::STOP).unwrap();
    let mut ages = Vec::new();
    for _ in 0..3 {
        let scraped = Scraped::of(&exporter);
        assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
        assert_eq!(
            of(&scraped, "libvirt_domain_stuck"),
            [1.0, 0.0, 0.0],
            "{}",
            scraped.text
        );
        assert_eq!(of(&scraped, "libvirt_domain_timed_out"), [1.0, 0.0, 0.0]);
        assert!(
            domains
                .iter()
                .all(|it| read_requests(&scraped, it).is_some()),
            "the stopped one has its last numbers, the others theirs"
        );
        let age = of(&scraped, "libvirt_domain_stats_age_seconds");
        assert_eq!(age[1..], [0.0, 0.0]);
        ages.push(age[0]);
    }
    assert!(ages.is_sorted() && ages[0] > 0.0, "{ages:?}");
    let scraped = Scraped::of(&exporter);
    let hanging = scraped.value("libvirt_exporter_stuck_connections", &[]);
    assert!(
        hanging <= 1.0,
        "one question at most hangs on it, {hanging} do"
    );

    kill_process(hypervisor, Signal::CONT).unwrap();
    let scraped = until_whole();
    assert_eq!(of(&scraped, "libvirt_domain_stuck"), [0.0; 3]);
    assert_eq!(of(&scraped, "libvirt_domain_stats_age_seconds"), [0.0; 3]);
}

#[test]
fn a_guest_whose_hypervisor_is_stopped_is_seen_in_proc_and_not_even_asked() {
    one_of_three_hangs(&[]);
}

#[test]
fn a_guest_whose_hypervisor_hangs_out_of_sight_keeps_its_last_numbers_and_costs_nobody_else() {
    // Without /proc nothing tells before the question does.
    one_of_three_hangs(&["--path.procfs=/nonexistent", "--libvirt.domain-timeout=3s"]);
}

#[test]
fn a_guest_that_hung_when_libvirt_was_killed_is_whole_when_both_are_back() {
    let mut libvirtd = Libvirtd::start();
    let spec = TinySpec {
        disk: true,
        ..TinySpec::default()
    };
    let domains = testkit::tiny::boot_many(&libvirtd, 2, spec);
    // Without /proc it is asked, and the question hangs.
    let flags = ["--path.procfs=/nonexistent", "--libvirt.domain-timeout=2s"];
    let exporter = exporter(&libvirtd.read_only_uri(), &flags);
    let stuck = |scraped: &Scraped| {
        domains
            .iter()
            .map(|it| scraped.value("libvirt_domain_stuck", &[("domain", it.name())]))
            .collect::<Vec<_>>()
    };
    let until = |wanted: [f64; 2]| loop {
        let scraped = Scraped::of(&exporter);
        if scraped.value("libvirt_up", &[]) == 1.0 && stuck(&scraped) == wanted {
            return scraped;
        }
    };
    until([0.0; 2]);
    let hypervisor = Pid::from_raw(domains[0].pid().try_into().unwrap()).unwrap();
    kill_process(hypervisor, Signal::STOP).unwrap();
    until([1.0, 0.0]);
    libvirtd.kill_daemon();
    // The question comes back without an answer, for nobody listens.
    loop {
        let scraped = Scraped::of(&exporter);
        assert_eq!(scraped.value("libvirt_up", &[]), 0.0);
        if scraped.value("libvirt_exporter_stuck_connections", &[]) == 0.0 {
            break;
        }
    }
    kill_process(hypervisor, Signal::CONT).unwrap();
    libvirtd.start_daemon();
    let scraped = until([0.0; 2]);
    for domain in &domains {
        let name = [("domain", domain.name())];
        scraped.value("libvirt_domain_block_stats_read_requests_total", &name);
    }
}
