//! What comes in by scrapes, through the shipped collector: targets that are well, broken, slow and gone beside each
//! other, target files that change, and the page's files. The exporters here are small servers of the test's own.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails loudly where something is missing"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Running, Shipped, http};

/// How long a change may take to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// A target that answers every request with these bytes after a while, for as long as the test runs.
fn target(answer: String, after: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                std::thread::sleep(after);
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    address
}

fn metrics(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn well(load: &str) -> String {
    target(
        metrics("200 OK", &format!("node_load1 {load}\n")),
        Duration::ZERO,
    )
}

fn collector(dir: &Path, scrape: &str) -> Running {
    let file = dir.join("collector.yml");
    let store = dir.join("store");
    let text = format!(
        "storage: {{path: {store:?}}}\nscrape:\n  interval: 1s\n  timeout: 500ms\n{scrape}"
    );
    std::fs::write(&file, text).unwrap();
    Shipped::new("nephoscope-collector")
        .arg(format!("--config.file={}", file.display()))
        .start()
}

/// The targets once all of them have been scraped and `done` is content with them.
fn targets(collector: &Running, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let answer = http::get(&collector.url("/console/targets"))
            .expect_status(200)
            .json();
        let list = answer.as_array().unwrap();
        if list.iter().all(|t| !t["last_scrape"].is_null()) && done(list) {
            return list.clone();
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{list:#?}\n{}",
            collector.stderr()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn hosts(collector: &Running) -> Vec<String> {
    let list = http::get(&collector.url("/v1/resource/host"))
        .expect_status(200)
        .json();
    let names = list
        .as_array()
        .unwrap()
        .iter()
        .map(|host| host["host_name"].as_str().unwrap().to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_target_that_sends_garbage_is_named_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        (
            "garbage",
            target(
                metrics("200 OK", "node_load1 1\nnode_load1{{{ 2\n"),
                Duration::ZERO,
            ),
            "line 2",
        ),
        (
            "refusing",
            target(metrics("500 Internal Server Error", "no"), Duration::ZERO),
            "500",
        ),
        (
            "slow",
            target(metrics("200 OK", "node_load1 1\n"), Duration::from_secs(3)),
            "timed out",
        ),
        (
            "large",
            target(
                metrics("200 OK", &"# padding\n".repeat(200)),
                Duration::ZERO,
            ),
            "body_size_limit",
        ),
        (
            "crowded",
            target(metrics("200 OK", "a 1\nb 1\nc 1\nd 1\n"), Duration::ZERO),
            "sample_limit",
        ),
        ("gone", "127.0.0.1:1".to_owned(), "refused"),
    ];
    let mut config = "  body_size_limit: 1000\n  sample_limit: 3\n  static_configs:\n".to_owned();
    let good = well("0.5");
    config += &format!("  - {{targets: [{good:?}], labels: {{host: good}}}}\n");
    for (host, address, _) in &cases {
        config += &format!("  - {{targets: [{address:?}], labels: {{host: {host}}}}}\n");
    }
    let collector = collector(dir.path(), &config);
    let list = targets(&collector, |list| list.len() == cases.len() + 1);
    let of = |address: &str| {
        let url = format!("http://{address}/metrics");
        list.iter().find(|t| t["url"] == url.as_str()).unwrap()
    };
    assert_eq!(of(&good)["up"], true, "{list:#?}");
    for (host, address, words) in &cases {
        let target = of(address);
        assert_eq!(target["up"], false, "{target}");
        let error = target["error"].as_str().unwrap();
        assert!(
            error.contains(words) && !error.contains('\n'),
            "{host}: {error}"
        );
    }
    assert_eq!(hosts(&collector), ["good"]);
}

#[test]
fn targets_come_and_go_with_their_files() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (well("1"), well("2"));
    let file = dir.path().join("targets.yml");
    let group = |address: &str, host: &str| {
        format!("- {{targets: [{address:?}], labels: {{host: {host}}}}}\n")
    };
    std::fs::write(&file, group(&one, "first")).unwrap();
    let config = format!(
        "  static_configs: []\n  file_sd_configs: [{{files: [{:?}]}}]\n",
        dir.path().join("targets*.yml")
    );
    let collector = collector(dir.path(), &config);
    targets(&collector, |list| list.len() == 1 && list[0]["up"] == true);
    std::fs::write(&file, group(&two, "second")).unwrap();
    let url = format!("http://{two}/metrics");
    targets(&collector, |list| {
        list.len() == 1 && list[0]["url"] == url.as_str() && list[0]["up"] == true
    });
    assert_eq!(
        hosts(&collector),
        ["first", "second"],
        "what was measured stays"
    );

    // A file that is being written does not make its targets vanish, and is told of.
    std::fs::write(&file, "- targets: ['half").unwrap();
    collector.wait_for_log("targets not read", PATIENCE);
    targets(&collector, |list| {
        list.len() == 1 && list[0]["url"] == url.as_str()
    });
}

#[test]
fn the_page_runs_nothing_but_its_own_files() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path(), "  static_configs: []\n");
    let page = http::get(&collector.url("/console")).expect_status(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let text = page.text();
    for file in text.split('"').filter(|word| word.starts_with("console/")) {
        http::get(&collector.url(&format!("/{file}"))).expect_status(200);
    }
    assert!(text.contains("console/console.js"));
}
