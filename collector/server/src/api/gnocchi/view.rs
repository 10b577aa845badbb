//! How resources, resource types and metrics look in answers.

use std::collections::HashMap;
use std::sync::Arc;

use collector_index::{Metric, Resource, ResourceType};
use collector_model::{ArchivePolicy, MetricId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::creator_halves;
use super::json::to_text;

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

/// A list of metrics as JSON. The archive policy, which is most of a metric's text and the same in many, is written once
/// for all that have it.
pub(super) fn metrics(metrics: &[Arc<Metric>]) -> String {
    let mut policies: HashMap<*const ArchivePolicy, String> = HashMap::new();
    let mut text = String::from("[");
    for (at, metric) in metrics.iter().enumerate() {
        let policy = policies
            .entry(Arc::as_ptr(&metric.archive_policy))
            .or_insert_with(|| to_text(&*metric.archive_policy));
        let rest = to_text(&MetricView {
            resource_id: Some(metric.resource_id),
            ..MetricView::new(metric)
        });
        text.push_str(if at > 0 { ", " } else { "" });
        text.push_str("{\"archive_policy\": ");
        text.push_str(policy);
        text.push_str(", ");
        text.push_str(rest.strip_prefix('{').unwrap_or_default());
    }
    text.push(']');
    text
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

#[cfg(test)]
mod tests {
    use collector_index::MetricStatus;

    use super::*;

    #[test]
    fn a_list_of_metrics_is_their_texts_in_a_list() {
        let policies: Vec<_> = ArchivePolicy::defaults()
            .into_iter()
            .map(Arc::new)
            .collect();
        let metric = |number: u128, policy: usize, name: Option<&str>| {
            Arc::new(Metric {
                id: Uuid::from_u128(number),
                creator: Some("me:\"us\"".to_owned()),
                name: name.map(str::to_owned),
                unit: None,
                resource_id: None,
                archive_policy: Arc::clone(&policies[policy]),
                status: MetricStatus::Active,
            })
        };
        let all = [
            metric(1, 0, None),
            metric(2, 1, Some("a")),
            metric(3, 0, Some("b")),
        ];
        for some in [&all[..], &all[..1], &[]] {
            let one_by_one: Vec<_> = some.iter().map(|one| self::metric(one)).collect();
            assert_eq!(metrics(some), to_text(&one_by_one));
        }
    }
}
