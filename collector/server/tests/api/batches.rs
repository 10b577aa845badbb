//! Measures of many metrics in one request.

use serde_json::json;

use crate::support::Collector;

#[test]
fn a_batch_by_metric_is_taken_whole_or_not_at_all() {
    let collector = Collector::start();
    let (first, second) = (collector.metric("low"), collector.metric("low"));
    let measure = json!([{"timestamp": "2015-03-06T14:33:57", "value": 1}]);
    let (unknown, unknown2) = (
        "37aec8b7-c0d9-445b-8ab9-d3c6312dcf5c",
        "37aec8b7-c0d9-445b-8ab9-d3c6312dcf5d",
    );
    let path = "/v1/batch/metrics/measures";
    let refused = collector
        .post(
            path,
            &json!({&first: measure, unknown2: measure, unknown: measure}),
        )
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        format!("Unknown metrics: {unknown}, {unknown2}")
    );
    assert_eq!(
        collector.json(&format!("/v1/metric/{first}/measures")),
        json!([])
    );
    collector
        .post(path, &json!({&first: measure, &second: measure}))
        .expect_status(202);
    for metric in [&first, &second] {
        assert_eq!(
            collector
                .json(&format!("/v1/metric/{metric}/measures"))
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    collector
        .post(path, &json!({"no-uuid": measure}))
        .expect_status(400);
    collector.post(path, &json!([])).expect_status(400);
    collector.post(path, &json!({})).expect_status(202);
}

#[test]
fn a_batch_by_resource_names_all_that_is_unknown() {
    let collector = Collector::start();
    collector
        .post(
            "/v1/resource/generic",
            &json!({"id": "r1", "metrics": {"cpu": {"archive_policy_name": "low"}}}),
        )
        .expect_status(201);
    let id = collector.json("/v1/resource/generic/r1")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let measure = json!([{"timestamp": "2015-03-06T14:33:57", "value": 1}]);
    let path = "/v1/batch/resources/metrics/measures";
    let refused = collector
        .post(
            path,
            &json!({"r1": {"cpu": measure, "disk": measure, "mem": measure}}),
        )
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        format!("Unknown metrics: {id}/disk, {id}/mem")
    );
    collector
        .post(path, &json!({"r1": {"cpu": measure}}))
        .expect_status(202);
    let create = format!("{path}?create_metrics=true");
    let entry = json!({"archive_policy_name": "high", "unit": "B", "measures": measure});
    let refused = collector.post(
        &create,
        &json!({"foobar": {"cpu": entry}, "r1": {"disk": entry}, "other": {"x": measure}}),
    );
    let mut unknown = refused.expect_status(400).json()["description"].clone();
    assert_eq!(unknown["cause"], "Unknown resources");
    unknown["detail"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|entry| entry["original_resource_id"].to_string());
    assert_eq!(unknown["detail"][0]["original_resource_id"], "foobar");
    assert_eq!(unknown["detail"][1]["original_resource_id"], "other");
    collector
        .post(
            &create,
            &json!({"r1": {"disk": entry, "mem": {"measures": measure}}}),
        )
        .expect_status(202);
    let disk = collector.json("/v1/resource/generic/r1/metric/disk");
    assert_eq!(
        (&disk["unit"], &disk["archive_policy"]["name"]),
        (&json!("B"), &json!("high"))
    );
    let read = collector.json("/v1/resource/generic/r1/metric/mem/measures");
    assert_eq!(read, json!([["2015-03-06T14:30:00+00:00", 300.0, 1.0]]));
    let slash = collector
        .post(&create, &json!({"r1": {"a/b": measure}}))
        .expect_status(400)
        .json();
    assert_eq!(slash["description"], "'/' is not supported in metric name");
}
