//! Remote write through HTTP: this collector, which acknowledges what is on stable storage, beside VictoriaMetrics,
//! which acknowledges first. The same payloads, made before the clock runs, over the same number of connections; a sink
//! that only reads shows what the sender alone can push. `cargo bench -p collector-server --bench
//! beside_victoria_metrics [SERIES] [ROUNDS] [REPEATS] [--without-victoria-metrics] [--without-collector]`, after
//! `packaging/dev/install-deps bench`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement for the terminal"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use testkit::{Peer, Running, Shipped};

#[path = "../tests/support/remote_write.rs"]
mod remote_write;
#[path = "support/sink.rs"]
mod sink;

use sink::{quantile, sink};

/// Connections, one thread each.
const CONNECTIONS: usize = 2;
/// Samples in one request, at most.
const SAMPLES: usize = 5_000;
/// Series of one scraped instance.
const PER_INSTANCE: u64 = 100;
const START_MS: u64 = 1_767_225_600_000;

fn labels(number: u64) -> [(&'static str, String); 3] {
    let (instance, metric) = (number / PER_INSTANCE, number % PER_INSTANCE);
    [
        ("__name__", format!("bench_{metric:02}_operations_total")),
        ("instance", format!("host-{instance:05}:9100")),
        ("job", "bench".to_owned()),
    ]
}

/// Whole HTTP requests with points `from..from + points` of all series.
fn requests(count: u64, from: u64, points: u64, path: &str) -> Vec<Vec<u8>> {
    let per_request = (SAMPLES as u64 / points).max(1);
    (0..count)
        .step_by(per_request as usize)
        .map(|first| {
            let numbers = first..count.min(first + per_request);
            let body = remote_write::request(numbers.map(|number| {
                let points = from..from + points;
                let points = points.map(|point| {
                    let value = (number * 31 + point * 17 % 1_000) as f64 / 10.0;
                    (value, START_MS + point * 15_000)
                });
                (labels(number), points.collect())
            }));
            let mut request = format!(
                "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: basic YWRtaW46\r\ncontent-encoding: snappy\r\n\
                 content-type: application/x-protobuf\r\nx-prometheus-remote-write-version: 0.1.0\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            request.extend_from_slice(&body);
            request
        })
        .collect()
}

/// Sends a request and reads its answer, whose status it returns.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8]) -> u16 {
    stream.get_mut().write_all(request).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    status
}

/// Sends all requests over all connections, each as soon as the one before is answered or, at a pace, at its time;
/// returns how long all took, and each answer since its request was due.
fn send(address: &str, requests: &[Vec<u8>], pace: Option<Duration>) -> (Duration, Vec<Duration>) {
    let begin = Instant::now();
    let one_connection = |number: usize| {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = BufReader::new(stream);
        let mine = requests
            .iter()
            .enumerate()
            .skip(number)
            .step_by(CONNECTIONS);
        let one = |(place, request): (usize, &Vec<u8>)| {
            let due = match pace {
                Some(pace) => begin + pace * u32::try_from(place).unwrap(),
                None => Instant::now(),
            };
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let status = exchange(&mut stream, request);
            assert!((200..300).contains(&status), "answered {status}");
            due.elapsed()
        };
        mine.map(one).collect::<Vec<_>>()
    };
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || one_connection(number)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    (begin.elapsed(), times)
}

fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size(&entry.path()),
            _ => entry.metadata().map_or(0, |meta| meta.len()),
        })
        .sum()
}

/// What is measured.
struct Target<'t> {
    name: &'t str,
    address: &'t str,
    path: &'t str,
    /// The process and the directory of its data; the sink has none.
    peer: Option<(&'t Running, &'t Path)>,
}

/// How much is sent.
#[derive(Clone, Copy)]
struct Plan {
    series: u64,
    rounds: u64,
}

/// Sends points `from..` to all series in rounds and says how fast that went; returns the samples per second.
fn measure(target: &Target<'_>, plan: Plan, points: u64, from: &mut u64) -> f64 {
    let rounds = if points == 1 {
        plan.rounds
    } else {
        plan.rounds.div_ceil(5)
    };
    let cpu = || target.peer.map(|(running, _)| running.usage().cpu);
    let (mut elapsed, mut used, mut times) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for _ in 0..rounds {
        // Making the payloads is not what is measured.
        let requests = requests(plan.series, *from, points, target.path);
        *from += points;
        let before = cpu();
        let (took, more) = send(target.address, &requests, None);
        elapsed += took;
        used += cpu()
            .zip(before)
            .map_or(Duration::ZERO, |(now, before)| now - before);
        times.extend(more);
    }
    let samples = (plan.series * points * rounds) as f64;
    let rate = samples / elapsed.as_secs_f64();
    print!(
        "{}: {points:2} points per series: {:.2} M samples/s, answer p50 {:.1} ms, p99 {:.1} ms",
        target.name,
        rate / 1e6,
        quantile(&mut times, 0.5),
        quantile(&mut times, 0.99)
    );
    match target.peer {
        Some((running, dir)) => println!(
            "; {:.1} CPU seconds, {:.2} M samples per CPU second, {} MiB resident, {} MiB on disk",
            used.as_secs_f64(),
            samples / used.as_secs_f64() / 1e6,
            running.usage().resident_bytes >> 20,
            size(dir) >> 20
        ),
        None => println!(),
    }
    rate
}

/// All measurements of one peer.
fn measure_all(target: &Target<'_>, plan: Plan) {
    let begin = Instant::now();
    send(
        target.address,
        &requests(plan.series, 0, 1, target.path),
        None,
    );
    let created = plan.series as f64 / begin.elapsed().as_secs_f64();
    println!("{}: {created:.0} new series/s", target.name);
    let mut from = 1;
    // Once to warm up: a peer may remember a series only when it comes again.
    send(
        target.address,
        &requests(plan.series, from, 1, target.path),
        None,
    );
    from += 1;
    let rate = measure(target, plan, 1, &mut from);
    measure(target, plan, 20, &mut from);
    if target.peer.is_some() {
        let requests = requests(plan.series, from, 1, target.path);
        let pace = SAMPLES as f64 / (rate / 2.0);
        let (_, mut times) = send(
            target.address,
            &requests,
            Some(Duration::from_secs_f64(pace)),
        );
        println!(
            "{}: at half of that rate, 1 point per series: answer p50 {:.1} ms, p99 {:.1} ms",
            target.name,
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99)
        );
    }
}

fn victoria_metrics(dir: &Path, plan: Plan) {
    let data = dir.join("victoria");
    let running = Peer::new("victoria-metrics")
        .args([
            format!("-storageDataPath={}", data.display()),
            "-httpListenAddr=127.0.0.1:{port}".to_owned(),
            "-retentionPeriod=10y".to_owned(),
        ])
        .wait_http("/health")
        .start();
    let target = Target {
        name: "VictoriaMetrics, not durable",
        address: running.address(),
        path: "/api/v1/write",
        peer: Some((&running, &data)),
    };
    measure_all(&target, plan);
}

fn collector(dir: &Path, plan: Plan) {
    let (data, config) = (dir.join("collector"), dir.join("collector.yml"));
    std::fs::write(&config, "scrape: {static_configs: []}\n").unwrap();
    let running = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", data.display()))
        .start();
    let target = Target {
        name: "nephoscope-collector, durable",
        address: running.address(),
        path: "/v1/prometheus/write",
        peer: Some((&running, &data)),
    };
    measure_all(&target, plan);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut numbers = arguments.iter().filter_map(|text| text.parse().ok());
    let plan = Plan {
        series: numbers.next().unwrap_or(200_000),
        rounds: numbers.next().unwrap_or(10),
    };
    let repeats = numbers.next().unwrap_or(2);
    let with = |name: &str| !arguments.contains(&format!("--without-{name}"));
    let sender = Target {
        name: "sender alone",
        address: &sink(),
        path: "/",
        peer: None,
    };
    measure_all(&sender, plan);
    // One after the other and again, for the machine may change meanwhile.
    for _ in 0..repeats {
        let dir = tempfile::tempdir_in(".").unwrap();
        if with("victoria-metrics") {
            victoria_metrics(dir.path(), plan);
        }
        if with("collector") {
            collector(dir.path(), plan);
        }
    }
}
