//! What the mapping makes of one scrape: resources with their attributes and the values of their metrics. Pure:
//! samples in, resources out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use collector_model::Timestamp;

use super::rules::{Combine, Facts, MetricRule, Quantity, ResourceRule};
use super::selector::Selector;
use super::template::Template;
use crate::ingest::label_set::LabelSet;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// A sample of a scrape, as the mapping needs it.
#[derive(Debug)]
pub(crate) struct Sample<'a> {
    /// Its labels.
    pub(crate) labels: LabelSet<'a>,
    /// The value; never NaN or infinite.
    pub(crate) value: f64,
    /// Growth a second since the scrape before, where a rule asks for it and it is known.
    pub(crate) rate: Option<f64>,
    /// Its own moment, if that counts; else that of the scrape.
    pub(crate) timestamp: Option<Timestamp>,
}

impl Sample<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.find(name)
    }
}

/// The samples of a scrape by the name of their series.
pub(crate) type Samples<'a> = HashMap<Cow<'a, str>, Vec<Sample<'a>>>;

/// A resource that a scrape tells of.
#[derive(Debug, PartialEq)]
pub(crate) struct MappedResource<'m> {
    pub(crate) resource_type: &'m str,
    /// The id as Ceilometer writes it; Gnocchi's uuid5 of it is made later.
    pub(crate) original_id: String,
    pub(crate) project_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) attributes: BTreeMap<&'m str, String>,
    pub(crate) metrics: Vec<MappedMetric<'m>>,
}

/// A metric of a resource and its value in this scrape.
#[derive(Debug, PartialEq)]
pub(crate) struct MappedMetric<'m> {
    pub(crate) name: &'m str,
    pub(crate) unit: &'m str,
    pub(crate) archive_policy: &'m str,
    pub(crate) value: f64,
    /// The moment of the sample that it was made of, if that has one of its own.
    pub(crate) timestamp: Option<Timestamp>,
}

/// Applies one rule to a scrape of a target with these labels; resources come in order of their id.
pub(crate) fn apply<'m>(
    rule: &'m ResourceRule,
    samples: &Samples<'_>,
    target: &Labels,
) -> Vec<MappedResource<'m>> {
    let reading = Reading {
        rule,
        samples,
        target,
        facts: FactTable::all(&rule.facts, samples),
    };
    let mut resources: BTreeMap<String, MappedResource<'m>> = BTreeMap::new();
    for metric in &rule.metrics {
        for (id, (value, sample)) in reading.values(metric) {
            resources
                .entry(id)
                .or_insert_with_key(|id| describe(rule, id, &reading, sample))
                .metrics
                .push(MappedMetric {
                    name: &metric.name,
                    unit: &metric.unit,
                    archive_policy: &metric.archive_policy,
                    value,
                    timestamp: sample.timestamp,
                });
        }
    }
    resources.into_values().collect()
}

fn describe<'m>(
    rule: &'m ResourceRule,
    id: &str,
    reading: &Reading<'_, '_>,
    sample: &Sample<'_>,
) -> MappedResource<'m> {
    let render = |template: &Template| reading.render(template, sample);
    MappedResource {
        resource_type: &rule.resource_type,
        original_id: id.to_owned(),
        project_id: rule.project_id.as_ref().and_then(render),
        user_id: rule.user_id.as_ref().and_then(render),
        attributes: rule
            .attributes
            .iter()
            .filter_map(|(name, template)| Some((name.as_str(), render(template)?)))
            .collect(),
        metrics: Vec::new(),
    }
}

/// Values by resource id, each with a sample to take labels from.
type Values<'s, 'a> = BTreeMap<String, (f64, &'s Sample<'a>)>;

/// A scrape as one rule reads it.
struct Reading<'s, 'a> {
    rule: &'s ResourceRule,
    samples: &'s Samples<'a>,
    target: &'s Labels,
    facts: Vec<FactTable<'s, 'a>>,
}

impl<'s, 'a> Reading<'s, 'a> {
    /// Values of a metric: per resource of the first alternative whose series are all there.
    fn values(&self, metric: &MetricRule) -> Values<'s, 'a> {
        let of = |quantity| self.of(quantity, metric.combine);
        let divisors: Vec<_> = metric.per.iter().map(of).collect();
        let mut found = Values::new();
        for alternative in &metric.from {
            let mut terms = alternative
                .iter()
                .map(|term| (term.factor, of(&term.quantity)));
            let Some((factor, first)) = terms.next() else {
                continue;
            };
            let rest: Vec<_> = terms.collect();
            for (id, (value, sample)) in first {
                if found.contains_key(&id) {
                    continue;
                }
                let joined = rest
                    .iter()
                    .try_fold(value * factor, |joined, (factor, of)| {
                        Some(metric.join.both(joined, of.get(&id)?.0 * factor))
                    });
                let divisor = match divisors.as_slice() {
                    [] => Some(1.0),
                    divisors => divisors
                        .iter()
                        .find_map(|of| Some(of.get(&id)?.0).filter(|divisor| *divisor > 0.0)),
                };
                if let (Some(joined), Some(divisor)) = (joined, divisor) {
                    let value = joined * metric.scale / divisor + metric.add;
                    let value = metric.most.map_or(value, |most| value.min(most));
                    found.insert(id, (value, sample));
                }
            }
        }
        found
    }

    /// A series or its growth: what the samples of each resource make.
    fn of(&self, quantity: &Quantity, combine: Combine) -> Values<'s, 'a> {
        let mut values = Values::new();
        let mut seen = HashSet::new();
        for selector in &quantity.selectors {
            for sample in self.select(selector) {
                let value = match quantity.is_rate {
                    true => sample.rate,
                    false => Some(sample.value),
                };
                let id = value.and_then(|_| self.render(&self.rule.id, sample));
                let (Some(value), Some(id)) = (value, id) else {
                    continue;
                };
                if quantity.selectors.len() > 1 && !seen.insert(&sample.labels) {
                    continue;
                }
                // Gnocchi takes no slash in an id; Ceilometer's publisher does the same.
                let id = id.replace('/', "_");
                values
                    .entry(id)
                    .and_modify(|(so_far, _)| *so_far = combine.both(*so_far, value))
                    .or_insert((value, sample));
            }
        }
        values
    }

    /// The samples that are meant, by their own labels and those of their facts.
    fn select(&self, selector: &Selector) -> impl Iterator<Item = &'s Sample<'a>> {
        let samples = self.samples.get(selector.series.as_str());
        let samples = samples.into_iter().flatten();
        samples.filter(|sample| selector.matches(|name| self.label(sample, name)))
    }

    fn render(&self, template: &Template, sample: &Sample<'_>) -> Option<String> {
        template.render(|name| {
            let target = || self.target.get(name).map(String::as_str);
            self.label(sample, name).or_else(target)
        })
    }

    /// A label of the sample, else of its facts.
    fn label<'l>(&'l self, sample: &'l Sample<'_>, name: &str) -> Option<&'l str> {
        let of_facts = || {
            let mut facts = self.facts.iter();
            facts.find_map(|table| table.of(sample)?.label(name))
        };
        sample.label(name).or_else(of_facts)
    }
}

/// The samples of the facts series by the values of the labels joined on.
struct FactTable<'s, 'a> {
    on: &'s [String],
    rows: HashMap<Vec<&'s str>, &'s Sample<'a>>,
}

impl<'s, 'a> FactTable<'s, 'a> {
    fn all(facts: &'s [Facts], samples: &'s Samples<'a>) -> Vec<Self> {
        let tables = facts.iter().map(|facts| {
            let samples = samples.get(facts.series.series.as_str());
            let samples = samples.into_iter().flatten();
            let meant = samples.filter(|sample| facts.series.matches(|name| sample.label(name)));
            Self {
                on: &facts.on,
                rows: meant
                    .filter_map(|sample| Some((key(&facts.on, sample)?, sample)))
                    .collect(),
            }
        });
        tables.collect()
    }

    fn of(&self, sample: &Sample<'_>) -> Option<&'s Sample<'a>> {
        if self.rows.is_empty() {
            return None;
        }
        self.rows.get(&key(self.on, sample)?).copied()
    }
}

fn key<'l>(on: &[String], sample: &'l Sample<'_>) -> Option<Vec<&'l str>> {
    on.iter().map(|name| sample.label(name)).collect()
}
