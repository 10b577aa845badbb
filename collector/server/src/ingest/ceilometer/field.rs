//! Where a field of a sample comes from in a notification, by the forms that Ceilometer's definitions of meters have:
//! a number, an expression, the first of several, the time between two moments.

use std::borrow::Cow;

use collector_model::{Timestamp, TimestampInput};
use serde::Deserialize;
use serde_json::{Value, json};

use super::expression::Expression;
use super::file::Patterns;

/// Where a field's value comes from.
#[derive(Debug)]
pub(super) enum Field {
    /// The first that has one.
    Either(Vec<Expression>),
    /// The seconds between two moments.
    Timedelta(Vec<Expression>),
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, a path, a list of paths, or an object of `fields` and `plugin`"
)]
pub(super) enum RawField {
    Constant(i64),
    One(String),
    Several(Vec<String>),
    Object(RawPlugin),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlugin {
    fields: Patterns,
    plugin: Option<String>,
}

impl RawField {
    pub(super) fn read(self) -> Result<Field, String> {
        let parse = |texts: Vec<String>| {
            let texts = texts.iter().map(|text| Expression::parse(text));
            texts.collect::<Result<Vec<_>, _>>()
        };
        match self {
            Self::Constant(number) => Ok(Field::constant(number.into())),
            Self::One(text) => Ok(Field::Either(parse(vec![text])?)),
            Self::Several(texts) => Ok(Field::Either(parse(texts)?)),
            Self::Object(RawPlugin { fields, plugin }) => {
                let fields = parse(fields.list())?;
                match plugin.as_deref() {
                    None => Ok(Field::Either(fields)),
                    Some("timedelta") if fields.len() == 2 => Ok(Field::Timedelta(fields)),
                    Some("timedelta") => Err("timedelta: expected two fields".to_owned()),
                    Some(other) => Err(format!("plugin: expected timedelta, found {other}")),
                }
            }
        }
    }
}

/// Names and units are texts, and only what cannot be one is an expression.
pub(super) fn literal_or_path(text: String) -> Result<Field, String> {
    match text.starts_with(['$', '\'', '"']) {
        true => RawField::One(text).read(),
        false => Ok(Field::constant(text.into())),
    }
}

impl Field {
    fn constant(value: Value) -> Self {
        Self::Either(vec![Expression::Constant(value)])
    }

    pub(super) fn find(&self, body: &Value) -> Option<Value> {
        match self {
            Self::Either(expressions) => expressions.iter().find_map(|one| one.find(body)),
            Self::Timedelta(moments) => {
                let mut moments = moments.iter().map(|one| {
                    let text = one.find(body)?;
                    let input = TimestampInput::Text(Cow::Borrowed(text.as_str()?));
                    let read = Timestamp::parse_all([&input], Timestamp(0)).ok()?;
                    read.first().copied()
                });
                let (from, to) = (moments.next()??, moments.next()??);
                Some(json!(from.0.abs_diff(to.0) as f64 / 1e9))
            }
        }
    }

    pub(super) fn find_all(&self, body: &Value) -> Vec<Value> {
        match self {
            Self::Either(expressions) => {
                let found = expressions.iter().flat_map(|one| one.find_all(body));
                found.map(Cow::into_owned).collect()
            }
            Self::Timedelta(_) => self.find(body).into_iter().collect(),
        }
    }
}
