//! Archive policies, their rules, and resource types.

use serde_json::{Value, json};
use testkit::http::request;

use crate::support::{ACCEPT_JSON, ADMIN, Collector};

#[test]
fn the_roots_tell_what_there_is() {
    let collector = Collector::start();
    let root = collector.json("/");
    assert_eq!(root["versions"][0]["id"], "v1.0");
    assert_eq!(
        root["versions"][0]["links"][0]["href"],
        collector.running.url("/v1/")
    );
    let build: Vec<u32> = root["build"]
        .as_str()
        .unwrap()
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!(build >= vec![4, 4, 0], "{build:?}");
    for path in ["/v1", "/v1/"] {
        let links = collector.json(path);
        assert_eq!(links["version"], "1.0");
        assert_eq!(
            links["links"][0],
            json!({"rel": "self", "href": collector.running.url("/v1")})
        );
    }
    let methods = collector.json("/v1/capabilities")["aggregation_methods"].clone();
    for method in ["mean", "95pct", "rate:mean", "rate:99pct"] {
        assert!(
            methods.as_array().unwrap().contains(&json!(method)),
            "{method}"
        );
    }
    let status = collector.json("/v1/status");
    assert_eq!(
        status["storage"]["summary"],
        json!({"metrics": 0, "measures": 0})
    );
    assert!(status["storage"].get("measures_to_process").is_some());
    assert!(
        collector.json("/v1/status?details=false")["storage"]
            .get("measures_to_process")
            .is_none()
    );
    let page = request(
        "GET",
        &collector.running.url("/"),
        &[("accept", "text/html,*/*;q=0.8")],
        b"",
    );
    assert_eq!(page.expect_status(303).header("location"), Some("console"));
}

#[test]
fn the_policies_of_gnocchi_and_ceilometer_are_there() {
    let collector = Collector::start();
    let policies = collector.json("/v1/archive_policy");
    let names: Vec<&str> = policies
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["name"].as_str().unwrap())
        .collect();
    for name in [
        "bool",
        "ceilometer-low",
        "ceilometer-low-rate",
        "high",
        "low",
        "medium",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let medium = collector.json("/v1/archive_policy/medium");
    assert_eq!(
        medium["definition"],
        json!([
            {"granularity": "0:01:00", "points": 10080, "timespan": "7 days, 0:00:00"},
            {"granularity": "1:00:00", "points": 8760, "timespan": "365 days, 0:00:00"},
        ])
    );
}

#[test]
fn a_policy_is_created_changed_and_deleted() {
    let collector = Collector::start();
    let policy = json!({"name": "✔ é", "back_window": 1, "aggregation_methods": ["-std", "+rate:mean"], "definition": [
        {"granularity": "1 second", "points": 20}, {"granularity": "2 second"},
    ]});
    let created = collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(
        location,
        collector
            .running
            .url("/v1/archive_policy/%E2%9C%94%20%C3%A9")
    );
    let path = "/v1/archive_policy/%E2%9C%94%20%C3%A9";
    let shown = collector.json(path);
    assert_eq!(shown, created.json());
    assert_eq!(shown["back_window"], 1);
    assert_eq!(
        shown["definition"][1],
        json!({"granularity": "0:00:02", "points": null, "timespan": null})
    );
    let change =
        |definition: Value| collector.send("PATCH", path, &json!({"definition": definition}));
    let changed = change(json!([{"granularity": 1, "points": 50}, {"granularity": 2}]))
        .expect_status(200)
        .json();
    assert_eq!(changed["definition"][0]["timespan"], "0:00:50");
    let refused = change(json!([{"granularity": 5, "points": 50}, {"granularity": 2}]))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        "Archive policy ✔ é does not support change: 1.0 granularity interval was changed"
    );
    collector.delete(path).expect_status(204);
    collector.delete(path).expect_status(404);
    collector.metric("low");
    let used = collector
        .delete("/v1/archive_policy/low")
        .expect_status(400)
        .json();
    assert_eq!(used["description"], "Archive policy low is still in use");
}

#[test]
fn a_longer_back_window_lets_measures_come_later() {
    let older = Collector::start();
    let change = json!({"definition": [{"granularity": 300, "points": 10}], "back_window": 2});
    let refused = older
        .send("PATCH", "/v1/archive_policy/low", &change)
        .expect_status(400);
    let text = refused.text();
    assert!(
        text.contains("extra keys not allowed @ data['back_window']"),
        "{text}"
    );
    let collector = Collector::configured("api: {compatibility: \"4.7\"}\n");
    let policy = json!({"name": "five", "definition": [{"granularity": 300, "points": 10}]});
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let metric = collector.metric("five");
    let path = format!("/v1/metric/{metric}/measures");
    let write = |minute: i64, value: f64| {
        let at = 1_767_225_600 + minute * 60;
        let measures = json!([{"timestamp": at, "value": value}]);
        collector.post(&path, &measures).expect_status(202);
    };
    write(20, 1.0);
    write(12, 2.0);
    let values = || {
        let points = collector.json(&path);
        let points = points.as_array().unwrap().iter();
        points
            .map(|point| point[2].as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(), [1.0]);
    let changed = collector.send("PATCH", "/v1/archive_policy/five", &change);
    assert_eq!(changed.expect_status(200).json()["back_window"], 2);
    write(12, 3.0);
    write(4, 4.0);
    assert_eq!(values(), [3.0, 1.0]);
    let shorter = json!({"definition": [{"granularity": 300, "points": 10}], "back_window": 0});
    collector
        .send("PATCH", "/v1/archive_policy/five", &shorter)
        .expect_status(200);
    let collector = collector.restart(false);
    let measures = json!([{"timestamp": 1_767_225_600 + 13 * 60, "value": 9.0}]);
    collector.post(&path, &measures).expect_status(202);
    assert_eq!(collector.json(&path)[0][2], 3.0);
    assert_eq!(collector.json("/v1/archive_policy/five")["back_window"], 0);
}

#[test]
fn a_rule_gives_metrics_their_policy_by_name() {
    let collector = Collector::start();
    let rule = json!({"name": "disks", "metric_pattern": "disk.*", "archive_policy_name": "high"});
    let created = collector
        .post("/v1/archive_policy_rule", &rule)
        .expect_status(201);
    assert_eq!(
        created.header("location"),
        Some(
            collector
                .running
                .url("/v1/archive_policy_rule/disks")
                .as_str()
        )
    );
    assert_eq!(collector.json("/v1/archive_policy_rule/disks"), rule);
    let metric = collector
        .post("/v1/metric", &json!({"name": "disk.io"}))
        .expect_status(201)
        .json();
    assert_eq!(metric["archive_policy_name"], "high");
    let bad = json!({"name": "bad", "metric_pattern": "*", "archive_policy_name": "no-such"});
    let refused = collector
        .post("/v1/archive_policy_rule", &bad)
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        json!({"cause": "Archive policy does not exist", "detail": "no-such"})
    );
    let renamed = collector.send(
        "PATCH",
        "/v1/archive_policy_rule/disks",
        &json!({"name": "disk-rule"}),
    );
    assert_eq!(renamed.expect_status(200).json()["name"], "disk-rule");
    collector
        .get("/v1/archive_policy_rule/disks")
        .expect_status(404);
    collector
        .delete("/v1/archive_policy_rule/disk-rule")
        .expect_status(204);
    // Without the rule that every new catalogue has, nobody decides.
    collector
        .delete("/v1/archive_policy_rule/default")
        .expect_status(204);
    let refused = collector
        .post("/v1/metric", &json!({"name": "disk.io"}))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        "No archive policy name specified and no archive policy rule found matching the metric name disk.io"
    );
}

#[test]
fn a_resource_type_gets_and_loses_attributes() {
    let collector = Collector::start();
    let names: Vec<Value> = collector
        .json("/v1/resource_type")
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["name"].clone())
        .collect();
    for name in [
        "generic",
        "host",
        "instance",
        "instance_disk",
        "instance_network_interface",
    ] {
        assert!(names.contains(&json!(name)), "{name} of {names:?}");
    }
    let kind = json!({"name": "rack", "attributes": {"row": {"type": "string", "max_length": 5}}});
    let created = collector
        .post("/v1/resource_type", &kind)
        .expect_status(201)
        .json();
    assert_eq!(created["state"], "active");
    assert_eq!(
        created["attributes"]["row"],
        json!({"type": "string", "required": true, "min_length": 0, "max_length": 5})
    );
    let resource = json!({"id": "r1", "row": "A"});
    collector
        .post("/v1/resource/rack", &resource)
        .expect_status(201);
    let patch = json!([
        {"op": "add", "path": "/attributes/units", "value": {"type": "number", "options": {"fill": 42}}},
        {"op": "remove", "path": "/attributes/row"},
    ]);
    let headers = [
        ADMIN,
        ACCEPT_JSON,
        ("content-type", "application/json-patch+json"),
    ];
    let patched = collector
        .send_with("PATCH", "/v1/resource_type/rack", &headers, &patch)
        .expect_status(200)
        .json();
    assert_eq!(
        patched["attributes"],
        json!({"units": {"type": "number", "required": true, "min": null, "max": null}})
    );
    let shown = collector.json("/v1/resource/rack/r1");
    assert_eq!(
        (shown["units"].as_i64(), shown.get("row")),
        (Some(42), None)
    );
    let again = collector
        .send_with("PATCH", "/v1/resource_type/rack", &headers, &patch)
        .expect_status(400)
        .json();
    assert_eq!(
        again["description"],
        "can't remove a non-existent object 'row'"
    );
    let used = collector
        .delete("/v1/resource_type/rack")
        .expect_status(400)
        .json();
    assert_eq!(used["description"], "Resource type rack is still in use");
    collector.delete("/v1/resource/rack/r1").expect_status(204);
    collector
        .delete("/v1/resource_type/rack")
        .expect_status(204);
    collector.get("/v1/resource_type/rack").expect_status(404);
}
