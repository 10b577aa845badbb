//! The parser: a scrape's text as a stream of events that borrow from it, line by line, for both formats. Sorting samples
//! into families is `families.rs`; what stands on one line is `line.rs`.
//!
//! It takes what Prometheus takes and a little more (blank lines in OpenMetrics, a missing last newline, carriage
//! returns), and stops at the first line that is neither.

mod families;
mod line;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use families::parse_families;

use crate::kind::{MetricType, Timestamp};
use crate::label::Labels;
use crate::negotiate::Format;

/// One line of a scrape.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// `# HELP name text`.
    Help {
        /// The family's name as written: in OpenMetrics a counter's lacks `_total`.
        name: &'a str,
        /// The text, unescaped.
        text: Cow<'a, str>,
    },
    /// `# TYPE name kind`.
    Type {
        /// The family's name as written.
        name: &'a str,
        /// Its type.
        kind: MetricType,
    },
    /// `# UNIT name unit`, in OpenMetrics only.
    Unit {
        /// The family's name as written.
        name: &'a str,
        /// The unit; may be empty.
        unit: &'a str,
    },
    /// A sample.
    Sample(ParsedSample<'a>),
    /// `# EOF`, which ends an OpenMetrics text.
    Eof,
}

/// A sample as it stands on its line. An exemplar behind it is passed over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParsedSample<'a> {
    /// The sample's name with all suffixes.
    pub name: &'a str,
    /// Its labels; a label given twice comes twice.
    pub labels: Labels<'a>,
    /// Its value.
    pub value: f64,
    /// When it was measured, if the text says so.
    pub timestamp: Option<Timestamp>,
}

/// A line that is not of the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What should have been there.
    pub expected: &'static str,
    /// What was there instead: the text's beginning in quotes, or `end of line`.
    pub found: String,
}

impl ParseError {
    /// Characters of the offending text that an error shows.
    const SHOWN: usize = 32;

    /// An error at the place in `line` where only `rest` is left of it.
    fn new(number: usize, line: &str, rest: &str, expected: &'static str) -> Self {
        let before = line.get(..line.len().saturating_sub(rest.len()));
        let mut shown: String = rest.chars().take(Self::SHOWN).collect();
        if shown.len() < rest.len() {
            shown.push('…');
        }
        Self {
            line: number,
            column: before.unwrap_or_default().chars().count() + 1,
            expected,
            found: if rest.is_empty() {
                "end of line".to_owned()
            } else {
                format!("{shown:?}")
            },
        }
    }
}

/// Iterates over the events of a scrape; ends after the first error.
#[derive(Debug, Clone)]
pub struct Parser<'a> {
    rest: &'a str,
    format: Format,
    line: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// OpenMetrics' `# EOF` has been read.
    Ended,
    Failed,
}

impl<'a> Parser<'a> {
    /// A parser at the beginning of the text.
    #[must_use]
    pub fn new(text: &'a str, format: Format) -> Self {
        Self {
            rest: text,
            format,
            line: 0,
            state: State::Reading,
        }
    }

    fn next_line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    fn next_event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        while let Some(line) = self.next_line() {
            if self.state == State::Ended {
                return Err(ParseError::new(
                    self.line,
                    line,
                    line,
                    "nothing after # EOF",
                ));
            }
            match line::parse(line, self.format) {
                Ok(None) => {}
                Ok(Some(event)) => {
                    if matches!(event, Event::Eof) {
                        self.state = State::Ended;
                    }
                    return Ok(Some(event));
                }
                Err((expected, rest)) => {
                    return Err(ParseError::new(self.line, line, rest, expected));
                }
            }
        }
        if self.format == Format::OpenMetrics && self.state == State::Reading {
            return Err(ParseError::new(
                self.line + 1,
                "",
                "",
                "# EOF at the end of the text",
            ));
        }
        Ok(None)
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Event<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Failed {
            return None;
        }
        let event = self.next_event();
        if event.is_err() {
            self.state = State::Failed;
        }
        event.transpose()
    }
}

impl std::iter::FusedIterator for Parser<'_> {}

/// Hands every event of the text to the sink.
///
/// # Errors
/// The first line that is not of the format; what came before it has been handed over.
pub fn parse<'a>(
    text: &'a str,
    format: Format,
    mut sink: impl FnMut(Event<'a>),
) -> Result<(), ParseError> {
    for event in Parser::new(text, format) {
        sink(event?);
    }
    Ok(())
}
