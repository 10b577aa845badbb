//! Paths into a sample, in the small part of jsonpath that `gnocchi_resources.yaml` uses: fields in a row
//! (`resource_metadata.image_ref`), one of several (`a.(b|c)`), brackets, quoted names. As in Ceilometer's parser the
//! bar binds more tightly than the dot: `a.b|c.d` is `a.(b|c).d`. Everything else is refused when the file is read.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 16;

/// A path that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// A field of an object.
    Field(String),
    /// One after the other.
    Chain(Vec<Path>),
    /// What the first finds, then what the next ones find.
    Either(Vec<Path>),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What was expected, with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            rest: text.chars().peekable(),
        };
        let path = parser.chain(0);
        let path = path.and_then(|path| match parser.next() {
            None => Ok(path),
            Some(')') => Err("a bracket that was opened".to_owned()),
            Some(other) => Err(unexpected(Some(other))),
        });
        path.map_err(|expected| format!("path {text:?}: expected {expected}"))
    }

    /// One path that finds what these find, in their order.
    pub(super) fn either(mut paths: Vec<Self>) -> Self {
        match paths.pop() {
            Some(only) if paths.is_empty() => only,
            last => Self::Either(paths.into_iter().chain(last).collect()),
        }
    }

    /// The first value that is not null.
    pub(super) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        let mut found = Vec::new();
        self.matches(value, &mut found);
        found.into_iter().find(|value| !value.is_null())
    }

    fn matches<'v>(&self, value: &'v Value, found: &mut Vec<&'v Value>) {
        match self {
            Self::Field(name) => found.extend(value.get(name)),
            Self::Either(paths) => paths.iter().for_each(|path| path.matches(value, found)),
            Self::Chain(paths) => {
                let mut at = vec![value];
                for path in paths {
                    let mut next = Vec::new();
                    at.iter().for_each(|value| path.matches(value, &mut next));
                    at = next;
                }
                found.extend(at);
            }
        }
    }
}

fn unexpected(found: Option<char>) -> String {
    match found {
        Some(found) => format!("a name, '.', '|' or brackets, found {found:?}"),
        None => "a name at the end".to_owned(),
    }
}

struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        while self.rest.next_if(|one| one.is_whitespace()).is_some() {}
        self.rest.next()
    }

    fn take(&mut self, wanted: char) -> bool {
        while self.rest.next_if(|one| one.is_whitespace()).is_some() {}
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn chain(&mut self, depth: usize) -> Result<Path, String> {
        let mut links = vec![self.either(depth)?];
        while self.take('.') {
            links.push(self.either(depth)?);
        }
        Ok(match (links.pop(), links.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Path::Chain(links.into_iter().chain(last).collect()),
        })
    }

    fn either(&mut self, depth: usize) -> Result<Path, String> {
        let mut choices = vec![self.one(depth)?];
        while self.take('|') {
            choices.push(self.one(depth)?);
        }
        Ok(Path::either(choices))
    }

    fn one(&mut self, depth: usize) -> Result<Path, String> {
        match self.next() {
            Some('(') if depth == MAX_DEPTH => Err(format!("at most {MAX_DEPTH} brackets")),
            Some('(') => {
                let inner = self.chain(depth + 1)?;
                match self.take(')') {
                    true => Ok(inner),
                    false => Err("a closing bracket".to_owned()),
                }
            }
            Some(quote @ ('\'' | '"')) => self.quoted(quote).map(Path::Field),
            Some(first) if first.is_ascii_alphabetic() || first == '_' || first == '@' => {
                let mut name = String::from(first);
                let goes_on = |one: &char| one.is_ascii_alphanumeric() || "_@-".contains(*one);
                while let Some(one) = self.rest.next_if(goes_on) {
                    name.push(one);
                }
                Ok(Path::Field(name))
            }
            other => Err(unexpected(other)),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut name = String::new();
        for one in self.rest.by_ref() {
            match one {
                '\\' => return Err("no backslash in a name".to_owned()),
                one if one == quote => return Ok(name),
                one => name.push(one),
            }
        }
        Err(format!("a closing {quote}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn paths_find_what_ceilometers_parser_finds() {
        // Asked of jsonpath_rw_ext, as Debian has it: the first value that is not null.
        let value = json!({
            "a": {"b": 1, "c": {"d": 2}}, "b": {"d": 7}, "c": {"d": 9}, "e": 5, "n": null,
            "l": [{"k": 1}], "x": {"y.z": 3, "y-w": 4, "@v": 6},
        });
        for (path, found) in [
            ("a.b|c.d", json!(2)),
            ("a.(b|(c.d))", json!(1)),
            ("(z.b)|(c.d)", json!(9)),
            ("e|b.d", json!(7)),
            ("((a.b))", json!(1)),
            ("a . b | e", json!(1)),
            ("n|e", json!(5)),
            ("(a|b).(z|d)", json!(7)),
            ("a|b.c|e", json!({"d": 2})),
            ("x.'y.z'", json!(3)),
            ("x.\"y.z\"", json!(3)),
            ("x.y-w", json!(4)),
            ("x.@v", json!(6)),
            ("l.k", Value::Null),
            ("n.b", Value::Null),
            ("nowhere", Value::Null),
        ] {
            let parsed = Path::parse(path).unwrap();
            assert_eq!(
                parsed.find(&value).cloned().unwrap_or_default(),
                found,
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_beyond_the_subset_is_refused_with_the_path() {
        for (path, expected) in [
            ("", "path \"\": expected a name at the end"),
            ("a.", "path \"a.\": expected a name at the end"),
            ("a.(b", "path \"a.(b\": expected a closing bracket"),
            ("a)", "path \"a)\": expected a bracket that was opened"),
            (
                "a[0]",
                "path \"a[0]\": expected a name, '.', '|' or brackets, found '['",
            ),
            (
                "$.a",
                "path \"$.a\": expected a name, '.', '|' or brackets, found '$'",
            ),
            (
                "a.*",
                "path \"a.*\": expected a name, '.', '|' or brackets, found '*'",
            ),
            (
                "a.`split(., 1, 1)`",
                "path \"a.`split(., 1, 1)`\": expected a name, '.', '|' or brackets, found '`'",
            ),
            ("a.'b", "path \"a.'b\": expected a closing '"),
        ] {
            assert_eq!(Path::parse(path), Err(expected.to_owned()));
        }
        let deep = format!("{}a", "(".repeat(100));
        assert!(Path::parse(&deep).unwrap_err().contains("at most 16"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fall(text in "[a-c.|()'\" $*]{0,40}") {
            if let Ok(path) = Path::parse(&text) {
                path.find(&json!({"a": {"b": 1}, "c": 2}));
            }
        }
    }
}
