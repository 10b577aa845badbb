//! A catalogue whose database goes away while requests come in: they are answered with 503, what was acknowledged is
//! there, and all goes on when the database is back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{ACCEPT_JSON, ADMIN, Collector, JSON};
use testkit::Postgresql;
use testkit::http::{Response, request};

/// How long what must come to be may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The resource that measures are of.
const RESOURCE: &str = "6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1";

/// Asks in turn for everything that needs the catalogue, until told to stop. Gives the statuses that came, and which
/// minutes were acknowledged.
fn ask(url: &str, client: u64, stop: &AtomicBool) -> (BTreeSet<u16>, Vec<u64>) {
    let send = |method, path: &str, body: String| {
        let headers = [ADMIN, ACCEPT_JSON, JSON];
        let answer = request(method, &format!("{url}{path}"), &headers, body.as_bytes());
        check(&answer);
        answer.status
    };
    let (mut statuses, mut acknowledged) = (BTreeSet::new(), Vec::new());
    let mut minute = 0;
    while !stop.load(Ordering::Relaxed) {
        let at = 1_767_225_600 + minute * 60;
        let body = json!({RESOURCE: {format!("m{client}"): {"measures": [{"timestamp": at, "value": 1}], "archive_policy_name": "medium"}}});
        let path = "/v1/batch/resources/metrics/measures?create_metrics=true";
        let status = send("POST", path, body.to_string());
        if status == 202 {
            acknowledged.push(at);
        }
        statuses.insert(status);
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
            statuses.insert(send(method, path, body));
        }
        minute += 1;
    }
    (statuses, acknowledged)
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
    let list = || collector.get("/v1/resource/generic?limit=1").status;
    let stop = AtomicBool::new(false);
    let clients = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|client| {
                scope.spawn({
                    let stop = &stop;
                    move || ask(url, client, stop)
                })
            })
            .collect();
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(500));
            database.stop();
            wait_for("told", || list() == 503);
            database.resume();
            wait_for("back", || list() == 200);
        }
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        let joined = clients.into_iter().map(|client| client.join().unwrap());
        joined.collect::<Vec<_>>()
    });
    for (client, (statuses, acknowledged)) in clients.into_iter().enumerate() {
        assert!(
            statuses.contains(&202) && statuses.contains(&503),
            "{statuses:?}"
        );
        let path =
            format!("/v1/resource/generic/{RESOURCE}/metric/m{client}/measures?granularity=60");
        let there = collector.json(&path).as_array().unwrap().len();
        // What was answered with 503 may be there.
        assert!(
            there >= acknowledged.len() && !acknowledged.is_empty(),
            "{there} of {}",
            acknowledged.len()
        );
    }
}
