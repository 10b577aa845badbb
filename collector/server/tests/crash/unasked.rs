//! The inputs that nobody waits for: what a scrape brought and what statsd's flush wrote is there after a kill, as far as
//! the collector had counted it as stored. Messages of RabbitMQ, which come again, are the test `ceilometer`'s.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::{free_port, metric, scrape};

use crate::random::Random;
use crate::support::Collector;
use crate::support::numbered::{self, POLICY};

/// Times that the collector is killed.
const ROUNDS: u64 = 5;
/// Targets that are scraped.
const TARGETS: usize = 5;
/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The resource of statsd's metrics.
const RESOURCE: &str = "07f26121-5777-48ba-8a0b-d70468133dd9";
/// A value of each target becomes a measure of each scrape.
const MAPPING: &str = "
resources:
  - type: generic
    id: \"target-{host}\"
    metrics: {each.scrape: {unit: n, archive_policy: each-second, from: [{ scraped: 1 }]}}
";

/// A target whose value is another one each time.
fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let scrapes = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = format!("scraped {}\n", scrapes.fetch_add(1, Ordering::Relaxed));
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close";
            let _ = write!(
                stream,
                "{head}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}

/// How many measures the collector says that it stored by an input since it was started.
fn acknowledged(collector: &Collector, input: &str) -> f64 {
    let families = scrape(&collector.running.url("/metrics"));
    let name = "nephoscope_collector_input_measures_total";
    metric(&families, name, &[("input", input)]).unwrap()
}

/// How many measures of a metric are there.
fn stored(collector: &Collector, path: &str) -> f64 {
    let answer = collector.get(&format!("{path}/measures?aggregation=count"));
    if answer.status == 404 {
        return 0.0;
    }
    let points = answer.expect_status(200).json();
    let points = points.as_array().unwrap().iter();
    points.map(|point| point[2].as_f64().unwrap()).sum()
}

#[test]
fn what_scrapes_and_statsd_had_brought_survives_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mapping = dir.path().join("mapping.yaml");
    std::fs::write(&mapping, MAPPING).unwrap();
    let mut yaml = format!(
        "scrape:\n  interval: 1s\n  timeout: 900ms\n  mapping_file: {}\n  static_configs:\n",
        mapping.display()
    );
    for host in 0..TARGETS {
        let address = target();
        yaml += &format!("  - {{targets: ['{address}'], labels: {{host: h{host}}}}}\n");
    }
    let port = free_port();
    yaml += &format!(
        "statsd: {{resource_id: {RESOURCE}, port: {port}, creator: admin, archive_policy_name: {POLICY}, flush_delay: 20ms}}\n"
    );
    let mut collector = Collector::configured_in(dir, &yaml);
    numbered::prepare(&collector, &[]);
    // Ends the sender, also where the test fails.
    let sending = Sending::to(port);
    let mut random = Random(5);
    let mut expected = [("scrape", 0.0), ("statsd", 0.0)];
    for round in 1..=ROUNDS {
        let deadline = Instant::now() + PATIENCE;
        while expected
            .iter()
            .any(|(input, _)| acknowledged(&collector, input) == 0.0)
        {
            assert!(Instant::now() < deadline, "round {round}: nothing came");
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(random.below(400)));
        for (input, total) in &mut expected {
            *total += acknowledged(&collector, input);
        }
        collector = collector.restart(false);
        let scraped = (0..TARGETS).map(|host| {
            let path = format!("/v1/resource/generic/target-h{host}/metric/each.scrape");
            stored(&collector, &path)
        });
        let flushed = ["sent|g", "sent|c"].map(|name| {
            let path = format!("/v1/resource/generic/{RESOURCE}/metric/{name}");
            stored(&collector, &path.replace('|', "%7C"))
        });
        let found = [scraped.sum::<f64>(), flushed.into_iter().sum()];
        for ((input, expected), found) in expected.iter().zip(found) {
            assert!(
                found >= *expected,
                "round {round}, {input}: {found} of {expected}"
            );
        }
    }
    drop(sending);
}

/// Somebody who sends to statsd until this is dropped.
struct Sending(Arc<AtomicBool>);

impl Sending {
    fn to(port: u16) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        std::thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            while !is_over.load(Ordering::Relaxed) {
                // Refused while the collector is dead.
                let _ = socket.send_to(b"sent:1|g\nsent:1|c", ("127.0.0.1", port));
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self(ended)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
