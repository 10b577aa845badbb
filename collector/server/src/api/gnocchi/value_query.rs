//! Conditions on the value of a point, `{"and": [{">=": 12}, {"=": [{"%": 2}, 0]}]}`: read from a search's body in the
//! words that clients know, and applied to values.

use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::filter::too_deep;
use super::schema::Node;

/// A condition, or an operand of one: true is what is not zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueQuery {
    /// All of these; of none it is true.
    All(Vec<ValueQuery>),
    /// One of these.
    Any(Vec<ValueQuery>),
    /// Two operands put together.
    Two(Symbol, Box<[ValueQuery; 2]>),
    /// The point's value.
    Value,
    /// A number.
    Number(f64),
}

/// How two operands are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Eq,
    Lt,
    Gt,
    Le,
    Ge,
    Ne,
    Mod,
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

impl Symbol {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "=" | "==" | "eq" => Self::Eq,
            "<" | "lt" => Self::Lt,
            ">" | "gt" => Self::Gt,
            "<=" | "≤" | "le" => Self::Le,
            ">=" | "≥" | "ge" => Self::Ge,
            "!=" | "≠" | "ne" => Self::Ne,
            "%" | "mod" => Self::Mod,
            "+" | "add" => Self::Add,
            "-" | "sub" => Self::Sub,
            "*" | "×" | "mul" => Self::Mul,
            "/" | "÷" | "div" => Self::Div,
            "**" | "^" | "pow" => Self::Pow,
            _ => return None,
        })
    }

    #[expect(clippy::float_cmp, reason = "equality is what was asked for")]
    fn apply(self, left: f64, right: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Eq => truth(left == right),
            Self::Lt => truth(left < right),
            Self::Gt => truth(left > right),
            Self::Le => truth(left <= right),
            Self::Ge => truth(left >= right),
            Self::Ne => truth(left != right),
            Self::Mod => match left % right {
                // With the divisor's sign, as Python's.
                rest if rest != 0.0 && (rest < 0.0) != (right < 0.0) => rest + right,
                rest => rest,
            },
            Self::Add => left + right,
            Self::Sub => left - right,
            Self::Mul => left * right,
            Self::Div => left / right,
            Self::Pow => left.powf(right),
        }
    }
}

impl ValueQuery {
    /// Reads a body of so many levels at most.
    pub(super) fn read(body: &Value, most_depth: usize) -> ApiResult<Self> {
        let levels = Levels {
            most: most_depth,
            left: most_depth,
        };
        condition(&Node::root(body), levels)
    }

    /// Whether a value fulfils it.
    pub(super) fn holds(&self, value: f64) -> bool {
        self.of(value) != 0.0
    }

    fn of(&self, value: f64) -> f64 {
        match self {
            Self::All(parts) => f64::from(u8::from(parts.iter().all(|part| part.holds(value)))),
            Self::Any(parts) => f64::from(u8::from(parts.iter().any(|part| part.holds(value)))),
            Self::Two(symbol, operands) => {
                let [left, right] = &**operands;
                symbol.apply(left.of(value), right.of(value))
            }
            Self::Value => value,
            Self::Number(number) => *number,
        }
    }
}

/// Levels that a condition may have.
#[derive(Debug, Clone, Copy)]
struct Levels {
    most: usize,
    left: usize,
}

impl Levels {
    fn deeper(self) -> Self {
        Self {
            left: self.left.saturating_sub(1),
            ..self
        }
    }
}

fn condition(node: &Node<'_>, levels: Levels) -> ApiResult<ValueQuery> {
    let (name, operand) = only_field(node, levels)?;
    let parts = |operand: &Node<'_>| -> ApiResult<Vec<ValueQuery>> {
        let items = operand.items().map_err(|_| node.extra_key(name))?;
        items
            .map(|item| condition(&item, levels.deeper()))
            .collect()
    };
    match name {
        "and" | "∧" => parts(&operand).map(ValueQuery::All),
        "or" | "∨" => parts(&operand).map(ValueQuery::Any),
        "not" => {
            parts(&operand)?;
            Err(ApiError::bad_request("Unknown operator not"))
        }
        _ => operation(node, name, &operand, levels),
    }
}

fn operation(
    node: &Node<'_>,
    name: &str,
    operand: &Node<'_>,
    levels: Levels,
) -> ApiResult<ValueQuery> {
    let symbol = Symbol::of(name).ok_or_else(|| node.extra_key(name))?;
    if let Some(number) = number(operand.value) {
        let operands = [ValueQuery::Value, ValueQuery::Number(number)];
        return Ok(ValueQuery::Two(symbol, Box::new(operands)));
    }
    let refuse = || operand.invalid("expected float");
    let mut items = operand.items().map_err(|_| refuse())?;
    let (Some(left), Some(right), None) = (items.next(), items.next(), items.next()) else {
        return Err(refuse());
    };
    let inner = |item: &Node<'_>| match number(item.value) {
        Some(number) => Ok(ValueQuery::Number(number)),
        None => {
            let (name, operand) = only_field(item, levels.deeper())?;
            operation(item, name, &operand, levels.deeper())
        }
    };
    let operands = Box::new([inner(&left)?, inner(&right)?]);
    Ok(ValueQuery::Two(symbol, operands))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        other => other.as_f64(),
    }
}

fn only_field<'v>(node: &Node<'v>, levels: Levels) -> ApiResult<(&'v str, Node<'v>)> {
    if levels.left == 0 {
        return Err(node.invalid(&too_deep(levels.most)));
    }
    let mut fields = node.fields()?;
    match (fields.next(), fields.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(node.invalid("length of value must be at least 1")),
        _ => Err(node.invalid("length of value must be at most 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_by_comparison_and_arithmetic() {
        for (body, value, expected) in [
            (json!({"=": 12}), 12.0, true),
            (json!({"≠": 12}), 12.0, false),
            (json!({"and": [{">": 1}, {"le": 3}]}), 3.0, true),
            (json!({"∨": [{"<": 1}, {">": 3}]}), 2.0, false),
            (json!({"and": []}), 5.0, true),
            (json!({"or": []}), 5.0, false),
            (json!({"=": [{"%": 3}, 2]}), -1.0, true),
            (json!({"<": [{"**": 2}, {"+": [{"*": 2}, 1]}]}), 2.0, true),
            (json!({"-": 2}), 2.0, false),
            (json!({"gt": true}), 2.0, true),
        ] {
            let query = ValueQuery::read(&body, 32).unwrap();
            assert_eq!(query.holds(value), expected, "{body} of {value}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_where_it_is_none() {
        for (body, reason) in [
            (json!({}), "length of value must be at least 1"),
            (json!({"=": 1, "<": 2}), "length of value must be at most 1"),
            (json!({"a": 1}), "extra keys not allowed @ data['a']"),
            (json!({"and": {}}), "extra keys not allowed @ data['and']"),
            (
                json!({"=": "x"}),
                "expected float for dictionary value @ data['=']",
            ),
            (
                json!({"=": [1]}),
                "expected float for dictionary value @ data['=']",
            ),
            (
                json!({"=": [{"%": 2}, {"x": 0}]}),
                "extra keys not allowed @ data['='][1]['x']",
            ),
            (
                json!({"or": [{"foo": 1}]}),
                "extra keys not allowed @ data['or'][0]['foo']",
            ),
        ] {
            let error = ValueQuery::read(&body, 32).unwrap_err();
            assert_eq!(error.detail["reason"], reason, "{body}");
        }
        let error = ValueQuery::read(&json!({"not": [{"=": 1}]}), 32).unwrap_err();
        assert_eq!(error.detail, "Unknown operator not");
    }

    #[test]
    fn nesting_is_limited() {
        let mut body = json!({"=": 1});
        for _ in 0..40 {
            body = json!({"and": [body]});
        }
        let error = ValueQuery::read(&body, 32).unwrap_err();
        let reason = error.detail["reason"].as_str().unwrap();
        assert!(reason.starts_with("filter is nested deeper than 32 levels"));
    }
}
