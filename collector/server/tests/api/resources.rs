//! One resource: its life, its history, its metrics, conditional requests.

use serde_json::{Value, json};
use testkit::http::request;

use crate::support::{ACCEPT_JSON, ADMIN, Collector, JSON};

/// Gnocchi's id of the text `compute-1`, created by `admin`.
const COMPUTE_1: &str = "5e7fbe89-1abb-5e93-8ac3-c258f9921152";

fn compute(collector: &Collector) -> Value {
    let body = json!({
        "id": "compute-1", "started_at": "2014-01-03T02:02:02.000000", "project_id": "p1", "user_id": "u1",
        "metrics": {"cpu": {"archive_policy_name": "low", "unit": "ns"}},
    });
    collector
        .post("/v1/resource/generic", &body)
        .expect_status(201)
        .json()
}

#[test]
fn a_resource_has_the_id_that_gnocchi_gives_it() {
    let collector = Collector::start();
    let created = compute(&collector);
    assert_eq!(created["id"], COMPUTE_1);
    assert_eq!(created["original_resource_id"], "compute-1");
    assert_eq!(
        (&created["creator"], &created["created_by_user_id"]),
        (&json!("admin"), &json!("admin"))
    );
    assert_eq!(
        (&created["type"], &created["started_at"]),
        (&json!("generic"), &json!("2014-01-03T02:02:02+00:00"))
    );
    assert_eq!(
        (&created["ended_at"], &created["revision_end"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(created.as_object().unwrap().len(), 13);
    for id in ["compute-1", COMPUTE_1, "5E7FBE891ABB5E938AC3C258F9921152"] {
        assert_eq!(
            collector.json(&format!("/v1/resource/generic/{id}")),
            created
        );
    }
    assert_eq!(
        collector.json("/v1/resource")["generic"],
        collector.running.url("/v1/resource/generic")
    );
}

#[test]
fn a_change_makes_a_revision_and_no_change_makes_none() {
    let collector = Collector::start();
    let created = compute(&collector);
    let path = "/v1/resource/generic/compute-1";
    let patch = |body: Value| {
        collector
            .send("PATCH", path, &body)
            .expect_status(200)
            .json()
    };
    assert_eq!(
        patch(json!({}))["revision_start"],
        created["revision_start"]
    );
    assert_eq!(
        patch(json!({"user_id": "u1"}))["revision_start"],
        created["revision_start"]
    );
    let changed = patch(json!({"user_id": null, "ended_at": "2014-01-04T00:00:00"}));
    assert_eq!(
        (&changed["user_id"], &changed["ended_at"]),
        (&Value::Null, &json!("2014-01-04T00:00:00+00:00"))
    );
    assert_ne!(changed["revision_start"], created["revision_start"]);
    let history = collector.json(&format!("{path}/history?sort=revision_end:asc-nullslast"));
    let users: Vec<&Value> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| &revision["user_id"])
        .collect();
    assert_eq!(users, [&json!("u1"), &Value::Null]);
    assert_eq!(history[0]["revision_end"], history[1]["revision_start"]);
    let ended = json!({"ended_at": "2001-01-01", "started_at": "2014-01-01", "id": "bad"});
    let refused = collector
        .post("/v1/resource/generic", &ended)
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        "Start timestamp cannot be after end timestamp"
    );
}

#[test]
fn measures_from_its_end_on_bring_a_resource_back_as_in_4_7() {
    const END: i64 = 1_767_225_600;
    for (compatibility, comes_back) in [("4.4", false), ("4.7", true)] {
        let collector =
            Collector::configured(&format!("api: {{compatibility: \"{compatibility}\"}}\n"));
        let id = "6f5b4a1c-0d3f-4a55-8a4e-2f4f4d1f0b10";
        let resource = json!({
            "id": id, "started_at": "2025-01-01", "ended_at": "2026-01-01",
            "metrics": {"cpu": {"archive_policy_name": "low"}},
        });
        let metric = collector
            .post("/v1/resource/generic", &resource)
            .expect_status(201)
            .json()["metrics"]["cpu"]
            .clone();
        let metric = metric.as_str().unwrap();
        let path = format!("/v1/resource/generic/{id}");
        let measures = |at: i64| json!([{"timestamp": at, "value": 1}]);
        let end = || collector.json(&path)["ended_at"].clone();
        for at in [END - 1, END] {
            collector
                .post(&format!("/v1/metric/{metric}/measures"), &measures(at))
                .expect_status(202);
            let is_back = comes_back && at == END;
            assert_eq!(end().is_null(), is_back, "{compatibility} {at}");
        }
        let by_metric = json!({ metric: measures(END + 60) });
        let by_resource = json!({ id: {"cpu": measures(END + 120)} });
        for (path_of_batch, body) in [
            ("/v1/batch/metrics/measures", &by_metric),
            ("/v1/batch/resources/metrics/measures", &by_resource),
        ] {
            collector
                .send("PATCH", &path, &json!({"ended_at": "2026-01-01"}))
                .expect_status(200);
            collector.post(path_of_batch, body).expect_status(202);
            assert_eq!(
                end().is_null(),
                comes_back,
                "{compatibility} {path_of_batch}"
            );
        }
        let history = collector.json(&format!("{path}/history"));
        let revisions = if comes_back { 6 } else { 1 };
        assert_eq!(history.as_array().unwrap().len(), revisions);
    }
}

#[test]
fn a_resource_of_a_type_has_its_attributes() {
    let collector = Collector::start();
    let instance = json!({"id": "6868da77-fa82-4e67-aba9-270c5ae8cbca", "display_name": "vm1", "host": "compute-1", "flavor_id": "f", "flavor_name": "m1", "image_ref": "i"});
    let created = collector
        .post("/v1/resource/instance", &instance)
        .expect_status(201)
        .json();
    assert_eq!(
        (&created["display_name"], &created["type"]),
        (&json!("vm1"), &json!("instance"))
    );
    let as_generic = collector.json("/v1/resource/generic/6868da77-fa82-4e67-aba9-270c5ae8cbca");
    assert_eq!(
        (as_generic.get("display_name"), &as_generic["type"]),
        (None, &json!("instance"))
    );
    collector
        .get("/v1/resource/host/6868da77-fa82-4e67-aba9-270c5ae8cbca")
        .expect_status(404);
    let listed = collector.json("/v1/resource/generic?details=true");
    assert_eq!(listed[0]["display_name"], "vm1");
    let refused = collector
        .post(
            "/v1/resource/instance",
            &json!({"id": "x", "colour": "red"}),
        )
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"]["reason"],
        "extra keys not allowed @ data['colour']"
    );
}

#[test]
fn metrics_are_created_shown_and_deleted_under_their_resource() {
    let collector = Collector::start();
    let created = compute(&collector);
    let path = "/v1/resource/generic/compute-1/metric";
    let cpu = collector.json(&format!("{path}/cpu"));
    assert_eq!(cpu["id"], created["metrics"]["cpu"]);
    assert_eq!(
        (&cpu["unit"], &cpu["archive_policy"]["name"]),
        (&json!("ns"), &json!("low"))
    );
    assert_eq!(cpu["resource"]["original_resource_id"], "compute-1");
    let more = collector
        .post(path, &json!({"disk": {"archive_policy_name": "high"}}))
        .expect_status(200)
        .json();
    let names: Vec<&Value> = more
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| &metric["name"])
        .collect();
    assert!(
        names.contains(&&json!("cpu")) && names.contains(&&json!("disk")),
        "{names:?}"
    );
    assert_eq!(more[0]["resource_id"], COMPUTE_1);
    let twice = collector
        .post(path, &json!({"disk": {"archive_policy_name": "high"}}))
        .expect_status(409)
        .json();
    assert_eq!(twice["description"], "Named metric disk already exists");
    let metric = json!({"resource_id": "compute-1", "name": "cpu", "archive_policy_name": "low"});
    let twice = collector
        .post("/v1/metric", &metric)
        .expect_status(400)
        .json();
    assert_eq!(
        twice["description"],
        json!({"cause": "Named metric already exists", "detail": "cpu"})
    );
    let unnamed = json!({"resource_id": "compute-1", "archive_policy_name": "low"});
    let refused = collector
        .post("/v1/metric", &unnamed)
        .expect_status(400)
        .json();
    assert_eq!(refused["description"]["detail"], "name");
    collector.delete(&format!("{path}/cpu")).expect_status(204);
    collector.get(&format!("{path}/cpu")).expect_status(404);
    collector
        .delete("/v1/resource/generic/compute-1")
        .expect_status(204);
    collector.get(path).expect_status(404);
    assert_eq!(collector.json("/v1/metric"), json!([]));
}

#[test]
fn a_resource_takes_metrics_that_exist_only_where_they_do() {
    let collector = Collector::start();
    compute(&collector);
    let path = "/v1/resource/generic/compute-1";
    let metric = collector.metric("low");
    let patched = collector
        .send("PATCH", path, &json!({"metrics": {"moved": metric}}))
        .expect_status(200)
        .json();
    assert_eq!(patched["metrics"], json!({"moved": metric}));
    let unknown = "f3d41b77-0cc1-4f0b-b94a-1d5be9c0e3ea";
    let refused = collector
        .send("PATCH", path, &json!({"metrics": {"x": unknown}}))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        format!("Metric {unknown} does not exist")
    );
    let refused = collector.send(
        "PATCH",
        path,
        &json!({"metrics": {"x": {"archive_policy_name": "no"}}}),
    );
    assert_eq!(
        refused.expect_status(400).json()["description"],
        "Archive policy no does not exist"
    );
}

#[test]
fn preconditions_hold_or_the_request_fails() {
    let collector = Collector::start();
    compute(&collector);
    let path = "/v1/resource/generic/compute-1";
    let shown = collector.get(path).expect_status(200);
    let etag = shown.header("etag").unwrap().to_owned();
    let modified = shown.header("last-modified").unwrap().to_owned();
    let with = |method: &str, name: &str, value: &str, body: &str| {
        let headers = [ADMIN, ACCEPT_JSON, JSON, (name, value)];
        request(
            method,
            &collector.running.url(path),
            &headers,
            body.as_bytes(),
        )
        .status
    };
    assert_eq!(with("GET", "if-none-match", &etag, ""), 304);
    assert_eq!(with("GET", "if-modified-since", &modified, ""), 304);
    assert_eq!(with("GET", "if-match", "\"other\"", ""), 412);
    assert_eq!(
        with("PATCH", "if-match", "\"other\"", "{\"user_id\": \"x\"}"),
        412
    );
    assert_eq!(
        with("PATCH", "if-match", &etag, "{\"user_id\": \"x\"}"),
        200
    );
    assert_eq!(
        with("PATCH", "if-match", &etag, "{\"user_id\": \"y\"}"),
        412
    );
    assert_eq!(with("DELETE", "if-match", &etag, ""), 412);
    assert_eq!(with("DELETE", "if-match", "*", ""), 204);
}
