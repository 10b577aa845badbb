//! Ceilometer's `meters.yaml`: which notifications are samples, of which meters, and where in them volume, resource and
//! owner stand. Read as Ceilometer reads it; what becomes of the samples is as if an agent had sent them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::event_pattern::EventPattern;
use super::field::{Field, RawField, literal_or_path};
use super::file::Patterns;

/// Owners of samples whose definition has none.
const OWNERS: [(&str, &str); 2] = [
    ("user_id", "ctxt.user_id|ctxt.user"),
    ("project_id", "ctxt.project_id|ctxt.tenant_id"),
];
/// What the metadata that users give to instances begin with, where it is for the metering.
const RESERVED: &str = "metering.";
/// Longest text of such metadata, characters.
const LONGEST: usize = 256;

/// The checked file.
#[derive(Debug)]
pub(super) struct MeterDefinitions(Vec<Meter>);

/// One meter.
#[derive(Debug)]
struct Meter {
    events: Vec<EventPattern>,
    /// Fields of a sample by name.
    fields: BTreeMap<&'static str, Field>,
    metadata: Vec<(String, Field)>,
    user_metadata: Option<Field>,
    /// Fields that have a value per sample, where a notification has several samples.
    lookup: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    metric: Vec<RawMeter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeter {
    name: String,
    event_type: Patterns,
    #[serde(rename = "type")]
    kind: String,
    unit: String,
    volume: RawField,
    resource_id: RawField,
    user_id: Option<RawField>,
    project_id: Option<RawField>,
    timestamp: Option<RawField>,
    #[serde(default)]
    metadata: BTreeMap<String, RawField>,
    user_metadata: Option<RawField>,
    #[serde(default)]
    lookup: Patterns,
}

impl MeterDefinitions {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The place and what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        // Of two of one name the last counts.
        let by_name: BTreeMap<String, RawMeter> = raw
            .metric
            .into_iter()
            .map(|meter| (meter.name.clone(), meter))
            .collect();
        let meters = by_name.into_iter().map(|(name, meter)| {
            Meter::read(meter).map_err(|reason| format!("metric {name}: {reason}"))
        });
        Ok(Self(meters.collect::<Result<_, _>>()?))
    }

    /// The samples that a notification is, with their fields as in messages of samples; also those without a volume.
    pub(super) fn samples(&self, event_type: &str, body: &Value) -> Vec<Map<String, Value>> {
        let meters = self.0.iter();
        let meters = meters.filter(|meter| meter.concerns(event_type));
        meters.flat_map(|meter| meter.samples(body)).collect()
    }
}

impl Meter {
    fn read(raw: RawMeter) -> Result<Self, String> {
        let mut fields = BTreeMap::new();
        for (name, path) in OWNERS {
            fields.insert(name, RawField::One(path.to_owned()).read()?);
        }
        let named = [
            ("volume", Some(raw.volume)),
            ("resource_id", Some(raw.resource_id)),
            ("user_id", raw.user_id),
            ("project_id", raw.project_id),
            ("timestamp", raw.timestamp),
        ];
        for (name, field) in named {
            if let Some(field) = field {
                fields.insert(name, field.read().map_err(|why| format!("{name}: {why}"))?);
            }
        }
        for (name, text) in [("name", raw.name), ("type", raw.kind), ("unit", raw.unit)] {
            fields.insert(name, literal_or_path(text)?);
        }
        let read = |(name, field): (String, RawField)| {
            let field = field
                .read()
                .map_err(|why| format!("metadata: {name}: {why}"))?;
            Ok::<_, String>((name, field))
        };
        let events = raw.event_type.list();
        let events = events.iter().map(|text| EventPattern::read(text));
        Ok(Self {
            events: events.collect::<Result<_, _>>()?,
            fields,
            metadata: raw
                .metadata
                .into_iter()
                .map(read)
                .collect::<Result<_, _>>()?,
            user_metadata: raw.user_metadata.map(RawField::read).transpose()?,
            lookup: raw.lookup.list(),
        })
    }

    fn concerns(&self, event_type: &str) -> bool {
        self.events
            .iter()
            .any(|pattern| pattern.is_match(event_type))
    }

    fn samples(&self, body: &Value) -> Vec<Map<String, Value>> {
        let metadata = self.metadata(body);
        let mut columns: Vec<(&str, Vec<Value>)> = Vec::with_capacity(self.fields.len());
        for (name, field) in &self.fields {
            let values = match self.lookup.is_empty() {
                true => vec![field.find(body).unwrap_or_default()],
                false => field.find_all(body),
            };
            columns.push((*name, values));
        }
        let count = match self.lookup.is_empty() {
            true => 1,
            false => columns
                .iter()
                .find_map(|(name, values)| (*name == "name").then_some(values.len()))
                .unwrap_or_default(),
        };
        let of_each = |name: &str| self.lookup.iter().any(|one| one == name);
        // What is missing in one of them says nothing about which it belongs to.
        let whole = columns
            .iter()
            .all(|(name, values)| values.len() == count || !of_each(name));
        let samples = (0..if whole { count } else { 0 }).map(|at| {
            let mut sample = Map::new();
            for (name, values) in &columns {
                let value = values.get(at).or_else(|| values.first());
                sample.insert((*name).to_owned(), value.cloned().unwrap_or_default());
            }
            let moment = sample.get("timestamp").filter(|moment| !moment.is_null());
            let moment = moment.or_else(|| body.pointer("/metadata/timestamp"));
            let moment = moment.cloned().unwrap_or_default();
            sample.insert("timestamp".to_owned(), moment);
            sample.insert("resource_metadata".to_owned(), metadata.clone());
            sample
        });
        samples.collect()
    }

    /// What its definition names; without any all of the payload.
    fn metadata(&self, body: &Value) -> Value {
        let mut metadata = Map::new();
        for (name, field) in &self.metadata {
            if let Some(value) = field.find(body).filter(is_true) {
                metadata.insert(name.clone(), value);
            }
        }
        let given = self
            .user_metadata
            .as_ref()
            .and_then(|field| field.find(body));
        if let Some(Value::Object(given)) = given {
            let reserved = reserved(given, &metadata);
            if !reserved.is_empty() {
                metadata.insert("user_metadata".to_owned(), reserved.into());
            }
        }
        if metadata.is_empty() {
            if let Some(Value::Object(payload)) = body.get("payload") {
                metadata.clone_from(payload);
            }
            for (name, from) in [("event_type", "event_type"), ("host", "publisher_id")] {
                metadata.insert(name.to_owned(), body.get(from).cloned().unwrap_or_default());
            }
        }
        metadata.into()
    }
}

/// Metadata of users for the metering, without the beginning of their names.
fn reserved(given: Map<String, Value>, metadata: &Map<String, Value>) -> Map<String, Value> {
    let given = given.into_iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(RESERVED)?.replace('.', "_");
        let value = match value {
            Value::String(text) => text.chars().take(LONGEST).collect::<String>().into(),
            other => other,
        };
        (!metadata.contains_key(&name)).then_some((name, value))
    });
    given.collect()
}

/// Whether Python takes a value for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
#[path = "meters_tests.rs"]
mod tests;
