//! What guests' agents tell, and agents that tell nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod support;

use std::time::{Duration, Instant};

use support::domains::{Irregular, firmware, make};
use support::{Scraped, exporter};
use testkit::{Guest, GuestSpec, Libvirtd, promtool};

const BOOT: Duration = Duration::from_secs(300);

#[test]
fn a_guests_agent_tells_its_file_systems_and_a_silent_balloon_is_made_to_report() {
    let libvirtd = Libvirtd::start();
    let spec = GuestSpec {
        balloon_period: 0,
        ..GuestSpec::new("instance-0000002b")
    };
    let guest = Guest::boot(&libvirtd, spec);
    guest.wait_for_agent(BOOT);
    let left_alone = support::exporter(&libvirtd.uri(), &["--no-memory.set-stats-period"]);
    let scraped = Scraped::of(&left_alone);
    assert_eq!(
        scraped.find("libvirt_domain_memory_stats_used_percent", &[]),
        None
    );
    assert_eq!(
        scraped.find("libvirt_domain_memory_stats_period_seconds", &[]),
        None
    );

    let exporter = exporter(&libvirtd.uri(), &["--guest-agent.interval=1s"]);
    let deadline = Instant::now() + BOOT;
    let scraped = loop {
        let scraped = Scraped::of(&exporter);
        // The guest mounts its disk after it has started its agent.
        let data = [("mountpoint", "/data")];
        if scraped.find("libvirt_domain_guest_agent_up", &[]) == Some(1.0)
            && scraped
                .find("libvirt_domain_filesystem_size_bytes", &data)
                .is_some()
            && scraped
                .find("libvirt_domain_memory_stats_used_percent", &[])
                .is_some()
        {
            break scraped;
        }
        assert!(Instant::now() < deadline, "{}", scraped.text);
        std::thread::sleep(Duration::from_millis(200));
    };
    let period = scraped.value("libvirt_domain_memory_stats_period_seconds", &[]);
    assert_eq!(period, 10.0);
    assert!(
        guest.xml().contains("<stats period='10'/>"),
        "{}",
        guest.xml()
    );

    let told = guest.agent(r#"{"execute":"guest-get-fsinfo"}"#).unwrap();
    let filesystems = told["return"].as_array().unwrap();
    let data = filesystems
        .iter()
        .find(|fs| fs["mountpoint"] == "/data")
        .unwrap();
    let labels = [
        ("domain", guest.name()),
        ("mountpoint", "/data"),
        ("fstype", "ext4"),
        ("source", "agent"),
        ("device", data["name"].as_str().unwrap()),
        ("disk", "vda"),
    ];
    let size = scraped.value("libvirt_domain_filesystem_size_bytes", &labels);
    assert_eq!(Some(size), data["total-bytes"].as_f64());
    let used = scraped.value("libvirt_domain_filesystem_used_bytes", &labels);
    assert!(used > 0.0 && used < size, "{used} of {size}");
    let latency = scraped.value("libvirt_domain_guest_agent_latency_seconds", &[]);
    let age = scraped.value("libvirt_domain_guest_agent_age_seconds", &[]);
    assert!(latency > 0.0 && age >= 0.0, "{latency} {age}");
    assert_eq!(
        scraped.value(
            "libvirt_exporter_capability",
            &[("capability", "guest_info")]
        ),
        1.0
    );
    assert_eq!(promtool::check_metrics(&scraped.text), Vec::<String>::new());
}

#[test]
fn a_guest_agent_that_never_answers_is_down_and_costs_no_scrape_anything() {
    let libvirtd = Libvirtd::start();
    let guest = Guest::boot(&libvirtd, GuestSpec::new("instance-0000002d"));
    // A channel with nobody behind it.
    let deaf = Irregular {
        name: "deaf",
        devices: "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        then: Some(&["start"]),
        ..Irregular::default()
    };
    make(&libvirtd, &firmware(libvirtd.dir()), &deaf);
    guest.wait_for_agent(BOOT);
    let flags = ["--guest-agent.interval=1s", "--guest-agent.timeout=2s"];
    let exporter = exporter(&libvirtd.uri(), &flags);
    let up = |scraped: &Scraped, domain: &str| {
        scraped.find("libvirt_domain_guest_agent_up", &[("domain", domain)])
    };
    let until = |wanted: f64| {
        let deadline = Instant::now() + BOOT;
        loop {
            let scraped = Scraped::of(&exporter);
            assert_eq!(scraped.value("libvirt_up", &[]), 1.0);
            assert_eq!(
                scraped.value("libvirt_domain_timed_out", &[("domain", guest.name())]),
                0.0
            );
            if up(&scraped, guest.name()) == Some(wanted) && up(&scraped, "deaf") == Some(0.0) {
                return scraped;
            }
            assert!(Instant::now() < deadline, "{}", scraped.text);
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    until(1.0);
    // It stops itself, and answers no more, though its channel stays connected.
    let stop = r#"{"execute":"guest-exec","arguments":{"path":"/bin/busybox","arg":["killall","-STOP","qemu-ga"]}}"#;
    let _ = guest.agent(stop);
    let scraped = until(0.0);
    let name = [("domain", guest.name())];
    let age = |scraped: &Scraped| scraped.value("libvirt_domain_guest_agent_age_seconds", &name);
    let (first, second) = (age(&scraped), age(&until(0.0)));
    assert!(
        second > first,
        "its last answer is kept with its age: {first} {second}"
    );
    let stuck = scraped.value("libvirt_exporter_stuck_connections", &[]);
    assert!(
        stuck <= 2.0,
        "one question at most hangs on each agent, {stuck} do"
    );
}
