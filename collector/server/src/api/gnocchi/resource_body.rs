//! What clients send about resources: a new one, a change of one, and the metrics that go with it. Checked against the
//! resource type's attributes; policies and metrics are looked up elsewhere.

use std::collections::BTreeMap;

use collector_index::{MetricSpec, MetricSpecs};
use collector_model::{Attribute, Timestamp, TimestampInput, parse_uuid};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::schema::Node;

/// Longest unit of a metric, in characters.
const MAX_UNIT_CHARS: usize = 31;

/// Attributes of a resource type by name.
pub(super) type Attributes = BTreeMap<String, Attribute>;

/// What a body says of a resource; what it does not name is absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ResourceFields {
    /// Begin of its life.
    pub(super) started_at: Option<Timestamp>,
    /// End of its life.
    pub(super) ended_at: Option<Timestamp>,
    /// Its user, or that it has none.
    pub(super) user_id: Option<Option<String>>,
    /// Its project, or that it has none.
    pub(super) project_id: Option<Option<String>>,
    /// Attributes of its type, in the form in which they are kept.
    pub(super) attributes: Map<String, Value>,
    /// Its metrics by name.
    pub(super) metrics: Option<MetricSpecs>,
}

/// The id of a resource: as the client wrote it, and the one that it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourceId {
    /// As it was written.
    pub(super) original: String,
    /// What it stands for.
    pub(super) id: Uuid,
}

/// A metric to be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MetricFields {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its unit.
    pub(super) unit: Option<String>,
    /// Its policy; where none is named a rule decides.
    pub(super) archive_policy_name: Option<String>,
    /// The resource that it belongs to.
    pub(super) resource_id: Option<ResourceId>,
}

/// Reads the id of a resource, as the caller means it.
pub(super) fn read_id(node: &Node<'_>, caller: &Caller) -> ApiResult<ResourceId> {
    let original = node.text()?.to_owned();
    match caller.resource_id(&original) {
        Ok(id) => Ok(ResourceId { original, id }),
        Err(error) => Err(node.invalid(&error.to_string())),
    }
}

/// Reads a new resource.
pub(super) fn read_new(
    body: &Value,
    attributes: &Attributes,
    caller: &Caller,
    now: Timestamp,
) -> ApiResult<(ResourceId, ResourceFields)> {
    let root = Node::root(body);
    let fields = read_fields(&root, attributes, caller, now, true)?;
    let id = read_id(&root.required("id")?, caller)?;
    for (name, attribute) in attributes {
        if attribute.required && !fields.attributes.contains_key(name) {
            return Err(root.missing_key(name));
        }
    }
    Ok((id, fields))
}

/// Reads a change of a resource.
pub(super) fn read_change(
    body: &Value,
    attributes: &Attributes,
    caller: &Caller,
    now: Timestamp,
) -> ApiResult<ResourceFields> {
    read_fields(&Node::root(body), attributes, caller, now, false)
}

fn read_fields(
    root: &Node<'_>,
    attributes: &Attributes,
    caller: &Caller,
    now: Timestamp,
    with_id: bool,
) -> ApiResult<ResourceFields> {
    let mut fields = ResourceFields::default();
    for (key, node) in root.fields()? {
        match key {
            "id" if with_id => {}
            "started_at" => fields.started_at = Some(read_moment(&node, now)?),
            "ended_at" => fields.ended_at = Some(read_moment(&node, now)?),
            "user_id" => fields.user_id = Some(node.text_or_null()?.map(str::to_owned)),
            "project_id" => fields.project_id = Some(node.text_or_null()?.map(str::to_owned)),
            "metrics" => fields.metrics = Some(read_metrics(&node, caller)?),
            _ => {
                let attribute = attributes.get(key).ok_or_else(|| root.extra_key(key))?;
                let value = attribute.kind.normalise(node.value, now);
                let value = value.map_err(|error| node.invalid(&error.to_string()))?;
                fields.attributes.insert(key.to_owned(), value);
            }
        }
    }
    Ok(fields)
}

fn read_moment(node: &Node<'_>, now: Timestamp) -> ApiResult<Timestamp> {
    let input = match node.value {
        Value::String(text) => TimestampInput::Text(text.as_str().into()),
        Value::Number(number) => TimestampInput::Seconds(number.as_f64().unwrap_or(f64::NAN)),
        _ => return Err(node.invalid("Unable to convert timestamps")),
    };
    match Timestamp::parse_all([&input], now).as_deref() {
        Ok([timestamp]) => Ok(*timestamp),
        Ok(_) => Err(node.invalid("Unable to convert timestamps")),
        Err(error) => Err(node.invalid(&error.to_string())),
    }
}

/// Reads metrics by name.
pub(super) fn read_metrics(node: &Node<'_>, caller: &Caller) -> ApiResult<MetricSpecs> {
    let mut metrics = MetricSpecs::new();
    for (name, metric) in node.fields()? {
        let spec = match metric.value {
            Value::String(text) => match parse_uuid(text) {
                Some(id) => MetricSpec::Existing(id),
                None => return Err(metric.invalid("badly formed hexadecimal UUID string")),
            },
            _ => {
                let new = read_metric(&metric, caller)?;
                refuse_slash(name)?;
                MetricSpec::New {
                    unit: new.unit,
                    archive_policy_name: new.archive_policy_name,
                }
            }
        };
        metrics.insert(name.to_owned(), spec);
    }
    Ok(metrics)
}

/// Reads a metric to be created.
pub(super) fn read_metric(node: &Node<'_>, caller: &Caller) -> ApiResult<MetricFields> {
    node.object_of(&["archive_policy_name", "resource_id", "name", "unit"])?;
    let text = |key: &str| match node.field(key) {
        Some(field) => field.text().map(|text| Some(text.to_owned())),
        None => Ok(None),
    };
    let unit = text("unit")?;
    if let Some(unit) = &unit {
        refuse_long_unit(unit, node)?;
    }
    let name = text("name")?;
    refuse_slash(name.as_deref().unwrap_or_default())?;
    let resource_id = node.field("resource_id").map(|id| read_id(&id, caller));
    Ok(MetricFields {
        name,
        unit,
        archive_policy_name: text("archive_policy_name")?,
        resource_id: resource_id.transpose()?,
    })
}

fn refuse_long_unit(unit: &str, node: &Node<'_>) -> ApiResult<()> {
    if unit.chars().count() <= MAX_UNIT_CHARS {
        return Ok(());
    }
    let message = format!("length of value must be at most {MAX_UNIT_CHARS}");
    Err(node
        .field("unit")
        .as_ref()
        .unwrap_or(node)
        .invalid(&message))
}

/// 400 for a metric's name that would be a path of its own.
pub(super) fn refuse_slash(name: &str) -> ApiResult<()> {
    if name.contains('/') {
        return Err(ApiError::bad_request("'/' is not supported in metric name"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "resource_body_tests.rs"]
mod tests;
