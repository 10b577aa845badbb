//! Paths into a sample or a notification, in the part of jsonpath that Ceilometer's files of definitions use: fields in a
//! row (`resource_metadata.image_ref`), one of several (`a.(b|c)`), brackets, quoted names, entries of lists (`[0]`, `[*]`,
//! `[?key=image_id]`) and functions of texts (`` `split(., 1, 1)` ``, `` `sub(/-.*/, )` ``). As in Ceilometer's parser the bar binds more tightly
//! than the dot: `a.b|c.d` is `a.(b|c).d`. Everything else is refused when the file is read.

mod function;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

use function::Function;
pub(super) use parse::Parser;

/// A path that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// Where it starts, `$`.
    Root,
    /// A field of an object.
    Field(String),
    /// All entries of a list, or what is none itself.
    Every,
    /// The entry of a list at that place.
    At(usize),
    /// The entries of a list in which that field is that text or number.
    Where { field: String, equals: String },
    /// What that makes of a text.
    Made(Function),
    /// One after the other.
    Chain(Vec<Path>),
    /// What the first finds, then what the next ones find.
    Either(Vec<Path>),
}

impl Path {
    /// One path that finds what these find, in their order.
    pub(super) fn either(mut paths: Vec<Self>) -> Self {
        match paths.pop() {
            Some(only) if paths.is_empty() => only,
            last => Self::Either(paths.into_iter().chain(last).collect()),
        }
    }

    /// The first value that is not null.
    pub(super) fn find<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        let mut all = self.find_all(value).into_iter();
        all.find(|value| !value.is_null())
    }

    /// All values, null among them.
    pub(super) fn find_all<'v>(&self, value: &'v Value) -> Vec<Cow<'v, Value>> {
        let mut found = Vec::new();
        self.matches(Cow::Borrowed(value), &mut found);
        found
    }

    fn matches<'v>(&self, at: Cow<'v, Value>, found: &mut Vec<Cow<'v, Value>>) {
        match self {
            Self::Root => found.push(at),
            Self::Either(paths) => {
                for path in paths {
                    path.matches(at.clone(), found);
                }
            }
            Self::Chain(paths) => {
                let mut reached = vec![at];
                for path in paths {
                    let mut next = Vec::new();
                    for value in reached {
                        path.matches(value, &mut next);
                    }
                    reached = next;
                }
                found.extend(reached);
            }
            Self::Made(function) => {
                let made = at.as_str().and_then(|text| function.of(text));
                found.extend(made.map(|text| Cow::Owned(text.into())));
            }
            // Only texts are owned, and nothing is inside of a text.
            Self::Field(_) | Self::Every | Self::At(_) | Self::Where { .. } => {
                if let Cow::Borrowed(value) = at {
                    self.inside(value, found);
                }
            }
        }
    }

    fn inside<'v>(&self, value: &'v Value, found: &mut Vec<Cow<'v, Value>>) {
        let entries = value.as_array().into_iter().flatten();
        match self {
            Self::Field(name) => found.extend(value.get(name).map(Cow::Borrowed)),
            Self::At(place) => found.extend(value.get(place).map(Cow::Borrowed)),
            // What is no list counts as one of itself.
            Self::Every if !value.is_array() => found.push(Cow::Borrowed(value)),
            Self::Every => found.extend(entries.map(Cow::Borrowed)),
            Self::Where { field, equals } => {
                let equal = |entry: &&Value| match entry.get(field) {
                    Some(Value::String(text)) => text == equals,
                    Some(Value::Number(number)) => number.to_string() == *equals,
                    _ => false,
                };
                found.extend(entries.filter(equal).map(Cow::Borrowed));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
