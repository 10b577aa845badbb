//! The naming lint: what `promtool check metrics` says of a scrape, in its words. It judges names, labels and HELP, not
//! values; what is wrong enough to be refused is a [`crate::Problem`].

use crate::kind::MetricType::{self, Counter, Histogram, Summary, Untyped};
use crate::model::Families;
use crate::negotiate::Format;
use crate::parser::{ParseError, parse_families};
use crate::view::FamilyRef;

/// Units, and the base unit to use for each.
const UNITS: [(&str, &str); 23] = [
    ("amperes", "amperes"),
    ("bits", "bytes"),
    ("bytes", "bytes"),
    ("calories", "joules"),
    ("celsius", "celsius"),
    ("days", "seconds"),
    ("fahrenheit", "celsius"),
    ("grams", "grams"),
    ("hours", "seconds"),
    ("inches", "meters"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("kelvins", "kelvin"),
    ("meters", "meters"),
    ("miles", "meters"),
    ("minutes", "seconds"),
    ("ounces", "grams"),
    ("pounds", "grams"),
    ("rankine", "celsius"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("weeks", "seconds"),
    ("yards", "meters"),
];

/// What makes another unit of a unit.
const PREFIXES: [&str; 19] = [
    "", "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mebi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

/// Words of a name that shorten a unit.
const ABBREVIATIONS: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];

/// Types that a name should not repeat.
const TYPE_WORDS: [&str; 5] = [
    "counter",
    "gauge",
    "gauge_histogram",
    "histogram",
    "summary",
];

/// What is wrong with the families' names, sorted: `NAME what is wrong`, as promtool prints it.
#[must_use]
pub fn check(families: &Families) -> Vec<String> {
    let mut found = Vec::new();
    for family in families.iter() {
        let mut say = |complaint: String| found.push(format!("{} {complaint}", family.name()));
        check_name(family.name(), family.kind(), &mut say);
        check_labels(&family, &mut say);
        if family.help().is_empty() {
            say("no help text".to_owned());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// As [`check`], of a scrape's text; what was refused while reading it comes first.
///
/// # Errors
/// The first line that is not of the format.
pub fn check_text(text: &str, format: Format) -> Result<Vec<String>, ParseError> {
    let families = parse_families(text, format)?;
    let refused = families.problems().iter().map(ToString::to_string);
    Ok(refused.chain(check(&families)).collect())
}

fn check_name(name: &str, kind: MetricType, say: &mut impl FnMut(String)) {
    let suffixes = [
        ("_total", "non-counter", kind == Counter),
        ("_bucket", "non-histogram", kind == Histogram),
        (
            "_count",
            "non-histogram and non-summary",
            matches!(kind, Histogram | Summary),
        ),
        (
            "_sum",
            "non-histogram and non-summary",
            matches!(kind, Histogram | Summary),
        ),
    ];
    for (suffix, who, may) in suffixes {
        if name.ends_with(suffix) && !may && kind != Untyped {
            say(format!("{who} metrics should not have {suffix:?} suffix"));
        }
    }
    if kind == Counter && !name.ends_with("_total") {
        say("counter metrics should have \"_total\" suffix".to_owned());
    }
    if name.contains(':') {
        say("metric names should not contain ':'".to_owned());
    }
    if is_camel_case(name) {
        say("metric names should be written in 'snake_case' not 'camelCase'".to_owned());
    }
    if let Some((unit, base)) = name
        .split('_')
        .find_map(unit_of)
        .filter(|(unit, base)| unit != base)
    {
        say(format!("use base unit {base:?} instead of {unit:?}"));
    }
    let lower = name.to_ascii_lowercase();
    for word in TYPE_WORDS.into_iter().filter(|word| has_word(&lower, word)) {
        say(format!("metric name should not include type '{word}'"));
    }
    if ABBREVIATIONS.iter().any(|word| has_word(&lower, word)) {
        say("metric names should not contain abbreviated units".to_owned());
    }
}

fn check_labels(family: &FamilyRef<'_>, say: &mut impl FnMut(String)) {
    let kind = family.kind();
    let reserved = [
        ("le", "non-histogram", Histogram),
        ("quantile", "non-summary", Summary),
    ];
    for (label, _) in family.samples().flat_map(|sample| sample.labels()) {
        if is_camel_case(label) {
            say("label names should be written in 'snake_case' not 'camelCase'".to_owned());
        }
        for (name, who, only) in reserved {
            if label == name && kind != only && kind != Untyped {
                say(format!("{who} metrics should not have {name:?} label"));
            }
        }
    }
}

/// A word of a name that is a unit or a multiple of one, and its base unit.
fn unit_of(word: &str) -> Option<(&str, &'static str)> {
    UNITS.iter().find_map(|(unit, base)| {
        let prefix = word.strip_suffix(unit)?;
        PREFIXES.contains(&prefix).then_some((word, *base))
    })
}

/// A small letter followed by a capital.
fn is_camel_case(name: &str) -> bool {
    let humps = name.bytes().zip(name.bytes().skip(1));
    humps
        .into_iter()
        .any(|(left, right)| left.is_ascii_lowercase() && right.is_ascii_uppercase())
}

/// Whether the name has the word after an underscore, as a whole.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let before = name.get(..at).is_some_and(|before| before.ends_with('_'));
        let after = name
            .get(at + word.len()..)
            .is_some_and(|after| after.is_empty() || after.starts_with('_'));
        before && after
    })
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
