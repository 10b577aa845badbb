//! Which fields a filter or a sort key can name, what SQL they are, and how a value is read as what a field is.

use collector_model::{AttributeType, Timespan, Timestamp, TimestampInput, parse_uuid};
use serde_json::Value;

use crate::db::{Bound, DbRow, Dialect};
use crate::resource_type::GENERIC;
use crate::sql::{AttributeForm, is_attribute_name, to_micros};
use crate::{IndexError, ResourceType};

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Uuid,
    /// A UUID with hyphens.
    UuidText,
    Text,
    /// Nanoseconds since the epoch.
    Time,
    /// A moment as the model prints it, which sorts as it passes.
    TimeText,
    /// Nanoseconds.
    Span,
    Integer,
    Real,
    Bool,
    /// The part of the creator before its colon.
    CreatorUser,
    /// The part of the creator after its colon.
    CreatorProject,
}

/// A field in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The expression.
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

/// What fields there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fields<'a> {
    /// Of the resources `r` of a type.
    Resource {
        resource_type: &'a ResourceType,
        /// Whether `r` has former revisions too.
        history: bool,
        dialect: Dialect,
    },
    /// Of the metrics `m`, and of their resources `r`.
    Metric {
        generic: &'a ResourceType,
        dialect: Dialect,
    },
}

/// Prefix of a metric's resource's fields.
const RESOURCE: &str = "resource.";

impl Fields<'_> {
    /// The field of a name.
    pub(crate) fn column(&self, name: &str) -> Result<Column, IndexError> {
        let (found, owner) = match *self {
            Self::Resource {
                resource_type,
                history,
                dialect,
            } => (
                resource_column(resource_type, history, dialect, name),
                &resource_type.name,
            ),
            Self::Metric { generic, dialect } => match name.strip_prefix(RESOURCE) {
                Some(field) => (
                    // Where there is no resource every field of it is null.
                    resource_column(generic, false, dialect, field).map(|column| Column {
                        nullable: true,
                        ..column
                    }),
                    &generic.name,
                ),
                None => (metric_column(name), &generic.name),
            },
        };
        found.ok_or_else(|| IndexError::ResourceAttribute {
            resource_type: owner.clone(),
            attribute: name.to_owned(),
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match *self {
            Self::Resource { dialect, .. } | Self::Metric { dialect, .. } => dialect,
        }
    }

    /// The fields that tell one entry from all others.
    pub(crate) fn unique(&self) -> &'static [&'static str] {
        match self {
            Self::Resource { history: true, .. } => &["id", "revision"],
            _ => &["id"],
        }
    }
}

/// Whether a filter's field is one of a metric's resource.
pub(crate) fn is_of_resource(field: &str) -> bool {
    field.starts_with(RESOURCE)
}

fn column(sql: impl Into<String>, kind: Kind, nullable: bool) -> Option<Column> {
    Some(Column {
        sql: sql.into(),
        kind,
        nullable,
    })
}

fn resource_column(
    resource_type: &ResourceType,
    history: bool,
    dialect: Dialect,
    name: &str,
) -> Option<Column> {
    match name {
        "id" => column("r.id", Kind::Uuid, false),
        "original_resource_id" => column("r.original_resource_id", Kind::Text, false),
        "type" => column("r.type", Kind::Text, false),
        "creator" => column("r.creator", Kind::Text, true),
        "created_by_user_id" => column("r.creator", Kind::CreatorUser, true),
        "created_by_project_id" => column("r.creator", Kind::CreatorProject, true),
        "project_id" => column("r.project_id", Kind::Text, true),
        "user_id" => column("r.user_id", Kind::Text, true),
        "started_at" => column("r.started_at", Kind::Time, false),
        "ended_at" => column("r.ended_at", Kind::Time, true),
        "lifespan" => column("(r.ended_at - r.started_at)", Kind::Span, true),
        "revision_start" => column("r.revision_start", Kind::Time, false),
        "revision_end" if history => column("r.revision_end", Kind::Time, true),
        "revision_end" => column("CAST(NULL AS BIGINT)", Kind::Time, true),
        "revision" if history => column("r.revision", Kind::Integer, false),
        _ if resource_type.name == GENERIC || !is_attribute_name(name) => None,
        _ => {
            let kind = match resource_type.attributes.get(name)?.kind {
                AttributeType::String { .. } => Kind::Text,
                AttributeType::Uuid => Kind::UuidText,
                AttributeType::Number { .. } => Kind::Real,
                AttributeType::Bool => Kind::Bool,
                AttributeType::Datetime => Kind::TimeText,
            };
            let form = match kind {
                Kind::Real => AttributeForm::Real,
                Kind::Bool => AttributeForm::Bool,
                _ => AttributeForm::Text,
            };
            column(dialect.attribute("r.attributes", name, form), kind, true)
        }
    }
}

fn metric_column(name: &str) -> Option<Column> {
    match name {
        "id" => column("m.id", Kind::Uuid, false),
        "archive_policy_name" => column("m.archive_policy_name", Kind::Text, false),
        "creator" => column("m.creator", Kind::Text, true),
        "created_by_user_id" => column("m.creator", Kind::CreatorUser, true),
        "created_by_project_id" => column("m.creator", Kind::CreatorProject, true),
        "name" => column("m.name", Kind::Text, true),
        "resource_id" => column("m.resource_id", Kind::Uuid, true),
        "status" => column("m.status", Kind::Text, false),
        "unit" => column("m.unit", Kind::Text, true),
        _ => None,
    }
}

impl Kind {
    /// Reads a filter's value as what the field is; `None` where it cannot be.
    pub(crate) fn value(self, value: &Value, now: Timestamp) -> Option<Bound> {
        if value.is_null() {
            return Some(Bound::Null);
        }
        Some(match self {
            Self::Uuid => Bound::from(parse_uuid(value.as_str()?)?),
            Self::UuidText => Bound::from(parse_uuid(value.as_str()?)?.to_string()),
            Self::Text | Self::CreatorUser | Self::CreatorProject => Bound::from(text(value)?),
            Self::Time => Bound::from(time(value, now)?.0),
            Self::TimeText => Bound::from(time(value, now)?.to_string()),
            Self::Span => Bound::from(span(value)?.nanos()),
            Self::Integer => Bound::from(match value {
                Value::String(text) => text.parse().ok()?,
                other => other.as_i64()?,
            }),
            Self::Real => Bound::from(match value {
                Value::String(text) => text.trim().parse().ok()?,
                other => other.as_f64()?,
            }),
            Self::Bool => Bound::from(match value {
                Value::Bool(value) => i64::from(*value),
                other => other.as_i64().filter(|number| matches!(number, 0 | 1))?,
            }),
        })
    }

    /// Whether a text can be looked for in it.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::CreatorUser | Self::CreatorProject)
    }

    /// The value of this kind in a row.
    pub(crate) fn read(self, row: &DbRow, at: usize) -> Result<Bound, sqlx::Error> {
        // Unchecked: a number in SQLite's JSON is an integer or not, whatever the attribute is.
        let read = match self {
            Self::Uuid => row
                .try_get_unchecked::<Option<_>>(at)?
                .map(|id| Bound::Uuid(Some(id))),
            Self::Time | Self::Span | Self::Integer | Self::Bool => {
                let number = row.try_get_unchecked::<Option<_>>(at)?;
                number.map(|number| Bound::Integer(Some(number)))
            }
            Self::Real => row
                .try_get_unchecked::<Option<_>>(at)?
                .map(|real| Bound::Real(Some(real))),
            _ => row
                .try_get_unchecked::<Option<_>>(at)?
                .map(|text| Bound::Text(Some(text))),
        };
        Ok(read.unwrap_or(Bound::Null))
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        // As Python, whose words Gnocchi's clients know, writes them.
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        _ => None,
    }
}

fn time(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let input = match value {
        Value::String(text) => TimestampInput::Text(text.into()),
        other => TimestampInput::Seconds(other.as_f64()?),
    };
    let read = Timestamp::parse_all([&input], now).ok()?;
    read.first().copied().map(to_micros)
}

fn span(value: &Value) -> Option<Timespan> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => Timespan::from_seconds(other.as_f64()?).ok(),
    }
}
