//! Every call can be awaited in a task of its own, as a server does.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_index::{
    EnsureResource, Filter, Index, MetricQuery, MetricsUpdate, NewMetric, ResourceUpdate,
};
use collector_model::ArchivePolicy;
use uuid::Uuid;

use crate::common::{Fixture, all, generic, id_of, new_metric_spec};

/// One call after the other, each with what it borrows.
async fn use_all(index: Arc<Index>) -> Result<(), collector_index::IndexError> {
    let policy = ArchivePolicy {
        name: "mine".to_owned(),
        ..ArchivePolicy::clone(&*index.archive_policy("low").await?)
    };
    index.create_archive_policy(&policy).await?;
    index
        .update_archive_policy("mine", policy.definition.clone(), None)
        .await?;
    index.create_resource_type("mine", BTreeMap::new()).await?;
    index
        .update_resource_type("mine", Default::default())
        .await?;
    let resource = index.create_resource(generic("a")).await?;
    let metrics = BTreeMap::from([("cpu".to_owned(), new_metric_spec("mine"))]);
    let update = ResourceUpdate {
        metrics: MetricsUpdate::Replace(metrics),
        ..ResourceUpdate::default()
    };
    index
        .update_resource("generic", resource.id, update)
        .await?;
    let metric = index.create_metric(NewMetric::default()).await?;
    index.metrics(&[metric.id, Uuid::nil()]).await?;
    index.metric_of_resource(resource.id, "cpu").await?;
    index.list_metrics(&MetricQuery::default()).await?;
    index.list_resources(&all("generic")).await?;
    let wanted = EnsureResource {
        id: id_of("a"),
        body: None,
        creator: None,
        metrics: Vec::new(),
    };
    index.ensure(&[wanted]).await?;
    index.delete_metric(metric.id).await?;
    let filter = Filter::eq("creator", "admin");
    let deleted = index.delete_resources("generic", &filter).await?;
    index.expunge_metrics(&deleted.metrics).await?;
    index
        .expunge_metrics(&index.deleted_metrics().await?)
        .await?;
    index.delete_archive_policy("mine").await?;
    index.delete_resource_type("mine").await
}

#[tokio::test]
async fn every_call_can_be_awaited_in_a_task_of_its_own() {
    let fixture = Fixture::new().await;
    let index = Arc::new(fixture.index);
    tokio::spawn(use_all(Arc::clone(&index)))
        .await
        .unwrap()
        .unwrap();
    assert!(index.deleted_metrics().await.unwrap().is_empty());
}
