//! Remote write through HTTP: this collector, which acknowledges what is on stable storage, beside VictoriaMetrics,
//! which acknowledges first. The same payloads, made before the clock runs, over the same number of connections; a sink
//! that only reads shows what the sender alone can push. `cargo bench -p collector-server --bench
//! beside_victoria_metrics [SERIES] [ROUNDS]`, after `packaging/dev/install-deps bench`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement for the terminal"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use testkit::{Peer, Running, Shipped};

/// Connections, one thread each.
const CONNECTIONS: usize = 2;
/// Samples in one request, at most.
const SAMPLES: usize = 5_000;
/// Series of one scraped instance.
const PER_INSTANCE: u64 = 100;
const START_MS: u64 = 1_767_225_600_000;

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut message = Vec::new();
    bytes(&mut message, 1, name.as_bytes());
    bytes(&mut message, 2, value.as_bytes());
    bytes(out, 1, &message);
}

fn series(number: u64, from: u64, points: u64) -> Vec<u8> {
    let mut message = Vec::new();
    let (instance, metric) = (number / PER_INSTANCE, number % PER_INSTANCE);
    label(
        &mut message,
        "__name__",
        &format!("bench_{metric:02}_operations_total"),
    );
    label(
        &mut message,
        "instance",
        &format!("host-{instance:05}:9100"),
    );
    label(&mut message, "job", "bench");
    for point in from..from + points {
        let mut sample = vec![1 << 3 | 1];
        let value = (number * 31 + point * 17 % 1_000) as f64 / 10.0;
        sample.extend_from_slice(&value.to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, START_MS + point * 15_000);
        bytes(&mut message, 2, &sample);
    }
    message
}

/// Whole HTTP requests with points `from..from + points` of all series.
fn requests(count: u64, from: u64, points: u64, path: &str) -> Vec<Vec<u8>> {
    let per_request = (SAMPLES as u64 / points).max(1);
    (0..count)
        .step_by(per_request as usize)
        .map(|first| {
            let mut message = Vec::new();
            for number in first..count.min(first + per_request) {
                bytes(&mut message, 1, &series(number, from, points));
            }
            let body = snap::raw::Encoder::new().compress_vec(&message).unwrap();
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

/// Sends all requests over all connections; returns how long that took and each exchange.
fn send(address: &str, requests: &[Vec<u8>]) -> (Duration, Vec<Duration>) {
    let begin = Instant::now();
    let share = requests.len().div_ceil(CONNECTIONS);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .chunks(share)
            .map(|requests| {
                scope.spawn(move || {
                    let stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut stream = BufReader::new(stream);
                    let one = |request: &Vec<u8>| {
                        let begin = Instant::now();
                        let status = exchange(&mut stream, request);
                        assert!((200..300).contains(&status), "answered {status}");
                        begin.elapsed()
                    };
                    requests.iter().map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    (begin.elapsed(), times)
}

/// Reads requests and answers them; ends with the program.
fn sink() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            std::thread::spawn(move || {
                let mut line = String::new();
                let mut length = 0;
                loop {
                    line.clear();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        let mut body = vec![0; length];
                        stream.read_exact(&mut body).unwrap();
                        stream
                            .get_mut()
                            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                            .unwrap();
                    }
                }
            });
        }
    });
    address
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

fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}

fn measure(
    name: &str,
    target: (&str, Option<&Running>),
    path: &str,
    (count, rounds): (u64, u64),
    dir: Option<&Path>,
) {
    let (address, running) = target;
    let usage = || running.map(Running::usage);
    // The series become known before the clock runs.
    let begin = Instant::now();
    send(address, &requests(count, 0, 1, path));
    println!(
        "{name}: {count} new series in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let mut next = 1;
    for (points, rounds) in [(1, rounds), (20, rounds.div_ceil(5))] {
        let (mut elapsed, mut times) = (Duration::ZERO, Vec::new());
        let before = usage().map(|usage| usage.cpu);
        for _ in 0..rounds {
            let requests = requests(count, next, points, path);
            next += points;
            let (took, more) = send(address, &requests);
            elapsed += took;
            times.extend(more);
        }
        let samples = (count * points * rounds) as f64;
        let cpu = usage().zip(before).map(|(usage, before)| {
            let spent = (usage.cpu - before).as_secs_f64();
            let resident = usage.resident_bytes >> 20;
            format!(
                ", {:.2} M per CPU second, {resident} MiB resident",
                samples / spent.max(1e-9) / 1e6
            )
        });
        println!(
            "{name}: {points:2} points per series: {:.2} M samples/s{}, answer p50 {:.1} ms, p99 {:.1} ms",
            samples / elapsed.as_secs_f64() / 1e6,
            cpu.unwrap_or_default(),
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99)
        );
    }
    if let Some(dir) = dir {
        println!("{name}: {} MiB on disk", size(dir) >> 20);
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let plan = (
        numbers.first().copied().unwrap_or(200_000),
        numbers.get(1).copied().unwrap_or(10),
    );
    measure("sender alone", (&sink(), None), "/", plan, None);
    let dir = tempfile::tempdir_in(".").unwrap();
    let data = dir.path().join("victoria");
    let victoria = Peer::new("victoria-metrics")
        .args([
            format!("-storageDataPath={}", data.display()),
            "-httpListenAddr=127.0.0.1:{port}".to_owned(),
            "-retentionPeriod=10y".to_owned(),
        ])
        .wait_http("/health")
        .start();
    measure(
        "VictoriaMetrics, not durable",
        (victoria.address(), Some(&victoria)),
        "/api/v1/write",
        plan,
        Some(&data),
    );
    drop(victoria);
    let (data, config) = (
        dir.path().join("collector"),
        dir.path().join("collector.yml"),
    );
    std::fs::write(&config, "scrape: {static_configs: []}\n").unwrap();
    let collector = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", data.display()))
        .start();
    measure(
        "nephoscope-collector, durable",
        (collector.address(), Some(&collector)),
        "/v1/prometheus/write",
        plan,
        Some(&data),
    );
}
