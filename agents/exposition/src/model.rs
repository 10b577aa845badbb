//! The arena: families, their samples and the text of both, kept in a few vectors that `clear` empties without giving
//! the memory back. Label text is stored escaped, once per distinct set of labels, so a warm arena takes a scrape without
//! allocating. How a sample gets in is `writer.rs`, how it is looked at `view.rs`.

use crate::hash::HashKeyed;
use crate::kind::{MetricType, Suffix, Timestamp};
use crate::problem::Problem;
use crate::view::FamilyRef;
use crate::writer::FamilyWriter;

/// Problems kept as text; beyond these they are only counted.
const PROBLEMS_KEPT: usize = 100;

/// The end of a family's chain of samples.
pub(crate) const NONE: u32 = u32::MAX;

/// A piece of the arena's text, by byte offsets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) name: Span,
    pub(crate) help: Span,
    pub(crate) unit: Span,
    pub(crate) kind: MetricType,
    pub(crate) name_hash: u64,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) family: u32,
    /// Index of the label set.
    pub(crate) labels: u32,
    /// The family's next sample, or [`NONE`].
    pub(crate) next: u32,
    pub(crate) suffix: Suffix,
}

/// The labels of one or many samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelSet {
    pub(crate) text: Span,
    /// The same for any order of the same labels.
    pub(crate) hash: u64,
}

/// Metric families with their samples: what one collection found, or what a parsed scrape says.
///
/// Samples that would make the scrape invalid (bad names, a series given twice) are refused when they are written and
/// told by [`Families::problems`].
#[derive(Debug, Clone, Default)]
pub struct Families {
    pub(crate) text: String,
    pub(crate) families: Vec<Family>,
    /// Indices of the families, by name.
    pub(crate) order: Vec<u32>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) sets: Vec<LabelSet>,
    /// Label sets by hash.
    pub(crate) known_sets: HashKeyed,
    /// Samples by the hash of their series.
    pub(crate) series: HashKeyed,
    /// For [`Families::append`]: where the other's label sets are in this one.
    moved_sets: Vec<u32>,
    problems: Vec<Problem>,
    problem_count: u64,
}

impl Families {
    /// An empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the collection and its problems, and keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.text.clear();
        self.families.clear();
        self.order.clear();
        self.samples.clear();
        self.sets.clear();
        self.known_sets.clear();
        self.series.clear();
        self.problems.clear();
        self.problem_count = 0;
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Samples in all families.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }

    /// Opens a family, or the one of that name again; the first HELP that is not empty and the first type stay.
    ///
    /// `name` is the sample's name in text 0.0.4: a counter's ends in `_total`, an info's in `_info`, a histogram's has no
    /// suffix. HELP is trimmed, for the formats cannot carry blanks around it. A name that is none makes a writer that
    /// refuses all samples. A family without samples is not written.
    pub fn family<'a>(&'a mut self, name: &str, help: &str, kind: MetricType) -> FamilyWriter<'a> {
        let family = match self.open(name, help.trim(), kind) {
            Ok(family) => Some(family),
            Err(problem) => {
                self.report(problem);
                None
            }
        };
        FamilyWriter::new(self, family)
    }

    /// Writes a gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, help, MetricType::Gauge)
            .sample(&[], value);
    }

    /// Writes a counter without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, help, MetricType::Counter)
            .sample(&[], value);
    }

    /// Adds all families, samples and problems of another collection. Families of the same name are joined, and series
    /// that are here already are refused.
    pub fn append(&mut self, other: &Families) {
        let mut moved = std::mem::take(&mut self.moved_sets);
        moved.clear();
        moved.resize(other.sets.len(), NONE);
        for family in other.iter() {
            let mut writer = self.family(family.name(), family.help(), family.kind());
            if let Some(unit) = family.unit() {
                writer.unit(unit);
            }
            for (sample, set) in family.stored() {
                let Some(known) = moved.get_mut(sample.labels as usize) else {
                    continue;
                };
                writer.copy(sample, other.text_of(set.text), set.hash, known);
            }
        }
        self.moved_sets = moved;
        for problem in &other.problems {
            self.report(problem.clone());
        }
        let untold = other
            .problem_count
            .saturating_sub(other.problems.len() as u64);
        self.problem_count = self.problem_count.saturating_add(untold);
    }

    /// The families that have samples, by name.
    pub fn iter(&self) -> impl Iterator<Item = FamilyRef<'_>> {
        let in_order = self.order.iter().filter_map(|&at| self.family_at(at));
        in_order
            .filter(|family| family.first != NONE)
            .map(|family| FamilyRef::new(self, family))
    }

    /// The family of that name, if it has samples.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<FamilyRef<'_>> {
        let family = self.family_at(self.locate(name, "").ok()?)?;
        (family.first != NONE).then(|| FamilyRef::new(self, family))
    }

    /// What was refused since the last `clear`, each once and the first hundred only.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How often something was refused since the last `clear`, repetitions included.
    #[must_use]
    pub fn problem_count(&self) -> u64 {
        self.problem_count
    }

    pub(crate) fn report(&mut self, problem: Problem) {
        self.problem_count = self.problem_count.saturating_add(1);
        if self.problems.len() < PROBLEMS_KEPT && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(crate) fn text_of(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    pub(crate) fn family_at(&self, at: u32) -> Option<&Family> {
        self.families.get(at as usize)
    }

    pub(crate) fn name_at(&self, at: u32) -> &str {
        self.family_at(at)
            .map_or("", |family| self.text_of(family.name))
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
