//! Expressions in Ceilometer's definitions of meters: paths, texts and numbers, joined by `+ - * /`. As in Ceilometer's
//! parser, what cannot be computed has no value.

use std::borrow::Cow;

use serde_json::Value;

use super::path::{Parser, Path};

/// An expression that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// What a path finds.
    Path(Path),
    /// Always the same.
    Constant(Value),
    /// Two joined, value by value.
    Joined(Box<Expression>, char, Box<Expression>),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What was expected, with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser::new(text);
        let read = sum(&mut parser).and_then(|read| parser.end().map(|()| read));
        read.map_err(|expected| format!("expression {text:?}: expected {expected}"))
    }

    /// The first value that is not null.
    pub(super) fn find(&self, at: &Value) -> Option<Value> {
        let mut all = self.find_all(at).into_iter();
        all.find(|value| !value.is_null()).map(Cow::into_owned)
    }

    /// All values, null among them.
    pub(super) fn find_all<'v>(&'v self, at: &'v Value) -> Vec<Cow<'v, Value>> {
        match self {
            Self::Path(path) => path.find_all(at),
            Self::Constant(value) => vec![Cow::Borrowed(value)],
            Self::Joined(left, operator, right) => {
                let (left, right) = (left.each(at), right.each(at));
                let count = left.len().max(right.len());
                let (Some(left), Some(right)) = (left.repeated(count), right.repeated(count))
                else {
                    return Vec::new();
                };
                let pairs = left.into_iter().zip(right);
                let joined = pairs.map(|(left, right)| join(&left, *operator, &right));
                let joined: Option<Vec<_>> = joined.map(|one| one.map(Cow::Owned)).collect();
                joined.unwrap_or_default()
            }
        }
    }

    fn each<'v>(&'v self, at: &'v Value) -> Values<'v> {
        match self {
            Self::Constant(value) => Values::Constant(value),
            other => Values::Found(other.find_all(at)),
        }
    }
}

/// The values of one side.
enum Values<'v> {
    Constant(&'v Value),
    Found(Vec<Cow<'v, Value>>),
}

impl<'v> Values<'v> {
    fn len(&self) -> usize {
        match self {
            Self::Constant(_) => 1,
            Self::Found(found) => found.len(),
        }
    }

    /// A constant as often as needed; what was found has to be as many.
    fn repeated(self, count: usize) -> Option<Vec<Cow<'v, Value>>> {
        match self {
            Self::Constant(value) => Some(vec![Cow::Borrowed(value); count]),
            Self::Found(found) => (found.len() == count).then_some(found),
        }
    }
}

fn join(left: &Value, operator: char, right: &Value) -> Option<Value> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        return match operator {
            '+' => Some(format!("{left}{right}").into()),
            // How its own file of meters starts an expression with a text that is none of a path's.
            '-' if left == right => Some("".into()),
            _ => None,
        };
    }
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    let value = match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        _ => return None,
    };
    // No JSON for what is no number.
    serde_json::Number::from_f64(value).map(Value::Number)
}

fn sum(parser: &mut Parser<'_>) -> Result<Expression, String> {
    joined(parser, ['+', '-'], |parser| {
        joined(parser, ['*', '/'], term)
    })
}

/// Terms joined by these operators, from the left.
fn joined(
    parser: &mut Parser<'_>,
    operators: [char; 2],
    term: impl Fn(&mut Parser<'_>) -> Result<Expression, String>,
) -> Result<Expression, String> {
    let mut read = term(parser)?;
    while let Some(operator) = parser.peek().filter(|one| operators.contains(one)) {
        parser.take(operator);
        read = Expression::Joined(Box::new(read), operator, Box::new(term(parser)?));
    }
    Ok(read)
}

/// A text, a number or a path. A quoted name is a path only where more of it follows.
fn term(parser: &mut Parser<'_>) -> Result<Expression, String> {
    match parser.peek() {
        Some(quote @ ('\'' | '"')) => {
            parser.take(quote);
            let text = parser.quoted(quote)?;
            Ok(Expression::Constant(text.into()))
        }
        Some(digit) if digit.is_ascii_digit() => {
            let digits = parser.while_some(|one| one.is_ascii_digit() || one == '.');
            let number: f64 = digits.parse().map_err(|_| "a number".to_owned())?;
            Ok(Expression::Constant(number.into()))
        }
        _ => parser.path().map(Expression::Path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_join_texts_and_numbers() {
        let body = json!({
            "payload": {"host": "c1", "nodename": "n1", "share": 0.25, "outcome": "success", "list": [{"v": 1}, {"v": 2}]},
        });
        for (text, expected) in [
            ("$.payload.host", json!("c1")),
            (
                "$.payload.host + \"_\" + $.payload.nodename",
                json!("c1_n1"),
            ),
            ("$.payload.share * 100", json!(25.0)),
            ("2 + 3 * 4 - 1", json!(13.0)),
            ("'a.' + payload.outcome", json!("a.success")),
            (
                "$.payload.outcome - $.payload.outcome + 'a.' + $.payload.outcome",
                json!("a.success"),
            ),
            ("$.payload.list[*].v + 1", json!(2.0)),
            ("$.payload.list[*].v + $.payload.share", Value::Null),
            ("$.payload.host * 2", Value::Null),
            ("$.payload.nowhere + 1", Value::Null),
            ("1 / 0", Value::Null),
        ] {
            let found = Expression::parse(text).unwrap().find(&body);
            assert_eq!(found.unwrap_or_default(), expected, "{text}");
        }
        let list = Expression::parse("$.payload.list[*].v * 2").unwrap();
        assert_eq!(list.find_all(&body).len(), 2);
        for text in ["", "+", "1 +", "a b", "'a", "1.2.3"] {
            let refused = Expression::parse(text).unwrap_err();
            assert!(refused.starts_with("expression \""), "{refused}");
        }
    }
}
