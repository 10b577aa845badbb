//! A real libvirtd with real guests, as the tests of the exporters use them.

use std::time::{Duration, Instant};

use testkit::tiny::boot_many;
use testkit::{Guest, GuestSpec, Libvirtd, TinySpec, Usage};

const LONG: Duration = Duration::from_secs(120);

#[test]
fn a_guest_boots_answers_its_agent_and_moves_its_counters() {
    let libvirtd = Libvirtd::start();
    let started = Instant::now();
    let guest = Guest::boot(
        &libvirtd,
        GuestSpec::new("instance-0000002a").nova("web & <db>"),
    );
    guest.wait_for_agent(LONG);
    println!(
        "the agent answers after {:.1} s",
        started.elapsed().as_secs_f64()
    );
    assert_eq!(guest.state(), "running");

    for key in ["block.0.rd.bytes", "block.0.wr.bytes", "cpu.time"] {
        let before = guest.stat(key);
        guest.wait_for_stat_above(key, before, LONG);
    }
    if let Some(tap) = guest.tap() {
        assert_eq!(guest.domstats()["net.0.name"], tap);
        for key in ["net.0.rx.bytes", "net.0.tx.bytes"] {
            let before = guest.stat(key);
            guest.wait_for_stat_above(key, before, LONG);
        }
    }
    guest.wait_for_stat_above("balloon.usable", 0.0, LONG);

    let filesystems = guest.agent(r#"{"execute":"guest-get-fsinfo"}"#).unwrap();
    let data = filesystems["return"].as_array().unwrap();
    assert!(
        data.iter()
            .any(|fs| fs["mountpoint"] == "/data" && fs["type"] == "ext4"),
        "{data:?}"
    );

    let xml = guest.xml();
    assert!(
        xml.contains("<nova:name>web &amp; &lt;db&gt;</nova:name>"),
        "{xml}"
    );
    assert!(
        xml.contains("xmlns:nova=\"http://openstack.org/xmlns/libvirt/nova/1.1\""),
        "{xml}"
    );
}

#[test]
fn ten_tiny_domains_run_and_none_is_left_behind() {
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        tap: true,
        disk: true,
        nova: true,
    };
    let domains = boot_many(&libvirtd, 10, spec);
    let listed = libvirtd.virsh().run(["list", "--name", "--state-running"]);
    assert_eq!(listed.split_whitespace().count(), 10);
    let stats = domains[9].domstats();
    assert!(
        stats.contains_key("block.0.rd.reqs") && stats.contains_key("cpu.time"),
        "{stats:#?}"
    );
    assert!(domains[0].usage().resident_bytes < 64 << 20);

    domains[0].suspend();
    assert_eq!(domains[0].state(), "paused");
    domains[0].resume();
    assert_eq!(domains[0].state(), "running");
    let destroyed = domains[1].pid();
    domains[1].destroy();
    assert_eq!(Usage::of(destroyed), None);

    let pids: Vec<u32> = domains
        .iter()
        .map(|domain| domain.pid())
        .chain([libvirtd.pid()])
        .collect();
    let dir = libvirtd.dir().to_path_buf();
    drop(libvirtd);
    assert!(pids.iter().all(|&pid| Usage::of(pid).is_none()), "{pids:?}");
    assert!(!dir.exists());
}

#[test]
fn guests_outlive_their_libvirtd_and_are_found_again() {
    let mut libvirtd = Libvirtd::start();
    let domains = boot_many(&libvirtd, 1, TinySpec::default());
    let first = libvirtd.pid();
    libvirtd.kill_daemon();
    assert!(libvirtd.virsh().try_run(["list"]).is_err());
    libvirtd.start_daemon();
    assert_ne!(libvirtd.pid(), first);
    assert_eq!(domains[0].state(), "running");
    libvirtd.stop_daemon();
    libvirtd.start_daemon();
    assert_eq!(domains[0].state(), "running");
}

#[test]
fn two_daemons_do_not_see_each_other() {
    let one = Libvirtd::start();
    let other = Libvirtd::start();
    let _domains = boot_many(&one, 1, TinySpec::default());
    assert_eq!(
        one.virsh().run(["list", "--name"]).trim(),
        "instance-00000001"
    );
    assert_eq!(other.virsh().run(["list", "--name"]).trim(), "");
}
