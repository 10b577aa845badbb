//! Devices whose attributes are files with one value each: which file makes which series is found out once, then each
//! scrape only reads the open files again. What is looked for is the collectors' part; here it is kept and read.

use std::borrow::Cow;

use exposition::{Families, MetricType};

use crate::roots::KernelFile;
use crate::text::number;

/// After so many scrapes devices are looked for anew even if their directory looks the same.
const LIFETIME: u32 = 64;

/// More labels than any family has.
const MOST_LABELS: usize = 24;

/// How the text of a file becomes the value of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// The number as it is.
    One,
    /// The number divided by this.
    Over(f64),
    /// The number multiplied by this.
    Times(f64),
    /// Something else than one number.
    With(fn(&str) -> Option<f64>),
}

impl Unit {
    fn value(self, text: &str) -> Option<f64> {
        match self {
            Self::One => number(text),
            Self::Over(unit) => Some(number(text)? / unit),
            Self::Times(unit) => Some(number(text)? * unit),
            Self::With(parse) => parse(text),
        }
    }
}

/// A family's name, HELP and type, and the unit of the files that it is read from.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    kind: MetricType,
    unit: Unit,
}

impl Metric {
    /// A gauge.
    pub(crate) fn gauge(
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            help: help.into(),
            kind: MetricType::Gauge,
            unit: Unit::One,
        }
    }

    /// A counter.
    pub(crate) fn counter(
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: MetricType::Counter,
            ..Self::gauge(name, help)
        }
    }

    /// The same in another unit.
    pub(crate) fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }
}

/// Labels whose values do not change.
pub(crate) type Labels<'a> = &'a [(&'static str, &'a str)];

enum Source {
    Number(KernelFile),
    /// Further labels, read on each scrape; the value is 1.
    Labels(Vec<(&'static str, KernelFile)>),
    Fixed(f64),
}

struct Item {
    metric: Metric,
    labels: Vec<(&'static str, String)>,
    source: Source,
}

/// The series that were found, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Items(Vec<Item>);

impl Items {
    /// A series from a file, if the file is there.
    pub(crate) fn number(&mut self, mut file: KernelFile, metric: Metric, labels: Labels<'_>) {
        if file.exists() {
            self.push(metric, labels, Source::Number(file));
        }
    }

    /// The same, but 0 where there is no such file.
    pub(crate) fn number_or_zero(
        &mut self,
        mut file: KernelFile,
        metric: Metric,
        labels: Labels<'_>,
    ) {
        let source = match file.exists() {
            true => Source::Number(file),
            false => Source::Fixed(0.0),
        };
        self.push(metric, labels, source);
    }

    /// A series of value 1 with further labels from files; those that are not there are left out.
    pub(crate) fn info(
        &mut self,
        metric: Metric,
        labels: Labels<'_>,
        files: impl IntoIterator<Item = (&'static str, KernelFile)>,
    ) {
        let files = files.into_iter().filter_map(|(label, mut file)| {
            let is_there = file.exists();
            is_there.then_some((label, file))
        });
        self.push(metric, labels, Source::Labels(files.collect()));
    }

    /// The same, but labels whose files are not there are empty.
    pub(crate) fn whole_info<const N: usize>(
        &mut self,
        metric: Metric,
        labels: Labels<'_>,
        files: [(&'static str, KernelFile); N],
    ) {
        let mut labels = labels.to_vec();
        let there = files.map(|(label, mut file)| match file.exists() {
            true => Some((label, file)),
            false => {
                labels.push((label, ""));
                None
            }
        });
        self.info(metric, &labels, there.into_iter().flatten());
    }

    /// A series whose value does not change.
    pub(crate) fn fixed(&mut self, metric: Metric, labels: Labels<'_>, value: f64) {
        self.push(metric, labels, Source::Fixed(value));
    }

    fn push(&mut self, metric: Metric, labels: Labels<'_>, source: Source) {
        let labels = labels.iter().map(|&(name, value)| (name, value.to_owned()));
        self.0.push(Item {
            metric,
            labels: labels.collect(),
            source,
        });
    }
}

/// What was found under a directory, with its files open.
#[derive(Default)]
pub(crate) struct Board {
    seen: Vec<String>,
    age: u32,
    items: Items,
}

impl Board {
    /// Writes all series; `discover` finds them again when `names`, the content of the directory, is not the last one.
    pub(crate) fn emit(
        &mut self,
        names: Vec<String>,
        out: &mut Families,
        discover: impl FnOnce(&[String], &mut Items),
    ) {
        if self.age == 0 || self.seen != names {
            self.items = Items::default();
            discover(&names, &mut self.items);
            self.seen = names;
            self.age = LIFETIME;
        }
        self.age -= 1;
        for item in &mut self.items.0 {
            item.emit(out);
        }
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.0.is_empty()
    }
}

impl Item {
    fn emit(&mut self, out: &mut Families) {
        let value = match &mut self.source {
            Source::Number(file) => {
                match file.value().and_then(|text| self.metric.unit.value(text)) {
                    Some(value) => value,
                    // The attribute has no value now, such as the speed of a link that is down.
                    None => return,
                }
            }
            Source::Labels(files) => {
                for (_, file) in files {
                    // What cannot be read is an empty label.
                    let _ = file.value();
                }
                1.0
            }
            Source::Fixed(value) => *value,
        };
        let mut labels = [("", ""); MOST_LABELS];
        let fixed = self
            .labels
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let files: &[(&str, KernelFile)] = match &self.source {
            Source::Labels(files) => files,
            _ => &[],
        };
        let read = files.iter().map(|(name, file)| (*name, file.last()));
        let mut count = 0;
        for (place, label) in labels.iter_mut().zip(fixed.chain(read)) {
            *place = label;
            count += 1;
        }
        out.family(&self.metric.name, &self.metric.help, self.metric.kind)
            .sample(labels.get(..count).unwrap_or_default(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &Families) -> String {
        let mut text = String::new();
        exposition::encode(out, exposition::Format::Text, &mut text);
        text
    }

    #[test]
    fn series_are_found_again_only_when_the_directory_changed() {
        let mut board = Board::default();
        let mut found = 0;
        for names in [vec!["a"], vec!["a"], vec!["a", "b"]] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let mut out = Families::new();
            board.emit(names.clone(), &mut out, |names, items| {
                found += 1;
                for name in names {
                    items.fixed(Metric::gauge("x", "X."), &[("device", name)], 2.0);
                }
            });
            assert_eq!(out.sample_count(), names.len());
            assert!(text(&out).contains("x{device=\"a\"} 2\n"));
        }
        assert_eq!(found, 2);
    }

    #[test]
    fn units_are_applied_and_what_is_no_number_has_no_value() {
        assert_eq!(Unit::Over(1000.0).value("36100\n"), Some(36.1));
        assert_eq!(Unit::Times(2.0).value("-3"), Some(-6.0));
        for text in ["", "nan", "inf", "1e9", "0x1", "one", "1 2"] {
            assert_eq!(Unit::One.value(text), None, "{text}");
        }
    }
}
