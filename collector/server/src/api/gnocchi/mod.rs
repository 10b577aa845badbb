//! Gnocchi's REST API, version 1: the same paths, parameters, statuses, headers and bodies. A file for each thing that
//! it serves, named for it, with its `router()`; what clients send about the thing is read in its `…_body`. Handlers
//! hold no SQL and compute no aggregates: those are the catalogue's and the store's.

mod accept;
mod admission;
mod aggregate_range;
mod aggregates;
mod aggregates_body;
mod aggregates_history;
mod aggregates_measures;
mod aggregates_resources;
mod aggregates_work;
mod aggregation;
mod aggregation_work;
mod archive_policy;
mod archive_policy_body;
mod archive_policy_rule;
mod auth;
mod batch;
#[cfg(any(test, fuzzing))]
mod batch_agreement;
mod batch_body;
mod bounds;
mod bring_back;
mod ceilometer;
mod computing;
mod conditional;
mod count;
mod dialect;
mod error;
mod error_body;
mod filter;
mod filter_text;
#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod influxdb;
mod json;
mod measure_body;
mod measure_scan;
mod measures;
mod metric;
mod named_metrics;
mod openapi;
mod openapi_operation;
mod pagination;
mod points;
mod points_answer;
mod prometheus;
mod prometheus_series;
mod query;
mod reply;
mod resample;
mod resource;
mod resource_body;
mod resource_list;
mod resource_metric;
mod resource_type;
mod resource_type_body;
mod root;
mod schema;
mod search_metric;
mod sender;
mod series;
mod side_by_side;
mod slices;
mod status;
mod telemetry;
mod url;
mod value_query;
mod view;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Uri;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tower::ServiceExt as _;

pub(crate) use self::admission::Doors;
use self::error::ApiError;
use self::openapi::Endpoints;
use self::url::Mounted;
use crate::api::cors;
use crate::app::App;

/// What is below `/v1`.
fn endpoints() -> Endpoints {
    Endpoints::new()
        .merge(root::endpoints())
        .merge(archive_policy::endpoints())
        .merge(archive_policy_rule::endpoints())
        .merge(resource_type::endpoints())
        .merge(resource_list::endpoints())
        .merge(resource_metric::endpoints())
        .merge(resource::endpoints())
        .merge(metric::endpoints())
        .merge(measures::endpoints())
        .merge(batch::endpoints())
        .merge(aggregates::endpoints())
        .merge(aggregation::endpoints())
        .merge(search_metric::endpoints())
        .merge(status::endpoints())
        .merge(ceilometer::endpoints())
        .with(|router| router.route_layer(from_fn(error_body::require_json)))
        // These answer no JSON.
        .merge(influxdb::endpoints())
        .merge(prometheus::endpoints())
}

/// All routes of the API: `/`, `/healthcheck` and what is below `/v1`; once more below the configured prefix.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let counted = |router: Router<Arc<App>>| {
        let admit = from_fn_with_state(Arc::clone(app), admission::admit);
        let count = from_fn_with_state(Arc::clone(app), count::count);
        router.route_layer(admit).route_layer(count)
    };
    let (endpoints, descriptions) = endpoints().with(counted).finish(openapi::GNOCCHI);
    let (telemetry, others) = telemetry::router(app);
    let document = descriptions.document(others);
    let plain = endpoints
        .clone()
        .fallback(unknown)
        .with_state(Arc::clone(app));
    let below = endpoints.fallback(move |request| without_empty_segments(plain, request));
    let at = |prefix: &str| {
        let document = document.clone();
        let description = get(move |url: url::BaseUrl| document.show(url));
        let router = Router::new()
            .route(&format!("{prefix}/openapi.json"), description.clone())
            .route(&format!("{prefix}/v1/openapi.json"), description)
            .route(&format!("{prefix}/healthcheck"), get(root::healthcheck))
            .nest(&format!("{prefix}/v1"), below.clone())
            .route(&format!("{prefix}/v1/"), get(root::links));
        router.layer(Extension(Mounted(prefix.to_owned())))
    };
    let mut all = at("")
        .route("/", get(root::versions_or_page))
        .merge(telemetry);
    let prefix = &app.api().path_prefix;
    if !prefix.is_empty() {
        let root = Router::new()
            .route(prefix, get(root::versions))
            .route(&format!("{prefix}/"), get(root::versions))
            .layer(Extension(Mounted(prefix.clone())));
        all = all.merge(root).merge(at(prefix));
    }
    all
        // The listener limits bodies, see `max_body_size`.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(error_body::write_errors))
        .layer(from_fn_with_state(Arc::clone(app), cors::share))
        .with_state(Arc::clone(app))
}

async fn unknown() -> ApiError {
    ApiError::unknown_path()
}

/// Tries a path that is none once more without its empty segments: clients of Gnocchi write `archive_policy/` and
/// `archive_policy//low`.
async fn without_empty_segments(endpoints: Router, mut request: Request) -> Response {
    let path = request.uri().path();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let mut target = format!("/{}", segments.join("/"));
    if target == path {
        return ApiError::unknown_path().into_response();
    }
    if let Some(query) = request.uri().query() {
        target = format!("{target}?{query}");
    }
    let Ok(uri) = target.parse::<Uri>() else {
        return ApiError::unknown_path().into_response();
    };
    *request.uri_mut() = uri;
    // A router never fails.
    match endpoints.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
