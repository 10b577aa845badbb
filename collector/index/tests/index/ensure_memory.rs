//! What `ensure` keeps in memory, and that it is never older than the database.

use std::sync::Arc;

use collector_index::{EnsureMetric, EnsureResource, Index, IndexError, Options, ResourceUpdate};
use collector_model::MetricId;
use serde_json::json;
use uuid::Uuid;

use crate::common::{Fixture, Place, all, generic, id_of, object, refusal};
use crate::ensure::{ensure_one, ids, wanted};

#[tokio::test]
async fn what_others_change_in_between_is_seen() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let a = || wanted("a", json!({"host_name": "h"}), &["read"]);
    let first = ensure_one(&fixture, a()).await.unwrap();
    let update = ResourceUpdate {
        attributes: object(json!({"host_name": "changed"})),
        ..ResourceUpdate::default()
    };
    index
        .update_resource("host_disk", id_of("a"), update)
        .await
        .unwrap();
    ensure_one(&fixture, a()).await.unwrap();
    let resource = index.resource("host_disk", id_of("a")).await.unwrap();
    assert_eq!(resource.attributes["host_name"], "h");

    index.delete_metric(ids(&first)[0]).await.unwrap();
    let second = ensure_one(&fixture, a()).await.unwrap();
    assert!(second.metrics[0].created && !second.created);

    index.delete_resource(id_of("a")).await.unwrap();
    let third = ensure_one(&fixture, a()).await.unwrap();
    assert!(third.created && third.metrics[0].created);

    let longer = index.archive_policy("ceilometer-high").await.unwrap();
    let policy = index
        .update_archive_policy("ceilometer-high", longer.definition.clone(), None)
        .await
        .unwrap();
    let fourth = ensure_one(&fixture, a()).await.unwrap();
    assert!(!fourth.metrics[0].created);
    assert_eq!(fourth.metrics[0].metric.archive_policy, policy);
}

#[tokio::test]
async fn metrics_of_existing_resources_are_created_by_the_rules() {
    let fixture = Fixture::new().await;
    fixture.resource(generic("a")).await;
    let a = EnsureResource {
        id: id_of("a"),
        body: None,
        creator: Some("me"),
        metrics: vec![EnsureMetric {
            name: "cpu",
            unit: None,
            archive_policy_name: None,
        }],
    };
    let ensured = ensure_one(&fixture, a.clone()).await.unwrap();
    let created = &ensured.metrics[0].metric;
    assert_eq!(
        (
            created.archive_policy.name.as_str(),
            created.creator.as_deref()
        ),
        ("low", Some("me"))
    );
    fixture
        .index
        .delete_archive_policy_rule("default")
        .await
        .unwrap();
    ensure_one(&fixture, a.clone()).await.unwrap();
    let mut other = a;
    other.metrics[0].name = "mem";
    let refused = ensure_one(&fixture, other).await;
    assert_eq!(
        refusal(refused),
        "No Archive policy rule found for metric mem"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_ensure_the_same_at_once_get_the_same() {
    let fixture = Arc::new(Fixture::new().await);
    let mut tasks = Vec::new();
    for task in 0..8 {
        let fixture = Arc::clone(&fixture);
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            for round in 0..10 {
                let name = format!("disk{round}");
                let attributes = json!({"host_name": format!("h{}", (task + round) % 2)});
                let ensured =
                    ensure_one(&fixture, wanted(&name, attributes, &["read", "write"])).await;
                seen.push(ids(&ensured.unwrap()));
            }
            seen
        }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(fixture.list(all("host_disk")).await.len(), 10);
    let none = fixture.index.resource("host_disk", Uuid::nil()).await;
    assert!(matches!(none, Err(IndexError::NoSuchResource(_))));
}

#[tokio::test]
async fn a_cache_that_is_too_small_forgets_but_never_errs() {
    let place = Place::new();
    let options = Options {
        cached: 4,
        ..Default::default()
    };
    let index = Index::open_with(place.database(), options).await.unwrap();
    let fixture = Fixture { index, place };
    let names: Vec<String> = (0..20).map(|at| format!("disk{at}")).collect();
    let all_wanted: Vec<EnsureResource<'_>> = names
        .iter()
        .map(|name| wanted(name, json!({}), &["read"]))
        .collect();
    let mut first = None;
    for _ in 0..3 {
        let answers = fixture.index.ensure(&all_wanted).await.unwrap();
        let found: Vec<Vec<MetricId>> = answers
            .iter()
            .map(|answer| ids(answer.as_ref().unwrap()))
            .collect();
        assert_eq!(*first.get_or_insert_with(|| found.clone()), found);
    }
}
