//! Filters: what each operator finds on each kind of field, and what is refused.

use std::collections::BTreeMap;

use collector_index::{Filter, IndexError, MAX_FILTER_DEPTH, NewResource, Operator};
use collector_model::Timestamp;
use serde_json::{Value, json};

use crate::common::{Fixture, all, generic, object, refusal};

fn filter(json: Value) -> Filter {
    Filter::from_json(&json).unwrap()
}

/// Resources of a type with an attribute of every kind.
async fn things() -> Fixture {
    let fixture = Fixture::new().await;
    let attributes = json!({
        "label": {"type": "string", "required": false},
        "size": {"type": "number", "required": false},
        "active": {"type": "bool", "required": false},
        "seen": {"type": "datetime", "required": false},
        "peer": {"type": "uuid", "required": false},
    });
    let attributes: BTreeMap<_, _> = serde_json::from_value(attributes).unwrap();
    fixture
        .index
        .create_resource_type("thing", attributes)
        .await
        .unwrap();
    let peer = "6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1";
    for (name, creator, hours, attributes) in [
        (
            "a",
            "me:p",
            Some(1),
            json!({"label": "Web*1", "size": 1, "active": true, "peer": peer}),
        ),
        (
            "b",
            "you:p",
            Some(5),
            json!({"label": "web_2", "size": 2.5, "active": false}),
        ),
        ("c", "me", None, json!({"seen": "2026-01-01T12:00:00.5"})),
    ] {
        let new = NewResource {
            resource_type: "thing".to_owned(),
            creator: Some(creator.to_owned()),
            started_at: Some(Timestamp(0)),
            ended_at: hours.map(|hours: i64| Timestamp(hours * 3_600_000_000_000)),
            attributes: object(attributes),
            ..generic(name)
        };
        fixture.resource(new).await;
    }
    fixture
}

#[tokio::test]
async fn each_operator_finds_what_it_says() {
    let fixture = things().await;
    let cases: &[(Value, &[&str])] = &[
        (json!({"=": {"label": "web_2"}}), &["b"]),
        (json!({"!=": {"label": "web_2"}}), &["a", "c"]),
        (json!({"not": {"=": {"label": "web_2"}}}), &["a"]),
        (json!({"=": {"label": null}}), &["c"]),
        (json!({"≠": {"label": null}}), &["a", "b"]),
        (json!({"<": {"label": null}}), &[]),
        (json!({"in": {"label": ["web_2", "x", null]}}), &["b"]),
        (json!({"not": {"in": {"label": ["web_2", null]}}}), &[]),
        (json!({"in": {"label": []}}), &[]),
        (json!({"like": {"label": "%eb%"}}), &["a", "b"]),
        (json!({"like": {"label": "web%"}}), &["b"]),
        (json!({"like": {"label": "%*_"}}), &["a"]),
        (json!({"like": {"label": "%\\__"}}), &["b"]),
        (json!({">": {"size": 1}}), &["b"]),
        (json!({"≥": {"size": "1"}}), &["a", "b"]),
        (json!({"<=": {"size": 2.5}}), &["a", "b"]),
        (json!({"=": {"active": true}}), &["a"]),
        (json!({"=": {"active": 0}}), &["b"]),
        (
            json!({"=": {"peer": "6B8287D401424D3D8F5ED1E6D6B2A6A1"}}),
            &["a"],
        ),
        (
            json!({"=": {"seen": "2026-01-01T13:00:00.5+01:00"}}),
            &["c"],
        ),
        (json!({"gt": {"seen": "2026-01-01T12:00:00"}}), &["c"]),
        (json!({"lt": {"seen": "2026-01-01T12:00:00"}}), &[]),
        (json!({"=": {"ended_at": 3600}}), &["a"]),
        (json!({"eq": {"ended_at": null}}), &["c"]),
        (
            json!({"le": {"started_at": "1970-01-01"}}),
            &["a", "b", "c"],
        ),
        (json!({">": {"lifespan": "2 hours"}}), &["b"]),
        (json!({"<=": {"lifespan": 3600}}), &["a"]),
        (json!({"=": {"created_by_user_id": "me"}}), &["a"]),
        (json!({"!=": {"created_by_project_id": "p"}}), &["c"]),
        (json!({"like": {"created_by_user_id": "%o%"}}), &["b"]),
        (json!({"=": {"type": "thing"}}), &["a", "b", "c"]),
        (json!({"=": {"revision_end": null}}), &["a", "b", "c"]),
        (
            json!({"and": [{"=": {"active": true}}, {"=": {"size": 2.5}}]}),
            &[],
        ),
        (
            json!({"or": [{"=": {"active": true}}, {"=": {"size": 2.5}}]}),
            &["a", "b"],
        ),
        (json!({"and": []}), &["a", "b", "c"]),
        (json!({"or": []}), &[]),
    ];
    for (json, expected) in cases {
        let found = fixture.found("thing", filter(json.clone())).await;
        assert_eq!(found, *expected, "{json}");
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused() {
    for (json, text) in [
        (json!([]), "Unable to parse this query"),
        (json!({}), "Unable to parse this query"),
        (
            json!({"=": {"a": 1}, "or": []}),
            "Unable to parse this query",
        ),
        (json!({"=": {"a": 1, "b": 2}}), "Unable to parse this query"),
        (
            json!({"and": {"=": {"a": 1}}}),
            "Unable to parse this query",
        ),
        (json!({"in": {"a": "b"}}), "Unable to parse this query"),
        (json!({"near": {"a": 1}}), "Unknown operator `near'"),
    ] {
        assert_eq!(refusal(Filter::from_json(&json)), text, "{json}");
    }
}

#[tokio::test]
async fn what_does_not_fit_the_field_is_refused() {
    let fixture = things().await;
    for (json, text) in [
        (
            json!({"=": {"rack": 1}}),
            "Resource type thing has no rack attribute",
        ),
        (
            json!({"=": {"revision": 1}}),
            "Resource type thing has no revision attribute",
        ),
        (
            json!({"=": {"metrics": 1}}),
            "Resource type thing has no metrics attribute",
        ),
        (
            json!({"=": {"id": "x"}}),
            "Invalid value: `x' for field `id'",
        ),
        (
            json!({"<": {"size": "big"}}),
            "Invalid value: `big' for field `size'",
        ),
        (
            json!({"=": {"active": 2}}),
            "Invalid value: `2' for field `active'",
        ),
        (
            json!({"=": {"ended_at": "soon"}}),
            "Invalid value: `soon' for field `ended_at'",
        ),
        (
            json!({"=": {"lifespan": -1}}),
            "Invalid value: `-1' for field `lifespan'",
        ),
        (
            json!({"=": {"label": {}}}),
            "Invalid value: `{}' for field `label'",
        ),
        (
            json!({"<": {"created_by_user_id": "a"}}),
            "Invalid value: `a' for field `created_by_user_id'",
        ),
        (json!({"like": {"size": "1%"}}), "Unknown operator `like'"),
    ] {
        let query = collector_index::ResourceQuery {
            filter: Some(filter(json)),
            ..all("thing")
        };
        assert_eq!(refusal(fixture.index.list_resources(&query).await), text);
    }
    // What a type's attributes are is not known of generic resources.
    let refused = fixture
        .index
        .delete_resources("generic", &Filter::eq("size", 1))
        .await;
    assert_eq!(
        refusal(refused),
        "Resource type generic has no size attribute"
    );
}

#[tokio::test]
async fn a_value_never_becomes_part_of_the_statement() {
    let fixture = things().await;
    for text in [
        "' OR 1=1 --",
        "\"",
        "\\",
        "$1",
        "?",
        "%'; DROP TABLE resource; --",
    ] {
        for operator in [Operator::Eq, Operator::Like] {
            let filter = Filter::compare("label", operator, text);
            assert_eq!(fixture.found("thing", filter).await, [""; 0], "{text}");
        }
    }
}

#[tokio::test]
async fn long_lists_are_found_and_too_long_ones_refused() {
    let fixture = things().await;
    let one = |at: u32| Filter::eq("label", format!("x{at}"));
    let mut many: Vec<Filter> = (0..3_000).map(one).collect();
    many.push(Filter::eq("label", "web_2"));
    assert_eq!(fixture.found("thing", Filter::Or(many)).await, ["b"]);
    let ids = (0..19_000)
        .map(|at| format!("x{at}"))
        .chain(["web_2".to_owned()]);
    assert_eq!(
        fixture.found("thing", Filter::one_of("label", ids)).await,
        ["b"]
    );
    let too_long = [
        Filter::Or((0..4_001).map(one).collect()),
        Filter::one_of("label", (0..20_001).map(|at| at.to_string())),
    ];
    for filter in too_long {
        let refused = fixture.index.delete_resources("thing", &filter).await;
        assert!(matches!(refused, Err(IndexError::FilterTooLarge { .. })));
    }
}

#[tokio::test]
async fn deep_filters_are_found_and_too_deep_ones_refused() {
    let fixture = things().await;
    let nested = |depth| {
        let start = json!({"=": {"label": "web_2"}});
        (0..depth).fold(start, |inner, _| json!({"not": inner}))
    };
    let deepest = filter(nested(MAX_FILTER_DEPTH));
    assert_eq!(fixture.found("thing", deepest.clone()).await, ["b"]);
    let deeper = Filter::from_json(&nested(MAX_FILTER_DEPTH + 1));
    assert!(matches!(deeper, Err(IndexError::FilterTooLarge { .. })));
    let deeper = Filter::Not(Box::new(deepest));
    let refused = fixture.index.delete_resources("thing", &deeper).await;
    assert!(matches!(refused, Err(IndexError::FilterTooLarge { .. })));
}
