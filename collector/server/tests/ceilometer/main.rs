//! Ceilometer, Debian's and PyPI's newest, against the shipped binary: its own publishers and agents fill one collector as
//! Gnocchi and another one over http, RabbitMQ or by scrapes, and both then hold the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod agents;
mod amqp;
mod broker;
mod central;
mod cloud;
mod compute;
mod content;
mod http;
mod notifications;
mod openstack;
mod poison;
mod policies;
mod publishers;
mod real_gnocchi;
mod release;
mod telemetry;

use std::path::Path;

use release::Release;
use serde_json::Value;
use support::Collector;
use testkit::tools::{run, run_with_input};

/// Debian's interpreter, which has Ceilometer's modules.
const PYTHON: &str = "/usr/bin/python3";

/// Publishes rounds by a publisher of that URL; `gnocchi://` means the server at `endpoint`.
fn publish(endpoint: &str, url: &str, rounds: &[Value]) {
    publish_by(Release::Debian, endpoint, url, rounds);
}

/// The same by a publisher of that release.
fn publish_by(release: Release, endpoint: &str, url: &str, rounds: &[Value]) {
    let dir = tempfile::tempdir().unwrap();
    let conf = configuration(dir.path(), endpoint);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ceilometer/publish.py");
    let args = [&script.display().to_string(), &conf, url].map(str::to_owned);
    let rounds = Value::from(rounds.to_vec()).to_string();
    run_with_input(&release.python(), args, &rounds);
}

/// Publishes rounds to a collector by the http publisher.
fn publish_http(collector: &Collector, query: &str, rounds: &[Value]) {
    let url = collector.running.url("/v1/ceilometer/samples");
    let url = url.replace("http://", "http://admin:secret@") + query;
    publish(&endpoint(collector), &url, rounds);
}

/// Creates Ceilometer's resource types, as an operator does.
fn upgrade(endpoint: &str) {
    upgrade_by(Release::Debian, endpoint);
}

/// The same by the program of that release.
fn upgrade_by(release: Release, endpoint: &str) {
    let dir = tempfile::tempdir().unwrap();
    let conf = configuration(dir.path(), endpoint);
    let program = release.program("ceilometer-upgrade");
    run(&program, ["--config-file", &conf, "--retry", "1"]);
}

/// Writes a `ceilometer.conf` for a Gnocchi and gives its path.
fn configuration(dir: &Path, endpoint: &str) -> String {
    let path = dir.join("ceilometer.conf");
    std::fs::write(&path, credentials(endpoint)).unwrap();
    path.display().to_string()
}

/// The section of `ceilometer.conf` that says where Gnocchi is; there is no Keystone.
fn credentials(endpoint: &str) -> String {
    format!(
        "[service_credentials]\nauth_type = gnocchi-basic\nuser = admin\nendpoint = {endpoint}\n"
    )
}

fn endpoint(collector: &Collector) -> String {
    collector.running.url("").trim_end_matches('/').to_owned()
}
