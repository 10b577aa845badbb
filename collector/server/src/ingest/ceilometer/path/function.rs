//! What stands between backticks in a path: a function of a text, as the parser extended by Ceilometer has them.

use regex::{NoExpand, Regex};

/// A function, by the text that it was read from.
#[derive(Debug, Clone)]
pub(in crate::ingest::ceilometer) struct Function {
    text: String,
    does: Does,
}

#[derive(Debug, Clone)]
enum Does {
    /// A part of a text.
    Split {
        by: char,
        part: usize,
        /// After how many the rest stays together.
        most: Option<usize>,
    },
    /// The text with that in place of all that matches.
    Sub { pattern: Regex, with: String },
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Function {}

impl Function {
    /// Reads `split(CHARACTER, PART, MOST)` or `sub(/PATTERN/, TEXT)`.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let called = |name: &str| text.strip_prefix(name)?.strip_suffix(')');
        let split = called("split(").map(split);
        let does = match split.or_else(|| called("sub(/").map(sub)) {
            Some(does) => does?,
            None => return Err("`split(CHARACTER, PART, MOST)` or `sub(/PATTERN/, TEXT)`".into()),
        };
        let text = text.to_owned();
        Ok(Self { text, does })
    }

    /// What it makes of a text, if anything.
    pub(super) fn of(&self, text: &str) -> Option<String> {
        match &self.does {
            Does::Split { by, part, most } => {
                let part = match most {
                    Some(most) => text.splitn(most + 1, *by).nth(*part),
                    None => text.split(*by).nth(*part),
                };
                part.map(str::to_owned)
            }
            // Where nothing is other than before, Ceilometer's finds nothing.
            Does::Sub { pattern, with } => {
                let new = pattern.replace_all(text, NoExpand(with));
                (new != text).then(|| new.into_owned())
            }
        }
    }
}

fn split(arguments: &str) -> Result<Does, String> {
    let mut characters = arguments.chars();
    let read = characters.next().and_then(|by| {
        let (part, most) = characters.as_str().strip_prefix(',')?.split_once(',')?;
        let part = part.trim().parse().ok()?;
        let most = match most.trim() {
            "-1" => None,
            most => Some(most.parse().ok()?),
        };
        Some(Does::Split { by, part, most })
    });
    read.ok_or_else(|| "`split(CHARACTER, PART, MOST)`".to_owned())
}

fn sub(arguments: &str) -> Result<Does, String> {
    let (pattern, with) = arguments
        .rsplit_once("/, ")
        .ok_or("`sub(/PATTERN/, TEXT)`")?;
    // Python's way to name a group.
    if with.contains('\\') {
        return Err("no backslash in the text of `sub(/PATTERN/, TEXT)`".into());
    }
    let pattern = Regex::new(pattern.trim());
    let pattern = pattern.map_err(|error| {
        let why = error.to_string().replace('\n', " ");
        format!("a regular expression in `sub(/PATTERN/, TEXT)`: {why}")
    })?;
    let with = with.trim().to_owned();
    Ok(Does::Sub { pattern, with })
}
