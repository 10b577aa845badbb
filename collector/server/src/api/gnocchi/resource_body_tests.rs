//! Bodies about resources as clients send them, good and bad.

use super::*;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_500_000_000_000_000_000);

fn attributes() -> Attributes {
    let attributes = json!({
        "name": {"type": "string", "min_length": 2, "max_length": 5},
        "uuid": {"type": "uuid", "required": false},
    });
    serde_json::from_value(attributes).unwrap()
}

fn reason(error: &ApiError) -> String {
    match &error.detail {
        Value::String(text) => text.clone(),
        detail => detail["reason"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn a_new_resource_has_an_id_and_the_required_attributes() {
    let body = json!({
        "id": "foobar", "started_at": "2014-01-03T02:02:02.000000", "ended_at": 1388714522.0, "user_id": null,
        "project_id": "p", "name": "bar", "uuid": "E495EBADBE6446C081D6B079BEB48DF9",
        "metrics": {"cpu": {"archive_policy_name": "low", "unit": "ns"}, "old": "46c9418d-d63b-4cdd-be89-8f57ffc5952e"},
    });
    let (id, fields) = read_new(&body, &attributes(), &Caller::test("foobar"), NOW).unwrap();
    assert_eq!(
        (id.original.as_str(), id.id.to_string().as_str()),
        ("foobar", "2fbfbb20-8d56-5e1e-afb9-b3007da11fdf")
    );
    assert_eq!(fields.started_at, fields.ended_at);
    assert_eq!(
        (fields.user_id, fields.project_id),
        (Some(None), Some(Some("p".to_owned())))
    );
    assert_eq!(
        fields.attributes["uuid"],
        "e495ebad-be64-46c0-81d6-b079beb48df9"
    );
    let metrics = fields.metrics.unwrap();
    assert!(
        matches!(&metrics["cpu"], MetricSpec::New { unit, .. } if unit.as_deref() == Some("ns"))
    );
    assert!(matches!(&metrics["old"], MetricSpec::Existing(_)));
}

#[test]
fn a_bad_resource_is_refused_where_it_is_bad() {
    for (body, wanted) in [
        (json!([]), "expected a dictionary"),
        (
            json!({"name": "bar"}),
            "required key not provided @ data['id']",
        ),
        (
            json!({"id": "x"}),
            "required key not provided @ data['name']",
        ),
        (
            json!({"id": "x", "name": "toolong"}),
            "length of value must be at most 5 for dictionary value @ data['name']",
        ),
        (
            json!({"id": "x", "name": "bar", "uuid": "really!"}),
            "badly formed hexadecimal UUID string for dictionary value @ data['uuid']",
        ),
        (
            json!({"id": "a/b", "name": "bar"}),
            "'/' is not supported in resource id for dictionary value @ data['id']",
        ),
        (
            json!({"id": "x", "colour": "red"}),
            "extra keys not allowed @ data['colour']",
        ),
        (
            json!({"id": "x", "started_at": "soon"}),
            "Unable to convert timestamps for dictionary value @ data['started_at']",
        ),
        (
            json!({"metrics": {"disk/iops": {}}}),
            "'/' is not supported in metric name",
        ),
        (
            json!({"metrics": {"cpu": 10}}),
            "expected a dictionary for dictionary value @ data['metrics']['cpu']",
        ),
        (
            json!({"metrics": {"cpu": "no-uuid"}}),
            "badly formed hexadecimal UUID string for dictionary value @ data['metrics']['cpu']",
        ),
    ] {
        let error = read_new(&body, &attributes(), &Caller::test("admin"), NOW).unwrap_err();
        assert_eq!(reason(&error), wanted, "{body}");
    }
}

#[test]
fn a_change_needs_nothing_and_has_no_id() {
    assert_eq!(
        read_change(&json!({}), &attributes(), &Caller::test("admin"), NOW),
        Ok(ResourceFields::default())
    );
    let error = read_change(
        &json!({"id": "foobar"}),
        &attributes(),
        &Caller::test("admin"),
        NOW,
    )
    .unwrap_err();
    assert_eq!(reason(&error), "extra keys not allowed @ data['id']");
}

#[test]
fn a_metric_has_a_short_unit() {
    let body = json!({"name": "disk.io.rate", "unit": "over_length_unit_over_length_unit"});
    let error = read_metric(&Node::root(&body), &Caller::test("admin")).unwrap_err();
    assert_eq!(
        reason(&error),
        "length of value must be at most 31 for dictionary value @ data['unit']"
    );
    let body = json!({"name": "cpu", "resource_id": "foobar"});
    let metric = read_metric(&Node::root(&body), &Caller::test("foobar")).unwrap();
    assert_eq!(metric.resource_id.unwrap().original, "foobar");
}
