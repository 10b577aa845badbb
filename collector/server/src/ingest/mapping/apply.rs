//! What the mapping makes of one scrape: resources with their attributes and the values of their metrics. Pure:
//! samples in, resources out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::rules::{Combine, Facts, MetricRule, ResourceRule};
use super::selector::Selector;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// A sample of a scrape, as the mapping needs it.
#[derive(Debug)]
pub(crate) struct Sample<'a> {
    /// Labels in the order of the scrape.
    pub(crate) labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value; never NaN or infinite.
    pub(crate) value: f64,
}

impl Sample<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        find(&self.labels, name)
    }
}

fn find<'s>(labels: &'s [(&str, Cow<'_, str>)], name: &str) -> Option<&'s str> {
    labels
        .iter()
        .find(|(label, _)| *label == name)
        .map(|(_, value)| value.as_ref())
}

/// The samples of a scrape by the name of their series.
pub(crate) type Samples<'a> = HashMap<&'a str, Vec<Sample<'a>>>;

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
}

/// Applies one rule to a scrape of a target with these labels; resources come in order of their id.
pub(crate) fn apply<'m>(
    rule: &'m ResourceRule,
    samples: &Samples<'_>,
    target: &Labels,
) -> Vec<MappedResource<'m>> {
    let facts = FactTable::new(rule.facts.as_ref(), samples);
    let mut resources: BTreeMap<String, MappedResource<'m>> = BTreeMap::new();
    for metric in &rule.metrics {
        for (id, (value, sample)) in values(rule, metric, samples, target, &facts) {
            resources
                .entry(id)
                .or_insert_with_key(|id| describe(rule, id, sample, target, &facts))
                .metrics
                .push(MappedMetric {
                    name: &metric.name,
                    unit: &metric.unit,
                    archive_policy: &metric.archive_policy,
                    value: value * metric.scale + metric.add,
                });
        }
    }
    resources.into_values().collect()
}

/// Value of the metric by resource id, with a sample to take labels from: per resource the first alternative
/// whose series are all there.
fn values<'s, 'a>(
    rule: &'s ResourceRule,
    metric: &'s MetricRule,
    samples: &'s Samples<'a>,
    target: &'s Labels,
    facts: &FactTable<'s, 'a>,
) -> BTreeMap<String, (f64, &'s Sample<'a>)> {
    let mut found = BTreeMap::new();
    for sum in &metric.from {
        let mut terms = sum.iter().map(|term| {
            let mut values: BTreeMap<String, (f64, &'s Sample<'a>)> = BTreeMap::new();
            for sample in select(samples, &term.selector) {
                if let Some(id) = rule.id.render(|name| lookup(name, sample, target, facts)) {
                    // Gnocchi takes no slash in an id; Ceilometer's publisher does the same.
                    let id = id.replace('/', "_");
                    values
                        .entry(id)
                        .and_modify(|(value, _)| {
                            *value = match metric.combine {
                                Combine::Sum => *value + sample.value,
                                Combine::Max => value.max(sample.value),
                            };
                        })
                        .or_insert((sample.value, sample));
                }
            }
            (term.factor, values)
        });
        let Some((factor, first)) = terms.next() else {
            continue;
        };
        let rest: Vec<_> = terms.collect();
        for (id, (value, sample)) in first {
            let others: Option<f64> = rest
                .iter()
                .map(|(factor, values)| Some(values.get(&id)?.0 * factor))
                .sum();
            if let Some(others) = others {
                found.entry(id).or_insert((value * factor + others, sample));
            }
        }
    }
    found
}

fn describe<'m, 's, 'a>(
    rule: &'m ResourceRule,
    id: &str,
    sample: &'s Sample<'a>,
    target: &Labels,
    facts: &FactTable<'s, 'a>,
) -> MappedResource<'m> {
    let render = |template: &super::template::Template| {
        template.render(|name| lookup(name, sample, target, facts))
    };
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

fn select<'s, 'a>(
    samples: &'s Samples<'a>,
    selector: &Selector,
) -> impl Iterator<Item = &'s Sample<'a>> {
    samples
        .get(selector.series.as_str())
        .into_iter()
        .flatten()
        .filter(|sample| selector.matches(|name| sample.label(name)))
}

/// A label of the sample, else of its facts, else of the target.
fn lookup<'l>(
    name: &str,
    sample: &'l Sample<'_>,
    target: &'l Labels,
    facts: &FactTable<'l, '_>,
) -> Option<&'l str> {
    sample
        .label(name)
        .or_else(|| facts.of(sample)?.label(name))
        .or_else(|| target.get(name).map(String::as_str))
}

/// The samples of the facts series by the values of the labels joined on.
struct FactTable<'s, 'a> {
    on: &'s [String],
    rows: HashMap<Vec<&'s str>, &'s Sample<'a>>,
}

impl<'s, 'a> FactTable<'s, 'a> {
    fn new(facts: Option<&'s Facts>, samples: &'s Samples<'a>) -> Self {
        let Some(facts) = facts else {
            return Self {
                on: &[],
                rows: HashMap::new(),
            };
        };
        let rows = select(samples, &facts.series)
            .filter_map(|sample| Some((key(&facts.on, sample)?, sample)))
            .collect();
        Self {
            on: &facts.on,
            rows,
        }
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
