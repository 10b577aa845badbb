//! The mapping file: its YAML form, and the checked rules made of it once at start, as the configuration wants them. What
//! the rules do with a scrape is in `apply.rs`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::selector::Selector;
use super::template::Template;

/// The mapping file as written. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingFile {
    resources: Vec<RawResource>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    /// Gnocchi resource type.
    r#type: String,
    /// Original resource id, a template over the labels of a sample, of the facts and of the target.
    id: String,
    project_id: Option<String>,
    user_id: Option<String>,
    /// Info series whose labels join those of the samples.
    #[serde(default)]
    facts: Vec<RawFacts>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    metrics: BTreeMap<String, RawMetric>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFacts {
    series: String,
    on: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMetric {
    unit: String,
    archive_policy: String,
    /// Whether Ceilometer no longer publishes it.
    #[serde(default)]
    retired: bool,
    /// Series by factor; the first alternative whose series are all there is taken.
    from: Vec<BTreeMap<String, f64>>,
    /// What several samples of one series are made into.
    #[serde(default)]
    combine: Combine,
    /// What the series of an alternative are made into.
    #[serde(default)]
    join: Combine,
    /// The value is divided by the first of these that is there.
    #[serde(default)]
    per: Vec<String>,
    #[serde(default = "one")]
    multiply: f64,
    #[serde(default = "one")]
    divide: f64,
    #[serde(default)]
    add: f64,
    most: Option<f64>,
}

/// What several values of one resource are made into.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Combine {
    #[default]
    Sum,
    /// For what is told twice, such as a file system mounted in two places.
    Max,
}

impl Combine {
    /// One of two.
    pub(crate) fn both(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Sum => one + other,
            Self::Max => one.max(other),
        }
    }
}

/// What the configuration says beside the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes<'c> {
    /// Whether meters that Ceilometer no longer publishes are made.
    pub(crate) retired_meters: bool,
    /// Archive policies by the name that stands in the file for them.
    pub(crate) archive_policies: &'c BTreeMap<String, String>,
}

fn one() -> f64 {
    1.0
}

/// How to make resources of one type from a scrape.
#[derive(Debug)]
pub(crate) struct ResourceRule {
    pub(crate) resource_type: String,
    pub(crate) id: Template,
    pub(crate) project_id: Option<Template>,
    pub(crate) user_id: Option<Template>,
    pub(crate) facts: Vec<Facts>,
    pub(crate) attributes: Vec<(String, Template)>,
    pub(crate) metrics: Vec<MetricRule>,
}

/// An info series that gives further labels, and the labels that both sides share.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) series: Selector,
    pub(crate) on: Vec<String>,
}

/// How to make one metric of a resource.
#[derive(Debug)]
pub(crate) struct MetricRule {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) archive_policy: String,
    pub(crate) scale: f64,
    /// Added after scaling.
    pub(crate) add: f64,
    /// No value is larger.
    pub(crate) most: Option<f64>,
    /// What several samples of one series are made into.
    pub(crate) combine: Combine,
    /// What the terms of an alternative are made into.
    pub(crate) join: Combine,
    /// Alternatives in order.
    pub(crate) from: Vec<Vec<Term>>,
    /// Divisors in order; none where it is empty.
    pub(crate) per: Vec<Quantity>,
}

/// One series of an alternative and its factor.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) quantity: Quantity,
    pub(crate) factor: f64,
}

/// A series, or its growth.
#[derive(Debug)]
pub(crate) struct Quantity {
    /// `SERIES or SERIES`, as in PromQL: of those that have the same labels the first.
    pub(crate) selectors: Vec<Selector>,
    /// `rate(SERIES)`: its growth a second since the scrape before.
    pub(crate) is_rate: bool,
}

impl Quantity {
    fn parse(text: &str) -> Result<Self, String> {
        let inner = text
            .strip_prefix("rate(")
            .and_then(|inner| inner.strip_suffix(')'));
        let selectors = inner.unwrap_or(text).split(" or ").map(Selector::parse);
        Ok(Self {
            selectors: selectors.collect::<Result<_, _>>()?,
            is_rate: inner.is_some(),
        })
    }
}

impl MetricRule {
    /// All series that it is made of.
    pub(crate) fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        let terms = self.from.iter().flatten().map(|term| &term.quantity);
        terms.chain(&self.per)
    }
}

/// Checks the file. The error names the resource type, the metric or attribute, and what was expected.
pub(crate) fn check(file: MappingFile, wishes: Wishes<'_>) -> Result<Vec<ResourceRule>, String> {
    file.resources
        .into_iter()
        .map(|raw| {
            let place = format!("resources: type {}", raw.r#type);
            resource(raw, wishes).map_err(|why| format!("{place}: {why}"))
        })
        .collect()
}

fn resource(raw: RawResource, wishes: Wishes<'_>) -> Result<ResourceRule, String> {
    let template =
        |key: &str, text: &str| Template::parse(text).map_err(|why| format!("{key}: {why}"));
    let optional = |key: &str, text: Option<&String>| text.map(|t| template(key, t)).transpose();
    let facts = raw.facts.into_iter().map(|facts| {
        Ok::<_, String>(Facts {
            series: Selector::parse(&facts.series).map_err(|why| format!("facts: {why}"))?,
            on: facts.on,
        })
    });
    let facts = facts.collect::<Result<_, _>>()?;
    if raw.metrics.is_empty() {
        return Err("metrics: expected at least one".to_owned());
    }
    Ok(ResourceRule {
        id: template("id", &raw.id)?,
        project_id: optional("project_id", raw.project_id.as_ref())?,
        user_id: optional("user_id", raw.user_id.as_ref())?,
        facts,
        attributes: raw
            .attributes
            .iter()
            .map(|(name, text)| {
                Ok((
                    name.clone(),
                    template(&format!("attributes: {name}"), text)?,
                ))
            })
            .collect::<Result<_, String>>()?,
        metrics: raw
            .metrics
            .into_iter()
            .filter(|(_, metric)| wishes.retired_meters || !metric.retired)
            .map(|(name, metric)| {
                let place = format!("metrics: {name}");
                metric_rule(name, metric, wishes).map_err(|why| format!("{place}: {why}"))
            })
            .collect::<Result<_, String>>()?,
        resource_type: raw.r#type,
    })
}

fn metric_rule(name: String, raw: RawMetric, wishes: Wishes<'_>) -> Result<MetricRule, String> {
    let scale = raw.multiply / raw.divide;
    if !scale.is_finite() || scale == 0.0 {
        return Err(format!(
            "multiply {} and divide {} do not make a factor",
            raw.multiply, raw.divide
        ));
    }
    let from = raw
        .from
        .into_iter()
        .map(|sum| {
            sum.into_iter()
                .map(|(series, factor)| {
                    Ok(Term {
                        quantity: Quantity::parse(&series)?,
                        factor,
                    })
                })
                .collect::<Result<Vec<_>, String>>()
        })
        .collect::<Result<Vec<_>, String>>()?;
    if from.is_empty() || from.iter().any(Vec::is_empty) {
        return Err("from: expected series with factors".to_owned());
    }
    let per = raw.per.iter().map(|series| Quantity::parse(series));
    let other_policy = wishes.archive_policies.get(&raw.archive_policy);
    Ok(MetricRule {
        name,
        unit: raw.unit,
        archive_policy: other_policy.cloned().unwrap_or(raw.archive_policy),
        scale,
        add: raw.add,
        most: raw.most,
        combine: raw.combine,
        join: raw.join,
        from,
        per: per.collect::<Result<_, _>>()?,
    })
}
