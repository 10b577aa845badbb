//! Debian's Ceilometer against the shipped binary: its own publishers, driven by `publish.py`, fill one collector as Gnocchi
//! and another one over http, and both then hold the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod amqp;
mod broker;
mod cloud;
mod content;
mod http;
mod notifications;
mod publishers;
mod real_gnocchi;
mod telemetry;

use std::path::Path;

use serde_json::Value;
use support::Collector;
use testkit::tools::{run, run_with_input};

/// Debian's interpreter, which has Ceilometer's modules.
const PYTHON: &str = "/usr/bin/python3";

/// Publishes rounds by a publisher of that URL; `gnocchi://` means the server at `endpoint`.
fn publish(endpoint: &str, url: &str, rounds: &[Value]) {
    let dir = tempfile::tempdir().unwrap();
    let conf = configuration(dir.path(), endpoint);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ceilometer/publish.py");
    let args = [&script.display().to_string(), &conf, url].map(str::to_owned);
    run_with_input(PYTHON, args, &Value::from(rounds.to_vec()).to_string());
}

/// Publishes rounds to a collector by the http publisher.
fn publish_http(collector: &Collector, query: &str, rounds: &[Value]) {
    let url = collector.running.url("/v1/ceilometer/samples");
    let url = url.replace("http://", "http://admin:secret@") + query;
    publish(&endpoint(collector), &url, rounds);
}

/// Creates Ceilometer's resource types, as an operator does.
fn upgrade(endpoint: &str) {
    let dir = tempfile::tempdir().unwrap();
    let conf = configuration(dir.path(), endpoint);
    run(
        "ceilometer-upgrade",
        ["--config-file", &conf, "--retry", "1"],
    );
}

/// Writes a `ceilometer.conf` for a Gnocchi and gives its path.
fn configuration(dir: &Path, endpoint: &str) -> String {
    let path = dir.join("ceilometer.conf");
    let conf = format!(
        "[service_credentials]\nauth_type = gnocchi-basic\nuser = admin\nendpoint = {endpoint}\n"
    );
    std::fs::write(&path, conf).unwrap();
    path.display().to_string()
}

fn endpoint(collector: &Collector) -> String {
    collector.running.url("").trim_end_matches('/').to_owned()
}
