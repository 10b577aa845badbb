//! The search language: what a search or a list filters by. How it becomes SQL is in `compile`, which fields there are
//! in `fields`; its textual form is the server's.

use serde_json::Value;

use crate::IndexError;

pub(crate) mod compile;
mod creator;
pub(crate) mod fields;

/// Deepest nesting of a filter read from JSON.
pub const MAX_FILTER_DEPTH: usize = 64;

/// A condition on a resource or a metric, with SQL's three-valued logic: what is compared with null is unknown, unless
/// it is compared for equality, and what is unknown is not found, negated or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these; of none it is true.
    And(Vec<Filter>),
    /// One of these; of none it is false.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A field compared with a value.
    Compare {
        /// The field, such as `project_id`.
        field: String,
        /// How.
        operator: Operator,
        /// The value; text and numbers are read as what the field is. Null can be equal or not.
        value: Value,
    },
    /// A field that has one of these values.
    In {
        /// The field.
        field: String,
        /// The values; of none it is false.
        values: Vec<Value>,
    },
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Eq,
    /// `!=`; also true where the field is null and the value is not.
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `like`: `%` stands for any text, `_` for one character, a backslash takes the meaning of the next character;
    /// case counts. Only for fields that are text.
    Like,
}

impl Operator {
    /// Names in Gnocchi's search language.
    const NAMES: [(&'static str, Self); 17] = [
        ("=", Self::Eq),
        ("==", Self::Eq),
        ("eq", Self::Eq),
        ("!=", Self::Ne),
        ("≠", Self::Ne),
        ("ne", Self::Ne),
        ("<", Self::Lt),
        ("lt", Self::Lt),
        ("<=", Self::Le),
        ("≤", Self::Le),
        ("le", Self::Le),
        (">", Self::Gt),
        ("gt", Self::Gt),
        (">=", Self::Ge),
        ("≥", Self::Ge),
        ("ge", Self::Ge),
        ("like", Self::Like),
    ];

    /// The operator of a name, such as `=` or `like`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let named = Self::NAMES.iter().find(|(known, _)| *known == name);
        named.map(|(_, operator)| *operator)
    }
}

impl Filter {
    /// A comparison.
    pub fn compare(field: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        Self::Compare {
            field: field.into(),
            operator,
            value: value.into(),
        }
    }

    /// A field that has this value.
    pub fn eq(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::compare(field, Operator::Eq, value)
    }

    /// A field that has one of these values.
    pub fn one_of<V: Into<Value>>(
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::In {
            field: field.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// Reads the JSON form of a search's body, such as `{"and": [{"=": {"host": "a"}}, {"like": {"name": "b%"}}]}`.
    ///
    /// # Errors
    /// [`IndexError::InvalidFilter`], [`IndexError::FilterOperator`], or [`IndexError::FilterTooLarge`] where it is
    /// nested deeper than [`MAX_FILTER_DEPTH`].
    pub fn from_json(json: &Value) -> Result<Self, IndexError> {
        Self::read(json, 0)
    }

    fn read(json: &Value, depth: usize) -> Result<Self, IndexError> {
        if depth > MAX_FILTER_DEPTH {
            return Err(IndexError::FilterTooLarge {
                limit: MAX_FILTER_DEPTH,
                of: "levels",
            });
        }
        let (name, operand) = only_entry(json)?;
        let all = |list: &Value| -> Result<Vec<Self>, IndexError> {
            let list = list.as_array().ok_or(IndexError::InvalidFilter)?;
            list.iter()
                .map(|part| Self::read(part, depth + 1))
                .collect()
        };
        match name {
            "and" | "∧" => all(operand).map(Self::And),
            "or" | "∨" => all(operand).map(Self::Or),
            "not" => Ok(Self::Not(Box::new(Self::read(operand, depth + 1)?))),
            "in" => {
                let (field, values) = only_entry(operand)?;
                let values = values.as_array().ok_or(IndexError::InvalidFilter)?;
                Ok(Self::one_of(field, values.iter().cloned()))
            }
            other => {
                let operator = Operator::of(other)
                    .ok_or_else(|| IndexError::FilterOperator(other.to_owned()))?;
                let (field, value) = only_entry(operand)?;
                Ok(Self::compare(field, operator, value.clone()))
            }
        }
    }
}

fn only_entry(json: &Value) -> Result<(&str, &Value), IndexError> {
    let object = json.as_object().filter(|object| object.len() == 1);
    let (key, value) = object
        .and_then(|object| object.iter().next())
        .ok_or(IndexError::InvalidFilter)?;
    Ok((key, value))
}
