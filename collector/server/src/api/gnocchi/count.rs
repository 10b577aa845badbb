//! Counts requests by method, route and status for the collector's own metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::openapi_operation::described;
use crate::app::App;

/// Middleware around the endpoints.
pub(super) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    // Below a prefix there is more before it; where the path was written with empty segments it is not there.
    let route = match route.split_once("/v1/") {
        Some((_, route)) => format!("/v1/{route}"),
        None if route.starts_with("/v2/") => described(route),
        None => format!("/v1/{}", route.trim_start_matches('/')),
    };
    app.metrics.request(
        method.as_str(),
        &route,
        response.status().as_u16(),
        start.elapsed(),
    );
    response
}
