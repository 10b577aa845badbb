//! Reads operations from the lists of a request or from their text form, and refuses what is none in Gnocchi's words.

use serde_json::Value;

use super::functions::{find_binary, find_unary};
use super::text::{self, TextError};
use super::{MAX_DEPTH, Method, Operation, Reference};
use crate::Granularity;

/// Why a value is no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A text that cannot be taken apart.
    #[error(transparent)]
    Text(#[from] TextError),
    /// More operations in operations than are read.
    #[error("operations are nested deeper than {0} levels")]
    TooDeep(usize),
    /// Lists that mean nothing.
    #[error("{reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
        /// The argument of `metric` that is meant, counted from 0.
        argument: Option<usize>,
    },
}

/// The same within a list: why it is no operation at all, or what its metrics are not.
enum Refusal {
    Shallow,
    TooDeep,
    Deep {
        reason: &'static str,
        argument: usize,
    },
}

impl Operation {
    /// Reads nested lists, or a text, at most [`MAX_DEPTH`] levels deep.
    ///
    /// # Errors
    /// [`ReadError`] in Gnocchi's words.
    pub fn read(value: &Value) -> Result<Self, ReadError> {
        Self::read_within(value, MAX_DEPTH)
    }

    /// The same with another bound of the depth.
    ///
    /// # Errors
    /// [`ReadError`] in Gnocchi's words.
    pub fn read_within(value: &Value, most_depth: usize) -> Result<Self, ReadError> {
        match value {
            Value::String(text) => Self::read_lists(&text::parse(text, most_depth)?, most_depth),
            lists => Self::read_lists(lists, most_depth),
        }
    }

    fn read_lists(value: &Value, most_depth: usize) -> Result<Self, ReadError> {
        let invalid = |reason: String| ReadError::Invalid {
            reason,
            argument: None,
        };
        let Value::Array(items) = value else {
            let name = python_type(value);
            return Err(invalid(format!(
                "Expected a tuple/list, got a <class '{name}'>"
            )));
        };
        let head = match items.as_slice() {
            [] => return Err(invalid("Operation must not be empty".to_owned())),
            [_] => return Err(invalid("Operation need at least one argument".to_owned())),
            [head, ..] => head,
        };
        list(items, most_depth).map_err(|refusal| match refusal {
            Refusal::TooDeep => ReadError::TooDeep(most_depth),
            Refusal::Deep { reason, argument } => ReadError::Invalid {
                reason: reason.to_owned(),
                argument: Some(argument),
            },
            Refusal::Shallow => invalid(format!("'{}' operation invalid", python_text(head))),
        })
    }
}

/// An operation of so many levels at most.
fn list(items: &[Value], levels: usize) -> Result<Operation, Refusal> {
    let inner = levels.checked_sub(1).ok_or(Refusal::TooDeep)?;
    let Some((Value::String(name), arguments)) = items.split_first() else {
        return Err(Refusal::Shallow);
    };
    let node = |value: &Value| node(value, inner);
    let boxed = |value: &Value| node(value).map(Box::new);
    let method = |value: &Value| value.as_str().and_then(Method::of).ok_or(Refusal::Shallow);
    match (name.as_str(), arguments) {
        ("metric", [_, ..]) => metrics(arguments).map(Operation::Metric),
        ("clip", [value, least]) => Ok(Operation::Clip {
            value_and_least: Box::new([node(value)?, node(least)?]),
            most: None,
        }),
        ("clip", [value, least, most]) => Ok(Operation::Clip {
            value_and_least: Box::new([node(value)?, node(least)?]),
            most: Some(boxed(most)?),
        }),
        ("rateofchange", [operand]) => Ok(Operation::RateOfChange {
            per_second: false,
            operand: boxed(operand)?,
        }),
        ("rateofchangesec", [operand]) => Ok(Operation::RateOfChange {
            per_second: true,
            operand: boxed(operand)?,
        }),
        ("aggregate", [how, operand]) => Ok(Operation::Aggregate(method(how)?, boxed(operand)?)),
        ("resample", [how, sampling, operand]) => {
            let (how, sampling) = (method(how)?, granularity(sampling)?);
            Ok(Operation::Resample(how, sampling, boxed(operand)?))
        }
        ("rolling", [how, window, operand]) => {
            let (how, window) = (method(how)?, whole(window)?);
            Ok(Operation::Rolling(how, window, boxed(operand)?))
        }
        (name, [operand]) => {
            let function = find_unary(name).ok_or(Refusal::Shallow)?;
            Ok(Operation::Unary(function, boxed(operand)?))
        }
        (name, [left, right]) => {
            let function = find_binary(name).ok_or(Refusal::Shallow)?;
            let operands = Box::new([node(left)?, node(right)?]);
            Ok(Operation::Binary(function, operands))
        }
        _ => Err(Refusal::Shallow),
    }
}

/// An operand: an operation, or a number in any of the forms that Python's `float` takes.
fn node(value: &Value, levels: usize) -> Result<Operation, Refusal> {
    let number = match value {
        Value::Array(items) => return list(items, levels),
        Value::Number(number) => number.as_f64(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Operation::Number).ok_or(Refusal::Shallow)
}

/// `x mean`, or `[x, mean]` once or more.
fn metrics(arguments: &[Value]) -> Result<Vec<Reference>, Refusal> {
    if let [Value::String(name), Value::String(aggregation)] = arguments {
        return Ok(vec![Reference {
            name: name.clone(),
            aggregation: aggregation.clone(),
        }]);
    }
    let pair = |(argument, value): (usize, &Value)| match value.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::String(aggregation)]) => Ok(Reference {
            name: name.clone(),
            aggregation: aggregation.clone(),
        }),
        Some([_, _]) => Err(Refusal::Deep {
            reason: "expected str",
            argument,
        }),
        _ => Err(Refusal::Deep {
            reason: "expected a metric and an aggregation",
            argument,
        }),
    };
    arguments.iter().enumerate().map(pair).collect()
}

fn granularity(value: &Value) -> Result<Granularity, Refusal> {
    let granularity = match value {
        Value::Number(number) => number
            .as_f64()
            .and_then(|seconds| Granularity::from_seconds(seconds).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    granularity.ok_or(Refusal::Shallow)
}

/// A window of at least one point; a fraction is cut.
fn whole(value: &Value) -> Result<usize, Refusal> {
    let window = match value {
        Value::Number(number) => number
            .as_f64()
            .filter(|window| (1.0..1e15).contains(window))
            .map(|window| window as usize),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    window.filter(|window| *window > 0).ok_or(Refusal::Shallow)
}

/// Name of a value's type in Python.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// A value in a text of Python.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
