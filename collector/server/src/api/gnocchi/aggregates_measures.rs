//! The measures of one aggregate: which granularities its metrics have in common, their series, and what the operations
//! make of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use collector_index::Metric;
use collector_model::operations::{Operation, Reference};
use collector_model::{Aggregation, Granularity, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregate_range::{Range, unaggregable};
use super::aggregates_work::Work;
use super::bounds::Bounds;
use super::computing::blocking;
use super::error::{ApiError, ApiResult};
use super::points::Point;
use super::resample::Sampling;
use crate::api::Compatibility;
use crate::app::App;

/// A metric that an aggregate is made of.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// The metric.
    pub(super) metric: Arc<Metric>,
    /// What the operations call it.
    pub(super) reference: Reference,
    /// The resource that it was found on, where it was looked for on resources.
    pub(super) resource: Option<Uuid>,
}

impl Selected {
    /// Its name in answers.
    pub(super) fn name(&self) -> String {
        match (self.resource, &self.metric.name) {
            (Some(_), Some(name)) => name.clone(),
            _ => self.metric.id.to_string(),
        }
    }
}

/// Points by name of the metric and of its aggregation.
pub(super) type ByMetric = BTreeMap<String, BTreeMap<String, Vec<Point>>>;

/// What an aggregate gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measures {
    /// One series, of all.
    Aggregated(Vec<Point>),
    /// Series of metrics.
    OfMetrics(ByMetric),
    /// Series of metrics of resources.
    OfResources(BTreeMap<Uuid, ByMetric>),
}

/// The granularities that all metrics have, coarsest first.
pub(super) fn common_granularities(metrics: &[&Metric]) -> Vec<Granularity> {
    let mut counts: HashMap<Granularity, usize> = HashMap::new();
    for metric in metrics {
        for archive in &metric.archive_policy.definition {
            *counts.entry(archive.granularity).or_default() += 1;
        }
    }
    let common = counts
        .into_iter()
        .filter(|(_, count)| *count == metrics.len());
    let mut common: Vec<Granularity> = common.map(|(granularity, _)| granularity).collect();
    common.sort_unstable_by(|a, b| b.cmp(a));
    common
}

/// Whether a metric is aggregated in windows of that length.
pub(super) fn has_granularity(metric: &Metric, granularity: Granularity) -> bool {
    let mut archives = metric.archive_policy.definition.iter();
    archives.any(|archive| archive.granularity == granularity)
}

/// The method of a name, if the metric has it.
pub(super) fn method_of(metric: &Metric, name: &str) -> Option<Aggregation> {
    let aggregation = name.parse().ok()?;
    let methods = &metric.archive_policy.aggregation_methods;
    methods.contains(&aggregation).then_some(aggregation)
}

/// Computes the operations on the selected metrics, of which there must be one at least; gives back what of the bounds
/// is left.
pub(super) async fn compute(
    app: &App,
    selected: Vec<Selected>,
    operation: &Arc<Operation>,
    range: Range,
    bounds: Bounds,
) -> ApiResult<(Measures, Bounds)> {
    bounds.check(selected.len(), "metrics")?;
    let (granularities, aggregations) = plan(&selected, &range)?;
    let (store, operation) = (Arc::clone(&app.store), Arc::clone(operation));
    blocking(bounds, move || {
        let mut work = Work {
            store: store.as_ref(),
            selected: &selected,
            aggregations: &aggregations,
            operation: &operation,
            range,
            bounds,
        };
        let measures = work.run(&granularities)?;
        Ok((measures, work.bounds))
    })
    .await
}

/// The granularities to read, and of each metric the aggregation.
fn plan(selected: &[Selected], range: &Range) -> ApiResult<(Vec<Granularity>, Vec<Aggregation>)> {
    let granularities = match range.granularity {
        Some(one) => vec![one],
        None => {
            let metrics: Vec<&Metric> = selected.iter().map(|one| &*one.metric).collect();
            common_granularities(&metrics)
        }
    };
    if granularities.is_empty() {
        let detail = selected
            .iter()
            .map(|one| json!([one.name(), one.reference.aggregation]));
        return Err(unaggregable(
            range.dialect,
            "No granularity match",
            detail.collect(),
        ));
    }
    let aggregations = selected.iter().map(|one| {
        method_of(&one.metric, &one.reference.aggregation).ok_or_else(|| {
            ApiError::not_found(json!({
                "cause": "Metrics with unknown aggregation",
                "detail": [[one.metric.id, one.reference.aggregation]],
            }))
        })
    });
    let aggregations = aggregations.collect::<ApiResult<_>>()?;
    let missing = selected.iter().filter_map(|one| {
        let mut granularities = granularities.iter();
        let missing = granularities.find(|wanted| !has_granularity(&one.metric, **wanted))?;
        Some(json!([
            one.name(),
            one.reference.aggregation,
            missing.seconds()
        ]))
    });
    let missing: Vec<Value> = missing.collect();
    if missing.is_empty() {
        Ok((granularities, aggregations))
    } else {
        Err(unaggregable(
            range.dialect,
            "Granularities are missing",
            missing.into(),
        ))
    }
}

/// The points of a series; `drops` leaves those out that are no finite number.
pub(super) fn points(
    timestamps: &[Timestamp],
    values: &[f64],
    sampling: Sampling,
    drops: bool,
) -> impl Iterator<Item = Point> {
    let pairs = timestamps.iter().zip(values);
    let shown = pairs.filter(move |(_, value)| !drops || value.is_finite());
    shown.map(move |(timestamp, value)| Point {
        timestamp: *timestamp,
        sampling,
        value: *value,
    })
}

/// The refusal of resources that have none of the metrics.
pub(super) fn no_metrics(dialect: Compatibility, operation: &Operation) -> ApiError {
    let names = operation.references().into_iter().map(|one| one.name);
    let names: BTreeSet<String> = names.collect();
    dialect.no_metrics(&Vec::from_iter(names))
}
