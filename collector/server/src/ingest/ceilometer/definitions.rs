//! What `gnocchi_resources.yaml` says: which meter is a metric of which resource type under which archive policy, where
//! a sample has the resource's attributes, and which events create, change and end resources. Its YAML form is in
//! `file`; what is made of samples and events is elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::path::Path as FilePath;

use collector_model::{ArchivePolicy, fnmatch};
use serde_json::{Map, Value};

use super::file;
use super::path::Path;
use crate::ingest::mapping::one_line;

/// The shipped file: in effect Ceilometer 19's own.
const SHIPPED: &str = include_str!("../../../gnocchi_resources.yaml");

/// The checked file.
#[derive(Debug, PartialEq)]
pub(crate) struct Definitions {
    /// Archive policies that are made where a metric asks for one that does not exist.
    pub(super) policies: Vec<ArchivePolicy>,
    pub(super) resources: Vec<ResourceDefinition>,
    /// Place in `resources` by meter; of two that claim one the last counts.
    by_meter: HashMap<String, usize>,
}

/// What becomes a resource of one type.
#[derive(Debug, PartialEq)]
pub(super) struct ResourceDefinition {
    pub(super) resource_type: String,
    /// Archive policies by meter.
    pub(super) metrics: BTreeMap<String, String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) events: Events,
}

/// Where an attribute comes from.
#[derive(Debug, PartialEq)]
pub(super) enum Attribute {
    /// From a sample.
    Path(Path),
    /// It is the same for all.
    Constant(Value),
}

/// Which events concern resources of a type; patterns as in `fnmatch`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Events {
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<String>,
    pub(super) update: Vec<String>,
    /// Fields of the resource and the traits that have their values.
    pub(super) attributes: BTreeMap<String, String>,
    /// By resource type the search for resources that end together with this one; `%s` in it is its id.
    pub(super) associated: BTreeMap<String, Value>,
}

/// What an event does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// It begins.
    Create,
    /// It changes.
    Update,
    /// It ends.
    Delete,
}

/// A file of definitions that cannot be used; names the file and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("ceilometer: resources_definition_file: {file}: {reason}")]
pub(crate) struct DefinitionsError {
    file: String,
    reason: String,
}

impl Operation {
    /// Its name, as a label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Definitions {
    /// Those of that file, or the shipped ones where no file is named.
    pub(crate) fn load(file: Option<&FilePath>) -> Result<Self, DefinitionsError> {
        let Some(path) = file else {
            return Self::parse("as shipped", SHIPPED);
        };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(DefinitionsError {
                file: name,
                reason: format!("cannot read it: {error}"),
            }),
        }
    }

    fn parse(file: &str, text: &str) -> Result<Self, DefinitionsError> {
        let wrong = |reason: String| DefinitionsError {
            file: file.to_owned(),
            reason,
        };
        let raw: file::Raw =
            serde_saphyr::from_str(text).map_err(|error| wrong(one_line(&error.to_string())))?;
        let (policies, resources) = file::check(raw).map_err(wrong)?;
        let by_meter = resources.iter().enumerate().flat_map(|(place, resource)| {
            let meters = resource.metrics.keys();
            meters.map(move |meter| (meter.clone(), place))
        });
        Ok(Self {
            by_meter: by_meter.collect(),
            policies,
            resources,
        })
    }

    /// The definition that a meter belongs to.
    pub(super) fn of_meter(&self, meter: &str) -> Option<&ResourceDefinition> {
        self.resources.get(*self.by_meter.get(meter)?)
    }

    /// The first definition that an event concerns.
    pub(super) fn of_event(&self, event_type: &str) -> Option<(&ResourceDefinition, Operation)> {
        let mut resources = self.resources.iter();
        resources.find_map(|resource| Some((resource, resource.events.operation(event_type)?)))
    }
}

impl ResourceDefinition {
    /// The attributes that a sample tells.
    pub(super) fn attributes(&self, sample: &Value) -> impl Iterator<Item = (&String, Value)> {
        self.attributes.iter().filter_map(|(name, attribute)| {
            let value = match attribute {
                Attribute::Path(path) => path.find(sample)?.into_owned(),
                Attribute::Constant(value) => value.clone(),
            };
            Some((name, value))
        })
    }
}

impl Events {
    fn operation(&self, event_type: &str) -> Option<Operation> {
        let among = |patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| fnmatch(pattern, event_type))
        };
        [
            (&self.create, Operation::Create),
            (&self.delete, Operation::Delete),
            (&self.update, Operation::Update),
        ]
        .into_iter()
        .find_map(|(patterns, operation)| among(patterns).then_some(operation))
    }

    /// The fields of the resource that an event's traits tell.
    pub(super) fn fields(&self, traits: &Map<String, Value>) -> Map<String, Value> {
        let fields = self.attributes.iter().filter_map(|(field, name)| {
            let value = traits.get(name).filter(|value| !value.is_null())?;
            Some((field.clone(), value.clone()))
        });
        fields.collect()
    }

    /// The searches for what ends together with the resource of that id.
    pub(super) fn associated(&self, id: &str) -> impl Iterator<Item = (&str, Value)> {
        let searches = self.associated.iter();
        searches.map(move |(kind, search)| (kind.as_str(), filled(search, id)))
    }
}

/// A search with the id in the place of `%s`.
fn filled(search: &Value, id: &str) -> Value {
    match search {
        Value::String(text) => Value::String(text.replace("%s", id)),
        Value::Array(items) => items.iter().map(|item| filled(item, id)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), filled(value, id)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
