//! `make bench-host`: the shipped binary beside Debian's node_exporter, each with its default collectors, on this host
//! and in a network of its own with hundreds of links, as a compute node has taps, all of them and without those of guests: wall and CPU time of a scrape, memory
//! and series, as ratios.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run says so loudly"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use testkit::http::get;
use testkit::network::{add_link_pairs, is_own_network};
use testkit::tools::run;
use testkit::{Peer, Running, Shipped};

/// Pairs of links of a compute node with 500 guests: 606 and loopback.
const PAIRS: usize = 303;

/// Scrapes of each program that are timed, in turns.
const ROUNDS: u32 = 100;

/// Means over all rounds.
struct Cost {
    wall: Duration,
    cpu: Duration,
    resident_bytes: u64,
    series: usize,
}

fn main() {
    // `cargo bench` passes flags that are of no use here.
    if !is_own_network(std::iter::empty::<String>()) {
        return;
    }
    println!("default collectors, mean of {ROUNDS} scrapes in turns");
    compare("plain host", &[]);
    add_link_pairs(1, PAIRS);
    compare(&format!("{} links", 2 * PAIRS), &[]);
    name_as_guests();
    let what = format!("{} links, those of guests left out by ours", 2 * PAIRS);
    compare(&what, &["--no-network.guest-links"]);
}

/// Gives the pairs the names that Neutron gives to those between a guest's bridge and the switch.
fn name_as_guests() {
    let rename = |pair: usize, end: usize, prefix: &str| {
        let device = format!("d{}", pair * 2 - 1 + end);
        run(
            "ip",
            [
                "link",
                "set",
                &device,
                "name",
                &format!("{prefix}{pair:08x}-00"),
            ],
        );
    };
    for pair in 1..=PAIRS {
        rename(pair, 0, "qvb");
        rename(pair, 1, "qvo");
    }
}

fn compare(what: &str, flags: &[&str]) {
    let theirs = Peer::new("prometheus-node-exporter")
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .wait_http("/")
        .start();
    let ours = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-exporter-host"))
        .args(flags)
        .start();
    let [theirs, ours] = measure([&theirs, &ours]);
    println!("{what}:");
    for (name, cost) in [("node_exporter", &theirs), ("ours", &ours)] {
        println!(
            "  {name:14} {:8.2} ms wall {:8.2} ms CPU {:6.1} MiB {:6} series",
            milliseconds(cost.wall),
            milliseconds(cost.cpu),
            cost.resident_bytes as f64 / f64::from(1 << 20),
            cost.series
        );
    }
    println!(
        "  ratio          {:8.3}         {:8.3}        {:6.2}",
        ours.wall.as_secs_f64() / theirs.wall.as_secs_f64(),
        ours.cpu.as_secs_f64() / theirs.cpu.as_secs_f64(),
        ours.resident_bytes as f64 / theirs.resident_bytes as f64
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Scrapes the programs in turns. The first scrape of each finds out what there is and is not counted.
fn measure(programs: [&Running; 2]) -> [Cost; 2] {
    let urls = programs.map(|program| program.url("/metrics"));
    let series = urls.each_ref().map(|url| {
        let text = get(url).expect_status(200).text();
        text.lines().filter(|line| !line.starts_with('#')).count()
    });
    let before = programs.map(|program| program.usage().cpu);
    let mut walls = [Duration::ZERO; 2];
    for _ in 0..ROUNDS {
        for (url, wall) in urls.iter().zip(&mut walls) {
            let start = Instant::now();
            get(url).expect_status(200);
            *wall += start.elapsed();
        }
    }
    let mut costs = programs.iter().zip(before).zip(walls).zip(series).map(
        |(((program, before), wall), series)| {
            let usage = program.usage();
            Cost {
                wall: wall / ROUNDS,
                cpu: usage.cpu.saturating_sub(before) / ROUNDS,
                resident_bytes: usage.resident_bytes,
                series,
            }
        },
    );
    std::array::from_fn(|_| costs.next().unwrap())
}
