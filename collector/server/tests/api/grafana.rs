//! The requests of Grafana's gnocchi data source, as a browser sends them from Grafana's page: a preflight, then the request
//! with the data source's headers and its very query strings.

use serde_json::{Value, json};
use testkit::http::request;

use crate::support::Collector;

const ORIGIN: (&str, &str) = ("origin", "https://grafana.example.org");
/// A range of the page: the data source sends `end` too, which is for no endpoint.
const RANGE: &str =
    "start=2015-03-06T14:00:00.000Z&end=2015-03-06T15:00:00.000Z&stop=2015-03-06T15:00:00.000Z";
const CONFIG: &str = "api: {cors: {allowed_origin: [\"https://grafana.example.org\"]}}\n";

/// Asks as a browser does.
fn browser(collector: &Collector, method: &str, path: &str, body: &str) -> Value {
    let url = collector.running.url(path);
    let asked = "content-type,x-domain-id,x-project-id,x-roles,x-user-id";
    let preflight = [
        ORIGIN,
        ("access-control-request-method", method),
        ("access-control-request-headers", asked),
    ];
    let allowed = request("OPTIONS", &url, &preflight, b"").expect_status(200);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some(ORIGIN.1),
        "{path}"
    );
    let headers = allowed
        .header("access-control-allow-headers")
        .unwrap_or_default()
        .to_lowercase();
    assert!(
        asked.split(',').all(|name| headers.contains(name)),
        "{headers}"
    );
    let methods = allowed
        .header("access-control-allow-methods")
        .unwrap_or_default();
    assert!(methods.contains(method), "{methods}");
    let own = [
        ORIGIN,
        ("accept", "application/json, text/plain, */*"),
        ("content-type", "application/json"),
        ("x-project-id", "demo"),
        ("x-user-id", "admin"),
        ("x-domain-id", "default"),
        ("x-roles", "admin"),
    ];
    let answer = request(method, &url, &own, body.as_bytes()).expect_status(200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some(ORIGIN.1),
        "{path}"
    );
    answer.json()
}

#[test]
fn grafanas_data_source_gets_what_it_asks_for() {
    let collector = Collector::configured(CONFIG);
    let mut ids = Vec::new();
    for (name, value) in [("vm-a", 1.0), ("vm-b", 3.0)] {
        let resource = json!({"id": name, "project_id": "demo", "metrics": {"cpu": {"archive_policy_name": "medium"}}});
        let created = collector
            .post("/v1/resource/generic", &resource)
            .expect_status(201)
            .json();
        let measures = json!([{"timestamp": "2015-03-06T14:30:00", "value": value}]);
        collector
            .post(
                &format!("/v1/resource/generic/{name}/metric/cpu/measures"),
                &measures,
            )
            .expect_status(202);
        ids.push((
            created["id"].as_str().unwrap().to_owned(),
            created["metrics"]["cpu"].as_str().unwrap().to_owned(),
        ));
    }
    let points = |value: f64| {
        json!([
            ["2015-03-06T14:00:00+00:00", 3600.0, value],
            ["2015-03-06T14:30:00+00:00", 60.0, value]
        ])
    };
    let get = |path: &str| browser(&collector, "GET", path, "");
    let post = |path: &str, body: &str| browser(&collector, "POST", path, body);

    // The test of the data source, and what it suggests while one types.
    assert!(get("/v1/resource")["generic"].is_string());
    assert_eq!(get("/v1/metric").as_array().unwrap().len(), 2);
    assert_eq!(get("/v1/resource/generic").as_array().unwrap().len(), 2);
    let (resource, metric) = &ids[0];
    assert_eq!(
        get(&format!("/v1/resource/generic/{resource}"))["metrics"]["cpu"],
        *metric
    );

    // Each of its four kinds of query.
    let filter = r#"{"=": {"project_id": "demo"}}"#;
    let found = post("/v1/search/resource/generic", filter);
    assert_eq!(found.as_array().unwrap().len(), 2);
    for (found, value) in found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one))
    {
        let path =
            format!("/v1/resource/generic/{found}/metric/cpu/measures?aggregation=max&{RANGE}");
        let expected = if value["original_resource_id"] == "vm-a" {
            1.0
        } else {
            3.0
        };
        assert_eq!(get(&path), points(expected));
    }
    let path = format!("/v1/aggregation/resource/generic/metric/cpu?aggregation=mean&{RANGE}");
    assert_eq!(post(&path, filter), points(2.0));
    let path = format!("/v1/metric/{metric}/measures?aggregation=mean&{RANGE}");
    assert_eq!(get(&path), points(1.0));
    let path =
        format!("/v1/resource/generic/{resource}/metric/cpu/measures?aggregation=mean&{RANGE}");
    assert_eq!(get(&path), points(1.0));

    // Template variables: resources(generic, id, {...}) and metrics(ID).
    let found = post(
        "/v1/search/resource/generic",
        r#"{"like":{"original_resource_id":"vm-%"}}"#,
    );
    assert_eq!(found.as_array().unwrap().len(), 2);
}

#[test]
fn grafanas_page_can_read_a_refusal() {
    let collector = Collector::configured(CONFIG);
    let headers = [
        ORIGIN,
        ("accept", "application/json, text/plain, */*"),
        ("content-type", "application/json"),
    ];
    let url = collector.running.url("/v1/search/resource/generic");
    let refused = request("POST", &url, &headers, b"{\"nonsense\": 1}").expect_status(400);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(ORIGIN.1)
    );
    let url = collector.running.url("/v1/resource");
    let strange = request(
        "OPTIONS",
        &url,
        &[
            ("origin", "https://evil.example.org"),
            ("access-control-request-method", "GET"),
        ],
        b"",
    );
    assert_eq!(strange.header("access-control-allow-origin"), None);
}
