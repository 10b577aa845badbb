//! The text form of operations, `(+ (metric cpu mean) 2)`, taken apart into nested lists of words: parentheses, words
//! between spaces, and quoted words, which keep their quotes. Whether the lists mean anything is checked in `read`.

use serde_json::Value;

use super::ReadError;

/// A text that is no list; the words are those that clients of Gnocchi know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A parenthesis is missing.
    #[error("Expected '{expected}'{found}  (at char {at}), (line:{line}, col:{column})")]
    Expected {
        /// The parenthesis.
        expected: char,
        /// What stands in its place, as `, found '5'`.
        found: String,
        /// Characters before it.
        at: usize,
        /// Line of the text, from 1.
        line: usize,
        /// Character in the line, from 1.
        column: usize,
    },
}

/// Takes the first list of a text apart, of operations nested at most so deep; what follows it is not looked at.
///
/// # Errors
/// [`TextError`] where it does not begin with a list, or that does not end; [`ReadError::TooDeep`].
pub(super) fn parse(text: &str, most_depth: usize) -> Result<Value, ReadError> {
    let mut rest = text.trim_start();
    // Lists that are open, and where each began.
    let mut open: Vec<(Vec<Value>, usize)> = Vec::new();
    let place = |rest: &str| text.len() - rest.len();
    loop {
        let at = place(rest);
        let mut characters = rest.chars();
        match characters.next() {
            // The names of metrics are lists too, within the innermost operation.
            Some('(') if open.len() > most_depth => return Err(ReadError::TooDeep(most_depth)),
            Some('(') => {
                open.push((Vec::new(), at));
                rest = characters.as_str();
            }
            Some(')') if !open.is_empty() => {
                rest = characters.as_str();
                let list = open.pop().map(|(items, _)| Value::Array(items));
                match (open.last_mut(), list) {
                    (Some((outer, _)), Some(list)) => outer.push(list),
                    (None, Some(list)) => return Ok(list),
                    (_, None) => {}
                }
            }
            Some(_) if !open.is_empty() => {
                let word = first_word(rest);
                rest = rest.get(word.len()..).unwrap_or_default();
                if let Some((items, _)) = open.last_mut() {
                    items.push(Value::from(word));
                }
            }
            None if !open.is_empty() => {
                // A list that does not end is no item of the one around it, where an end was expected instead.
                let at = open.get(1).map_or(text.len(), |(_, start)| *start);
                return Err(expected(')', text, at).into());
            }
            _ => return Err(expected('(', text, at).into()),
        }
        rest = rest.trim_start();
    }
}

/// A quoted word, or what goes up to a space, a parenthesis or a quoted word. Not empty, where the text does not begin
/// with a space or parenthesis.
fn first_word(text: &str) -> &str {
    if let Some(length) = quoted(text) {
        return text.get(..length).unwrap_or(text);
    }
    let end = text.char_indices().find(|(at, character)| {
        let ends = character.is_whitespace() || matches!(character, '(' | ')');
        let quotes = matches!(character, '"' | '\'');
        ends || (*at > 0 && quotes && text.get(*at..).and_then(quoted).is_some())
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Length of the quoted word that a text begins with.
fn quoted(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let (_, quote) = characters.next()?;
    if !matches!(quote, '"' | '\'') {
        return None;
    }
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' | '\r' => return None,
            '\\' => drop(characters.next()),
            same if same == quote => return Some(at + quote.len_utf8()),
            _ => {}
        }
    }
    None
}

fn expected(expected: char, text: &str, at: usize) -> TextError {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let word: String = after
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let found = match after.chars().next() {
        None if text.is_empty() => String::new(),
        None => ", found end of text".to_owned(),
        Some(character) if word.is_empty() => format!(", found '{character}'"),
        Some(_) => format!(", found '{word}'"),
    };
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    TextError::Expected {
        expected,
        found,
        at: before.chars().count(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}
