//! `/v1/metric`: metrics with or without a resource. Their measures are in `measures`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use collector_index::{Filter, IndexError, Metric, MetricQuery, MetricStatus, NewMetric};
use collector_model::parse_uuid;
use serde_json::{Value, json};

use super::archive_policy::unknown_policy_is_bad;
use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, reply, reply_text};
use super::openapi::{Endpoints, Operation};
use super::pagination::{METRIC_ORDER, Page};
use super::query::Params;
use super::reply::created;
use super::resource_body::read_metric;
use super::schema::Node;
use super::url::BaseUrl;
use super::view;
use crate::app::App;
use crate::auth::policy::Action;

/// Query parameters that are fields of a metric.
const FIELDS: [&str; 4] = ["name", "id", "unit", "archive_policy_name"];

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let one = "/metric/{id}";
    Endpoints::new()
        .get(
            Operation::new("/metric", "List metrics")
                .query(&[
                    "status",
                    "user_id",
                    "project_id",
                    "creator",
                    "limit",
                    "marker",
                    "sort",
                ])
                .query(&FIELDS)
                .answers(200, "Metrics"),
            list,
        )
        .post(
            Operation::new("/metric", "Create a metric")
                .body("NewMetric")
                .answers(201, "Metric")
                .refuses(&[404]),
            create,
        )
        .get(
            Operation::new(one, "Show a metric").answers(200, "MetricWithResource"),
            show,
        )
        .delete(Operation::new(one, "Delete a metric").done(204), remove)
}

/// The active metric of an id in a path.
pub(super) async fn find(app: &App, id: &str) -> ApiResult<Arc<Metric>> {
    match parse_uuid(id) {
        Some(id) => Ok(app.index.metric(id).await?),
        None => Err(IndexError::NoSuchMetric(id.to_owned()).into()),
    }
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    params: Params,
) -> ApiResult {
    let page = Page::of(&params, METRIC_ORDER, app.api().max_limit)?;
    let filters = filters(&params)?;
    let filter = (!filters.is_empty()).then_some(Filter::And(filters));
    let query = MetricQuery {
        status: status(&params)?,
        filter: caller.limit_metrics(Action::ListMetric, filter)?,
        page: page.to_index(),
    };
    let metrics = app.index.list_metrics(&query).await?;
    let mut response = reply_text(StatusCode::OK, view::metrics(&metrics));
    let last = metrics.last().map(|metric| metric.id.to_string());
    page.link_next(&mut response, &url, &params, metrics.len(), last);
    Ok(response)
}

fn status(params: &Params) -> ApiResult<MetricStatus> {
    match params.get("status") {
        None | Some("active") => Ok(MetricStatus::Active),
        Some("delete") => Ok(MetricStatus::Delete),
        Some(_) => Err(ApiError::bad_request(
            "Invalid input: not a valid value for dictionary value @ data['status']",
        )),
    }
}

fn filters(params: &Params) -> ApiResult<Vec<Filter>> {
    let mut filters = Vec::new();
    let creator = match (params.get("user_id"), params.get("project_id")) {
        (None, None) => params.get("creator").map(str::to_owned),
        (user, project) => Some(format!(
            "{}:{}",
            user.unwrap_or_default(),
            project.unwrap_or_default()
        )),
    };
    filters.extend(creator.map(|creator| Filter::eq("creator", creator)));
    for field in FIELDS {
        filters.extend(params.get(field).map(|value| Filter::eq(field, value)));
    }
    Ok(filters)
}

async fn show(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> ApiResult {
    let metric = find(&app, &id).await?;
    show_metric(&app, &caller, &metric).await
}

/// Answers a GET of a metric.
pub(super) async fn show_metric(app: &App, caller: &Caller, metric: &Metric) -> ApiResult {
    caller
        .require_of_metric(app, Action::GetMetric, metric)
        .await?;
    let resource = match metric.resource_id {
        Some(id) => Some(app.index.resource("generic", id).await?),
        None => None,
    };
    Ok(reply(
        StatusCode::OK,
        &view::metric_details(metric, resource.as_ref()),
    ))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    body: RawBody,
) -> ApiResult {
    caller.require(Action::CreateMetric)?;
    let body: Value = body.json()?;
    let fields = read_metric(&Node::root(&body), &caller)?;
    if let Some(resource_id) = &fields.resource_id {
        if fields.name.is_none() {
            return Err(ApiError::bad_request(json!({
                "cause": "Attribute value error",
                "detail": "name",
                "reason": "Name cannot be null if resource_id is not null",
            })));
        }
        let resource = app.index.resource("generic", resource_id.id).await?;
        caller.require_of_resource(Action::UpdateResource, &resource)?;
    }
    let new = NewMetric {
        creator: Some(caller.name),
        name: fields.name,
        unit: fields.unit,
        resource_id: fields.resource_id.map(|resource_id| resource_id.id),
        archive_policy_name: fields.archive_policy_name,
    };
    let metric = app
        .index
        .create_metric(new)
        .await
        .map_err(|error| match error {
            IndexError::NamedMetricAlreadyExists(name) => ApiError::bad_request(
                json!({"cause": "Named metric already exists", "detail": name}),
            ),
            other => unknown_policy_is_bad(other),
        })?;
    app.measures.register(std::slice::from_ref(&metric)).await?;
    let path = format!("/v1/metric/{}", metric.id);
    Ok(created(&url.of(&path), &view::created_metric(&metric)))
}

async fn remove(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> ApiResult {
    let metric = find(&app, &id).await?;
    remove_metric(&app, &caller, &metric).await
}

/// Answers a DELETE of a metric.
pub(super) async fn remove_metric(app: &App, caller: &Caller, metric: &Metric) -> ApiResult {
    caller
        .require_of_metric(app, Action::DeleteMetric, metric)
        .await?;
    app.index.delete_metric(metric.id).await?;
    app.measures.forget(vec![metric.id]).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
