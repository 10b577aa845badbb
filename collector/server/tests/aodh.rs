//! Debian's Aodh evaluates its alarms on a collector as on a Gnocchi: the three kinds that ask for Gnocchi's measures go
//! from ok to alarm and back as the measures do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use support::{Collector, JSON};
use testkit::http::request;
use testkit::tools::run;
use testkit::{Peer, Running};

/// How long an alarm may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Seconds of a window; the alarms look at the newest one.
const GRANULARITY: u64 = 5;

/// Aodh's API without authentication, and its evaluator, on one database.
struct Aodh {
    api: Running,
    _evaluator: Running,
    _dir: tempfile::TempDir,
}

impl Aodh {
    fn start(collector: &Collector) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let conf = configuration(dir.path(), collector);
        run("aodh-dbsync", ["--config-file", &conf]);
        let api = Peer::new("aodh-api")
            .args([
                "--port",
                "{port}",
                "--host",
                "127.0.0.1",
                "--",
                "--config-file",
                &conf,
            ])
            .wait_http("/v2/alarms")
            .start();
        // It has workers, which would outlive it.
        let evaluator = Peer::new("aodh-evaluator")
            .with_children()
            .args(["--config-file", &conf])
            .ready_when(|| true)
            .start();
        Self {
            api,
            _evaluator: evaluator,
            _dir: dir,
        }
    }

    /// Makes an alarm for values above 50 and gives its id.
    fn alarm(&self, kind: &str, rule: &Value) -> String {
        let mut rule = rule.clone();
        rule["threshold"] = json!(50.0);
        rule["comparison_operator"] = json!("gt");
        rule["granularity"] = json!(GRANULARITY);
        rule["evaluation_periods"] = json!(1);
        let body = json!({"name": kind, "type": kind, format!("{kind}_rule"): rule});
        let alarm = self.ask("POST", "/v2/alarms", body.to_string().as_bytes());
        alarm["alarm_id"].as_str().unwrap().to_owned()
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let who = [
            ("x-project-id", "p"),
            ("x-user-id", "u"),
            ("x-roles", "admin"),
            JSON,
        ];
        let answer = request(method, &self.api.url(path), &who, body);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        answer.json()
    }

    fn state(&self, alarm: &str) -> String {
        let state = self.ask("GET", &format!("/v2/alarms/{alarm}/state"), b"");
        state.as_str().unwrap().to_owned()
    }
}

fn configuration(dir: &Path, collector: &Collector) -> String {
    let path = dir.join("aodh.conf").display().to_string();
    let text = format!(
        "[DEFAULT]\ntransport_url = fake://\nrecord_history = false\nadditional_ingestion_lag = 60\n\
         [api]\nauth_mode = noauth\n[evaluator]\nevaluation_interval = 1\nworkers = 1\n\
         [database]\nconnection = sqlite:///{}/aodh.db\n\
         [service_credentials]\nauth_type = gnocchi-basic\nuser = admin\nendpoint = {}\n",
        dir.display(),
        collector.running.url("").trim_end_matches('/'),
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Ids of the metrics `load` of two resources.
fn metrics(collector: &Collector) -> Vec<Value> {
    let policy = json!({"name": "fine", "aggregation_methods": ["mean"],
        "definition": [{"granularity": GRANULARITY, "points": 1000}]});
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let resource = |id: &str| {
        let body = json!({"id": id, "metrics": {"load": {"archive_policy_name": "fine"}}});
        let made = collector
            .post("/v1/resource/generic", &body)
            .expect_status(201);
        made.json()["metrics"]["load"].clone()
    };
    ["web-1", "web-2"].map(resource).into()
}

fn measure(collector: &Collector, metrics: &[Value], value: f64) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    for metric in metrics {
        let path = format!("/v1/metric/{}/measures", metric.as_str().unwrap());
        let measures = json!([{"timestamp": now.as_secs_f64(), "value": value}]);
        collector.post(&path, &measures).expect_status(202);
    }
}

#[test]
fn aodhs_alarms_go_from_ok_to_alarm_and_back() {
    let collector = Collector::start();
    let metrics = metrics(&collector);
    measure(&collector, &metrics, 1.0);
    let aodh = Aodh::start(&collector);
    let query = json!({"=": {"original_resource_id": "web-2"}}).to_string();
    let resource = collector.json("/v1/resource/generic");
    let alarms = [
        (
            "gnocchi_resources_threshold",
            json!({
            "metric": "load", "aggregation_method": "mean", "resource_type": "generic",
            "resource_id": resource[0]["id"]}),
        ),
        (
            "gnocchi_aggregation_by_metrics_threshold",
            json!({
            "metrics": metrics[..1], "aggregation_method": "mean"}),
        ),
        (
            "gnocchi_aggregation_by_resources_threshold",
            json!({
            "metric": "load", "aggregation_method": "mean", "resource_type": "generic", "query": query}),
        ),
    ];
    let alarms = alarms.map(|(kind, rule)| aodh.alarm(kind, &rule));
    for (value, wanted) in [(1.0, "ok"), (99.0, "alarm"), (1.0, "ok")] {
        let start = Instant::now();
        loop {
            measure(&collector, &metrics, value);
            let states = alarms.each_ref().map(|alarm| aodh.state(alarm));
            if states.iter().all(|state| state == wanted) {
                break;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "expected {wanted}, found {states:?}"
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}
