//! The operations of an aggregate, `(+ (metric cpu mean) 2)`: what they are made of and how they are printed. Texts are
//! taken apart in `text`, lists are checked in `read`; what comes out for points of metrics is in `evaluate`.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::Granularity;

mod evaluate;
mod functions;
mod method;
mod reach;
mod read;
mod series;
mod text;

pub use evaluate::{EvaluateError, Evaluated, Limits, evaluate};
pub use functions::Function;
pub use method::Method;
pub use reach::Reach;
pub use read::ReadError;
pub use series::{aggregate, resample};
pub use text::TextError;

/// Deepest nesting of operations that is read where nothing else is said.
pub const MAX_DEPTH: usize = 64;

/// A metric and an aggregation of it, as a request names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// A metric's id, or the name of metrics of resources with wildcards.
    pub name: String,
    /// Name of the aggregation method, not checked.
    pub aggregation: String,
}

/// What is computed. Every operation works on all series of its operand.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// The series of these references.
    Metric(Vec<Reference>),
    /// A number.
    Number(f64),
    /// A function of every value, such as `abs`.
    Unary(&'static Function<fn(f64) -> f64>, Box<Operation>),
    /// A function of two operands' values, such as `+`.
    Binary(&'static Function<fn(f64, f64) -> f64>, Box<[Operation; 2]>),
    /// Values held between bounds.
    Clip {
        /// Operand and lower bound.
        value_and_least: Box<[Operation; 2]>,
        /// Upper bound.
        most: Option<Box<Operation>>,
    },
    /// Differences of consecutive values, maybe by the seconds between them.
    RateOfChange {
        /// Whether for a second (`rateofchangesec`).
        per_second: bool,
        /// What changes.
        operand: Box<Operation>,
    },
    /// One series out of all.
    Aggregate(Method, Box<Operation>),
    /// Points put together into longer windows.
    Resample(Method, Granularity, Box<Operation>),
    /// Each value with so many before it put together.
    Rolling(Method, usize, Box<Operation>),
}

impl Operation {
    /// What the operations refer to, each once, in the order in which it comes first.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        self.collect(&mut |reference| {
            if seen.insert(reference.clone()) {
                found.push(reference.clone());
            }
        });
        found
    }

    fn collect(&self, found: &mut impl FnMut(&Reference)) {
        match self {
            Self::Metric(references) => references.iter().for_each(found),
            Self::Number(_) => {}
            Self::Binary(_, operands) => operands.iter().for_each(|one| one.collect(found)),
            Self::Clip {
                value_and_least,
                most,
            } => {
                value_and_least.iter().for_each(|one| one.collect(found));
                most.iter().for_each(|one| one.collect(found));
            }
            Self::Unary(_, operand)
            | Self::RateOfChange { operand, .. }
            | Self::Aggregate(_, operand)
            | Self::Resample(_, _, operand)
            | Self::Rolling(_, _, operand) => operand.collect(found),
        }
    }

    /// As the nested lists that a request has.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let pair = |reference: &Reference| json!([reference.name, reference.aggregation]);
        match self {
            Self::Metric(references) => match references.as_slice() {
                [one] => json!(["metric", one.name, one.aggregation]),
                many => {
                    let pairs = many.iter().map(pair);
                    std::iter::once(json!("metric")).chain(pairs).collect()
                }
            },
            Self::Number(number) => json!(number),
            Self::Unary(function, operand) => json!([function.name(), operand.to_value()]),
            Self::Binary(function, operands) => {
                let [left, right] = &**operands;
                json!([function.name(), left.to_value(), right.to_value()])
            }
            Self::Clip {
                value_and_least,
                most,
            } => {
                let [value, least] = &**value_and_least;
                match most {
                    Some(most) => {
                        json!(["clip", value.to_value(), least.to_value(), most.to_value()])
                    }
                    None => json!(["clip", value.to_value(), least.to_value()]),
                }
            }
            Self::RateOfChange {
                per_second: false,
                operand,
            } => json!(["rateofchange", operand.to_value()]),
            Self::RateOfChange {
                per_second: true,
                operand,
            } => json!(["rateofchangesec", operand.to_value()]),
            Self::Aggregate(method, operand) => {
                json!(["aggregate", method.name(), operand.to_value()])
            }
            Self::Resample(method, granularity, operand) => {
                json!([
                    "resample",
                    method.name(),
                    granularity.seconds(),
                    operand.to_value()
                ])
            }
            Self::Rolling(method, window, operand) => {
                json!(["rolling", method.name(), window, operand.to_value()])
            }
        }
    }
}

impl fmt::Display for Operation {
    /// As Python prints the nested lists.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_python(&self.to_value(), f)
    }
}

fn write_python(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => write!(f, "'{text}'"),
        Value::Array(items) => {
            f.write_char('[')?;
            for (at, item) in items.iter().enumerate() {
                f.write_str(if at > 0 { ", " } else { "" })?;
                write_python(item, f)?;
            }
            f.write_char(']')
        }
        other => write!(f, "{other}"),
    }
}

#[cfg(test)]
mod tests;
