//! How resources, resource types and metrics look in answers.

use collector_index::{Metric, Resource, ResourceType};
use collector_model::{ArchivePolicy, MetricId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::creator_halves;

/// Fields of a resource without those of its type.
const GENERIC: &str = "generic";

/// Names of fields that an answer is to be cut down to; none keeps all.
pub(super) type Attrs = Vec<String>;

/// A resource as its own type, or as `generic`, shows it.
pub(super) fn resource(resource: &Resource, shown_type: &str) -> Map<String, Value> {
    let mut view = bare_resource(resource);
    if shown_type != GENERIC {
        view.extend(resource.attributes.clone());
    }
    let metrics = resource.metrics.iter();
    let metrics: Map<String, Value> = metrics
        .map(|(name, id)| (name.clone(), json!(id)))
        .collect();
    view.insert("metrics".to_owned(), Value::Object(metrics));
    view
}

/// A resource without its metrics and the attributes of its type.
fn bare_resource(resource: &Resource) -> Map<String, Value> {
    let (user, project) = creator_halves(resource.creator.as_deref());
    let fields = [
        ("id", json!(resource.id)),
        ("type", json!(resource.resource_type)),
        ("original_resource_id", json!(resource.original_resource_id)),
        ("creator", json!(resource.creator)),
        ("created_by_user_id", json!(user)),
        ("created_by_project_id", json!(project)),
        ("user_id", json!(resource.user_id)),
        ("project_id", json!(resource.project_id)),
        ("started_at", json!(resource.started_at)),
        ("ended_at", json!(resource.ended_at)),
        ("revision_start", json!(resource.revision_start)),
        ("revision_end", json!(resource.revision_end)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The fields of these names only; all where there are no names.
pub(super) fn cut(mut view: Map<String, Value>, attrs: &Attrs) -> Map<String, Value> {
    if !attrs.is_empty() {
        view.retain(|name, _| attrs.contains(name));
    }
    view
}

/// A resource type.
pub(super) fn resource_type(resource_type: &ResourceType) -> Value {
    json!({
        "name": resource_type.name,
        "attributes": resource_type.attributes,
        "state": "active",
    })
}

/// A metric: written as it is, for lists of them are long and no field is ever cut.
#[derive(Debug, Serialize)]
pub(super) struct MetricView<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_policy: Option<&'m ArchivePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_policy_name: Option<&'m str>,
    created_by_project_id: Option<&'m str>,
    created_by_user_id: Option<&'m str>,
    creator: Option<&'m str>,
    id: MetricId,
    name: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<Option<Uuid>>,
    unit: Option<&'m str>,
}

impl<'m> MetricView<'m> {
    fn new(metric: &'m Metric) -> Self {
        let (user, project) = creator_halves(metric.creator.as_deref());
        Self {
            archive_policy: None,
            archive_policy_name: None,
            created_by_project_id: project,
            created_by_user_id: user,
            creator: metric.creator.as_deref(),
            id: metric.id,
            name: metric.name.as_deref(),
            resource: None,
            resource_id: None,
            unit: metric.unit.as_deref(),
        }
    }
}

/// A metric in a list.
pub(super) fn metric(metric: &Metric) -> MetricView<'_> {
    MetricView {
        archive_policy: Some(&metric.archive_policy),
        resource_id: Some(metric.resource_id),
        ..MetricView::new(metric)
    }
}

/// A metric that was just created.
pub(super) fn created_metric(metric: &Metric) -> MetricView<'_> {
    MetricView {
        archive_policy_name: Some(&metric.archive_policy.name),
        resource_id: Some(metric.resource_id),
        ..MetricView::new(metric)
    }
}

/// A metric by itself, with its resource.
pub(super) fn metric_details<'m>(
    metric: &'m Metric,
    resource: Option<&Resource>,
) -> MetricView<'m> {
    let resource = resource.map_or(Value::Null, |resource| {
        Value::Object(bare_resource(resource))
    });
    MetricView {
        archive_policy: Some(&metric.archive_policy),
        resource: Some(resource),
        ..MetricView::new(metric)
    }
}
