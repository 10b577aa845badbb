//! Looking at the model: borrowed families and samples. Nothing here copies text.

use std::borrow::Cow;

use crate::kind::{MetricType, Suffix, Timestamp};
use crate::label::Labels;
use crate::model::{Families, Family, LabelSet, Sample};

/// A family of a collection.
#[derive(Debug, Clone, Copy)]
pub struct FamilyRef<'a> {
    families: &'a Families,
    family: &'a Family,
}

impl<'a> FamilyRef<'a> {
    pub(crate) fn new(families: &'a Families, family: &'a Family) -> Self {
        Self { families, family }
    }

    /// The sample's name in text 0.0.4; a counter's with `_total`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.families.text_of(self.family.name)
    }

    /// What the metric is, not escaped; empty when nobody said.
    #[must_use]
    pub fn help(&self) -> &'a str {
        self.families.text_of(self.family.help)
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> MetricType {
        self.family.kind
    }

    /// Its unit as in OpenMetrics' `# UNIT`.
    #[must_use]
    pub fn unit(&self) -> Option<&'a str> {
        Some(self.families.text_of(self.family.unit)).filter(|unit| !unit.is_empty())
    }

    /// The samples in the order in which they were written.
    pub fn samples(&self) -> impl Iterator<Item = SampleRef<'a>> + use<'a> {
        let families = self.families;
        self.stored().map(move |(sample, set)| SampleRef {
            suffix: sample.suffix,
            label_text: families.text_of(set.text),
            value: sample.value,
            timestamp: sample.timestamp,
        })
    }

    pub(crate) fn stored(&self) -> impl Iterator<Item = (&'a Sample, &'a LabelSet)> + use<'a> {
        let families = self.families;
        let at = |at: u32| families.samples.get(at as usize);
        std::iter::successors(at(self.family.first), move |sample| at(sample.next))
            .filter_map(|sample| Some((sample, families.sets.get(sample.labels as usize)?)))
    }
}

/// A sample of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleRef<'a> {
    /// Which part of the family it is.
    pub suffix: Suffix,
    /// Its labels as they stand between the braces, escaped.
    pub label_text: &'a str,
    /// Its value.
    pub value: f64,
    /// When it was measured, if not at the time of the scrape.
    pub timestamp: Option<Timestamp>,
}

impl<'a> SampleRef<'a> {
    /// Names and unescaped values of the labels.
    #[must_use]
    pub fn labels(&self) -> Labels<'a> {
        Labels::new(self.label_text)
    }

    /// The value of the label of that name.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        self.labels().get(name)
    }
}
