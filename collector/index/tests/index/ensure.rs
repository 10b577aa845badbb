//! `ensure`, which ingest calls with every scrape.

use collector_index::{EnsureBody, EnsureMetric, EnsureResource, Ensured, IndexError};
use collector_model::MetricId;
use serde_json::{Value, json};

use crate::common::{Fixture, all, host, id_of, object};

fn metric(name: &str) -> EnsureMetric<'_> {
    EnsureMetric {
        name,
        unit: Some("B"),
        archive_policy_name: Some("ceilometer-high"),
    }
}

pub(crate) fn wanted<'a>(
    name: &'a str,
    attributes: Value,
    metrics: &[&'a str],
) -> EnsureResource<'a> {
    EnsureResource {
        id: id_of(name),
        body: Some(EnsureBody {
            resource_type: "host_disk",
            original_resource_id: name,
            project_id: None,
            user_id: None,
            attributes: object(attributes),
        }),
        creator: Some("admin"),
        metrics: metrics.iter().map(|name| metric(name)).collect(),
    }
}

pub(crate) async fn ensure_one(
    fixture: &Fixture,
    wanted: EnsureResource<'_>,
) -> Result<Ensured, IndexError> {
    fixture.index.ensure(&[wanted]).await.unwrap().remove(0)
}

pub(crate) fn ids(ensured: &Ensured) -> Vec<MetricId> {
    ensured.metrics.iter().map(|each| each.metric.id).collect()
}

#[tokio::test]
async fn what_is_missing_is_created_and_found_the_next_time() {
    let fixture = Fixture::new().await;
    let a = || {
        wanted(
            "a",
            json!({"host_name": "h", "device_name": "sda"}),
            &["read", "write"],
        )
    };
    let first = ensure_one(&fixture, a()).await.unwrap();
    assert!(first.created && first.metrics.iter().all(|each| each.created));
    assert_eq!(first.metrics[1].metric.name.as_deref(), Some("write"));
    assert_eq!(
        first.metrics[0].metric.archive_policy.name,
        "ceilometer-high"
    );
    let resource = fixture
        .index
        .resource("host_disk", id_of("a"))
        .await
        .unwrap();
    assert_eq!(resource.original_resource_id, "a");
    assert_eq!(resource.metrics["read"], ids(&first)[0]);
    let fixture = fixture.reopen().await;
    for _ in 0..2 {
        let again = ensure_one(&fixture, a()).await.unwrap();
        assert!(!again.created && !again.metrics.iter().any(|each| each.created));
        assert_eq!(ids(&again), ids(&first));
    }
}

#[tokio::test]
async fn only_a_changed_attribute_makes_a_revision() {
    let fixture = Fixture::new().await;
    let revisions = async || {
        let mut query = all("generic");
        query.history = true;
        fixture.list(query).await.len()
    };
    for (attributes, expected) in [
        (json!({"host_name": "h"}), 1),
        (json!({"host_name": "h", "device_name": null}), 1),
        (json!({"host_name": "h", "device_name": "sda"}), 2),
        (json!({"host_name": "h"}), 2),
        (json!({}), 2),
        (json!({"host_name": "i"}), 3),
        (json!({"host_name": "h"}), 4),
    ] {
        for _ in 0..2 {
            let text = attributes.to_string();
            ensure_one(&fixture, wanted("a", attributes.clone(), &[]))
                .await
                .unwrap();
            assert_eq!(revisions().await, expected, "{text}");
        }
    }
    let now = fixture
        .index
        .resource("host_disk", id_of("a"))
        .await
        .unwrap();
    assert_eq!(
        now.attributes,
        object(json!({"host_name": "h", "device_name": "sda"}))
    );
}

#[tokio::test]
async fn owners_are_set_when_told_and_kept_when_not() {
    let fixture = Fixture::new().await;
    for (told, kept) in [
        (None, None),
        (Some("p"), Some("p")),
        (None, Some("p")),
        (Some("q"), Some("q")),
    ] {
        let mut a = wanted("a", json!({}), &[]);
        a.body.as_mut().unwrap().project_id = told;
        ensure_one(&fixture, a).await.unwrap();
        let resource = fixture.index.resource("generic", id_of("a")).await.unwrap();
        assert_eq!(resource.project_id.as_deref(), kept);
    }
}

#[tokio::test]
async fn one_refused_resource_does_not_hinder_the_others() {
    let fixture = Fixture::new().await;
    fixture.resource(host("host")).await;
    let mut unknown_type = wanted("type", json!({}), &[]);
    unknown_type.body.as_mut().unwrap().resource_type = "other";
    let mut policy = wanted("policy", json!({}), &["read", "write"]);
    policy.metrics[1].archive_policy_name = Some("none");
    let absent = EnsureResource {
        body: None,
        ..wanted("absent", json!({}), &["read"])
    };
    let all_wanted = [
        wanted("a", json!({"host_name": "h"}), &["read"]),
        wanted("host", json!({}), &["read"]),
        wanted("value", json!({"host_name": 3}), &[]),
        wanted("attribute", json!({"rack": "r"}), &[]),
        unknown_type,
        policy,
        absent,
        wanted("b", json!({"host_name": "h"}), &["read"]),
    ];
    for round in 0..2 {
        let answers = fixture.index.ensure(&all_wanted).await.unwrap();
        let texts: Vec<String> = answers
            .into_iter()
            .map(|answer| {
                answer.map_or_else(
                    |error| error.to_string(),
                    |ensured| format!("created {}", ensured.created),
                )
            })
            .collect();
        assert_eq!(
            texts,
            [
                format!("created {}", round == 0),
                format!("Resource {} already exists", id_of("host")),
                "Value 3 for attribute host_name on resource type host_disk is invalid: expected str".to_owned(),
                "Resource type host_disk has no rack attribute".to_owned(),
                "Resource type other does not exist".to_owned(),
                "Archive policy none does not exist".to_owned(),
                format!("Resource {} does not exist", id_of("absent")),
                format!("created {}", round == 0),
            ]
        );
    }
    let mut found = fixture.list(all("generic")).await;
    found.sort_by(|a, b| a.original_resource_id.cmp(&b.original_resource_id));
    assert_eq!(crate::common::names(&found), ["a", "b", "host"]);
}

#[tokio::test]
async fn a_resource_named_twice_is_one_resource_with_all_its_metrics() {
    let fixture = Fixture::new().await;
    let twice = [
        wanted("a", json!({"host_name": "h"}), &["read", "read"]),
        wanted("a", json!({"host_name": "i"}), &["write", "read"]),
    ];
    let answers = fixture.index.ensure(&twice).await.unwrap();
    let (first, second) = (answers[0].as_ref().unwrap(), answers[1].as_ref().unwrap());
    assert!(first.created && !second.created);
    assert_eq!(ids(first)[0], ids(first)[1]);
    assert_eq!(ids(first)[0], ids(second)[1]);
    let created: Vec<bool> = second.metrics.iter().map(|each| each.created).collect();
    assert_eq!(created, [true, false]);
    let resource = fixture.index.resource("generic", id_of("a")).await.unwrap();
    assert_eq!(
        (resource.metrics.len(), &resource.attributes["host_name"]),
        (2, &json!("i"))
    );
}
