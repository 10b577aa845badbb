//! How a sample gets into the arena: its labels are checked, hashed and escaped in one walk, shared with other samples of
//! the same labels, and a series that is there already is refused. Nothing allocates once the arena is warm.

use crate::hash::{self, hash};
use crate::kind::{Suffix, Timestamp};
use crate::label::{self, Labels, is_label_name};
use crate::model::{Families, Family, LabelSet, NONE, Sample};
use crate::problem::Problem;

/// Adds samples to one family; made by [`Families::family`].
#[derive(Debug)]
pub struct FamilyWriter<'a> {
    families: &'a mut Families,
    /// `None` when the family itself was refused.
    family: Option<u32>,
}

impl<'a> FamilyWriter<'a> {
    pub(crate) fn new(families: &'a mut Families, family: Option<u32>) -> Self {
        Self { families, family }
    }

    /// Adds a sample, measured at the time of the scrape. A label with an empty value is the same as none.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.write(Suffix::None, labels.iter().copied(), value, None)
    }

    /// Adds a sample with the time at which it was measured.
    pub fn sample_at(
        &mut self,
        labels: &[(&str, &str)],
        value: f64,
        timestamp: Timestamp,
    ) -> &mut Self {
        self.write(Suffix::None, labels.iter().copied(), value, Some(timestamp))
    }

    /// Adds a part of a histogram or summary, or the creation time of a counter.
    pub fn suffixed(&mut self, suffix: Suffix, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.write(suffix, labels.iter().copied(), value, None)
    }

    /// As [`FamilyWriter::suffixed`], with the time at which it was measured.
    pub fn suffixed_at(
        &mut self,
        suffix: Suffix,
        labels: &[(&str, &str)],
        value: f64,
        timestamp: Timestamp,
    ) -> &mut Self {
        self.write(suffix, labels.iter().copied(), value, Some(timestamp))
    }

    /// Tells OpenMetrics the unit, in which the family's name (without `_total`) must end.
    pub fn unit(&mut self, unit: &str) -> &mut Self {
        if let Some(at) = self.family
            && let Err(problem) = self.families.set_unit(at, unit)
        {
            self.families.report(problem);
        }
        self
    }

    /// Adds a sample with labels from anywhere.
    pub(crate) fn write<'l, V: AsRef<str>>(
        &mut self,
        suffix: Suffix,
        labels: impl Iterator<Item = (&'l str, V)> + Clone,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> &mut Self {
        if let Some(at) = self.family
            && let Err(problem) = self.families.write(at, suffix, labels, value, timestamp)
        {
            self.families.report(problem);
        }
        self
    }

    /// Adds a sample of another collection, whose label text is checked already. `known` is where this arena has those
    /// labels, once it has them.
    pub(crate) fn copy(&mut self, sample: &Sample, text: &str, hash: u64, known: &mut u32) {
        let Some(at) = self.family else {
            return;
        };
        let families = &mut *self.families;
        let copied = families
            .check(at, sample.suffix, Labels::new(text))
            .and_then(|()| {
                if *known == NONE {
                    let start = families.text.len();
                    families.text.push_str(text);
                    *known = families.intern(start, hash, at)?;
                }
                families.push(at, *known, sample.suffix, sample.value, sample.timestamp)
            });
        if let Err(problem) = copied {
            families.report(problem);
        }
    }
}

impl Families {
    fn write<'l, V: AsRef<str>>(
        &mut self,
        family: u32,
        suffix: Suffix,
        labels: impl Iterator<Item = (&'l str, V)> + Clone,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Result<(), Problem> {
        let start = self.text.len();
        let written = self.write_labels(family, labels).and_then(|hash| {
            let text = self.text.get(start..).unwrap_or_default();
            self.check(family, suffix, Labels::new(text))?;
            Ok(hash)
        });
        match written {
            Ok(hash) => {
                let set = self.intern(start, hash, family)?;
                self.push(family, set, suffix, value, timestamp)
            }
            Err(problem) => {
                self.text.truncate(start);
                Err(problem)
            }
        }
    }

    /// Writes labels to the end of the text; returns their hash, which does not depend on their order.
    fn write_labels<'l, V: AsRef<str>>(
        &mut self,
        family: u32,
        labels: impl Iterator<Item = (&'l str, V)> + Clone,
    ) -> Result<u64, Problem> {
        let mut sum = 0_u64;
        for (at, (name, value)) in labels.clone().enumerate() {
            let value = value.as_ref();
            if !is_label_name(name) || name.starts_with("__") {
                let (family, label) = (self.name_at(family).to_owned(), name.to_owned());
                return Err(Problem::InvalidLabel { family, label });
            }
            if labels.clone().take(at).any(|(earlier, _)| earlier == name) {
                let (family, label) = (self.name_at(family).to_owned(), name.to_owned());
                return Err(Problem::DuplicateLabel { family, label });
            }
            if at > 0 {
                self.text.push(',');
            }
            self.text.push_str(name);
            self.text.push_str("=\"");
            label::escape(value, &mut self.text);
            self.text.push('"');
            if !value.is_empty() {
                sum = sum.wrapping_add(hash::pair(hash(name), hash(value)));
            }
        }
        Ok(sum)
    }

    /// Whether the family may have such a sample with such labels.
    fn check(&self, at: u32, suffix: Suffix, labels: Labels<'_>) -> Result<(), Problem> {
        let Some(&Family { kind, name, .. }) = self.family_at(at) else {
            return Ok(());
        };
        let name = self.text_of(name);
        if !kind.allows(suffix) {
            let family = name.to_owned();
            return Err(Problem::WrongSuffix {
                family,
                kind,
                suffix,
            });
        }
        match kind.required_label(suffix, name) {
            Some(label) if labels.get(label).is_none() => Err(Problem::MissingLabel {
                family: name.to_owned(),
                kind,
                suffix,
                label: label.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The label set of the text from `start` on: one that is there already, or a new one.
    fn intern(&mut self, start: usize, hash: u64, family: u32) -> Result<u32, Problem> {
        let known = self.known_sets.get(&hash).copied();
        if let Some(at) = known
            && let Some(set) = self.sets.get(at as usize)
            && self.text.get(start..) == Some(self.text_of(set.text))
        {
            self.text.truncate(start);
            return Ok(at);
        }
        let stored = self.span_from(start).zip(index(self.sets.len()));
        let Some((text, at)) = stored else {
            return Err(self.full(family));
        };
        self.sets.push(LabelSet { text, hash });
        if known.is_none() {
            self.known_sets.insert(hash, at);
        }
        Ok(at)
    }

    /// Appends a sample to its family, unless its series is there.
    fn push(
        &mut self,
        at: u32,
        labels: u32,
        suffix: Suffix,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Result<(), Problem> {
        let name_hash = self.family_at(at).map_or(0, |family| family.name_hash);
        let set_hash = self.sets.get(labels as usize).map_or(0, |set| set.hash);
        let key = hash::pair(name_hash.wrapping_add(suffix as u64), set_hash);
        let earlier = self.series.get(&key).copied();
        if let Some(earlier) = earlier
            && self.is_series(earlier, at, suffix, labels)
        {
            let series = self.series_name(at, suffix, labels);
            return Err(Problem::DuplicateSeries { series });
        }
        let Some(index) = index(self.samples.len()) else {
            return Err(self.full(at));
        };
        self.samples.push(Sample {
            value,
            timestamp,
            family: at,
            labels,
            next: NONE,
            suffix,
        });
        if earlier.is_none() {
            self.series.insert(key, index);
        }
        let Some(family) = self.families.get_mut(at as usize) else {
            return Ok(());
        };
        let last = std::mem::replace(&mut family.last, index);
        match self.samples.get_mut(last as usize) {
            Some(last) => last.next = index,
            None => family.first = index,
        }
        Ok(())
    }

    fn is_series(&self, sample: u32, family: u32, suffix: Suffix, labels: u32) -> bool {
        self.samples.get(sample as usize).is_some_and(|sample| {
            sample.family == family
                && sample.suffix == suffix
                && (sample.labels == labels
                    || self
                        .labels_at(sample.labels)
                        .same_series(self.labels_at(labels)))
        })
    }

    fn labels_at(&self, at: u32) -> Labels<'_> {
        Labels::new(
            self.sets
                .get(at as usize)
                .map_or("", |set| self.text_of(set.text)),
        )
    }

    fn series_name(&self, family: u32, suffix: Suffix, labels: u32) -> String {
        let (name, suffix) = (self.name_at(family), suffix.as_str());
        match self.labels_at(labels).text() {
            "" => format!("{name}{suffix}"),
            labels => format!("{name}{suffix}{{{labels}}}"),
        }
    }

    fn full(&self, family: u32) -> Problem {
        let family = self.name_at(family).to_owned();
        Problem::Full { family }
    }
}

/// The next index, below the one that means none.
fn index(length: usize) -> Option<u32> {
    u32::try_from(length).ok().filter(|&index| index != NONE)
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
