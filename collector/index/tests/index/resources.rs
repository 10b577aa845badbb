//! Single resources: creation and deletion.

use std::collections::BTreeMap;

use collector_index::{Filter, IndexError, MetricSpec, NewMetric, NewResource};
use collector_model::Timestamp;
use serde_json::json;

use crate::common::{
    Fixture, all, generic, host, id_of, last_tick, new_metric_spec, object, refusal,
};
use crate::revisions::owner;

#[tokio::test]
async fn a_created_resource_comes_back_under_its_type_and_as_generic() {
    let fixture = Fixture::new().await;
    let new = NewResource {
        resource_type: "instance_disk".to_owned(),
        project_id: Some("p".to_owned()),
        ended_at: Some(Timestamp(4_000_000_000_000_001_999)),
        attributes: object(json!({
            "name": "vda",
            "instance_id": "6B8287D401424D3D8F5ED1E6D6B2A6A1",
        })),
        metrics: BTreeMap::from([("disk.size".to_owned(), new_metric_spec("low"))]),
        ..generic("a")
    };
    let created = fixture.resource(new).await;
    assert_eq!(created.revision, -1);
    assert_eq!(
        (created.started_at, created.revision_start),
        (last_tick(), last_tick())
    );
    assert_eq!(created.ended_at, Some(Timestamp(4_000_000_000_000_001_000)));
    assert_eq!(
        created.attributes["instance_id"],
        "6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1"
    );
    let metric = fixture
        .index
        .metric(created.metrics["disk.size"])
        .await
        .unwrap();
    assert_eq!(metric.creator.as_deref(), Some("admin"));
    assert_eq!(metric.resource_id, Some(created.id));
    for name in ["instance_disk", "generic"] {
        let shown = fixture.index.resource(name, created.id).await.unwrap();
        assert_eq!(shown, created);
    }
    let wrong = fixture.index.resource("host", created.id).await;
    assert_eq!(
        refusal(wrong),
        format!("Resource {} does not exist", created.id)
    );
    let wrong = fixture.index.resource("other", created.id).await;
    assert_eq!(refusal(wrong), "Resource type other does not exist");
}

#[tokio::test]
async fn an_id_is_taken_whatever_the_type() {
    let fixture = Fixture::new().await;
    let first = fixture.resource(host("a")).await;
    let again = fixture.index.create_resource(generic("a")).await;
    assert_eq!(
        refusal(again),
        format!("Resource {} already exists", first.id)
    );
}

#[tokio::test]
async fn a_resource_must_fit_its_type() {
    let fixture = Fixture::new().await;
    let cases = [
        (
            json!({}),
            "Value None for attribute host_name on resource type host is invalid: it is required",
        ),
        (
            json!({"host_name": null}),
            "Value None for attribute host_name on resource type host is invalid: it is required",
        ),
        (
            json!({"host_name": 3}),
            "Value 3 for attribute host_name on resource type host is invalid: expected str",
        ),
        (
            json!({"host_name": "a", "rack": "b"}),
            "Resource type host has no rack attribute",
        ),
    ];
    for (attributes, text) in cases {
        let new = NewResource {
            attributes: object(attributes),
            ..host("a")
        };
        assert_eq!(refusal(fixture.index.create_resource(new).await), text);
    }
    let new = NewResource {
        resource_type: "other".to_owned(),
        ..generic("a")
    };
    let refused = fixture.index.create_resource(new).await;
    assert_eq!(refusal(refused), "Resource type other does not exist");
    let new = NewResource {
        ended_at: Some(Timestamp(0)),
        ..generic("a")
    };
    let refused = fixture.index.create_resource(new).await;
    assert_eq!(
        refusal(refused),
        "Start timestamp cannot be after end timestamp"
    );
}

#[tokio::test]
async fn a_resource_whose_metrics_are_refused_is_not_created() {
    let fixture = Fixture::new().await;
    let other = NewMetric {
        creator: Some("other".to_owned()),
        ..NewMetric::default()
    };
    let of_another = fixture.index.create_metric(other).await.unwrap().id;
    for (spec, text) in [
        (
            new_metric_spec("none"),
            "Archive policy none does not exist".to_owned(),
        ),
        (
            MetricSpec::Existing(of_another),
            format!("Metric {of_another} does not exist"),
        ),
    ] {
        let new = NewResource {
            metrics: BTreeMap::from([
                ("a".to_owned(), new_metric_spec("low")),
                ("b".to_owned(), spec),
            ]),
            ..generic("a")
        };
        assert_eq!(refusal(fixture.index.create_resource(new).await), text);
        let gone = fixture.index.resource("generic", id_of("a")).await;
        assert!(matches!(gone, Err(IndexError::NoSuchResource(_))));
    }
}

#[tokio::test]
async fn deleting_a_resource_takes_its_history_and_marks_its_metrics() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let resource = fixture.resource(generic("a")).await;
    let metric = fixture.metric_on(&resource, "cpu").await;
    index
        .update_resource("generic", resource.id, owner("b"))
        .await
        .unwrap();
    assert_eq!(index.delete_resource(resource.id).await.unwrap(), [metric]);
    let mut query = all("generic");
    query.history = true;
    assert_eq!(fixture.list(query).await, []);
    assert_eq!(
        refusal(index.metric(metric).await),
        format!("Metric {metric} does not exist")
    );
    assert_eq!(index.deleted_metrics().await.unwrap(), [metric]);
    let again = index.delete_resource(resource.id).await;
    assert!(matches!(again, Err(IndexError::NoSuchResource(_))));
    fixture.resource(generic("a")).await;
}

#[tokio::test]
async fn resources_are_deleted_by_filter_within_their_type() {
    let fixture = Fixture::new().await;
    for new in [host("a"), host("b"), generic("c")] {
        fixture.resource(new).await;
    }
    let a = fixture.index.resource("host", id_of("a")).await.unwrap();
    let metric = fixture.metric_on(&a, "cpu").await;
    let filter = Filter::eq("creator", "admin");
    let refused = fixture
        .index
        .delete_resources("host", &Filter::eq("rack", 1))
        .await;
    assert_eq!(refusal(refused), "Resource type host has no rack attribute");
    let deleted = fixture
        .index
        .delete_resources("host", &filter)
        .await
        .unwrap();
    assert_eq!((deleted.resources, deleted.metrics), (2, vec![metric]));
    assert_eq!(fixture.found("generic", filter).await, ["c"]);
}
