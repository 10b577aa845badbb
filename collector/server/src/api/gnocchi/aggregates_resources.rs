//! The resources of an aggregate, by groups, and which of their metrics its operations name.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use collector_index::{Filter, IndexError, Page, Resource, ResourceQuery};
use collector_model::operations::{Operation, Reference};
use collector_model::{MetricId, fnmatch};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::aggregates_measures::Selected;
use super::bounds::Bounds;
use super::error::ApiResult;
use super::pagination::RESOURCE_ORDER;
use super::query::Params;
use super::view;
use crate::app::App;

/// Attributes to group by: each once, sorted.
pub(super) fn groups(params: &Params) -> Vec<String> {
    let names = params.all("groupby").filter(|name| !name.is_empty());
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The resources of a search, by groups; refused where there are more than one aggregate may have.
pub(super) async fn search(
    app: &App,
    resource_type: &str,
    filter: Option<Filter>,
    groups: &[String],
    bounds: &Bounds,
) -> ApiResult<Result<Vec<Resource>, IndexError>> {
    let sort = if groups.is_empty() {
        RESOURCE_ORDER.iter().map(|key| (*key).to_owned()).collect()
    } else {
        groups.to_vec()
    };
    let query = ResourceQuery {
        resource_type: resource_type.to_owned(),
        filter,
        history: false,
        page: Page {
            limit: Some(bounds.resources()),
            marker: None,
            sort,
        },
    };
    let found = app.index.list_resources(&query).await;
    if let Ok(resources) = &found {
        bounds.check(resources.len(), "resources")?;
    }
    Ok(found)
}

/// Puts sorted resources together that have the same values of attributes; gives those with each group.
pub(super) fn grouped<'r>(
    resources: &'r [Resource],
    resource_type: &str,
    groups: &[String],
) -> Vec<(Map<String, Value>, Vec<&'r Resource>)> {
    let mut found: Vec<(Map<String, Value>, Vec<&Resource>)> = Vec::new();
    for resource in resources {
        let mut key = view::resource(resource, resource_type);
        key.retain(|name, _| groups.contains(name));
        match found.last_mut() {
            Some((last, members)) if *last == key => members.push(resource),
            _ => found.push((key, vec![resource])),
        }
    }
    found
}

/// The metrics of resources that the operations name.
pub(super) async fn select(
    app: &App,
    operation: &Operation,
    resources: &[&Resource],
    bounds: &Bounds,
) -> ApiResult<Vec<Selected>> {
    let references = operation.references();
    let mut wanted: Vec<(MetricId, &Reference, Uuid)> = Vec::new();
    for resource in resources {
        for reference in &references {
            let named = resource
                .metrics
                .iter()
                .filter(|(name, _)| fnmatch(&reference.name, name));
            wanted.extend(named.map(|(_, id)| (*id, reference, resource.id)));
            bounds.check(wanted.len(), "metrics")?;
        }
    }
    let mut ids: Vec<MetricId> = wanted.iter().map(|(id, _, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let metrics = app.index.metrics(&ids).await?;
    let by_id: HashMap<MetricId, _> = metrics.iter().map(|metric| (metric.id, metric)).collect();
    // One that was deleted since the resources were read is left out.
    let selected = wanted.into_iter().filter_map(|(id, reference, resource)| {
        Some(Selected {
            metric: Arc::clone(by_id.get(&id)?),
            reference: reference.clone(),
            resource: Some(resource),
        })
    });
    Ok(selected.collect())
}
