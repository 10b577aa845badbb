//! Each kind of error once, in each of its forms.

use serde_json::{Value, json};
use testkit::http::{request, try_request};

use crate::support::{ACCEPT_JSON, ADMIN, Collector, JSON};

const ID: &str = "5b7ebe90-4ad2-4c83-ad2c-f6344884ab70";

#[test]
fn an_error_comes_in_the_form_that_is_asked_for() {
    let collector = Collector::start();
    let url = collector.running.url("/v1/archive_policy/no-such");
    let plain = request("GET", &url, &[ADMIN], b"");
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    assert_eq!(
        plain.expect_status(404).text(),
        "404 Not Found\n\nThe resource could not be found.\n\n Archive policy no-such does not exist  "
    );
    let html = request("GET", &url, &[ADMIN, ("accept", "*/*")], b"").expect_status(404);
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    assert!(html.text().contains("<h1>404 Not Found</h1>"));
    let json = request("GET", &url, &[ADMIN, ACCEPT_JSON], b"").expect_status(404);
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(
        json.json(),
        json!({"code": 404, "title": "Not Found", "description": "Archive policy no-such does not exist"})
    );
}

#[test]
fn paths_methods_and_types_that_are_none_are_told_apart() {
    let collector = Collector::start();
    let unknown = collector.get("/v1/resoue").expect_status(404).json();
    assert_eq!(unknown["description"], Value::Null);
    collector.get("/no/such/page").expect_status(404);
    collector.get("/v1/metric//").expect_status(200);
    collector.get("/v1//archive_policy//low").expect_status(200);
    collector.get("/v1/no-such/").expect_status(404);
    collector
        .get("/v1/resource/no-such-type")
        .expect_status(404);
    let put = collector
        .send("PUT", "/v1/archive_policy", &json!({}))
        .expect_status(405);
    assert_eq!(put.json()["title"], "Method Not Allowed");
    let wanted = [ADMIN, ("accept", "text/plain")];
    let text = request(
        "GET",
        &collector.running.url("/v1/archive_policy"),
        &wanted,
        b"",
    );
    assert!(
        text.expect_status(406)
            .text()
            .starts_with("406 Not Acceptable")
    );
    let plain = [ADMIN, ("content-type", "text/plain")];
    let body = collector.send_with(
        "POST",
        "/v1/metric",
        &plain,
        &json!({"archive_policy_name": "low"}),
    );
    assert!(
        body.expect_status(415)
            .text()
            .starts_with("415 Unsupported Media Type")
    );
    // A DELETE answers nothing, whatever is accepted.
    let metric = collector.metric("low");
    request(
        "DELETE",
        &collector.running.url(&format!("/v1/metric/{metric}")),
        &wanted,
        b"",
    )
    .expect_status(204);
}

#[test]
fn a_body_that_is_no_json_names_the_place() {
    let collector = Collector::start();
    let post = |body: &str| {
        let url = collector.running.url("/v1/metric");
        let answer = request("POST", &url, &[ADMIN, JSON, ACCEPT_JSON], body.as_bytes());
        answer.expect_status(400).json()["description"].clone()
    };
    assert_eq!(
        post(""),
        json!({"cause": "Unable to decode body", "reason": "Expected object or value", "detail": []})
    );
    assert_eq!(
        post("{\"name\": ")["reason"],
        "EOF while parsing a value at line 1 column 9"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        post(&deep)["reason"],
        "nested deeper than 127 levels (max_json_depth)"
    );
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let collector = Collector::start();
    let refused = |method: &str, path: &str, body: Value| {
        let answer = collector
            .send(method, path, &body)
            .expect_status(400)
            .json();
        assert_eq!(answer["description"]["cause"], "Invalid input", "{answer}");
        answer["description"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refused(
            "POST",
            "/v1/archive_policy",
            json!({"name": "x", "definition": [{"cowsay": "moo"}]})
        ),
        "extra keys not allowed @ data['definition'][0]['cowsay']"
    );
    assert_eq!(
        refused("POST", "/v1/resource/generic", json!({})),
        "required key not provided @ data['id']"
    );
    assert_eq!(
        refused("POST", "/v1/metric", json!([])),
        "expected a dictionary"
    );
    let metric = collector.metric("low");
    assert_eq!(
        refused(
            "POST",
            &format!("/v1/metric/{metric}/measures"),
            json!([[1, 2]])
        ),
        "unexpected measures format"
    );
    assert_eq!(
        refused(
            "POST",
            "/v1/batch/metrics/measures",
            json!({ID: [{"timestamp": 1, "value": "x"}]})
        ),
        format!("unexpected measures value for dictionary value @ data['{ID}']")
    );
}

#[test]
fn things_that_are_not_there_or_there_already_are_named() {
    let collector = Collector::start();
    let told = |path: &str| collector.get(path).expect_status(404).json()["description"].clone();
    assert_eq!(told("/v1/metric/foobar"), "Metric foobar does not exist");
    assert_eq!(
        told(&format!("/v1/metric/{ID}")),
        format!("Metric {ID} does not exist")
    );
    assert_eq!(
        told(&format!("/v1/resource/generic/{ID}")),
        format!("Resource {ID} does not exist")
    );
    assert_eq!(
        told("/v1/resource_type/x"),
        "Resource type x does not exist"
    );
    assert_eq!(
        told("/v1/archive_policy_rule/x"),
        "Archive policy rule x does not exist"
    );
    collector
        .post("/v1/resource/generic", &json!({"id": ID}))
        .expect_status(201);
    assert_eq!(
        told(&format!("/v1/resource/generic/{ID}/metric/cpu")),
        "Metric cpu does not exist"
    );
    let twice = collector
        .post("/v1/resource/generic", &json!({"id": ID}))
        .expect_status(409)
        .json();
    assert_eq!(
        twice["description"],
        format!("Resource {ID} already exists")
    );
    let policy = json!({"name": "low", "definition": [{"granularity": 1}]});
    let twice = collector
        .post("/v1/archive_policy", &policy)
        .expect_status(409)
        .json();
    assert_eq!(twice["description"], "Archive policy low already exists");
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let collector = Collector::configured("api: {max_body_size: 10000}\n");
    let metric = collector.metric("low");
    let path = format!("/v1/metric/{metric}/measures");
    let large = vec![b' '; 20_000];
    let url = collector.running.url(&path);
    // The rest of the body may meet a connection that is closed already.
    if let Ok(answer) = try_request("POST", &url, &[ADMIN, JSON, ACCEPT_JSON], &large) {
        assert_eq!(
            answer.expect_status(413).json()["description"],
            "body is larger than 10000 bytes (max_body_size)"
        );
    }
    collector.post(&path, &json!([])).expect_status(202);
}
