//! `make bench-snmp`: the shipped binary beside Debian's snmp_exporter on one snmpd, in a network of its own with hundreds
//! of links: wall and CPU time of a scrape for each version, as ratios; then 500 targets at once, and the memory that they
//! take.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run says so loudly"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use testkit::http::get;
use testkit::network::{add_link_pairs, is_own_network};
use testkit::{Peer, Running, metric, scrape};

use common::{SHIPPED, Snmpd, flat, page, shipped};

/// Pairs of links of the large device: 606 and loopback.
const LARGE: usize = 303;

/// Pairs of links of an ordinary switch.
const ORDINARY: usize = 24;

/// Scrapes of each program that are timed, in turns.
const ROUNDS: u32 = 10;

/// Targets at once.
const TARGETS: u32 = 500;

/// The modules' credentials that are measured.
const VERSIONS: [(&str, &str); 4] = [
    ("v1", "v1"),
    ("v2c", "v2"),
    ("v3 MD5/DES", "v3_md5_des"),
    ("v3 SHA/AES", "v3_sha_aes"),
];

/// What a scrape takes.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn cost(running: &Running, url: &str) -> Cost {
    let (start, before) = (Instant::now(), running.usage().cpu);
    get(url).expect_status(200);
    Cost {
        wall: start.elapsed(),
        cpu: running.usage().cpu.saturating_sub(before),
    }
}

fn mean(costs: &[Cost]) -> (f64, f64) {
    let count = costs.len() as f64;
    let sum = |of: fn(&Cost) -> Duration| costs.iter().map(of).sum::<Duration>().as_secs_f64();
    (sum(|cost| cost.wall) / count, sum(|cost| cost.cpu) / count)
}

fn main() {
    // `cargo bench` passes flags that are of no use here.
    if !is_own_network(std::iter::empty::<String>()) {
        return;
    }
    let snmpd = Snmpd::start_on("0.0.0.0");
    let config = snmpd.file("snmp.yml", &flat(SHIPPED));
    let flag = format!("--config.file={}", config.display());
    add_link_pairs(1, ORDINARY);
    many_targets(&snmpd, &flag);
    add_link_pairs(ORDINARY + 1, LARGE);
    let theirs = Peer::new("prometheus-snmp-exporter")
        .args([flag.clone()])
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .wait_http("/")
        .start();
    let ours = shipped().arg(&flag).start();
    let plain = shipped()
        .arg(&flag)
        .arg("--snmp.lookup-interval=0s")
        .start();
    println!(
        "if_mib, {} links, mean of {ROUNDS}: seconds wall / seconds CPU of its own",
        LARGE * 2 + 1
    );
    println!(
        "{:12} {:>17} {:>17} {:>17}   ratio to snmp_exporter (every label walked)",
        "", "snmp_exporter", "every label", "as shipped"
    );
    for (name, auth) in VERSIONS {
        let url =
            |running: &Running| page(running, snmpd.target(), &format!("module=if_mib_{auth}"));
        let programs = [&theirs, &plain, &ours];
        let mut costs = [const { Vec::new() }; 3];
        for round in 0..=ROUNDS {
            for (program, costs) in programs.iter().zip(&mut costs) {
                let cost = cost(program, &url(program));
                // The first one finds out engines and makes keys.
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
        let [
            (wall, cpu),
            (our_wall, our_cpu),
            (shipped_wall, shipped_cpu),
        ] = costs.map(|costs| mean(&costs));
        println!(
            "{name:12}   {wall:6.3} / {cpu:6.3}   {our_wall:6.3} / {our_cpu:6.3}   {shipped_wall:6.3} / {shipped_cpu:6.3}   \
             {:.2} / {:.2}",
            our_wall / wall,
            our_cpu / cpu
        );
    }
    println!(
        "resident memory after that: {} and {} MiB",
        theirs.usage().resident_bytes >> 20,
        ours.usage().resident_bytes >> 20
    );
}

/// All targets are one device at many addresses; what is measured is the agent.
fn many_targets(snmpd: &Snmpd, flag: &str) {
    let agent = shipped()
        .arg(flag)
        .args(["--web.max-requests=1000", "--snmp.max-in-flight=2"])
        .start();
    let port = snmpd.running.port();
    let (start, idle) = (Instant::now(), agent.usage().resident_bytes);
    let mut peak = idle;
    std::thread::scope(|scope| {
        let scrapes: Vec<_> = (0..TARGETS)
            .map(|number| {
                let target = format!("127.1.{}.{}:{port}", number / 250, number % 250 + 1);
                let url = page(&agent, &target, "module=if_mib_v2");
                scope.spawn(move || {
                    let found = scrape::scrape(&url);
                    metric(&found, "snmp_scrape_packets_retried", &[]).unwrap()
                })
            })
            .collect();
        while !scrapes
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
        {
            peak = peak.max(agent.usage().resident_bytes);
            std::thread::sleep(Duration::from_millis(20));
        }
        let retried: f64 = scrapes
            .into_iter()
            .map(|scrape| scrape.join().unwrap())
            .sum();
        println!(
            "{TARGETS} targets of {} links at once: all whole after {:.1} s with {retried} tries again, CPU {:.1} s, resident \
             {} MiB before, {} at most, {} after",
            ORDINARY * 2 + 1,
            start.elapsed().as_secs_f64(),
            agent.usage().cpu.as_secs_f64(),
            idle >> 20,
            peak >> 20,
            agent.usage().resident_bytes >> 20
        );
    });
}
