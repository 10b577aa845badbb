//! `/v1/batch`: measures of many metrics in one request, by the metrics' ids or by resource and name. Acknowledged
//! together, and taken as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use collector_index::{EnsureMetric, EnsureResource, IndexError, Metric};
use collector_model::{Measure, MetricId, Timestamp, parse_uuid};
use collector_storage::Batch;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, decode_error};
use super::measure_body::{RawEntry, RawMeasures};
use super::openapi::{Endpoints, Operation};
use super::query::Params;
use super::reply::accepted;
use super::resource_body::refuse_slash;
use super::schema::invalid_at;
use crate::app::App;
use crate::auth::policy::Action;
use crate::metrics::Source;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new()
        .post(
            Operation::new(
                "/batch/metrics/measures",
                "Write measures of several metrics",
            )
            .body("MetricBatch")
            .is_done(202)
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
            .is_done(202)
            .refuses(&[404, 409, 507]),
            by_resource,
        )
}

async fn by_metric(State(app): State<Arc<App>>, caller: Caller, body: RawBody) -> ApiResult {
    let text = body.measures()?;
    let raw: BTreeMap<String, RawMeasures<'_>> = read(&text)?;
    let now = Timestamp::from(SystemTime::now());
    let mut measures: BTreeMap<MetricId, Vec<Measure>> = BTreeMap::new();
    for (key, list) in raw {
        let Some(id) = parse_uuid(&key) else {
            return Err(invalid_at("badly formed hexadecimal UUID string", &[&key]));
        };
        let list = list
            .resolve(now)
            .map_err(|reason| invalid_at(&reason, &[&key]))?;
        measures.insert(id, list);
    }
    let ids: Vec<MetricId> = measures.keys().copied().collect();
    let metrics = app.index.metrics(&ids).await?;
    if metrics.len() < ids.len() {
        let known: BTreeSet<MetricId> = metrics.iter().map(|metric| metric.id).collect();
        let unknown = ids
            .iter()
            .filter(|id| !known.contains(id))
            .map(Uuid::to_string);
        return Err(unknown_metrics(unknown.collect()));
    }
    for metric in &metrics {
        caller
            .require_of_metric(&app, Action::PostMeasures, metric)
            .await?;
    }
    write(&app, measures.into_iter().collect()).await
}

/// Measures by resource and metric name.
struct Resource {
    original: String,
    id: Uuid,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    measures: Vec<Measure>,
    archive_policy_name: Option<String>,
    unit: Option<String>,
}

async fn by_resource(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let create = params.flag("create_metrics")?;
    let text = body.measures()?;
    let mut resources = read_resources(&text, &caller)?;
    resources.retain(|resource| !resource.entries.is_empty());
    let metrics = match create {
        true => ensure(&app, &caller, &resources).await?,
        false => known(&app, &resources).await?,
    };
    for metric in metrics.values() {
        caller
            .require_of_metric(&app, Action::PostMeasures, metric)
            .await?;
    }
    let mut batch = Batch::new();
    for resource in resources {
        for (name, entry) in resource.entries {
            let metric = metrics.get(&(resource.id, name));
            batch.extend(metric.map(|metric| (metric.id, entry.measures)));
        }
    }
    write(&app, batch).await
}

fn read<'de, T: serde::Deserialize<'de>>(text: &'de [u8]) -> ApiResult<T> {
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => invalid_at(&error.to_string(), &[]),
        _ => decode_error(&error),
    })
}

fn read_resources(text: &[u8], caller: &Caller) -> ApiResult<Vec<Resource>> {
    let raw: BTreeMap<String, BTreeMap<String, RawEntry<'_>>> = read(text)?;
    let now = Timestamp::from(SystemTime::now());
    let mut resources = Vec::with_capacity(raw.len());
    for (original, raw_entries) in raw {
        let id = caller
            .resource_id(&original)
            .map_err(|error| invalid_at(&error.to_string(), &[&original]))?;
        let mut entries = BTreeMap::new();
        for (name, entry) in raw_entries {
            let measures = entry.measures.resolve(now);
            let measures = measures.map_err(|reason| invalid_at(&reason, &[&original, &name]))?;
            let entry = Entry {
                measures,
                archive_policy_name: entry.archive_policy_name,
                unit: entry.unit,
            };
            entries.insert(name, entry);
        }
        resources.push(Resource {
            original,
            id,
            entries,
        });
    }
    Ok(resources)
}

/// Metrics by resource and name.
type Metrics = HashMap<(Uuid, String), Arc<Metric>>;

/// The metrics that are there; 400 with the names of all that are not.
async fn known(app: &App, resources: &[Resource]) -> ApiResult<Metrics> {
    let wanted: Vec<(Uuid, Vec<&str>)> = resources
        .iter()
        .map(|resource| {
            (
                resource.id,
                resource.entries.keys().map(String::as_str).collect(),
            )
        })
        .collect();
    let found = app.index.metrics_of_resources(&wanted).await?;
    let found = found.into_iter().filter_map(|metric| {
        let key = (metric.resource_id?, metric.name.clone()?);
        Some((key, metric))
    });
    let found: Metrics = found.collect();
    let names = resources.iter().flat_map(|resource| {
        resource
            .entries
            .keys()
            .map(|name| (resource.id, name.clone()))
    });
    let unknown: Vec<String> = names
        .filter(|key| !found.contains_key(key))
        .map(|(id, name)| format!("{id}/{name}"))
        .collect();
    if unknown.is_empty() {
        Ok(found)
    } else {
        Err(unknown_metrics(unknown))
    }
}

fn unknown_metrics(mut names: Vec<String>) -> ApiError {
    names.sort_unstable();
    ApiError::bad_request(format!("Unknown metrics: {}", names.join(", ")))
}

/// The metrics, created where they are not there; 400 with all resources that do not exist.
async fn ensure(app: &App, caller: &Caller, resources: &[Resource]) -> ApiResult<Metrics> {
    let mut wanted = Vec::with_capacity(resources.len());
    for resource in resources {
        let mut metrics = Vec::with_capacity(resource.entries.len());
        for (name, entry) in &resource.entries {
            refuse_slash(name)?;
            metrics.push(EnsureMetric {
                name,
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
    let mut metrics = Metrics::new();
    for (resource, outcome) in resources.iter().zip(ensured) {
        match outcome {
            Ok(ensured) => {
                let names = resource
                    .entries
                    .keys()
                    .map(|name| (resource.id, name.clone()));
                let found = ensured.metrics.into_iter().map(|metric| metric.metric);
                metrics.extend(names.zip(found));
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

async fn write(app: &App, mut batch: Batch) -> ApiResult {
    batch.retain(|(_, measures)| !measures.is_empty());
    if !batch.is_empty() {
        app.measures.write(batch, Source::Api).await?;
    }
    Ok(accepted())
}
