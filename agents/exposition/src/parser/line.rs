//! One line of either format: metadata, a comment or a sample. A mismatch is what was expected and the rest of the line
//! from where it was missed.

use super::{Event, ParsedSample};
use crate::kind::{MetricType, Timestamp};
use crate::label::{self, Labels, Mismatch, skip_blanks, take_pair, unescape};
use crate::negotiate::Format;
use crate::number;

/// Reads a line without its newline; `None` for a blank one or a comment.
pub(super) fn parse(line: &str, format: Format) -> Result<Option<Event<'_>>, Mismatch<'_>> {
    let text = skip_blanks(line);
    if text.is_empty() {
        return Ok(None);
    }
    match text.strip_prefix('#') {
        Some(comment) => metadata(comment, format),
        None => sample(text, format).map(|sample| Some(Event::Sample(sample))),
    }
}

fn metadata(comment: &str, format: Format) -> Result<Option<Event<'_>>, Mismatch<'_>> {
    let (keyword, rest) = take_word(skip_blanks(comment));
    let openmetrics = format == Format::OpenMetrics;
    match keyword {
        "EOF" if openmetrics => return end(rest).map(|()| Some(Event::Eof)),
        "HELP" | "TYPE" => {}
        "UNIT" if openmetrics => {}
        _ => return Ok(None),
    }
    let rest = skip_blanks(rest);
    let (name, rest) = take_metric_name(rest)?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(("a blank after the metric name", rest));
    }
    let rest = skip_blanks(rest);
    Ok(Some(match keyword {
        "HELP" => {
            let text = unescape(rest, openmetrics);
            Event::Help { name, text }
        }
        "TYPE" => {
            let (word, after) = take_word(rest);
            let kind = MetricType::from_name(word).ok_or(("a metric type", rest))?;
            end(after)?;
            Event::Type { name, kind }
        }
        _ => {
            let (unit, after) = take_word(rest);
            end(after)?;
            Event::Unit { name, unit }
        }
    }))
}

fn sample(text: &str, format: Format) -> Result<ParsedSample<'_>, Mismatch<'_>> {
    let (name, rest) = take_metric_name(text)?;
    let (labels, rest) = match skip_blanks(rest).strip_prefix('{') {
        Some(inside) => take_labels(inside)?,
        None if rest.starts_with([' ', '\t']) => ("", rest),
        None => return Err(("'{' or a blank after the metric name", rest)),
    };
    let value_at = skip_blanks(rest);
    let (word, rest) = take_word(value_at);
    let value = number::parse(word).ok_or(("a number as the sample's value", value_at))?;
    let timestamp_at = skip_blanks(rest);
    let (timestamp, rest) = if timestamp_at.is_empty() || timestamp_at.starts_with('#') {
        (None, timestamp_at)
    } else {
        let (word, rest) = take_word(timestamp_at);
        (
            Some(timestamp(word, format).map_err(|expected| (expected, timestamp_at))?),
            rest,
        )
    };
    let rest = skip_blanks(rest);
    match rest.strip_prefix('#').map(skip_blanks) {
        Some(exemplar) if format == Format::OpenMetrics => {
            if !exemplar.starts_with('{') {
                return Err(("the labels of an exemplar", exemplar));
            }
        }
        _ => end(rest)?,
    }
    Ok(ParsedSample {
        name,
        labels: Labels::new(labels),
        value,
        timestamp,
    })
}

/// The text up to the closing brace, every label checked, and what follows the brace.
fn take_labels(inside: &str) -> Result<(&str, &str), Mismatch<'_>> {
    let mut rest = skip_blanks(inside);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            let length = inside.len().saturating_sub(rest.len());
            return Ok((inside.get(..length).unwrap_or_default(), after));
        }
        let pair = take_pair(rest)?;
        rest = skip_blanks(pair.rest);
        match rest.strip_prefix(',') {
            Some(after) => rest = skip_blanks(after),
            None if rest.starts_with('}') => {}
            None => return Err(("',' or '}' after the label value", rest)),
        }
    }
}

/// Milliseconds in text 0.0.4, seconds with a fraction in OpenMetrics.
fn timestamp(word: &str, format: Format) -> Result<Timestamp, &'static str> {
    match format {
        Format::Text => {
            let milliseconds = word.parse().map(Timestamp);
            milliseconds.map_err(|_| "a time stamp in whole milliseconds or the end of the line")
        }
        Format::OpenMetrics => number::parse(word)
            .map(|seconds| (seconds * 1000.0).round())
            .filter(|milliseconds| milliseconds.abs() < i64::MAX as f64)
            .map(|milliseconds| Timestamp(milliseconds as i64))
            .ok_or("a time stamp in seconds, '#' or the end of the line"),
    }
}

fn take_metric_name(text: &str) -> Result<(&str, &str), Mismatch<'_>> {
    text.split_at_checked(label::metric_name_length(text))
        .filter(|(name, _)| !name.is_empty())
        .ok_or(("a metric name", text))
}

/// The text up to the next blank.
fn take_word(text: &str) -> (&str, &str) {
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn end(rest: &str) -> Result<(), Mismatch<'_>> {
    match skip_blanks(rest) {
        "" => Ok(()),
        more => Err(("the end of the line", more)),
    }
}
