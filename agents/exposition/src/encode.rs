//! The writers: a collection as text 0.0.4 or OpenMetrics 1.0 in one pass over the families by name. Where the formats
//! differ (a counter's name, types that text does not know, the unit of time stamps) is decided here.

use std::fmt::Write as _;

use crate::kind::{MetricType, Suffix, Timestamp};
use crate::label::{Labels, escape_with, skip_blanks, take_pair};
use crate::model::Families;
use crate::negotiate::Format;
use crate::number;
use crate::view::{FamilyRef, SampleRef};

/// Writes all families with samples, by name, in place of what `out` held; reusing `out` spares the allocation.
///
/// In OpenMetrics a counter's family is named without `_total` and its sample with it, also where the model's name lacks
/// it, as client_golang does. A counter or info whose OpenMetrics name another family has is written as `unknown` under
/// its own name, for two families of one name are not valid. Creation times are left out of text 0.0.4.
pub fn encode(families: &Families, format: Format, out: &mut String) {
    encode_part(families, format, &mut Progress::default(), usize::MAX, out);
}

/// How far a writing in parts has come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    families: usize,
    /// Of the next family.
    samples: usize,
    announced: bool,
    ended: bool,
}

/// As [`encode`], a part at a time, so that the whole text is never in memory: goes on from where `progress` is until
/// `out` has `length` bytes or the next line more. Leaves `out` empty when everything has been written. The families must be the same
/// from the first part to the last.
pub fn encode_part(
    families: &Families,
    format: Format,
    progress: &mut Progress,
    length: usize,
    out: &mut String,
) {
    out.clear();
    for family in families.iter().skip(progress.families) {
        let spelling = Spelling::of(families, &family, format);
        for sample in family.samples().skip(progress.samples) {
            progress.samples += 1;
            if sample.suffix == Suffix::Created && !spelling.created {
                continue;
            }
            if !progress.announced {
                progress.announced = true;
                write_metadata(&family, &spelling, format, out);
            }
            match format {
                Format::Text => write_text_sample(&sample, &spelling, out),
                Format::OpenMetrics => {
                    write_openmetrics_sample(&sample, &spelling, family.kind(), out);
                }
            }
            out.push('\n');
            if out.len() >= length {
                return;
            }
        }
        progress.families += 1;
        progress.samples = 0;
        progress.announced = false;
    }
    if format == Format::OpenMetrics && !std::mem::replace(&mut progress.ended, true) {
        out.push_str("# EOF\n");
    }
}

/// How a family is spelled in a format.
struct Spelling<'a> {
    /// Its name in the lines of metadata.
    family: &'a str,
    /// What the plain sample's name adds to it.
    plain: &'static str,
    kind: &'static str,
    /// Whether creation times are written.
    created: bool,
}

impl<'a> Spelling<'a> {
    fn of(families: &Families, family: &FamilyRef<'a>, format: Format) -> Self {
        let (name, kind) = (family.name(), family.kind());
        if format == Format::Text {
            let kind = kind.text_name();
            return Self {
                family: name,
                plain: "",
                kind,
                created: false,
            };
        }
        let plain = kind.openmetrics_suffix();
        let base = name.strip_suffix(plain).filter(|base| !base.is_empty());
        // The names that this family takes in OpenMetrics and does not have in the model.
        let taken = |base: &str, suffix| families.kind_of(base, suffix).is_some();
        let clash = match (plain, base) {
            ("", _) => false,
            (_, None) => taken(name, plain),
            (_, Some(base)) => {
                taken(base, "") || (kind == MetricType::Info && taken(base, "_total"))
            }
        };
        if clash {
            let kind = MetricType::Untyped.openmetrics_name();
            return Self {
                family: name,
                plain: "",
                kind,
                created: false,
            };
        }
        let kind = kind.openmetrics_name();
        Self {
            family: base.unwrap_or(name),
            plain,
            kind,
            created: true,
        }
    }

    fn write_name(&self, suffix: Suffix, out: &mut String) {
        out.push_str(self.family);
        out.push_str(if suffix == Suffix::None {
            self.plain
        } else {
            suffix.as_str()
        });
    }
}

fn write_metadata(
    family: &FamilyRef<'_>,
    spelling: &Spelling<'_>,
    format: Format,
    out: &mut String,
) {
    if !family.help().is_empty() {
        out.push_str("# HELP ");
        out.push_str(spelling.family);
        out.push(' ');
        escape_with(family.help(), format == Format::OpenMetrics, out);
        out.push('\n');
    }
    let lines = [
        Some(("# TYPE ", spelling.kind)),
        family.unit().map(|unit| ("# UNIT ", unit)),
    ];
    let known = if format == Format::OpenMetrics { 2 } else { 1 };
    for (keyword, word) in lines.into_iter().take(known).flatten() {
        for part in [keyword, spelling.family, " ", word, "\n"] {
            out.push_str(part);
        }
    }
}

fn write_text_sample(sample: &SampleRef<'_>, spelling: &Spelling<'_>, out: &mut String) {
    spelling.write_name(sample.suffix, out);
    if !sample.label_text.is_empty() {
        out.push('{');
        out.push_str(sample.label_text);
        out.push('}');
    }
    out.push(' ');
    number::push(sample.value, out);
    if let Some(Timestamp(milliseconds)) = sample.timestamp {
        let _ = write!(out, " {milliseconds}");
    }
}

fn write_openmetrics_sample(
    sample: &SampleRef<'_>,
    spelling: &Spelling<'_>,
    kind: MetricType,
    out: &mut String,
) {
    spelling.write_name(sample.suffix, out);
    if !sample.label_text.is_empty() {
        out.push('{');
        match (kind, sample.suffix) {
            (MetricType::Histogram, Suffix::Bucket) => {
                write_float_label(sample.labels(), "le", out);
            }
            (MetricType::Summary, Suffix::None) => {
                write_float_label(sample.labels(), "quantile", out);
            }
            _ => out.push_str(sample.label_text),
        }
        out.push('}');
    }
    out.push(' ');
    number::push(sample.value, out);
    if let Some(Timestamp(milliseconds)) = sample.timestamp {
        let sign = if milliseconds < 0 { "-" } else { "" };
        let magnitude = milliseconds.unsigned_abs();
        let _ = write!(out, " {sign}{}.{:03}", magnitude / 1000, magnitude % 1000);
    }
}

/// Writes labels with the whole number in the named one spelled as a float, which OpenMetrics asks for: `le="1.0"`.
fn write_float_label(labels: Labels<'_>, named: &str, out: &mut String) {
    let mut text = labels.text();
    while let Ok(pair) = take_pair(text) {
        out.push_str(pair.name);
        out.push_str("=\"");
        out.push_str(pair.value);
        let digits = pair.value.strip_prefix('-').unwrap_or(pair.value);
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if whole && pair.name == named {
            ".0\""
        } else {
            "\""
        });
        text = skip_blanks(pair.rest);
        if let Some(rest) = text.strip_prefix(',') {
            out.push(',');
            text = rest;
        }
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
