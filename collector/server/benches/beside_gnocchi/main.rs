//! The Gnocchi API beside a real Gnocchi 4.4.2, one after the other in one run: what is taken and visible, what questions
//! cost, memory. The same requests, encoded before the clock runs; a sink that only reads shows what the sender alone can
//! push. `make bench-gnocchi`, or `cargo bench -p collector-server --bench beside_gnocchi [SECONDS]`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement for the terminal"
)]

mod bodies;
mod cost;
mod http;
#[path = "../support/sink.rs"]
mod sink;
mod table;

use std::path::Path;
use std::time::{Duration, Instant};

use http::{Client, send};
use serde_json::Value;
use sink::{quantile, sink};
use table::Figures;
use testkit::{Peer, Running, Shipped};

/// Connections, one thread each.
const CONNECTIONS: usize = 16;
/// Measures that a metric is to have at least: those of the day that is asked for.
const LEAST_POINTS: u64 = 300;
/// Most measures of a metric: less than the policy keeps.
const MOST_POINTS: u64 = 8_000;
/// How long Gnocchi may take until what it has taken is visible.
const PATIENCE: Duration = Duration::from_secs(180);

/// CPU seconds of a second in which nothing but watching goes on; Gnocchi's processes look for work all the time.
const RESTING: f64 = 0.1;

/// A server under load.
struct Subject<'s> {
    address: &'s str,
    pid: u32,
    /// Resources that it is loaded with.
    resources: usize,
    /// How long each kind of load lasts.
    duration: Duration,
    /// How many rounds each kind of load has instead; none where only time counts.
    rounds: Vec<u64>,
    /// The next measure of all metrics.
    next: u64,
}

impl Subject<'_> {
    fn json(&self, request: &[u8]) -> Value {
        Client::new(self.address).exchange(request).json()
    }

    fn metrics(&self) -> u64 {
        (self.resources * bodies::METRICS) as u64
    }

    /// The id of a resource's metric.
    fn metric(&self, resource: usize, name: &str) -> String {
        let path = format!("/v1/resource/bench_instance/{}", bodies::resource(resource));
        let resource = self.json(&bodies::request("GET", &path, b""));
        resource["metrics"][name].as_str().unwrap().to_owned()
    }

    /// Waits until nothing waits, and the last measure of a metric is there.
    fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        let status = bodies::request("GET", "/v1/status?details=false", b"");
        let metric = self.metric(self.resources - 1, "bench.09");
        let latest = bodies::latest(&metric, self.next - 1);
        loop {
            let backlog = &self.json(&status)["storage"]["summary"]["measures"];
            if *backlog == 0 && !self.json(&latest).as_array().unwrap().is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "not visible: {backlog} wait");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn create(&self, figures: &mut Figures) {
        let mut client = Client::new(self.address);
        for request in bodies::preparations() {
            let status = client.exchange(&request).status;
            // Gnocchi's upgrade makes no policy of that name, ours does.
            assert!([201, 409].contains(&status), "answered {status}");
        }
        let (took, _) = send(
            self.address,
            CONNECTIONS,
            &bodies::resources(self.resources),
        );
        figures.resources = self.resources as f64 / took.as_secs_f64();
        let [first, more] = ["", "more."].map(|salt| bodies::measures(self.resources, salt, 0, 1));
        let before = cost::of_tree(self.pid).cpu;
        let (took, _) = send(self.address, 1, &first);
        figures.creation = self.metrics() as f64 / took.as_secs_f64();
        figures.creation_per_cpu =
            self.metrics() as f64 / (cost::of_tree(self.pid).cpu - before).max(0.01);
        let (took, _) = send(self.address, CONNECTIONS, &more);
        figures.creation_at_once = self.metrics() as f64 / took.as_secs_f64();
    }

    /// Time from an answer to a POST until a read shows it.
    fn visible_after(&mut self) -> f64 {
        self.settle();
        let metric = self.metric(0, "bench.00");
        let mut client = Client::new(self.address);
        let mut delays: Vec<Duration> = (0..10)
            .map(|_| {
                let post = &bodies::measures(1, "", self.next, 1)[0];
                let latest = bodies::latest(&metric, self.next);
                self.next += 1;
                assert_eq!(client.exchange(post).status, 202);
                let begin = Instant::now();
                while client.exchange(&latest).body == b"[]" {
                    std::thread::sleep(Duration::from_millis(5));
                    assert!(begin.elapsed() < PATIENCE, "never visible");
                }
                begin.elapsed()
            })
            .collect();
        quantile(&mut delays, 0.5)
    }

    fn ingest(&mut self, points: u64, figures: &mut Figures) {
        let (mut sending, mut times, mut rounds) = (Duration::ZERO, Vec::new(), 0);
        let (before, begin) = (cost::of_tree(self.pid).cpu, Instant::now());
        let wanted = self.rounds.get(figures.loads.len()).copied();
        let goes_on = |sending, rounds, next| match wanted {
            Some(wanted) => rounds < wanted,
            None => {
                (sending < self.duration || next <= LEAST_POINTS) && next + points <= MOST_POINTS
            }
        };
        while goes_on(sending, rounds, self.next) {
            let requests = bodies::measures(self.resources, "", self.next, points);
            self.next += points;
            let (took, more) = send(self.address, CONNECTIONS, &requests);
            sending += took;
            times.extend(more);
            rounds += 1;
        }
        let measures = rounds * points * self.metrics();
        let encoding = begin.elapsed() - sending;
        self.settle();
        // What Gnocchi works off while the next requests are encoded counts for it.
        let visible = (begin.elapsed() - encoding).as_secs_f64();
        let cpu = cost::of_tree(self.pid).cpu - before;
        let load = table::Load {
            rounds,
            accepted: measures as f64 / sending.as_secs_f64(),
            visible: measures as f64 / visible,
            per_cpu: measures as f64 / cpu.max(0.01),
            p50: quantile(&mut times, 0.5),
            p99: quantile(&mut times, 0.99),
        };
        println!(
            "  {points:2} per metric and POST: {:.0} accepted/s, {:.0} visible/s, {:.0} per CPU second, p50 {:.1} ms, p99 {:.1} ms",
            load.accepted, load.visible, load.per_cpu, load.p50, load.p99
        );
        figures.loads.push(load);
        figures.memory = figures.memory.max(cost::of_tree(self.pid).memory);
    }

    /// Waits until what the loads have left to do is done, half a minute at most: it is no cost of a question.
    fn rest(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let before = cost::of_tree(self.pid).cpu;
            std::thread::sleep(Duration::from_secs(1));
            if cost::of_tree(self.pid).cpu - before < RESTING {
                return;
            }
        }
    }

    fn ask(&self, rounds: usize, figures: &mut Figures) {
        let metric = self.metric(0, "bench.00");
        let mut client = Client::new(self.address);
        for (name, request, entries) in bodies::questions(&metric) {
            let answer = self.json(&request);
            let found = answer.as_array().map_or(0, Vec::len);
            assert_eq!(found, entries, "{name}: {answer}");
            let before = cost::of_tree(self.pid).cpu;
            let mut times: Vec<Duration> = (0..rounds)
                .map(|_| {
                    let begin = Instant::now();
                    assert_eq!(client.exchange(&request).status, 200);
                    begin.elapsed()
                })
                .collect();
            let cpu = cost::of_tree(self.pid).cpu - before;
            let question = table::Question {
                name,
                cpu: cpu * 1e3 / rounds as f64,
                wall: quantile(&mut times, 0.5),
            };
            println!(
                "  {name}: {:.2} ms CPU, {:.2} ms wall",
                question.cpu, question.wall
            );
            figures.questions.push(question);
        }
    }

    fn measure(&mut self, rounds: usize) -> Figures {
        let mut figures = Figures::default();
        self.create(&mut figures);
        println!(
            "  {} resources: {:.0}/s; {} metrics in first batches: {:.0}/s one by one, {:.0}/s at once",
            self.resources,
            figures.resources,
            self.metrics(),
            figures.creation,
            figures.creation_at_once
        );
        self.next = 1;
        figures.delay = self.visible_after();
        self.ingest(1, &mut figures);
        self.ingest(60, &mut figures);
        self.rest();
        self.ask(rounds, &mut figures);
        println!("  memory {:.0} MiB at most", figures.memory);
        figures
    }
}

fn gnocchi(dir: &Path) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/beside_gnocchi/gnocchi.sh");
    Peer::new("bash")
        .args([
            &script.display().to_string(),
            &dir.display().to_string(),
            "{port}",
        ])
        .with_children()
        .wait_http("/v1/capabilities")
        .start()
}

fn subject(running: &Running, resources: usize, duration: Duration) -> Subject<'_> {
    Subject {
        address: running.address(),
        pid: running.pid(),
        resources,
        duration,
        rounds: Vec::new(),
        next: 0,
    }
}

fn collector(dir: &Path) -> Running {
    std::fs::create_dir(dir).unwrap();
    let config = dir.join("collector.yml");
    std::fs::write(&config, "scrape: {static_configs: []}\n").unwrap();
    Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", dir.join("data").display()))
        .start()
}

fn main() {
    let mut numbers = std::env::args().filter_map(|text| text.parse().ok());
    let duration = Duration::from_secs(numbers.next().unwrap_or(15));
    let only_ours = std::env::args().any(|argument| argument == "ours");
    let sink = sink();
    for points in [1, 60] {
        let requests: Vec<_> = (0..20)
            .flat_map(|round| bodies::measures(1_000, "", round * points, points))
            .collect();
        let (took, _) = send(&sink, CONNECTIONS, &requests);
        let measures = (20 * points * 1_000 * bodies::METRICS as u64) as f64;
        println!(
            "sender alone, {points:2} per metric and POST: {:.1} M measures/s",
            measures / took.as_secs_f64() / 1e6
        );
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let real = (!only_ours).then(|| {
        println!("Gnocchi 4.4.2, Redis incoming, files, PostgreSQL, uwsgi and metricd:");
        let running = gnocchi(&dir.path().join("gnocchi"));
        subject(&running, 200, duration).measure(30)
    });
    println!("nephoscope-collector, durable, ten times as many metrics:");
    let many = dir.path().join("many");
    let running = collector(&many);
    let mut ours = subject(&running, 2_000, duration).measure(500);
    let Some(real) = real else { return };
    drop(running);
    println!("nephoscope-collector, as much as Gnocchi has taken:");
    let running = collector(&dir.path().join("same"));
    let mut same = subject(&running, 200, duration);
    same.rounds = real.loads.iter().map(|load| load.rounds).collect();
    ours.memory = same.measure(500).memory;
    table::print(&real, &ours);
}
