//! A catalogue whose database goes away while requests come in: they are answered with 503, what was acknowledged is
//! there, and all goes on when the database is back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{ACCEPT_JSON, ADMIN, Collector, JSON};
use testkit::Postgresql;
use testkit::http::{Response, request};

/// How long what must come to be may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The resource that measures are of.
const RESOURCE: &str = "6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1";

/// How often a client was told that its measures are taken, and that something is not to be had.
#[derive(Default)]
struct Told {
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Asks in turn for everything that needs the catalogue, until told to stop.
fn ask(url: &str, client: usize, told: &Told, stop: &AtomicBool) {
    let send = |method, path: &str, body: String| {
        let headers = [ADMIN, ACCEPT_JSON, JSON];
        let answer = request(method, &format!("{url}{path}"), &headers, body.as_bytes());
        check(&answer);
        let refused = u64::from(answer.status == 503);
        told.refused.fetch_add(refused, Ordering::Relaxed);
        answer.status
    };
    let mut minute = 0;
    while !stop.load(Ordering::Relaxed) {
        let at = 1_767_225_600 + minute * 60;
        let body = json!({RESOURCE: {format!("m{client}"): {"measures": [{"timestamp": at, "value": 1}], "archive_policy_name": "medium"}}});
        let path = "/v1/batch/resources/metrics/measures?create_metrics=true";
        let status = send("POST", path, body.to_string());
        told.taken
            .fetch_add(u64::from(status == 202), Ordering::Relaxed);
        let new = json!({"id": format!("thing-{client}-{minute}")});
        for (method, path, body) in [
            ("POST", "/v1/resource/generic", new.to_string()),
            ("GET", "/v1/metric?limit=5", String::new()),
            ("GET", "/v1/resource/generic?limit=5", String::new()),
            (
                "POST",
                "/v1/search/resource/generic",
                json!({"=": {"project_id": "p"}}).to_string(),
            ),
        ] {
            send(method, path, body);
        }
        minute += 1;
    }
}

/// Nothing is an accident: an answer is good, or says that the database is away.
fn check(answer: &Response) {
    if answer.status < 300 {
        return;
    }
    let text = answer.text();
    assert_eq!(answer.status, 503, "{text}");
    assert!(
        text.contains("not available") || text.contains("busy"),
        "{text}"
    );
    assert!(answer.header("retry-after").is_some());
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "never {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_lost_database_is_a_503_and_nothing_that_was_acknowledged_is_lost() {
    let mut database = Postgresql::start();
    let collector = Collector::on_database(&database.database());
    let resource = json!({"id": RESOURCE});
    collector
        .post("/v1/resource/generic", &resource)
        .expect_status(201);
    let url = collector.running.url("");
    let url = url.trim_end_matches('/');
    let stop = AtomicBool::new(false);
    let clients: [Told; 3] = Default::default();
    let each = |what, counter: fn(&Told) -> &AtomicU64| {
        let count = |client: &Told| counter(client).load(Ordering::Relaxed);
        let before: Vec<u64> = clients.iter().map(count).collect();
        wait_for(what, || {
            let mut pairs = clients.iter().zip(&before);
            pairs.all(|(client, before)| count(client) > *before)
        });
    };
    std::thread::scope(|scope| {
        for (client, told) in clients.iter().enumerate() {
            let stop = &stop;
            scope.spawn(move || ask(url, client, told, stop));
        }
        for _ in 0..2 {
            each("taken", |told| &told.taken);
            database.stop();
            each("refused", |told| &told.refused);
            database.resume();
        }
        each("taken", |told| &told.taken);
        stop.store(true, Ordering::Relaxed);
    });
    for (client, told) in clients.iter().enumerate() {
        let path =
            format!("/v1/resource/generic/{RESOURCE}/metric/m{client}/measures?granularity=60");
        let there = collector.json(&path).as_array().unwrap().len() as u64;
        // What was answered with 503 may be there.
        let taken = told.taken.load(Ordering::Relaxed);
        assert!(there >= taken, "{there} of {taken}");
    }
}
