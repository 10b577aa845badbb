//! `/v1/batch`: measures of many metrics in one request, by the metrics' ids or by resource and name. Acknowledged
//! together, and taken as a whole or not at all.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use collector_index::{EnsureMetric, EnsureResource, IndexError, Metric};
use collector_model::{Measure, MetricId, parse_uuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::batch_body::{self, Entry, not_uuid};
use super::bring_back::bring_back;
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::openapi::{Endpoints, Operation};
use super::query::Params;
use super::reply::accepted;
use super::resource_body::refuse_slash;
use super::schema::invalid_at;
use crate::app::App;
use crate::auth::policy::Action;
use crate::metrics::Input;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new()
        .post(
            Operation::new(
                "/batch/metrics/measures",
                "Write measures of several metrics",
            )
            .body("MetricBatch")
            .done(202)
            .refuses(&[404, 507]),
            by_metric,
        )
        .post(
            Operation::new(
                "/batch/resources/metrics/measures",
                "Write measures of several resources, creating their metrics if asked to",
            )
            .query(&["create_metrics"])
            .body("ResourceBatch")
            .done(202)
            .refuses(&[404, 409, 507]),
            by_resource,
        )
}

async fn by_metric(State(app): State<Arc<App>>, caller: Caller, body: RawBody) -> ApiResult {
    let body = batch_body::by_metric(&body)?;
    let entries = body.groups.iter().flat_map(|group| body.entries(group));
    let mut found: Vec<(MetricId, &Entry<'_>)> = Vec::new();
    for entry in entries {
        let id = parse_uuid(&entry.name).ok_or_else(|| not_uuid(&entry.name))?;
        found.push((id, entry));
    }
    // Of an id in two spellings the last one counts.
    found.reverse();
    found.sort_by_key(|(id, _)| *id);
    found.dedup_by_key(|(id, _)| *id);
    let ids: Vec<MetricId> = found.iter().map(|(id, _)| *id).collect();
    let metrics = app.index.metrics(&ids).await?;
    if metrics.len() < ids.len() {
        let known: BTreeSet<MetricId> = metrics.iter().map(|metric| metric.id).collect();
        let unknown = ids
            .iter()
            .filter(|id| !known.contains(id))
            .map(Uuid::to_string);
        return Err(unknown_metrics(unknown.collect()));
    }
    let entries = found.into_iter().map(|(_, entry)| entry);
    write(&app, &caller, &metrics, entries, body.measures()).await
}

/// Measures of a resource's metrics.
struct Resource<'b> {
    original: &'b str,
    id: Uuid,
    entries: &'b [Entry<'b>],
}

impl Resource<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }
}

async fn by_resource(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let create = params.flag("create_metrics")?;
    let id_of = |original: &str| {
        let id = caller.resource_id(original);
        id.map_err(|error| invalid_at(&error.to_string(), &[original]))
    };
    let body = batch_body::by_resource(&body, |original| id_of(original).map(drop))?;
    let mut resources = Vec::with_capacity(body.groups.len());
    for group in &body.groups {
        let (original, id) = (&*group.name, id_of(&group.name)?);
        let entries = body.entries(group);
        if !entries.is_empty() {
            resources.push(Resource {
                original,
                id,
                entries,
            });
        }
    }
    let metrics = match create {
        true => ensure(&app, &caller, &resources).await?,
        false => known(&app, &resources).await?,
    };
    let entries = resources.iter().flat_map(|resource| resource.entries);
    write(&app, &caller, &metrics, entries, body.measures()).await
}

/// The metrics that are there, of each resource in its order; 400 with the names of all that are not.
async fn known(app: &App, resources: &[Resource<'_>]) -> ApiResult<Vec<Arc<Metric>>> {
    let wanted: Vec<(Uuid, Vec<&str>)> = resources
        .iter()
        .map(|resource| (resource.id, resource.names().collect()))
        .collect();
    let found = app.index.metrics_of_resources(&wanted).await?;
    let found: HashMap<(Uuid, &str), &Arc<Metric>> = found
        .iter()
        .filter_map(|metric| Some(((metric.resource_id?, metric.name.as_deref()?), metric)))
        .collect();
    let (mut metrics, mut unknown) = (Vec::new(), Vec::new());
    for (id, names) in wanted {
        for name in names {
            match found.get(&(id, name)) {
                Some(metric) => metrics.push(Arc::clone(metric)),
                None => unknown.push(format!("{id}/{name}")),
            }
        }
    }
    if unknown.is_empty() {
        Ok(metrics)
    } else {
        Err(unknown_metrics(unknown))
    }
}

fn unknown_metrics(mut names: Vec<String>) -> ApiError {
    names.sort_unstable();
    ApiError::bad_request(format!("Unknown metrics: {}", names.join(", ")))
}

/// The metrics of each resource in its order, created where they are not there; 400 with all resources that do not exist.
async fn ensure(
    app: &App,
    caller: &Caller,
    resources: &[Resource<'_>],
) -> ApiResult<Vec<Arc<Metric>>> {
    let mut wanted = Vec::with_capacity(resources.len());
    for resource in resources {
        let mut metrics = Vec::with_capacity(resource.entries.len());
        for entry in resource.entries {
            refuse_slash(&entry.name)?;
            metrics.push(EnsureMetric {
                name: &entry.name,
                unit: entry.unit.as_deref(),
                archive_policy_name: entry.archive_policy_name.as_deref(),
            });
        }
        wanted.push(EnsureResource {
            id: resource.id,
            body: None,
            creator: Some(&caller.name),
            metrics,
        });
    }
    let ensured = app.measures.ensure(&wanted).await?;
    let mut unknown: Vec<Value> = Vec::new();
    let mut refused = None;
    let mut metrics = Vec::new();
    for (resource, outcome) in resources.iter().zip(ensured) {
        match outcome {
            Ok(ensured) => {
                metrics.extend(ensured.metrics.into_iter().map(|metric| metric.metric));
            }
            Err(IndexError::NoSuchResource(id)) => {
                unknown.push(json!({"resource_id": id, "original_resource_id": resource.original}));
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if !unknown.is_empty() {
        return Err(ApiError::bad_request(
            json!({"cause": "Unknown resources", "detail": unknown}),
        ));
    }
    match refused {
        Some(error) => Err(super::resource::bad_reference(error)),
        None => Ok(metrics),
    }
}

/// Writes each entry's stretch of the body's measures to the metric of the same place, if the caller may. Entries may
/// have none.
async fn write<'b>(
    app: &App,
    caller: &Caller,
    metrics: &[Arc<Metric>],
    entries: impl Iterator<Item = &'b Entry<'b>>,
    measures: &[Measure],
) -> ApiResult {
    caller
        .require_of_metrics(app, Action::PostMeasures, metrics)
        .await?;
    let stretches = entries.map(|entry| entry.measures.clone());
    let some = metrics.iter().zip(stretches);
    let some = some.filter(|(_, stretch)| !stretch.is_empty());
    let some: Vec<(&Arc<Metric>, Range<usize>)> = some.collect();
    if !some.is_empty() {
        let stretches = some.iter();
        let stretches = stretches.map(|(metric, stretch)| (metric.id, stretch.clone()));
        app.measures
            .write_stretches(stretches.collect(), measures, Input::Gnocchi)
            .await?;
    }
    let newest = |stretch: &Range<usize>| {
        let measures = measures.get(stretch.clone()).unwrap_or_default();
        measures.iter().map(|measure| measure.timestamp).max()
    };
    let measured = some.iter();
    let measured = measured.map(|(metric, stretch)| (&***metric, newest(stretch)));
    bring_back(app, caller, measured).await?;
    Ok(accepted())
}
