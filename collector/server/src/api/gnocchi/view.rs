//! How resources, resource types and metrics look in answers.

use collector_index::{Metric, Resource, ResourceType};
use serde_json::{Map, Value, json};

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

/// A metric in a list.
pub(super) fn metric(metric: &Metric) -> Map<String, Value> {
    let mut view = bare_metric(metric);
    view.insert("resource_id".to_owned(), json!(metric.resource_id));
    view.insert("archive_policy".to_owned(), json!(*metric.archive_policy));
    view
}

/// A metric that was just created.
pub(super) fn created_metric(metric: &Metric) -> Map<String, Value> {
    let mut view = bare_metric(metric);
    view.insert("resource_id".to_owned(), json!(metric.resource_id));
    let policy = json!(metric.archive_policy.name);
    view.insert("archive_policy_name".to_owned(), policy);
    view
}

/// A metric by itself, with its resource.
pub(super) fn metric_details(metric: &Metric, resource: Option<&Resource>) -> Map<String, Value> {
    let mut view = bare_metric(metric);
    let resource = resource.map_or(Value::Null, |resource| {
        Value::Object(bare_resource(resource))
    });
    view.insert("resource".to_owned(), resource);
    view.insert("archive_policy".to_owned(), json!(*metric.archive_policy));
    view
}

fn bare_metric(metric: &Metric) -> Map<String, Value> {
    let (user, project) = creator_halves(metric.creator.as_deref());
    let fields = [
        ("id", json!(metric.id)),
        ("creator", json!(metric.creator)),
        ("created_by_user_id", json!(user)),
        ("created_by_project_id", json!(project)),
        ("name", json!(metric.name)),
        ("unit", json!(metric.unit)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
