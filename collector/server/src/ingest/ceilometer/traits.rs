//! Ceilometer's `event_definitions.yaml`: which traits a notification has as an event, and where in it they are. Of
//! several definitions that match the last one of the file counts, as there.

use std::collections::BTreeMap;

use collector_model::{Timestamp, TimestampInput, fnmatch};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::definitions::Attribute;
use super::file::{Fields, Patterns};
use super::path::Path;

/// Longest text of a trait, characters.
const LONGEST: usize = 255;
/// Traits of every event, where its definition has none of the name.
const OF_ALL: [(&str, &[&str]); 5] = [
    ("service", &["publisher_id"]),
    ("request_id", &["ctxt.request_id"]),
    ("project_id", &["payload.tenant_id", "ctxt.project_id"]),
    ("user_id", &["payload.user_id", "ctxt.user_id"]),
    ("tenant_id", &["payload.tenant_id", "ctxt.project_id"]),
];

/// The checked file.
#[derive(Debug, PartialEq)]
pub(super) struct TraitDefinitions {
    /// The file's last first; the last of all matches everything.
    events: Vec<EventTraits>,
}

#[derive(Debug, PartialEq)]
struct EventTraits {
    included: Vec<String>,
    excluded: Vec<String>,
    traits: BTreeMap<String, Trait>,
}

#[derive(Debug, PartialEq)]
struct Trait {
    kind: Kind,
    from: Attribute,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Text,
    Int,
    Float,
    Datetime,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    event_type: Patterns,
    traits: BTreeMap<String, RawTrait>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a path, a list of paths, or an object of `fields` and `type`; plugins are not known"
)]
enum RawTrait {
    Fields(Fields),
    Object(RawTyped),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTyped {
    fields: Fields,
    #[serde(default, rename = "type")]
    kind: Kind,
}

impl TraitDefinitions {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The place and what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let raw: Vec<RawEvent> = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let events = raw.into_iter().rev().map(EventTraits::read);
        let mut events = events.collect::<Result<Vec<_>, _>>()?;
        events.push(EventTraits::read(RawEvent {
            event_type: Patterns::One("*".to_owned()),
            traits: BTreeMap::new(),
        })?);
        Ok(Self { events })
    }

    /// The traits of a notification of that type, by name.
    pub(super) fn traits(&self, event_type: &str, body: &Value) -> Map<String, Value> {
        let mut events = self.events.iter();
        let Some(event) = events.find(|event| event.concerns(event_type)) else {
            return Map::new();
        };
        let traits = event.traits.iter();
        let traits = traits.filter_map(|(name, one)| Some((name.clone(), one.value(body)?)));
        traits.collect()
    }
}

impl EventTraits {
    fn read(raw: RawEvent) -> Result<Self, String> {
        let types = raw.event_type.list();
        let of = types.join(", ");
        let (excluded, mut included): (Vec<_>, Vec<_>) =
            types.into_iter().partition(|one| one.starts_with('!'));
        if included.is_empty() && !excluded.is_empty() {
            included.push("*".to_owned());
        }
        let mut traits = BTreeMap::new();
        for (name, paths) in OF_ALL {
            let paths = paths.iter().map(|path| Path::parse(path));
            let path = Path::either(paths.collect::<Result<_, _>>()?);
            let from = Attribute::Path(path);
            traits.insert(
                name.to_owned(),
                Trait {
                    kind: Kind::Text,
                    from,
                },
            );
        }
        for (name, raw) in raw.traits {
            let (fields, kind) = match raw {
                RawTrait::Fields(fields) => (fields, Kind::Text),
                RawTrait::Object(typed) => (typed.fields, typed.kind),
            };
            let from = fields
                .read()
                .map_err(|why| format!("{of}: trait {name}: {why}"))?;
            traits.insert(name, Trait { kind, from });
        }
        let excluded = excluded
            .iter()
            .map(|one| one.trim_start_matches('!').to_owned());
        Ok(Self {
            included,
            excluded: excluded.collect(),
            traits,
        })
    }

    fn concerns(&self, event_type: &str) -> bool {
        let among = |patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| fnmatch(pattern, event_type))
        };
        among(&self.included) && !among(&self.excluded)
    }
}

impl Trait {
    /// Its value in its type; none where it is null, or not of the type.
    fn value(&self, body: &Value) -> Option<Value> {
        let value = match &self.from {
            Attribute::Constant(value) => value.clone(),
            Attribute::Path(path) => path.find(body)?.into_owned(),
        };
        let number = || match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match self.kind {
            Kind::Text => Some(text(&value).into()),
            Kind::Int => number().map(|number| (number.trunc() as i64).into()),
            Kind::Float => number().map(Value::from),
            Kind::Datetime => {
                let input = TimestampInput::Text(value.as_str()?.into());
                let moment = Timestamp::parse_all([&input], Timestamp(0)).ok()?;
                let moment = moment.first()?.to_string();
                Some(moment.trim_end_matches("+00:00").into())
            }
        }
    }
}

/// As Python prints a value.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    };
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = r#"
- event_type: 'compute.*'
  traits: &common
    host: {fields: "publisher_id.`split(., 1, 1)`"}
    vcpus: {type: int, fields: payload.vcpus}
    at: {type: datetime, fields: payload.at}
    share: {type: float, fields: payload.share}
    id: {fields: [payload.instance.id, payload.id]}
- event_type: ['compute.*.end', '!compute.other.*']
  traits: {<<: *common, end: payload.end}
"#;

    #[test]
    fn the_last_definition_that_matches_says_the_traits() {
        let definitions = TraitDefinitions::parse(FILE).unwrap();
        let body = json!({
            "publisher_id": "compute.node.example", "ctxt": {"request_id": "r", "user_id": "u"},
            "payload": {"vcpus": "2", "at": "2026-01-01T01:00:00+01:00", "share": 1, "id": 7, "end": true, "tenant_id": "t"},
        });
        let of = |event_type| Value::Object(definitions.traits(event_type, &body));
        let defaults = json!({
            "service": "compute.node.example", "request_id": "r", "user_id": "u", "project_id": "t", "tenant_id": "t",
        });
        let mut expected = defaults;
        assert_eq!(of("image.delete"), expected);
        for (name, value) in [
            ("host", json!("node.example")),
            ("vcpus", json!(2)),
            ("at", json!("2026-01-01T00:00:00")),
            ("share", json!(1.0)),
            ("id", json!("7")),
        ] {
            expected[name] = value;
        }
        assert_eq!(of("compute.start"), expected);
        assert_eq!(of("compute.other.end"), expected);
        expected["end"] = "True".into();
        assert_eq!(of("compute.create.end"), expected);
    }

    #[test]
    fn what_is_not_of_its_type_is_no_trait() {
        let definitions = TraitDefinitions::parse(FILE).unwrap();
        let body = json!({"payload": {"vcpus": "", "at": "soon", "share": null, "id": "i"}});
        let traits = definitions.traits("compute.x", &body);
        assert_eq!(Value::Object(traits), json!({"id": "i"}));
    }

    #[test]
    fn a_file_that_means_nothing_here_is_refused() {
        for (yaml, expected) in [
            (
                "- {event_type: a, traits: {b: {fields: 'c['}}}",
                "a: trait b: path \"c[\"",
            ),
            ("- {event_type: a}", "traits"),
            (
                "- {event_type: a, traits: {b: {fields: c, plugin: split}}}",
                "plugins are not known",
            ),
        ] {
            let refused = TraitDefinitions::parse(yaml).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
