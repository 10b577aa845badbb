//! Attributes of a resource against its type: which there must be, what values they take, and what a change changes.

use collector_model::Timestamp;
use serde_json::{Map, Value};

use crate::{IndexError, ResourceType};

/// Whether required attributes may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Required {
    /// All must be there.
    Demand,
    /// Those that are not given stay as they are.
    Leave,
}

/// Brings attributes into the form in which they are kept; a null is one that is to be removed.
pub(crate) fn attributes(
    resource_type: &ResourceType,
    given: &Map<String, Value>,
    required: Required,
    now: Timestamp,
) -> Result<Map<String, Value>, IndexError> {
    let refuse = |name: &str, value: &Value, reason: String| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => "None".to_owned(),
            other => other.to_string(),
        };
        IndexError::ResourceValue {
            resource_type: resource_type.name.clone(),
            attribute: name.to_owned(),
            value,
            reason,
        }
    };
    let mut checked = Map::new();
    for (name, value) in given {
        let attribute =
            resource_type
                .attributes
                .get(name)
                .ok_or_else(|| IndexError::ResourceAttribute {
                    resource_type: resource_type.name.clone(),
                    attribute: name.clone(),
                })?;
        let value = match value {
            Value::Null if attribute.required => {
                return Err(refuse(name, value, "it is required".to_owned()));
            }
            Value::Null => Value::Null,
            _ => attribute
                .kind
                .normalise(value, now)
                .map_err(|error| refuse(name, value, error.to_string()))?,
        };
        checked.insert(name.clone(), value);
    }
    if required == Required::Demand {
        let missing = resource_type
            .attributes
            .iter()
            .find(|(name, attribute)| attribute.required && !checked.contains_key(*name));
        if let Some((name, _)) = missing {
            return Err(refuse(name, &Value::Null, "it is required".to_owned()));
        }
    }
    Ok(checked)
}

/// Applies checked attributes; gives whether that changed anything.
pub(crate) fn merge(kept: &mut Map<String, Value>, checked: &Map<String, Value>) -> bool {
    let mut changed = false;
    for (name, value) in checked {
        let before = kept.get(name).unwrap_or(&Value::Null);
        if same(before, value) {
            continue;
        }
        changed = true;
        if value.is_null() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    changed
}

/// Equal, also where one number is written 1 and the other 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Sets a field; gives whether that changed anything.
pub(crate) fn set<T: PartialEq>(field: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) if value != *field => {
            *field = value;
            true
        }
        _ => false,
    }
}
