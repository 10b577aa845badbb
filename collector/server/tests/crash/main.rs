//! What the collector acknowledged is there after it was killed at any moment.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{ADMIN, Collector, JSON};
use testkit::http::Connection;

/// Times that the collector is killed.
const ROUNDS: u64 = 20;
/// Writers at once.
const WRITERS: u64 = 4;
/// Measures in one POST, at most.
const MOST_MEASURES: u64 = 5;

/// A small generator, so that the moments of death differ from round to round and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One metric's writer: every measure has a second of its own and its number as value, so each can be told.
struct Writer {
    metric: String,
    next: u64,
    acknowledged: BTreeSet<u64>,
    /// Sent, and never answered: may be there or not.
    unanswered: BTreeSet<u64>,
}

impl Writer {
    fn new(collector: &Collector) -> Self {
        Self {
            metric: collector.metric("each-second"),
            next: 1,
            acknowledged: BTreeSet::new(),
            unanswered: BTreeSet::new(),
        }
    }

    /// Posts until the connection breaks.
    fn write(&mut self, address: &str, stop: &AtomicBool, random: &mut Random) -> io::Result<()> {
        let path = format!("/v1/metric/{}/measures", self.metric);
        let mut connection = Connection::open(address)?;
        while !stop.load(Ordering::Relaxed) {
            let numbers: Vec<u64> = (0..=random.below(MOST_MEASURES))
                .map(|more| self.next + more)
                .collect();
            self.next += numbers.len() as u64;
            let measures: Vec<Value> = numbers
                .iter()
                .map(|number| json!({"timestamp": number, "value": number}))
                .collect();
            let body = Value::Array(measures).to_string();
            self.unanswered.extend(&numbers);
            let answer = connection.request("POST", &path, &[ADMIN, JSON], body.as_bytes())?;
            assert_eq!(answer.status, 202, "{}", answer.text());
            for number in numbers {
                self.unanswered.remove(&number);
                self.acknowledged.insert(number);
            }
        }
        Ok(())
    }

    /// Every acknowledged measure is there once, and nothing is that was never sent.
    fn check(&self, collector: &Collector, round: u64) {
        let points = collector.json(&format!(
            "/v1/metric/{}/measures?aggregation=sum",
            self.metric
        ));
        let mut found = BTreeSet::new();
        for point in points.as_array().unwrap() {
            let value = point[2].as_f64().unwrap();
            let number = value as u64;
            assert_eq!(
                number as f64, value,
                "round {round}: {point} was written twice or by nobody"
            );
            let second = format!(
                "1970-01-01T{:02}:{:02}:{:02}+00:00",
                number / 3600,
                number / 60 % 60,
                number % 60
            );
            assert_eq!(point[0].as_str(), Some(second.as_str()), "round {round}");
            assert!(
                found.insert(number),
                "round {round}: {number} is there twice"
            );
        }
        let lost: Vec<_> = self.acknowledged.difference(&found).collect();
        assert!(
            lost.is_empty(),
            "round {round}: acknowledged and lost: {lost:?}"
        );
        let invented: Vec<_> = found
            .iter()
            .filter(|number| {
                !self.acknowledged.contains(number) && !self.unanswered.contains(number)
            })
            .collect();
        assert!(
            invented.is_empty(),
            "round {round}: never sent: {invented:?}"
        );
    }
}

#[test]
fn every_acknowledged_measure_survives_a_kill_at_any_moment() {
    let mut collector = Collector::start();
    let policy = json!({
        "name": "each-second",
        "aggregation_methods": ["sum", "count"],
        "definition": [{"granularity": 1, "points": 86_400}],
    });
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::new(&collector)).collect();
    let mut random = Random(2);
    for round in 1..=ROUNDS {
        let address = collector.running.address().to_owned();
        let alive = Duration::from_millis(50 + random.below(400));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (number, writer) in writers.iter_mut().enumerate() {
                let (address, stop) = (&address, &stop);
                let mut random = Random(round * WRITERS + number as u64);
                // Ends with the connection: the collector was killed.
                scope.spawn(move || writer.write(address, stop, &mut random));
            }
            let death = Instant::now() + alive;
            std::thread::sleep(death.saturating_duration_since(Instant::now()));
            collector.running.kill();
            stop.store(true, Ordering::Relaxed);
        });
        collector = collector.restart(false);
        for writer in &writers {
            writer.check(&collector, round);
        }
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    assert!(
        acknowledged as u64 > ROUNDS,
        "only {acknowledged} were acknowledged"
    );
    // And after a clean stop, which makes a checkpoint.
    let collector = collector.restart(true);
    for writer in &writers {
        writer.check(&collector, ROUNDS + 1);
    }
}

#[test]
fn every_acknowledged_resource_survives_with_its_metrics() {
    let mut collector = Collector::start();
    let mut random = Random(10);
    let mut next = 0;
    let mut acknowledged = Vec::new();
    for round in 1..=ROUNDS / 2 {
        let address = collector.running.address().to_owned();
        let alive = Duration::from_millis(50 + random.below(200));
        std::thread::scope(|scope| {
            let (next, acknowledged) = (&mut next, &mut acknowledged);
            // Ends with the connection: the collector was killed.
            scope.spawn(move || -> io::Result<()> {
                let mut connection = Connection::open(&address)?;
                let headers = [ADMIN, JSON];
                loop {
                    *next += 1;
                    let id = format!("vm-{next}");
                    let body =
                        json!({"id": id, "metrics": {"cpu": {"archive_policy_name": "low"}}})
                            .to_string();
                    connection.request(
                        "POST",
                        "/v1/resource/generic",
                        &headers,
                        body.as_bytes(),
                    )?;
                    let measures = json!([{"timestamp": 600, "value": *next}]);
                    let entry = json!({"archive_policy_name": "low", "measures": measures});
                    let body = json!({&id: {"cpu": measures, "disk": entry}}).to_string();
                    let path = "/v1/batch/resources/metrics/measures?create_metrics=true";
                    let answer = connection.request("POST", path, &headers, body.as_bytes())?;
                    assert_eq!(answer.status, 202, "{}", answer.text());
                    acknowledged.push(*next);
                }
            });
            std::thread::sleep(alive);
            collector.running.kill();
        });
        collector = collector.restart(false);
        for number in &acknowledged {
            for metric in ["cpu", "disk"] {
                let path = format!("/v1/resource/generic/vm-{number}/metric/{metric}/measures");
                let expected = json!([["1970-01-01T00:10:00+00:00", 300.0, f64::from(*number)]]);
                assert_eq!(collector.json(&path), expected, "round {round}: {path}");
            }
        }
    }
    assert!(
        acknowledged.len() as u64 > ROUNDS,
        "only {} were acknowledged",
        acknowledged.len()
    );
}
