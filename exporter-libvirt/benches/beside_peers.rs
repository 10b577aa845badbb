//! `make bench-libvirt`: the exporter beside Debian's and beside one raw call for all statistics, on a libvirtd with real
//! QEMUs of two disks and two taps each: wall time, CPU time of the program and of libvirtd, memory, as ratios. Then the
//! same with one QEMU stopped. `NEPHOSCOPE_BENCH_DOMAINS` says how many domains (100); each takes about 20 MiB.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot run says so loudly"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::domains::{Irregular, firmware, make};
use support::exporter;
use testkit::libvirtd::BRIDGE;
use testkit::{Libvirtd, Peer, Running, Usage, http, scrape};
use virt::connect::Connect;

/// Calls of each kind that are timed, in turns.
const ROUNDS: u32 = 8;

/// What a call takes.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: f64,
    own: f64,
    libvirtd: f64,
}

fn main() {
    // `cargo test --benches` only wants to know that it links.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let count = std::env::var("NEPHOSCOPE_BENCH_DOMAINS");
    let count: usize = count.map_or(100, |count| count.parse().unwrap());
    let libvirtd = Libvirtd::start();
    boot(&libvirtd, count);
    let ours = exporter(&libvirtd.read_only_uri(), &[]);
    let debians = Peer::new("prometheus-libvirt-exporter")
        .args([format!("--libvirt.uri={}", libvirtd.read_only_uri())])
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .wait_http("/")
        .start();
    let connection = Connect::open_read_only(Some(&libvirtd.read_only_uri())).unwrap();
    let raw = || drop(connection.all_domain_stats(0, 0).unwrap());
    let page = |program: &Running| drop(http::get(&program.url("/metrics")).expect_status(200));

    // The first scrape reads XML and finds processes, which the others do not.
    let first = timed(|| page(&ours));
    let [mut raws, mut mine, mut theirs] = [[Cost::default(); ROUNDS as usize]; 3];
    for round in 0..ROUNDS as usize {
        raws[round] = cost(&libvirtd, std::process::id(), raw);
        mine[round] = cost(&libvirtd, ours.pid(), || page(&ours));
        theirs[round] = cost(&libvirtd, debians.pid(), || page(&debians));
    }
    println!("{count} domains of 2 disks and 2 taps, mean of {ROUNDS} calls in turns, seconds");
    println!(
        "{:28} {:>7} {:>8} {:>9} {:>8}",
        "", "wall", "own CPU", "libvirtd", "RSS MiB"
    );
    let own = [std::process::id(), ours.pid(), debians.pid()];
    let rows = [
        ("one raw call, all groups", &raws),
        ("Nephoscope", &mine),
        ("Debian's exporter 0.2.0", &theirs),
    ];
    for ((name, costs), pid) in rows.into_iter().zip(own) {
        let Cost {
            wall,
            own,
            libvirtd,
        } = mean(costs);
        let resident = Usage::of(pid).unwrap().resident_bytes as f64 / f64::from(1 << 20);
        println!("{name:28} {wall:7.3} {own:8.4} {libvirtd:9.3} {resident:8.1}");
    }
    let (raw_mean, our_mean, their_mean) = (mean(&raws), mean(&mine), mean(&theirs));
    println!(
        "ratio to the raw call: wall {:.2}, libvirtd {:.2}; to Debian's: wall {:.2}, own CPU {:.2}; first scrape {first:.3} s",
        our_mean.wall / raw_mean.wall,
        our_mean.libvirtd / raw_mean.libvirtd,
        our_mean.wall / their_mean.wall,
        our_mean.own / their_mean.own,
    );
    let [own, files] = ["RssAnon:", "RssFile:"].map(|part| status_mib(ours.pid(), part));
    println!("Nephoscope's memory: {own:.1} MiB of its own, {files:.1} MiB of mapped files");
    one_stopped(&libvirtd, count, &ours, &debians);
}

/// A line of `/proc/PID/status`, as MiB.
fn status_mib(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let text = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let kib: f64 = text.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

/// Domains that halt at once, with two disks and two taps.
fn boot(libvirtd: &Libvirtd, count: usize) {
    let firmware = firmware(libvirtd.dir());
    let nic = format!(
        "<interface type='bridge'><source bridge='{BRIDGE}'/><model type='virtio'/></interface>"
    );
    let devices: &'static str = Box::leak(nic.repeat(2).into_boxed_str());
    for number in 0..count {
        let domain = Irregular {
            name: Box::leak(format!("instance-{number:08x}").into_boxed_str()),
            disks: 2,
            devices,
            ..Irregular::default()
        };
        make(libvirtd, &firmware, &domain);
    }
}

fn timed(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

fn cost(libvirtd: &Libvirtd, pid: u32, call: impl FnOnce()) -> Cost {
    let cpu = |pid| Usage::of(pid).unwrap().cpu;
    let daemon = libvirtd.pid();
    let (own, libvirtds) = (cpu(pid), cpu(daemon));
    let wall = timed(call);
    Cost {
        wall,
        own: cpu(pid).saturating_sub(own).as_secs_f64(),
        libvirtd: cpu(daemon).saturating_sub(libvirtds).as_secs_f64(),
    }
}

fn mean(costs: &[Cost]) -> Cost {
    let mean = |of: fn(&Cost) -> f64| costs.iter().map(of).sum::<f64>() / costs.len() as f64;
    Cost {
        wall: mean(|cost| cost.wall),
        own: mean(|cost| cost.own),
        libvirtd: mean(|cost| cost.libvirtd),
    }
}

/// A scrape that may take a minute.
fn slow_get(program: &Running) -> std::io::Result<http::Response> {
    http::Connection::open_with_timeout(program.address(), Duration::from_secs(60))
        .and_then(|mut connection| connection.request("GET", "/metrics", &[], b""))
}

/// One QEMU is stopped: how long each exporter's scrapes take, and of how many domains they have a disk.
fn one_stopped(libvirtd: &Libvirtd, count: usize, ours: &Running, debians: &Running) {
    let blind = exporter(&libvirtd.read_only_uri(), &["--path.procfs=/nonexistent"]);
    // As patient as a scrape may be: a raw call of hundreds of domains takes seconds.
    let normal = [ours, &blind].map(|program| {
        drop(slow_get(program));
        (0..3)
            .map(|_| timed(|| drop(slow_get(program))))
            .sum::<f64>()
            / 3.0
    });
    let uuid = libvirtd.virsh().run(["domuuid", "instance-00000000"]);
    let pid = libvirtd.qemu_pid(uuid.trim().parse().unwrap());
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    println!("\none of {count} stopped: seconds of each scrape (domains with a disk's counters)");
    for (name, program, before, scrapes) in [
        ("Nephoscope", ours, Some(normal[0]), 4),
        ("Nephoscope without /proc", &blind, Some(normal[1]), 4),
        ("Debian's exporter 0.2.0", debians, None, 1),
    ] {
        print!("{name:28}");
        if let Some(before) = before {
            print!(" before {before:.2}, then");
        }
        for _ in 0..scrapes {
            let start = Instant::now();
            let answer = slow_get(program);
            let wall = start.elapsed().as_secs_f64();
            let domains = answer.map_or(0, |answer| {
                let text = answer.text();
                let lines = text.lines().filter(|line| {
                    line.starts_with("libvirt_domain_block_stats_read_requests_total{")
                });
                lines.count() / 2
            });
            print!(" {wall:.2} ({domains})");
        }
        println!();
    }
    kill_process(pid, Signal::CONT).unwrap();
    let families = scrape::scrape(&ours.url("/metrics"));
    let stuck = scrape::series(&families, "libvirt_domain_stuck");
    let stuck = stuck.iter().filter(|(_, value)| *value > 0.0).count();
    println!("let go: {stuck} domains are stuck in the next scrape");
}
