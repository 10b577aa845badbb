//! From events to the model: which family a sample belongs to by its name, the metadata and the format's rules for
//! suffixes. A sample that fits no announced family makes an untyped one of its own name.

use std::collections::HashMap;

use super::{Event, ParseError, Parser};
use crate::kind::{MetricType, Suffix};
use crate::model::Families;
use crate::negotiate::Format;

/// What the lines of metadata say of one name.
#[derive(Default)]
struct Metadata<'a> {
    help: std::borrow::Cow<'a, str>,
    kind: Option<MetricType>,
    unit: &'a str,
}

/// Reads a scrape into the model. Families without samples are dropped; series given twice and what else the model
/// refuses are in [`Families::problems`].
///
/// # Errors
/// The first line that is not of the format.
pub fn parse_families(text: &str, format: Format) -> Result<Families, ParseError> {
    let mut families = Families::new();
    let mut announced: HashMap<&str, Metadata<'_>> = HashMap::new();
    let nothing = Metadata::default();
    let mut name = String::new();
    for event in Parser::new(text, format) {
        match event? {
            Event::Help { name, text } => announced.entry(name).or_default().help = text,
            Event::Type { name, kind } => announced.entry(name).or_default().kind = Some(kind),
            Event::Unit { name, unit } => announced.entry(name).or_default().unit = unit,
            Event::Eof => {}
            Event::Sample(sample) => {
                let (base, plain, suffix) = resolve(sample.name, &announced, format);
                let metadata = announced.get(base).unwrap_or(&nothing);
                name.clear();
                name.push_str(base);
                name.push_str(plain);
                let kind = metadata.kind.unwrap_or(MetricType::Untyped);
                let mut family = families.family(&name, &metadata.help, kind);
                if !metadata.unit.is_empty() {
                    family.unit(metadata.unit);
                }
                family.write(suffix, sample.labels, sample.value, sample.timestamp);
            }
        }
    }
    Ok(families)
}

/// The announced family of a sample, what the model adds to its name, and which part of it the sample is.
fn resolve<'a>(
    name: &'a str,
    announced: &HashMap<&str, Metadata<'_>>,
    format: Format,
) -> (&'a str, &'static str, Suffix) {
    let kind_of = |name: &str| {
        let metadata = announced.get(name)?;
        Some(metadata.kind.unwrap_or(MetricType::Untyped))
    };
    // What the format adds to the family's name; text 0.0.4 adds nothing.
    let plain_of = |kind: MetricType| match format {
        Format::Text => "",
        Format::OpenMetrics => kind.openmetrics_suffix(),
    };
    if kind_of(name).is_some_and(|kind| plain_of(kind).is_empty() && kind.allows(Suffix::None)) {
        return (name, "", Suffix::None);
    }
    for kind in [MetricType::Counter, MetricType::Info] {
        let plain = plain_of(kind);
        if let Some(base) = name.strip_suffix(plain)
            && kind_of(base) == Some(kind)
            && !plain.is_empty()
        {
            return (base, plain, Suffix::None);
        }
    }
    if let Some((base, suffix)) = Suffix::split(name)
        && let Some(kind) = kind_of(base).filter(|kind| kind.allows(suffix))
    {
        return (base, plain_of(kind), suffix);
    }
    (name, "", Suffix::None)
}
