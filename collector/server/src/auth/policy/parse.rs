//! The language of oslo.policy: `role:admin or (project_id:%(project_id)s and not rule:x)`. `not` binds closest, then
//! `and`, then `or`. Pure: from text to a tree. What would reach out to elsewhere (`http:`) is refused.

use serde_json::Value;

/// Deepest nesting of parentheses.
const MAX_NESTING: usize = 32;

/// A rule as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    True,
    False,
    Not(Box<Check>),
    And(Vec<Check>),
    Or(Vec<Check>),
    /// Another rule by its name.
    Rule(String),
    /// One of the asker's roles.
    Role(Template),
    /// A value of the asker, by name, that must be what the template says of the target.
    Attribute(String, Template),
    /// A value written in the rule that must be what the template says of the target.
    Literal(String, Template),
}

/// Text in which `%(name)s` stands for a value of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(String),
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("%(") {
            let Some((name, behind)) = after.split_once(")s") else {
                return Err(format!("expected %(name)s, found {text:?}"));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value(name.to_owned()));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text with the target's values; `None` where the target lacks one.
    pub(super) fn fill(&self, target: &super::Target<'_>) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(name) => {
                    let (_, value) = target.iter().find(|(known, _)| known == name)?;
                    out.push_str((*value)?);
                }
            }
        }
        Some(out)
    }
}

/// A rule of a file: text, or a list of alternatives that are lists of what must hold together.
pub(super) fn value(value: &Value) -> Result<Check, String> {
    let expected = || format!("expected text such as \"role:admin\", found {value}");
    match value {
        Value::String(text) => rule(text),
        Value::Array(alternatives) if alternatives.is_empty() => Ok(Check::True),
        Value::Array(alternatives) => {
            let alternatives = alternatives.iter().map(|alternative| match alternative {
                Value::String(text) => single(text),
                Value::Array(together) => {
                    let parts = together
                        .iter()
                        .map(|part| single(part.as_str().ok_or_else(expected)?));
                    Ok(Check::And(parts.collect::<Result<_, _>>()?))
                }
                _ => Err(expected()),
            });
            Ok(Check::Or(alternatives.collect::<Result<_, _>>()?))
        }
        _ => Err(expected()),
    }
}

/// A rule as text.
pub(super) fn rule(text: &str) -> Result<Check, String> {
    if text.trim().is_empty() {
        return Ok(Check::True);
    }
    let words = words(text);
    let mut parser = Parser {
        words: &words,
        nesting: 0,
    };
    let check = parser.any()?;
    match parser.words.first() {
        None => Ok(check),
        Some(word) => Err(format!("did not expect {word:?} in {text:?}")),
    }
}

/// Splits at white space, and parentheses off the ends of words; those of `%(name)s` stay.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for mut word in text.split_whitespace() {
        while let Some(rest) = word.strip_prefix('(') {
            words.push("(");
            word = rest;
        }
        let bare = word.trim_end_matches(')');
        if !bare.is_empty() {
            words.push(bare);
        }
        words.extend(std::iter::repeat_n(")", word.len() - bare.len()));
    }
    words
}

struct Parser<'a> {
    words: &'a [&'a str],
    nesting: usize,
}

impl Parser<'_> {
    fn take(&mut self, expected: &str) -> bool {
        match self.words.split_first() {
            Some((word, rest)) if word.eq_ignore_ascii_case(expected) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Check, String> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Check::Or))
    }

    fn all(&mut self) -> Result<Check, String> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Check::And))
    }

    fn one(&mut self) -> Result<Check, String> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(format!("is nested deeper than {MAX_NESTING}"));
        }
        let check = if self.take("not") {
            Check::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err("lacks a closing parenthesis".to_owned());
            }
            inner
        } else {
            let Some((word, rest)) = self.words.split_first() else {
                return Err("ends where a check was expected".to_owned());
            };
            self.words = rest;
            single(word)?
        };
        self.nesting -= 1;
        Ok(check)
    }
}

fn joined(mut parts: Vec<Check>, join: impl FnOnce(Vec<Check>) -> Check) -> Check {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            join(parts)
        }
        (_, None) => Check::False,
    }
}

/// One check: `@`, `!`, or `kind:match`.
fn single(word: &str) -> Result<Check, String> {
    match word {
        "@" => return Ok(Check::True),
        "!" => return Ok(Check::False),
        _ => {}
    }
    let Some((kind, matched)) = word.split_once(':').filter(|(kind, _)| !kind.is_empty()) else {
        return Err(format!(
            "expected a check such as role:admin, found {word:?}"
        ));
    };
    match kind {
        "rule" => Ok(Check::Rule(matched.to_owned())),
        "role" => Ok(Check::Role(Template::parse(matched)?)),
        "http" | "https" => Err(format!("{kind} checks are not supported, found {word:?}")),
        _ => {
            let matched = Template::parse(matched)?;
            Ok(match literal(kind) {
                Some(literal) => Check::Literal(literal, matched),
                None => Check::Attribute(kind.to_owned(), matched),
            })
        }
    }
}

/// What is written out on the left: text in quotes, a number, or one of Python's constants.
fn literal(kind: &str) -> Option<String> {
    let quoted = ['\'', '"'].iter().find_map(|quote| {
        let inner = kind.strip_prefix(*quote)?;
        inner.strip_suffix(*quote)
    });
    let constant =
        matches!(kind, "True" | "False" | "None") || kind.parse::<f64>().is_ok_and(f64::is_finite);
    quoted
        .map(str::to_owned)
        .or_else(|| constant.then(|| kind.to_owned()))
}
