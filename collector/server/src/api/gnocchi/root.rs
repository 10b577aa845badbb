//! The entries of the API: the versions at `/`, the links at `/v1`, what the server can compute, whether it lives.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use collector_model::Aggregation;
use serde_json::{Value, json};

use super::json::reply;
use super::openapi::{Endpoints, Operation};
use super::url::BaseUrl;
use crate::app::App;

/// What `/v1` links to, in order.
const LINKS: [&str; 12] = [
    "aggregates",
    "aggregation",
    "archive_policy",
    "archive_policy_rule",
    "batch",
    "capabilities",
    "influxdb",
    "metric",
    "resource",
    "resource_type",
    "search",
    "status",
];

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new()
        .get(
            Operation::new("/", "What there is").answers(200, "Links"),
            links,
        )
        .get(
            Operation::new("/capabilities", "What can be computed").answers(200, "Capabilities"),
            capabilities,
        )
}

/// `GET /`: the versions; to a browser, which asks for HTML, the page.
pub(super) async fn versions_or_page(
    State(app): State<Arc<App>>,
    url: BaseUrl,
    headers: HeaderMap,
) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.starts_with("text/html")) {
        return Redirect::to("console").into_response();
    }
    versions(State(app), url).await
}

/// `GET` of the prefix: the versions.
pub(super) async fn versions(State(app): State<Arc<App>>, url: BaseUrl) -> Response {
    let body = json!({
        "build": app.api().compatibility.build(),
        "versions": [{
            "status": "CURRENT",
            "links": [{"rel": "self", "href": url.of("/v1/")}],
            "id": "v1.0",
            "updated": "2015-03-19",
        }],
    });
    reply(StatusCode::OK, &body)
}

/// `GET /healthcheck`.
pub(super) async fn healthcheck() -> &'static str {
    "OK"
}

pub(super) async fn links(url: BaseUrl) -> Response {
    let link = |rel: &str, path: &str| json!({"rel": rel, "href": url.of(path)});
    let mut links = vec![link("self", "/v1")];
    links.extend(LINKS.iter().map(|name| link(name, &format!("/v1/{name}"))));
    reply(StatusCode::OK, &json!({"version": "1.0", "links": links}))
}

async fn capabilities() -> Response {
    let methods: Vec<Value> = Aggregation::all().map(|method| json!(method)).collect();
    reply(StatusCode::OK, &json!({"aggregation_methods": methods}))
}
