//! `/v1/resource/{type}/{id}/metric`: the metrics of a resource by their names.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use collector_index::{
    IndexError, Metric, MetricSpec, MetricSpecs, MetricsUpdate, Resource, ResourceUpdate,
};
use collector_model::MetricId;

use super::auth::Caller;
use super::error::ApiResult;
use super::json::{RawBody, reply_text};
use super::measures::READ;
use super::openapi::{Endpoints, Operation};
use super::query::Params;
use super::resource::{ResourcePath, bad_reference};
use super::resource_body::read_metrics;
use super::schema::Node;
use super::{measures, metric, view};
use crate::app::App;
use crate::auth::policy::Action;

/// Type and id of the resource, and the metric's name.
type MetricPath = Path<(String, String, String)>;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let all = "/resource/{type}/{id}/metric";
    let one = "/resource/{type}/{id}/metric/{name}";
    let measures = "/resource/{type}/{id}/metric/{name}/measures";
    Endpoints::new()
        .get(
            Operation::new(all, "List the metrics of a resource").answers(200, "Metrics"),
            list,
        )
        .post(
            Operation::new(all, "Create metrics of a resource")
                .body("ResourceMetrics")
                .answers(200, "Metrics")
                .refuses(&[409]),
            add,
        )
        .get(
            Operation::new(one, "Show a metric of a resource").answers(200, "MetricWithResource"),
            show,
        )
        .delete(
            Operation::new(one, "Delete a metric of a resource").done(204),
            remove,
        )
        .get(
            Operation::new(measures, "Read measures of a metric of a resource")
                .query(&READ)
                .answers(200, "Measures"),
            show_measures,
        )
        .post(
            Operation::new(measures, "Write measures of a metric of a resource")
                .body("NewMeasures")
                .done(202)
                .refuses(&[507]),
            add_measures,
        )
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::GetResource, &resource)?;
    list_of(&app, &resource).await
}

async fn list_of(app: &App, resource: &Resource) -> ApiResult {
    let ids: Vec<MetricId> = resource.metrics.values().copied().collect();
    let metrics = app.index.metrics(&ids).await?;
    Ok(reply_text(StatusCode::OK, view::metrics(&metrics)))
}

async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    body: RawBody,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::UpdateResource, &resource)?;
    let specs = read_metrics(&Node::root(&body.json()?), &caller)?;
    let update = ResourceUpdate {
        metrics: MetricsUpdate::Append(specs.clone()),
        ..ResourceUpdate::default()
    };
    let updated = app
        .index
        .update_resource(&path.resource_type, path.id, update)
        .await;
    let resource = updated.map_err(bad_reference)?;
    register_new(&app, &resource, &specs).await?;
    list_of(&app, &resource).await
}

/// Makes the metrics that a resource was just given known to the store.
pub(super) async fn register_new(
    app: &App,
    resource: &Resource,
    specs: &MetricSpecs,
) -> ApiResult<()> {
    let new = specs
        .iter()
        .filter(|(_, spec)| matches!(spec, MetricSpec::New { .. }));
    let ids: Vec<MetricId> = new
        .filter_map(|(name, _)| resource.metrics.get(name).copied())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let metrics = app.index.metrics(&ids).await?;
    Ok(app.measures.register(&metrics).await?)
}

async fn find(
    app: &App,
    caller: &Caller,
    path: (String, String, String),
) -> ApiResult<Arc<Metric>> {
    let (resource_type, id, name) = path;
    let path = ResourcePath::of(app, caller, (resource_type, id)).await?;
    match app.index.metric_of_resource(path.id, &name).await {
        Err(IndexError::NoSuchMetric(_)) => {
            // Says which of the two is missing.
            path.resource(app).await?;
            Err(IndexError::NoSuchMetric(name).into())
        }
        found => Ok(found?),
    }
}

async fn show(State(app): State<Arc<App>>, caller: Caller, Path(path): MetricPath) -> ApiResult {
    let found = find(&app, &caller, path).await?;
    metric::show_metric(&app, &caller, &found).await
}

async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(path): MetricPath) -> ApiResult {
    let found = find(&app, &caller, path).await?;
    metric::remove_metric(&app, &caller, &found).await
}

async fn show_measures(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): MetricPath,
    params: Params,
) -> ApiResult {
    let found = find(&app, &caller, path).await?;
    measures::read(&app, &caller, &found, &params).await
}

async fn add_measures(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): MetricPath,
    body: RawBody,
) -> ApiResult {
    let found = find(&app, &caller, path).await?;
    measures::write(&app, &caller, &found, &body).await
}
