//! An event as Ceilometer sends it: its type, and traits as lists of name, kind and value.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An event.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) event_type: String,
    /// Values by name; of two of one name the last.
    pub(super) traits: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Raw {
    event_type: String,
    traits: Vec<(String, Value, Value)>,
}

/// Whether an item is meant as an event; all others are samples.
pub(super) fn is_event(item: &Value) -> bool {
    item.get("event_type").is_some()
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub(super) fn read(item: Value) -> Result<Self, String> {
        let raw: Raw = serde_json::from_value(item).map_err(|error| format!("event: {error}"))?;
        let traits = raw.traits.into_iter();
        Ok(Self {
            event_type: raw.event_type,
            traits: traits.map(|(name, _, value)| (name, value)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn traits_are_values_by_name() {
        let event = json!({
            "message_id": "m", "event_type": "image.delete", "generated": "2026-01-01T00:00:00", "raw": {},
            "traits": [["resource_id", 1, "i"], ["size", 2, 5]],
        });
        assert!(is_event(&event));
        let read = Event::read(event).unwrap();
        assert_eq!(read.event_type, "image.delete");
        assert_eq!(
            Value::Object(read.traits),
            json!({"resource_id": "i", "size": 5})
        );
        let none = Event::read(json!({"event_type": "image.delete"})).unwrap_err();
        assert_eq!(none, "event: missing field `traits`");
        assert!(!is_event(&json!({"name": "cpu"})));
    }
}
