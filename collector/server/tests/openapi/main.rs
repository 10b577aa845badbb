//! The OpenAPI description that the shipped binary serves: true by what is answered, and by schemathesis, which sends what
//! the description allows and what it does not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what schemathesis says"
)]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::gnocchi::python;
use support::{ADMIN, Collector};
use testkit::http::request;
use testkit::tools::run;
use testkit::{scrape, series};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const CONFIG: &str = "api: {auth_mode: basic, compatibility: \"4.7\"}\n";

#[test]
fn what_is_described_is_served_and_nothing_else_is() {
    let collector = Collector::configured(CONFIG);
    let document = collector.json("/openapi.json");
    assert_eq!(document, collector.json("/v1/openapi.json"));
    let base = document["servers"][0]["url"].as_str().unwrap();
    assert_eq!(
        base.trim_end_matches('/'),
        collector.running.url("").trim_end_matches('/')
    );
    let paths = document["paths"].as_object().unwrap();
    assert!(
        paths.len() > 33 && paths.contains_key("/v2/resources/{id}"),
        "{paths:?}"
    );
    for (path, operations) in paths {
        let filled = path.replace("{type}", "generic").replace(['{', '}'], "");
        for method in METHODS {
            let sent = request(
                &method.to_uppercase(),
                &collector.running.url(&filled),
                &[ADMIN],
                b"",
            );
            // A path that is none has no description of what is missing.
            let nowhere =
                sent.status == 404 && sent.text().trim_end().ends_with("could not be found.");
            let is_served = sent.status != 405 && !nowhere;
            assert_eq!(
                is_served,
                operations.get(method).is_some(),
                "{method} {path}: {}",
                sent.status
            );
        }
    }
    // What the collector counted by the patterns of its routes is described too.
    let families = scrape(&collector.running.url("/metrics"));
    let counted = series(&families, "nephoscope_collector_http_requests_total");
    assert!(counted.len() > 100, "{counted:?}");
    for (labels, _) in counted {
        assert!(paths.contains_key(&labels["route"]), "{labels:?}");
    }
}

/// The names and ids of some things, for the parameters of paths.
fn things(collector: &Collector) -> Value {
    let id = "6f5b4a1c-0d3f-4a55-8a4e-2f4f4d1f0b10";
    let resource = json!({"id": id, "metrics": {"cpu": {"archive_policy_name": "low"}}});
    let made = collector.post("/v1/resource/generic", &resource);
    let metric = made.expect_status(201).json()["metrics"]["cpu"].clone();
    let metric = metric.as_str().unwrap();
    let measures = json!([{"timestamp": 1_767_225_600, "value": 1}, {"timestamp": 1_767_229_200, "value": "nan"}]);
    collector
        .post(&format!("/v1/metric/{metric}/measures"), &measures)
        .expect_status(202);
    let samples = collector.json("/v2/samples");
    let sample = samples[0]["id"].as_str().unwrap();
    json!({
        "type": ["generic"],
        "id": [id],
        "name": ["cpu"],
        "metric.id": [collector.metric("medium")],
        "meters.name": ["cpu"],
        "resources.id": [id],
        "samples.id": [sample],
        "archive_policy.name": ["low", "medium"],
        "archive_policy_rule.name": ["default"],
        "resource_type.name": ["generic", "instance"],
    })
}

#[test]
fn schemathesis_finds_no_answer_that_is_not_described() {
    let collector = Collector::configured(CONFIG);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_schema_conformance,response_headers_conformance,unsupported_method";
    let schemathesis = python().join("bin/schemathesis").display().to_string();
    let (config, document) = (
        here.join("schemathesis.toml"),
        collector.running.url("/openapi.json"),
    );
    let mut args = vec![
        format!("THINGS={}", things(&collector)),
        format!("PYTHONPATH={}", here.display()),
        "SCHEMATHESIS_HOOKS=hooks".to_owned(),
        "PYTHONDONTWRITEBYTECODE=1".to_owned(),
        schemathesis,
        format!("--config-file={}", config.display()),
        "run".to_owned(),
        document,
        format!("--header=Authorization: {}", ADMIN.1),
        format!("--checks={checks}"),
    ];
    let fixed = [
        "--phases=coverage,fuzzing",
        "--max-examples=15",
        "--seed=1",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--warnings=off",
        "--no-color",
    ];
    args.extend(fixed.map(str::to_owned));
    eprintln!("{}", run("env", args));
}
