//! `gnocchi_resources.yaml` as it is written, every form that Ceilometer takes: lists and maps of metrics, one event or
//! several, paths as text, list or `fields`. What it cannot mean here is refused with its place.

use std::collections::BTreeMap;

use collector_index::Filter;
use collector_model::ArchivePolicy;
use serde::Deserialize;
use serde_json::Value;

use super::definitions::{Attribute, Events, ResourceDefinition};
use super::path::Path;

/// Archive policy of metrics that name none, in a file that names none.
const DEFAULT_POLICY: &str = "ceilometer-low";

/// The whole file. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    archive_policy_default: Option<String>,
    #[serde(default)]
    archive_policies: Vec<ArchivePolicy>,
    resources: Vec<RawResource>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    resource_type: String,
    metrics: Metrics,
    #[serde(default)]
    attributes: BTreeMap<String, RawAttribute>,
    #[serde(default)]
    event_create: Patterns,
    #[serde(default)]
    event_delete: Patterns,
    #[serde(default)]
    event_update: Patterns,
    #[serde(default)]
    event_attributes: BTreeMap<String, String>,
    #[serde(default)]
    event_associated_resources: BTreeMap<String, String>,
    /// The older place of the metrics' policy, which overrides theirs.
    archive_policy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a list of meters, or a map from meters to archive_policy_name"
)]
enum Metrics {
    Named(BTreeMap<String, Option<RawMetric>>),
    Listed(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMetric {
    archive_policy_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged, expecting = "expected an event type or a list of them")]
pub(super) enum Patterns {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a path, a list of paths, or an object with only `fields`"
)]
enum RawAttribute {
    Fields(Fields),
    Object(FieldsObject),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsObject {
    fields: Fields,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Fields {
    Constant(i64),
    One(String),
    Several(Vec<String>),
}

impl Patterns {
    pub(super) fn list(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(pattern) => vec![pattern],
            Self::Several(patterns) => patterns,
        }
    }
}

/// Checks the file; the error says where and what was expected.
pub(super) fn check(raw: Raw) -> Result<(Vec<ArchivePolicy>, Vec<ResourceDefinition>), String> {
    let default = raw.archive_policy_default;
    let default = default.unwrap_or_else(|| DEFAULT_POLICY.to_owned());
    let resources = raw.resources.into_iter().map(|resource| {
        let name = resource.resource_type.clone();
        check_resource(resource, &default).map_err(|reason| format!("{name}: {reason}"))
    });
    Ok((raw.archive_policies, resources.collect::<Result<_, _>>()?))
}

fn check_resource(raw: RawResource, default: &str) -> Result<ResourceDefinition, String> {
    let named = match raw.metrics {
        Metrics::Named(named) => named,
        Metrics::Listed(names) => names.into_iter().map(|name| (name, None)).collect(),
    };
    let policy = |metric: Option<RawMetric>| {
        let own = metric.and_then(|metric| metric.archive_policy_name);
        let policy = raw.archive_policy.clone().or(own);
        policy.unwrap_or_else(|| default.to_owned())
    };
    let metrics: BTreeMap<_, _> = named
        .into_iter()
        .map(|(name, metric)| (name, policy(metric)))
        .collect();
    if let Some(name) = metrics.keys().find(|name| name.contains('/')) {
        return Err(format!("metrics: {name:?}: expected a name without '/'"));
    }
    let attributes = raw.attributes.into_iter().map(|(name, attribute)| {
        let attribute = check_attribute(attribute);
        let attribute = attribute.map_err(|reason| format!("attributes: {name}: {reason}"))?;
        Ok::<_, String>((name, attribute))
    });
    let searches = raw.event_associated_resources.into_iter();
    let searches = searches.map(|(kind, search)| {
        let search = check_search(&search)
            .map_err(|reason| format!("event_associated_resources: {kind}: {reason}"))?;
        Ok::<_, String>((kind, search))
    });
    let events = Events {
        create: raw.event_create.list(),
        delete: raw.event_delete.list(),
        update: raw.event_update.list(),
        attributes: raw.event_attributes,
        associated: searches.collect::<Result<_, _>>()?,
    };
    let any = [&events.create, &events.delete, &events.update];
    if any.iter().any(|patterns| !patterns.is_empty()) && !events.attributes.contains_key("id") {
        return Err("event_attributes: expected the key id".to_owned());
    }
    Ok(ResourceDefinition {
        resource_type: raw.resource_type,
        metrics,
        attributes: attributes.collect::<Result<_, _>>()?,
        events,
    })
}

fn check_attribute(raw: RawAttribute) -> Result<Attribute, String> {
    let (RawAttribute::Fields(fields) | RawAttribute::Object(FieldsObject { fields })) = raw;
    fields.read()
}

impl Fields {
    /// Where the value comes from, checked.
    pub(super) fn read(self) -> Result<Attribute, String> {
        let paths = match self {
            Self::Constant(number) => return Ok(Attribute::Constant(number.into())),
            Self::One(path) => vec![path],
            Self::Several(paths) if paths.is_empty() => return Err("expected a path".to_owned()),
            Self::Several(paths) => paths,
        };
        let paths = paths.iter().map(|path| Path::parse(path));
        Ok(Attribute::Path(Path::either(
            paths.collect::<Result<_, _>>()?,
        )))
    }
}

/// Reads a search in Gnocchi's JSON.
fn check_search(text: &str) -> Result<Value, String> {
    let search: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Filter::from_json(&search).map_err(|error| error.to_string())?;
    Ok(search)
}
