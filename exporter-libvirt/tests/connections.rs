//! The connections to libvirt: broken a thousand times they leave nothing behind, and the modular daemon's are found.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed assumption fails the test loudly, one that prints what it measured is read by hand"
)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::relay::Relay;
use support::{Scraped, exporter};
use testkit::{Libvirtd, Peer, Running, TinySpec, Usage};

/// Connections that are broken; `NEPHOSCOPE_BROKEN_CONNECTIONS` says otherwise.
const BROKEN: usize = 1000;

/// By so many bytes the resident memory may have grown, which is far less than a thousand connections have.
const GROWTH: u64 = 4 << 20;

#[test]
fn a_thousand_broken_connections_cost_no_scrape_and_leave_no_thread_and_no_descriptor_behind() {
    let count = std::env::var("NEPHOSCOPE_BROKEN_CONNECTIONS");
    let count = count.map_or(BROKEN, |count| count.parse().unwrap());
    let libvirtd = Libvirtd::start();
    let spec = TinySpec {
        disk: true,
        ..TinySpec::default()
    };
    let domains = testkit::tiny::boot_many(&libvirtd, 2, spec);
    let socket = libvirtd.dir().join("relay");
    let relay = Relay::start(&socket, &libvirtd.socket());
    let exporter = exporter(&format!("qemu:///system?socket={}", socket.display()), &[]);
    let scrape = || {
        let scraped = Scraped::of(&exporter);
        assert_eq!(
            scraped.value("libvirt_up", &[]),
            1.0,
            "{}",
            exporter.stderr()
        );
        for domain in &domains {
            let name = [("domain", domain.name())];
            scraped.value("libvirt_domain_block_stats_read_requests_total", &name);
            assert_eq!(scraped.value("libvirt_domain_timed_out", &name), 0.0);
        }
    };
    for _ in 0..20 {
        scrape();
        relay.cut();
    }
    let before = exporter.usage();
    let mut broken = 0;
    while broken < count {
        scrape();
        broken += relay.cut();
    }
    until_nothing_is_left(&exporter, before, scrape);
}

#[test]
fn reloads_leave_no_thread_and_no_descriptor_behind() {
    let libvirtd = Libvirtd::start();
    let exporter = exporter(&libvirtd.uri(), &[]);
    let reload = || {
        testkit::http::post(&exporter.url("/-/reload"), &[], "").expect_status(200);
        assert_eq!(Scraped::of(&exporter).value("libvirt_up", &[]), 1.0);
    };
    for _ in 0..20 {
        reload();
    }
    let before = exporter.usage();
    for _ in 0..100 {
        reload();
    }
    until_nothing_is_left(&exporter, before, || drop(Scraped::of(&exporter)));
}

/// Waits until the exporter has no more threads, files and memory than before, and prints both.
fn until_nothing_is_left(exporter: &Running, before: Usage, scrape: impl Fn()) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        scrape();
        let after = exporter.usage();
        // What was just replaced may still be closing.
        let grown = after.resident_bytes.saturating_sub(before.resident_bytes);
        if grown <= GROWTH
            && after.threads <= before.threads + 4
            && after.open_files <= before.open_files + 8
        {
            println!("{before:?}\n{after:?}");
            return;
        }
        assert!(Instant::now() < deadline, "{before:?} {after:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_modular_daemons_sockets_are_found_without_being_told() {
    let libvirtd = Libvirtd::start();
    let _domains = testkit::tiny::boot_many(&libvirtd, 1, TinySpec::default());
    // A /run as virtqemud leaves it: no libvirt-sock.
    let run = tempfile::Builder::new()
        .prefix("nephoscope-")
        .tempdir_in("/tmp")
        .unwrap();
    std::fs::create_dir(run.path().join("libvirt")).unwrap();
    let socket = |name: &str| run.path().join("libvirt").join(name);
    let read_only = libvirtd.dir().join("run/libvirt/libvirt-sock-ro");
    let _relays = [
        Relay::start(&socket("virtqemud-sock"), &libvirtd.socket()),
        Relay::start(&socket("virtqemud-sock-ro"), &read_only),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt"));
    let script = "mount --bind \"$1\" /run && exec \"$2\" --web.listen-address=127.0.0.1:\"$3\"";
    let exporter = Peer::new("unshare")
        .args(["--mount", "bash", "-c", script, "bash"])
        .args([
            run.path().display().to_string(),
            program.display().to_string(),
        ])
        .args(["{port}"])
        .env("LIBVIRT_DEFAULT_URI", "")
        .wait_http("/-/healthy")
        .start();
    let scraped = Scraped::of(&exporter);
    assert_eq!(
        scraped.value("libvirt_up", &[]),
        1.0,
        "{}",
        exporter.stderr()
    );
    assert_eq!(scraped.value("libvirt_domains", &[]), 1.0);
}
