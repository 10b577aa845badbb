//! Attributes of resource types: string, uuid, number, bool and datetime with their limits, as Gnocchi defines and
//! checks them. Resource types as a whole, and where attributes are kept, is the catalogue's.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::{Timestamp, TimestampInput, parse_uuid};

/// Longest string attribute that a client may define, in characters; also what is meant where none is said.
pub const MAX_STRING_LENGTH: u16 = 255;
/// Longest string attribute of all: Gnocchi's own type `prometheus` has longer ones.
const MAX_LENGTH: u16 = 512;
/// Longest attribute name, in bytes.
const MAX_NAME: usize = 63;
/// Names that every resource has already, or that the API uses.
const RESERVED: &[&str] = &[
    "created_by_project_id",
    "created_by_user_id",
    "creator",
    "ended_at",
    "get_metric",
    "id",
    "metrics",
    "project_id",
    "revision",
    "revision_end",
    "revision_start",
    "started_at",
    "type",
    "user_id",
];

/// One attribute of a resource type; its JSON is Gnocchi's, such as
/// `{"type": "string", "required": true, "min_length": 0, "max_length": 255}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// What values it takes.
    #[serde(flatten)]
    pub kind: AttributeType,
    /// Whether every resource of the type has it.
    #[serde(default = "required_unless_told")]
    pub required: bool,
}

/// The type of an attribute with its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AttributeType {
    /// Text of a length in characters between the limits, both included.
    String {
        /// Fewest characters.
        #[serde(default)]
        min_length: u16,
        /// Most characters, at least 1.
        #[serde(default = "longest")]
        max_length: u16,
    },
    /// A UUID in any of the forms of [`parse_uuid`].
    Uuid,
    /// A number between the limits, both included.
    Number {
        /// Smallest value, if any.
        #[serde(default)]
        min: Option<Number>,
        /// Largest value, if any.
        #[serde(default)]
        max: Option<Number>,
    },
    /// True or false.
    Bool,
    /// A moment in any of the forms of [`Timestamp`].
    Datetime,
}

/// Why an attribute's definition or value is refused, in Gnocchi's words; to a value's text the API adds where the
/// value stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// A name that is too long, reserved, or does not begin with an ASCII letter or digit.
    #[error("Resource attribute name {0} is invalid")]
    Name(String),
    /// A lower limit above the upper one.
    #[error(
        "Resource attribute value min (or min_length) {min} must be less  than or equal to max (or max_length) {max}!"
    )]
    Limits {
        /// The lower limit.
        min: String,
        /// The upper limit.
        max: String,
    },
    /// A value of another type, or outside the limits.
    #[error("{0}")]
    Value(String),
}

fn required_unless_told() -> bool {
    true
}

fn longest() -> u16 {
    MAX_STRING_LENGTH
}

impl Attribute {
    /// Checks a definition under the name that the resource type gives it.
    ///
    /// # Errors
    /// [`AttributeError`] for a bad name or contradicting limits.
    pub fn check(&self, name: &str) -> Result<(), AttributeError> {
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !starts_well || name.len() > MAX_NAME || RESERVED.contains(&name) {
            return Err(AttributeError::Name(name.to_owned()));
        }
        match &self.kind {
            AttributeType::String {
                min_length,
                max_length,
            } if *max_length < 1 => Err(AttributeError::Value(format!(
                "value must be at least 1, not {max_length} ({min_length})"
            ))),
            AttributeType::String {
                min_length,
                max_length,
            } if (*min_length).max(*max_length) > MAX_LENGTH => Err(AttributeError::Value(
                format!("value must be at most {MAX_LENGTH}"),
            )),
            AttributeType::String {
                min_length,
                max_length,
            } if min_length > max_length => Err(AttributeError::Limits {
                min: min_length.to_string(),
                max: max_length.to_string(),
            }),
            AttributeType::Number {
                min: Some(min),
                max: Some(max),
            } if min.as_f64() > max.as_f64() => Err(AttributeError::Limits {
                min: min.to_string(),
                max: max.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

impl AttributeType {
    /// Its name, as definitions have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::String { .. } => "string",
            Self::Uuid => "uuid",
            Self::Number { .. } => "number",
            Self::Bool => "bool",
            Self::Datetime => "datetime",
        }
    }

    /// Checks a value and gives it in the form in which it is kept and printed: UUIDs with hyphens, moments as
    /// [`Timestamp`] prints them. `now` is what relative moments start from.
    ///
    /// # Errors
    /// [`AttributeError::Value`], in Gnocchi's words where it has any.
    pub fn normalise(&self, value: &Value, now: Timestamp) -> Result<Value, AttributeError> {
        let refuse = |text: String| Err(AttributeError::Value(text));
        match (self, value) {
            (
                Self::String {
                    min_length,
                    max_length,
                },
                Value::String(text),
            ) => {
                let length = text.chars().count();
                if length < usize::from(*min_length) {
                    return refuse(format!("length of value must be at least {min_length}"));
                }
                if length > usize::from(*max_length) {
                    return refuse(format!("length of value must be at most {max_length}"));
                }
                Ok(value.clone())
            }
            (Self::Uuid, Value::String(text)) => match parse_uuid(text) {
                Some(id) => Ok(Value::String(id.to_string())),
                None => refuse("badly formed hexadecimal UUID string".to_owned()),
            },
            (Self::Number { min, max }, Value::Number(number)) => {
                if let Some(min) = min.as_ref().filter(|min| number.as_f64() < min.as_f64()) {
                    return refuse(format!("value must be at least {min}"));
                }
                if let Some(max) = max.as_ref().filter(|max| number.as_f64() > max.as_f64()) {
                    return refuse(format!("value must be at most {max}"));
                }
                Ok(value.clone())
            }
            (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::Datetime, Value::String(text)) => {
                Self::moment(TimestampInput::Text(text.into()), now)
            }
            (Self::Datetime, Value::Number(number)) => Self::moment(
                TimestampInput::Seconds(number.as_f64().unwrap_or(f64::NAN)),
                now,
            ),
            (Self::String { .. }, _) => refuse("expected str".to_owned()),
            (Self::Uuid, _) => refuse("expected a UUID string".to_owned()),
            (Self::Number { .. }, _) => refuse("expected Real".to_owned()),
            (Self::Bool, _) => refuse("expected bool".to_owned()),
            (Self::Datetime, _) => refuse("Unable to convert timestamps".to_owned()),
        }
    }

    fn moment(input: TimestampInput<'_>, now: Timestamp) -> Result<Value, AttributeError> {
        match Timestamp::parse_all([&input], now).as_deref() {
            Ok([timestamp]) => Ok(Value::String(timestamp.to_string())),
            Ok(_) => Err(AttributeError::Value(
                "Unable to convert timestamps".to_owned(),
            )),
            Err(error) => Err(AttributeError::Value(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
