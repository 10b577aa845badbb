//! Who may do what, without authentication and in basic mode.

use serde_json::json;
use testkit::http::request;

use crate::support::{ACCEPT_JSON, Collector, FOOBAR, JSON};

const OTHER: (&str, &str) = ("authorization", "basic cGFzdGE6");

#[test]
fn without_authentication_the_name_is_the_creator() {
    let collector = Collector::start();
    let url = collector.running.url("/v1/metric");
    let body = b"{\"archive_policy_name\": \"low\"}";
    let nobody = request("POST", &url, &[JSON], body)
        .expect_status(201)
        .json();
    assert_eq!(nobody["creator"], "admin");
    let foobar = request("POST", &url, &[JSON, FOOBAR], body)
        .expect_status(201)
        .json();
    assert_eq!(foobar["creator"], "foobar");
    request("GET", &collector.running.url("/v1/status"), &[FOOBAR], b"").expect_status(200);
}

#[test]
fn in_basic_mode_a_name_must_be_given() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    for path in [
        "/v1/archive_policy",
        "/v1/metric",
        "/v1/resource/generic",
        "/v1/resource_type",
        "/v1/status",
    ] {
        request("GET", &collector.running.url(path), &[ACCEPT_JSON], b"").expect_status(401);
    }
    // These tell nothing of anybody.
    for path in ["/", "/v1", "/v1/capabilities"] {
        request("GET", &collector.running.url(path), &[ACCEPT_JSON], b"").expect_status(200);
    }
}

#[test]
fn in_basic_mode_only_admin_changes_what_is_everybodys() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let as_foobar = |method: &str, path: &str| {
        collector
            .send_with(method, path, &[FOOBAR, JSON], &json!({"bad": "body"}))
            .status
    };
    // Rights come before the body.
    for (method, path) in [
        ("POST", "/v1/archive_policy"),
        ("PATCH", "/v1/archive_policy/low"),
        ("DELETE", "/v1/archive_policy/low"),
        ("POST", "/v1/archive_policy_rule"),
        ("DELETE", "/v1/archive_policy_rule/default"),
        ("POST", "/v1/resource_type"),
        ("PATCH", "/v1/resource_type/instance"),
        ("DELETE", "/v1/resource_type/instance"),
        ("GET", "/v1/status"),
    ] {
        assert_eq!(as_foobar(method, path), 403, "{method} {path}");
    }
}

#[test]
fn in_basic_mode_a_resource_is_its_creators() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let resource = json!({"id": "6868da77-fa82-4e67-aba9-270c5ae8cbca", "metrics": {"cpu": {"archive_policy_name": "low"}}});
    let created = collector
        .send_with("POST", "/v1/resource/generic", &[FOOBAR, JSON], &resource)
        .expect_status(201)
        .json();
    let metric = created["metrics"]["cpu"].as_str().unwrap();
    let resource = "/v1/resource/generic/6868da77-fa82-4e67-aba9-270c5ae8cbca";
    let measures = format!("/v1/metric/{metric}/measures");
    let batch = "/v1/batch/metrics/measures";
    let measure = json!([{"timestamp": 1, "value": 2}]);
    for (method, path, body) in [
        ("GET", resource, json!(null)),
        ("PATCH", resource, json!({"user_id": "x"})),
        ("GET", &measures, json!(null)),
        ("POST", &measures, measure.clone()),
        ("POST", batch, json!({metric: measure})),
        ("DELETE", resource, json!(null)),
    ] {
        assert_eq!(
            collector
                .send_with(method, path, &[OTHER, JSON], &body)
                .status,
            403,
            "{method} {path}"
        );
    }
    // A filter reaches only one's own.
    let everything = json!({"like": {"creator": "%"}});
    let deleted = collector.send_with(
        "DELETE",
        "/v1/resource/generic",
        &[OTHER, JSON],
        &everything,
    );
    assert_eq!(deleted.expect_status(200).json(), json!({"deleted": 0}));
    for (method, path, body, status) in [
        ("GET", resource, json!(null), 200),
        ("POST", &measures, measure, 202),
        ("GET", &measures, json!(null), 200),
        ("DELETE", resource, json!(null), 204),
    ] {
        assert_eq!(
            collector
                .send_with(method, path, &[FOOBAR, JSON], &body)
                .status,
            status,
            "{method} {path}"
        );
    }
}
