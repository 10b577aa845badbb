//! The mapping file: its YAML form, and the checked rules made of it once at start. What the rules do with a
//! scrape is in `apply.rs`.

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
    /// An info series whose labels join those of the samples.
    facts: Option<RawFacts>,
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
    /// Sums of series by factor; the first whose series are all there is taken.
    from: Vec<BTreeMap<String, f64>>,
    #[serde(default)]
    combine: Combine,
    #[serde(default = "one")]
    multiply: f64,
    #[serde(default = "one")]
    divide: f64,
    #[serde(default)]
    add: f64,
}

/// What several samples of one series of one resource are made into.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Combine {
    #[default]
    Sum,
    /// For what is told twice, such as a file system mounted in two places.
    Max,
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
    pub(crate) facts: Option<Facts>,
    pub(crate) attributes: Vec<(String, Template)>,
    pub(crate) metrics: Vec<MetricRule>,
}

/// The info series that gives further labels, and the labels that both sides share.
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
    pub(crate) combine: Combine,
    /// Alternatives in order; each is a sum of terms.
    pub(crate) from: Vec<Vec<Term>>,
}

/// One series of a sum and its factor.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) selector: Selector,
    pub(crate) factor: f64,
}

/// Checks the file. The error names the resource type, the metric or attribute, and what was expected.
pub(crate) fn check(file: MappingFile) -> Result<Vec<ResourceRule>, String> {
    file.resources
        .into_iter()
        .map(|raw| {
            let place = format!("resources: type {}", raw.r#type);
            resource(raw).map_err(|why| format!("{place}: {why}"))
        })
        .collect()
}

fn resource(raw: RawResource) -> Result<ResourceRule, String> {
    let template =
        |key: &str, text: &str| Template::parse(text).map_err(|why| format!("{key}: {why}"));
    let optional = |key: &str, text: Option<&String>| text.map(|t| template(key, t)).transpose();
    let facts = raw
        .facts
        .map(|facts| {
            Ok::<_, String>(Facts {
                series: Selector::parse(&facts.series).map_err(|why| format!("facts: {why}"))?,
                on: facts.on,
            })
        })
        .transpose()?;
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
            .map(|(name, metric)| {
                let place = format!("metrics: {name}");
                metric_rule(name, metric).map_err(|why| format!("{place}: {why}"))
            })
            .collect::<Result<_, String>>()?,
        resource_type: raw.r#type,
    })
}

fn metric_rule(name: String, raw: RawMetric) -> Result<MetricRule, String> {
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
                        selector: Selector::parse(&series)?,
                        factor,
                    })
                })
                .collect::<Result<Vec<_>, String>>()
        })
        .collect::<Result<Vec<_>, String>>()?;
    if from.is_empty() || from.iter().any(Vec::is_empty) {
        return Err("from: expected series with factors".to_owned());
    }
    Ok(MetricRule {
        name,
        unit: raw.unit,
        archive_policy: raw.archive_policy,
        scale,
        add: raw.add,
        combine: raw.combine,
        from,
    })
}
