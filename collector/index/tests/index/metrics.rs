//! Metrics: creation, moves between resources, deletion.

use std::collections::BTreeMap;

use collector_index::{
    Index, MetricQuery, MetricSpec, MetricStatus, MetricsUpdate, NewMetric, ResourceUpdate,
};
use collector_model::MetricId;
use uuid::Uuid;

use crate::common::{Fixture, generic, id_of, new_metric_spec, refusal};

pub(crate) fn named(name: &str) -> NewMetric {
    NewMetric {
        creator: Some("admin".to_owned()),
        name: Some(name.to_owned()),
        unit: Some("B".to_owned()),
        ..NewMetric::default()
    }
}

pub(crate) async fn create(index: &Index, new: NewMetric) -> MetricId {
    index.create_metric(new).await.unwrap().id
}

pub(crate) async fn listed(index: &Index, query: MetricQuery) -> Vec<MetricId> {
    let found = index.list_metrics(&query).await.unwrap();
    found.iter().map(|metric| metric.id).collect()
}

fn metrics_update(metrics: MetricsUpdate) -> ResourceUpdate {
    ResourceUpdate {
        metrics,
        ..ResourceUpdate::default()
    }
}

#[tokio::test]
async fn a_created_metric_comes_back_as_it_was() {
    let fixture = Fixture::new().await;
    let resource = fixture.resource(generic("a")).await;
    let new = NewMetric {
        resource_id: Some(resource.id),
        archive_policy_name: Some("medium".to_owned()),
        ..named("cpu")
    };
    let created = fixture.index.create_metric(new).await.unwrap();
    assert_eq!(created.name.as_deref(), Some("cpu"));
    assert_eq!(created.archive_policy.name, "medium");
    assert_eq!(fixture.index.metric(created.id).await.unwrap(), created);
    let by_name = fixture.index.metric_of_resource(resource.id, "cpu").await;
    assert_eq!(by_name.unwrap(), created);
    let fixture = fixture.reopen().await;
    assert_eq!(fixture.index.metric(created.id).await.unwrap(), created);
    let missing = fixture.index.metric_of_resource(resource.id, "mem").await;
    assert_eq!(refusal(missing), "Metric mem does not exist");
}

#[tokio::test]
async fn a_metric_needs_a_policy_a_resource_that_exists_and_a_free_name() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let resource = fixture.resource(generic("a")).await;
    let on = |resource_id| NewMetric {
        resource_id: Some(resource_id),
        ..named("cpu")
    };
    create(index, on(resource.id)).await;
    let taken = index.create_metric(on(resource.id)).await;
    assert_eq!(refusal(taken), "Named metric cpu already exists");
    let dangling = index.create_metric(on(Uuid::nil())).await;
    assert_eq!(
        refusal(dangling),
        format!("Resource {} does not exist", Uuid::nil())
    );
    let policy = NewMetric {
        archive_policy_name: Some("none".to_owned()),
        ..named("cpu")
    };
    let policy = index.create_metric(policy).await;
    assert_eq!(refusal(policy), "Archive policy none does not exist");
    index.delete_archive_policy_rule("default").await.unwrap();
    let rule = index.create_metric(named("cpu")).await;
    assert_eq!(refusal(rule), "No Archive policy rule found for metric cpu");
}

#[tokio::test]
async fn metrics_without_a_resource_may_share_a_name() {
    let fixture = Fixture::new().await;
    let first = create(&fixture.index, named("cpu")).await;
    let second = create(&fixture.index, named("cpu")).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_deleted_metric_is_gone_but_listed_as_deleted_until_it_is_expunged() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let resource = fixture.resource(generic("a")).await;
    let id = fixture.metric_on(&resource, "cpu").await;
    let kept = create(index, named("kept")).await;
    index.delete_metric(id).await.unwrap();
    assert_eq!(
        refusal(index.metric(id).await),
        format!("Metric {id} does not exist")
    );
    let again = index.delete_metric(id).await;
    assert_eq!(refusal(again), format!("Metric {id} does not exist"));
    let deleted = MetricQuery {
        status: MetricStatus::Delete,
        ..MetricQuery::default()
    };
    assert_eq!(listed(index, deleted.clone()).await, [id]);
    assert_eq!(listed(index, MetricQuery::default()).await, [kept]);
    assert_eq!(index.deleted_metrics().await.unwrap(), [id]);
    // Its name is free again.
    fixture.metric_on(&resource, "cpu").await;
    index.expunge_metrics(&[id, kept]).await.unwrap();
    assert_eq!(listed(index, deleted).await, [0; 0].map(|_: u8| id));
    index.metric(kept).await.unwrap();
}

#[tokio::test]
async fn a_metric_moves_to_another_resource_under_another_name() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let (a, b) = (
        fixture.resource(generic("a")).await,
        fixture.resource(generic("b")).await,
    );
    let id = fixture.metric_on(&a, "cpu").await;
    let specs = BTreeMap::from([("moved".to_owned(), MetricSpec::Existing(id))]);
    let update = metrics_update(MetricsUpdate::Append(specs.clone()));
    let b = index
        .update_resource("generic", b.id, update)
        .await
        .unwrap();
    assert_eq!(b.metrics, BTreeMap::from([("moved".to_owned(), id)]));
    let moved = index.metric(id).await.unwrap();
    assert_eq!(
        (moved.name.as_deref(), moved.resource_id),
        (Some("moved"), Some(b.id))
    );
    assert_eq!(
        index.resource("generic", a.id).await.unwrap().metrics,
        BTreeMap::new()
    );
    // A second time changes nothing.
    let update = metrics_update(MetricsUpdate::Append(specs));
    assert_eq!(
        index
            .update_resource("generic", b.id, update)
            .await
            .unwrap(),
        b
    );
}

#[tokio::test]
async fn new_metrics_of_a_resource_are_added_or_take_the_place_of_all() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let resource = fixture.resource(generic("a")).await;
    let cpu = fixture.metric_on(&resource, "cpu").await;
    let mem = || BTreeMap::from([("mem".to_owned(), new_metric_spec("low"))]);
    let update = metrics_update(MetricsUpdate::Append(mem()));
    let added = index
        .update_resource("generic", resource.id, update.clone())
        .await
        .unwrap();
    assert_eq!(added.metrics.len(), 2);
    let taken = index.update_resource("generic", resource.id, update).await;
    assert_eq!(refusal(taken), "Named metric mem already exists");
    let update = metrics_update(MetricsUpdate::Replace(mem()));
    let replaced = index
        .update_resource("generic", resource.id, update)
        .await
        .unwrap();
    assert_eq!(replaced.metrics.keys().collect::<Vec<_>>(), ["mem"]);
    assert_ne!(replaced.metrics["mem"], added.metrics["mem"]);
    assert_eq!(index.metric(cpu).await.unwrap().resource_id, None);
    let gone = index.metric_of_resource(id_of("a"), "cpu").await;
    assert_eq!(refusal(gone), "Metric cpu does not exist");
}
