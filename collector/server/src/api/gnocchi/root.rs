//! The entries of the API: the versions at `/`, the links at `/v1`, what the server can compute, whether it lives.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use collector_model::Aggregation;
use serde_json::{Value, json};

use super::json::reply;
use super::url::BaseUrl;
use crate::app::App;

/// The version of Gnocchi's API that this is: clients ask for at least 4.2.0, Ceilometer's upgrade among them.
const BUILD: &str = "4.4.2";
/// What `/v1` links to, in order.
const LINKS: [&str; 11] = [
    "aggregates",
    "aggregation",
    "archive_policy",
    "archive_policy_rule",
    "batch",
    "capabilities",
    "metric",
    "resource",
    "resource_type",
    "search",
    "status",
];

/// Routes below `/v1`.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(links))
        .route("/capabilities", get(capabilities))
}

/// `GET /`: the versions; to a browser, which asks for HTML, the page.
pub(super) async fn versions_or_page(url: BaseUrl, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.starts_with("text/html")) {
        return Redirect::to("console").into_response();
    }
    versions(&url)
}

fn versions(url: &BaseUrl) -> Response {
    let body = json!({
        "build": BUILD,
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
