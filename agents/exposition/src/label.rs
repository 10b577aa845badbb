//! Label text: the part of a series between its braces, `cpu="0",mode="idle"`. Both formats escape it alike, so the model
//! keeps it as it is written and this file escapes, scans and unescapes it. Names of metrics and labels are checked here.

use std::borrow::Cow;
use std::fmt;

/// Whether the name is `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(crate) fn is_metric_name(name: &str) -> bool {
    !name.is_empty() && metric_name_length(name) == name.len()
}

/// Whether the name is `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty() && label_name_length(name) == name.len()
}

/// Bytes at the beginning of the text that are a metric's name.
pub(crate) fn metric_name_length(text: &str) -> usize {
    name_length(text, |byte| byte == b':')
}

fn label_name_length(text: &str) -> usize {
    name_length(text, |_| false)
}

fn name_length(text: &str, also: impl Fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes();
    if bytes.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    bytes
        .iter()
        .position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_' || also(byte)))
        .unwrap_or(bytes.len())
}

/// Writes a label's value as it stands between its quotes.
pub(crate) fn escape(value: &str, out: &mut String) {
    escape_with(value, true, out);
}

/// Writes text with backslash and newline escaped, and the double quote if asked for.
pub(crate) fn escape_with(text: &str, quotes: bool, out: &mut String) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n') || (quotes && *byte == b'"');
    if !text.as_bytes().iter().any(special) {
        out.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

/// Takes the escapes out of a text. A backslash before any other character stands for itself.
pub(crate) fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let unescaped = match (character, characters.peek()) {
            ('\\', Some('\\')) => '\\',
            ('\\', Some('n')) => '\n',
            ('\\', Some('"')) if quotes => '"',
            _ => {
                plain.push(character);
                continue;
            }
        };
        plain.push(unescaped);
        characters.next();
    }
    Cow::Owned(plain)
}

/// Spaces and tabs taken off the front.
pub(crate) fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// What was expected, and the text where it was not found.
pub(crate) type Mismatch<'a> = (&'static str, &'a str);

/// One `name="value"`, the value still escaped, and what follows it.
pub(crate) struct Pair<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) rest: &'a str,
}

/// Takes one pair off the front of the text.
pub(crate) fn take_pair(text: &str) -> Result<Pair<'_>, Mismatch<'_>> {
    let (name, rest) = text
        .split_at_checked(label_name_length(text))
        .filter(|(name, _)| !name.is_empty())
        .ok_or(("a label name or '}'", text))?;
    let rest = skip_blanks(rest);
    let rest = rest
        .strip_prefix('=')
        .ok_or(("'=' after the label name", rest))?;
    let rest = skip_blanks(rest);
    let quoted = rest
        .strip_prefix('"')
        .ok_or(("a label value in double quotes", rest))?;
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    let (value, rest) = end
        .and_then(|end| Some((quoted.get(..end)?, quoted.get(end + 1..)?)))
        .ok_or(("a closing double quote of the label value", ""))?;
    Ok(Pair { name, value, rest })
}

/// The labels of one sample in the order in which they are written: an iterator over names and unescaped values, which
/// are borrowed unless they hold an escape.
#[derive(Clone, Copy)]
pub struct Labels<'a> {
    text: &'a str,
}

impl<'a> Labels<'a> {
    /// Walks text that has been written or checked by this crate.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The escaped text from here on, without braces.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The value of the first label of that name from here on.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut labels = *self;
        labels.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a str, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let pair = take_pair(skip_blanks(self.text)).ok()?;
        let rest = skip_blanks(pair.rest);
        self.text = rest.strip_prefix(',').unwrap_or(rest);
        Some((pair.name, unescape(pair.value, true)))
    }
}

impl std::iter::FusedIterator for Labels<'_> {}

impl fmt::Debug for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(*self).finish()
    }
}

/// Equal when the names and values are, in the same order.
impl PartialEq for Labels<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.eq_labels(*other)
    }
}

impl Eq for Labels<'_> {}

impl Labels<'_> {
    fn eq_labels(self, other: Labels<'_>) -> bool {
        Iterator::eq(self, other)
    }

    /// Whether both name the same series: the same labels in any order, an empty value being no label.
    pub(crate) fn same_series(self, other: Labels<'_>) -> bool {
        let within = |left: Labels<'_>, right: Labels<'_>| {
            left.filter(|(_, value)| !value.is_empty())
                .all(|(name, value)| right.get(name).is_some_and(|found| found == value))
        };
        self.text == other.text || (within(self, other) && within(other, self))
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, escape, is_label_name, is_metric_name, take_pair, unescape};

    #[test]
    fn names_are_checked_by_the_data_model() {
        for good in ["a", "_", "node_cpu_seconds_total", "A9"] {
            assert!(is_metric_name(good) && is_label_name(good), "{good}");
        }
        for bad in ["", "9a", "a-b", "a b", "é", "a\n"] {
            assert!(!is_metric_name(bad) && !is_label_name(bad), "{bad:?}");
        }
        assert!(is_metric_name("job:up:sum") && !is_label_name("job:up:sum"));
    }

    #[test]
    fn escapes_come_off_as_they_went_on() {
        for value in [
            "",
            "plain",
            "a\\b",
            "\"q\"",
            "line\nline",
            "\\n",
            "\\",
            "é\\\"\n日",
        ] {
            let mut text = String::new();
            escape(value, &mut text);
            assert!(!text.contains('\n'));
            assert_eq!(unescape(&text, true), value);
        }
    }

    #[test]
    fn an_unknown_escape_stands_for_itself() {
        assert_eq!(unescape(r"C:\temp\", true), r"C:\temp\");
    }

    #[test]
    fn a_pair_that_breaks_off_says_what_was_expected() {
        let expected = |text| take_pair(text).err().map(|(what, _)| what);
        assert_eq!(expected("9=\"\""), Some("a label name or '}'"));
        assert_eq!(expected("a\"b\""), Some("'=' after the label name"));
        assert_eq!(expected("a=b"), Some("a label value in double quotes"));
        assert_eq!(
            expected("a=\"b\\\""),
            Some("a closing double quote of the label value")
        );
    }

    #[test]
    fn the_order_of_labels_and_empty_values_do_not_make_another_series() {
        let same = |left, right| Labels::new(left).same_series(Labels::new(right));
        assert!(same(r#"a="1",b="2""#, r#"b="2",a="1""#));
        assert!(same(r#"a="1",b="""#, r#"a="1""#));
        assert!(!same(r#"a="1",b="2""#, r#"a="1""#));
        assert!(!same(r#"a="1""#, r#"a="2""#));
    }
}
