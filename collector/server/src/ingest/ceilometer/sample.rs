//! A sample as Ceilometer sends it: with the field names of its http publisher (`name`, `volume`) or those of its
//! messages (`counter_name`, `counter_volume`). Read and checked here; what it becomes is in `group`.

use std::borrow::Cow;

use collector_model::{Timestamp, TimestampInput};
use serde_json::{Map, Value};

/// Names of fields in messages and what the http publisher, and the paths of definitions, call them.
const MESSAGE_NAMES: [(&str, &str); 5] = [
    ("counter_name", "name"),
    ("counter_type", "type"),
    ("counter_unit", "unit"),
    ("counter_volume", "volume"),
    ("message_id", "id"),
];

/// A checked sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// The meter.
    pub(super) name: String,
    pub(super) resource_id: String,
    pub(super) user_id: Option<String>,
    pub(super) project_id: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) timestamp: Timestamp,
    pub(super) volume: f64,
    /// All that was sent, for the paths of attributes.
    pub(super) fields: Value,
}

impl Sample {
    /// Reads a sample; `now` is what relative timestamps start from.
    ///
    /// # Errors
    /// The field that is missing or wrong.
    pub(super) fn read(mut fields: Map<String, Value>, now: Timestamp) -> Result<Self, String> {
        for (message, plain) in MESSAGE_NAMES {
            if !fields.contains_key(plain)
                && let Some(value) = fields.remove(message)
            {
                fields.insert(plain.to_owned(), value);
            }
        }
        let name = required_text(&fields, "name")?;
        let of = |reason: String| format!("sample of {name}: {reason}");
        Ok(Self {
            resource_id: required_text(&fields, "resource_id").map_err(of)?,
            user_id: text(&fields, "user_id").map_err(of)?,
            project_id: text(&fields, "project_id").map_err(of)?,
            unit: text(&fields, "unit").map_err(of)?,
            timestamp: timestamp(&fields, now).map_err(of)?,
            volume: volume(&fields).map_err(of)?,
            name,
            fields: Value::Object(fields),
        })
    }
}

fn required_text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    match text(fields, name)? {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(format!("{name}: expected a text, found none")),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("{name}: expected a text, found {}", kind(other))),
    }
}

fn timestamp(fields: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, String> {
    let input = match fields.get("timestamp") {
        Some(Value::String(text)) => TimestampInput::Text(Cow::Borrowed(text)),
        Some(Value::Number(number)) => TimestampInput::Seconds(number.as_f64().unwrap_or(f64::NAN)),
        _ => return Err("timestamp: expected ISO 8601".to_owned()),
    };
    let read = Timestamp::parse_all([&input], now);
    let read = read.map_err(|error| format!("timestamp: {error}"))?;
    read.first()
        .copied()
        .ok_or_else(|| "timestamp: expected ISO 8601".to_owned())
}

fn volume(fields: &Map<String, Value>) -> Result<f64, String> {
    let wrong = |found: &str| format!("volume: expected a number, found {found}");
    match fields.get("volume") {
        Some(Value::Number(number)) => number.as_f64().ok_or_else(|| wrong("none")),
        Some(Value::Bool(on)) => Ok(f64::from(u8::from(*on))),
        // A bare NaN has been put into quotes.
        Some(Value::String(text)) => text.trim().parse().map_err(|_| wrong("a text")),
        other => Err(wrong(other.map_or("none", kind))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Sample, String> {
        let Value::Object(fields) = value else {
            panic!("no object")
        };
        Sample::read(fields, Timestamp(0))
    }

    #[test]
    fn both_sets_of_names_give_the_same_sample() {
        let plain = read(json!({
            "name": "cpu", "type": "cumulative", "unit": "ns", "volume": 5, "user_id": null, "project_id": "p",
            "resource_id": "r", "timestamp": "2026-01-01T00:00:00", "resource_metadata": {"a": 1}, "id": "m",
        }));
        let message = read(json!({
            "counter_name": "cpu", "counter_type": "cumulative", "counter_unit": "ns", "counter_volume": 5,
            "user_id": null, "project_id": "p", "resource_id": "r", "timestamp": "2026-01-01T00:00:00+00:00",
            "resource_metadata": {"a": 1}, "message_id": "m",
        }));
        let (plain, message) = (plain.unwrap(), message.unwrap());
        let same = |sample: &Sample| (sample.name.clone(), sample.timestamp, sample.volume);
        assert_eq!(same(&plain), same(&message));
        assert_eq!(plain.timestamp, Timestamp(1_767_225_600_000_000_000));
        assert_eq!(message.fields["type"], "cumulative");
        assert_eq!(
            (plain.user_id, plain.project_id.as_deref()),
            (None, Some("p"))
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let good = json!({"name": "m", "resource_id": "r", "volume": 1, "timestamp": "2026-01-01T00:00:00"});
        assert!(read(good.clone()).is_ok());
        for (field, value, expected) in [
            ("name", Value::Null, "name: expected a text, found none"),
            ("name", json!(3), "name: expected a text, found a number"),
            (
                "resource_id",
                Value::Null,
                "sample of m: resource_id: expected a text, found none",
            ),
            (
                "project_id",
                json!([]),
                "sample of m: project_id: expected a text, found a list",
            ),
            (
                "volume",
                Value::Null,
                "sample of m: volume: expected a number, found null",
            ),
            (
                "volume",
                json!("x"),
                "sample of m: volume: expected a number, found a text",
            ),
            (
                "timestamp",
                json!("soon"),
                "sample of m: timestamp: Unable to convert timestamps",
            ),
            (
                "timestamp",
                Value::Null,
                "sample of m: timestamp: expected ISO 8601",
            ),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert_eq!(read(bad).unwrap_err(), expected);
        }
        let mut nan = good;
        nan["volume"] = json!("NaN");
        assert!(read(nan).unwrap().volume.is_nan());
    }
}
