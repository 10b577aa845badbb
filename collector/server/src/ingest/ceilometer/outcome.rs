//! What became of samples and events, and the counters of events by input that `/metrics` shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use exposition::{Families, MetricType};

use super::Operation;
use crate::metrics::{Input, Inputs};

/// What became of the samples and events of one request or message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Samples whose measures are on stable storage.
    pub(crate) accepted: usize,
    /// Samples that were not taken, by reason.
    pub(crate) rejected: BTreeMap<&'static str, usize>,
    /// Events that were applied.
    pub(crate) events: BTreeMap<Operation, usize>,
    /// Events that no definition names, or that are about resources that are not there or there already.
    pub(crate) events_ignored: usize,
    /// Events that were not applied, by reason.
    pub(crate) events_rejected: BTreeMap<&'static str, usize>,
    /// Resources whose attributes could not be brought up to date; their measures were taken.
    pub(crate) not_updated: usize,
    /// Why store or catalogue did not take what was sound, as a label; told by those who know.
    pub(super) failure: Option<&'static str>,
    /// What was wrong first with a sample or an event that was refused.
    pub(crate) first_refusal: Option<String>,
}

/// Samples of meters that no definition names: Ceilometer sends many that Gnocchi never kept.
pub(super) const UNKNOWN_METER: &str = "unknown_meter";
/// Samples of notifications in which the volume is not told yet.
pub(super) const NO_VOLUME: &str = "no_volume";
/// Samples and events that cannot be read.
pub(super) const MALFORMED: &str = "malformed";
/// Of resources that the catalogue refuses: without a required attribute, of no known type.
pub(super) const RESOURCE: &str = "resource";
/// Of resources and metrics that are not the sender's to change.
pub(super) const FORBIDDEN: &str = "forbidden";
/// The store or the catalogue did not take them: busy, full, broken.
pub(super) const UNAVAILABLE: &str = "unavailable";

impl Outcome {
    pub(super) fn reject(&mut self, reason: &'static str, samples: usize, why: String) {
        *self.rejected.entry(reason).or_default() += samples;
        self.first_refusal.get_or_insert(why);
    }

    pub(super) fn reject_event(&mut self, reason: &'static str, why: String) {
        *self.events_rejected.entry(reason).or_default() += 1;
        self.first_refusal.get_or_insert(why);
    }

    /// Samples and events that were refused, beside those that nobody expects to be kept.
    pub(crate) fn refused(&self) -> usize {
        let samples = self.rejected.iter();
        let samples = samples.filter(|(reason, _)| ![UNKNOWN_METER, NO_VOLUME].contains(*reason));
        let samples: usize = samples.map(|(_, count)| count).sum();
        samples + self.events_rejected.values().sum::<usize>()
    }
}

/// What became of events since the start, by input.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inputs: Mutex<BTreeMap<&'static str, Outcome>>,
}

impl Counters {
    /// Counts what came in by one way; samples that were not taken are counted there.
    pub(crate) fn add(&self, inputs: &Inputs, input: Input, outcome: &Outcome) {
        for (reason, count) in &outcome.rejected {
            inputs.rejected(input, reason, *count);
        }
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        let total = inputs.entry(input.name()).or_default();
        total.events_ignored += outcome.events_ignored;
        total.not_updated += outcome.not_updated;
        sum(&mut total.events, &outcome.events);
        sum(&mut total.events_rejected, &outcome.events_rejected);
    }

    /// Writes all families.
    pub(crate) fn collect(&self, out: &mut Families) {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if inputs.is_empty() {
            return;
        }
        let mut family = |name: &str, help: &str, label: &str, rows: &Rows| {
            let mut family = out.family(name, help, MetricType::Counter);
            for (input, outcome) in inputs.iter() {
                for (value, count) in rows(outcome) {
                    let labels = [("input", *input), (label, value)];
                    let labels = if label.is_empty() {
                        labels.split_at(1).0
                    } else {
                        &labels
                    };
                    family.sample(labels, count as f64);
                }
            }
        };
        family(
            "nephoscope_collector_ceilometer_events_total",
            "Events of Ceilometer that were applied to resources or ignored, by input and operation.",
            "operation",
            &|outcome| {
                let events = outcome.events.iter();
                let applied = events.map(|(operation, count)| (operation.name(), *count));
                applied
                    .chain([("ignored", outcome.events_ignored)])
                    .collect()
            },
        );
        family(
            "nephoscope_collector_ceilometer_events_rejected_total",
            "Events of Ceilometer that could not be applied, by input and reason.",
            "reason",
            &|outcome| by_reason(&outcome.events_rejected),
        );
        family(
            "nephoscope_collector_ceilometer_resources_not_updated_total",
            "Resources whose attributes could not be brought up to date from samples, by input.",
            "",
            &|outcome| vec![("", outcome.not_updated)],
        );
    }
}

/// The rows of a family: values of its label with their counts.
type Rows<'r> = dyn Fn(&Outcome) -> Vec<(&'static str, usize)> + 'r;

fn by_reason(counts: &BTreeMap<&'static str, usize>) -> Vec<(&'static str, usize)> {
    counts
        .iter()
        .map(|(reason, count)| (*reason, *count))
        .collect()
}

fn sum<K: Ord + Copy>(total: &mut BTreeMap<K, usize>, more: &BTreeMap<K, usize>) {
    for (key, count) in more {
        *total.entry(*key).or_default() += count;
    }
}
