//! The filter of the query string, `?filter=project_id='p' and not id in [a, b]`: read into the same JSON form that a
//! search's body has, so that both are checked and run alike.

use serde_json::{Map, Number, Value};

/// Comparison operators; a longer one stands before its own beginning.
const OPERATORS: [&str; 17] = [
    ">=", "<=", "!=", "≠", "≥", "≤", ">", "<", "=", "like", "eq", "ne", "lt", "gt", "ge", "le",
    "in",
];

/// Reads a filter in which parentheses, `not` and lists nest no deeper than so many levels; the error says what was
/// expected where.
pub(super) fn parse(text: &str, most_depth: usize) -> Result<Value, String> {
    let mut reader = Reader {
        text,
        at: 0,
        most_depth,
    };
    let filter = reader.any_of(0)?;
    reader.skip_spaces();
    if reader.rest().is_empty() {
        Ok(filter)
    } else {
        Err(reader.expected("end of text"))
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    most_depth: usize,
}

fn object(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn expected(&self, what: &str) -> String {
        let column = self.text.get(..self.at).unwrap_or_default().chars().count();
        match self.rest().chars().next() {
            Some(found) => format!("Expected {what}, found '{found}' (at char {column})"),
            None => format!("Expected {what}, found end of text (at char {column})"),
        }
    }

    fn check(&self, depth: usize) -> Result<(), String> {
        if depth < self.most_depth {
            return Ok(());
        }
        Err(format!(
            "nested deeper than {} levels (max_filter_depth)",
            self.most_depth
        ))
    }

    /// Takes a symbol, or a word that does not go on.
    fn eat(&mut self, symbol: &str) -> bool {
        self.skip_spaces();
        let Some(after) = self.rest().strip_prefix(symbol) else {
            return false;
        };
        let goes_on = symbol.ends_with(is_word) && after.starts_with(is_word);
        if !goes_on {
            self.at += symbol.len();
        }
        !goes_on
    }

    fn any_of(&mut self, depth: usize) -> Result<Value, String> {
        self.chain("or", "∨", depth, |reader| reader.all_of(depth))
    }

    fn all_of(&mut self, depth: usize) -> Result<Value, String> {
        self.chain("and", "∧", depth, |reader| reader.negation(depth))
    }

    fn chain(
        &mut self,
        word: &str,
        symbol: &str,
        depth: usize,
        mut part: impl FnMut(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        self.check(depth)?;
        let first = part(self)?;
        let mut parts = vec![first];
        while self.eat(word) || self.eat(symbol) {
            parts.push(part(self)?);
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => Ok(object(word, Value::Array(parts))),
        }
    }

    fn negation(&mut self, depth: usize) -> Result<Value, String> {
        self.check(depth)?;
        if self.eat("not") {
            return Ok(object("not", self.negation(depth + 1)?));
        }
        if self.eat("(") {
            let inner = self.any_of(depth + 1)?;
            return if self.eat(")") {
                Ok(inner)
            } else {
                Err(self.expected("')'"))
            };
        }
        self.comparison(depth)
    }

    fn comparison(&mut self, depth: usize) -> Result<Value, String> {
        let start = self.at;
        let Value::String(field) = self.term(depth)? else {
            self.at = start;
            self.skip_spaces();
            return Err(self.expected("the name of an attribute"));
        };
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.eat(operator)) else {
            return Err(self.expected("an operator"));
        };
        let value = self.term(depth)?;
        Ok(object(operator, object(&field, value)))
    }

    fn term(&mut self, depth: usize) -> Result<Value, String> {
        self.skip_spaces();
        let rest = self.rest();
        match rest.chars().next() {
            Some('[') => self.list(depth + 1),
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some(_) => {
                let length = rest
                    .find(|c: char| !is_word(c) && !"+-.".contains(c))
                    .unwrap_or(rest.len());
                let word = rest.get(..length).unwrap_or_default();
                let Some(value) = word_value(word) else {
                    return Err(self.expected("a value"));
                };
                self.at += length;
                Ok(value)
            }
            None => Err(self.expected("a value")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        self.check(depth)?;
        let mut items = Vec::new();
        self.eat("[");
        if self.eat("]") {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.term(depth)?);
            if self.eat("]") {
                return Ok(Value::Array(items));
            }
            if !self.eat(",") {
                return Err(self.expected("',' or ']'"));
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Value, String> {
        self.at += 1;
        let rest = self.rest();
        let Some(length) = rest.find(quote) else {
            return Err(self.expected(&format!("a closing {quote}")));
        };
        self.at += length + 1;
        Ok(Value::String(
            rest.get(..length).unwrap_or_default().to_owned(),
        ))
    }
}

/// What an unquoted word says: nothing, a boolean, a UUID or name, a number.
fn word_value(word: &str) -> Option<Value> {
    match word {
        "" => None,
        "None" | "none" | "null" => Some(Value::Null),
        "True" | "true" => Some(Value::Bool(true)),
        "False" | "false" => Some(Value::Bool(false)),
        _ if collector_model::parse_uuid(word).is_some() => Some(Value::String(word.to_owned())),
        _ if word.starts_with(|c: char| c.is_alphabetic()) && word.chars().all(is_word) => {
            Some(Value::String(word.to_owned()))
        }
        _ => Number::from_f64(word.parse().ok()?).map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Value, String> {
        super::parse(text, 32)
    }

    #[test]
    fn filters_give_the_form_of_a_searchs_body() {
        let id = "faef212f-0bf4-4030-a461-2186fef79be0";
        for (text, expected) in [
            (
                "project_id = foobar".to_owned(),
                json!({"=": {"project_id": "foobar"}}),
            ),
            (
                format!("not id in [{id}, 'b c']"),
                json!({"not": {"in": {"id": [id, "b c"]}}}),
            ),
            ("id in []".to_owned(), json!({"in": {"id": []}})),
            (
                "started_at>=\"2015-01-01\"".to_owned(),
                json!({">=": {"started_at": "2015-01-01"}}),
            ),
            (
                "ended_at = null".to_owned(),
                json!({"=": {"ended_at": null}}),
            ),
            (
                "name like 'x%' ∧ active = True".to_owned(),
                json!({"and": [{"like": {"name": "x%"}}, {"=": {"active": true}}]}),
            ),
            (
                "a ne 1 or b < -2.5e1 and c ≥ 3".to_owned(),
                json!({"or": [{"ne": {"a": 1.0}}, {"and": [{"<": {"b": -25.0}}, {"≥": {"c": 3.0}}]}]}),
            ),
            (
                "(a=b or c=d) and e=f".to_owned(),
                json!({"and": [{"or": [{"=": {"a": "b"}}, {"=": {"c": "d"}}]}, {"=": {"e": "f"}}]}),
            ),
            (
                "notes = inside".to_owned(),
                json!({"=": {"notes": "inside"}}),
            ),
        ] {
            assert_eq!(parse(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_error_says_what_was_expected_where() {
        for (text, error) in [
            ("id == foobar", "Expected a value, found '=' (at char 4)"),
            ("id", "Expected an operator, found end of text (at char 2)"),
            (
                "1 = 2",
                "Expected the name of an attribute, found '1' (at char 0)",
            ),
            ("(a=b", "Expected ')', found end of text (at char 4)"),
            ("a=b c", "Expected end of text, found 'c' (at char 4)"),
            ("é in [1 2]", "Expected ',' or ']', found '2' (at char 8)"),
            ("a = 'x", "Expected a closing ', found 'x' (at char 5)"),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let deep = |levels: usize| {
            [
                format!("{}a=b{}", "(".repeat(levels), ")".repeat(levels)),
                format!("{} a=b", "not ".repeat(levels)),
                format!("a in {}1{}", "[".repeat(levels), "]".repeat(levels)),
            ]
        };
        for text in deep(32).iter().chain(&deep(10_000)) {
            let error = parse(text).unwrap_err();
            assert_eq!(error, "nested deeper than 32 levels (max_filter_depth)");
        }
        for text in deep(31) {
            assert!(parse(&text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), words in "[()a-c=<≠'\" \\[\\],0-9]{0,40}|(not |and |or |in |a=b ){0,12}") {
            let _ = parse(&text);
            let _ = parse(&words);
        }

        #[test]
        fn quoted_values_come_out_as_they_were_written(value in "[^']{0,20}", name in "x[a-z_]{1,8}") {
            let text = format!("{name} = '{value}'");
            let expected = json!({"=": {name: value}});
            prop_assert_eq!(parse(&text), Ok(expected), "{}", text);
        }
    }
}
