//! The page: hosts and instances with a live chart of each, in Chinese and English. Its files are part of the binary;
//! its data is the collector's own Gnocchi API plus the state of inputs and targets served here.

mod inputs;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};

use crate::app::App;

/// Only what comes from here runs: what a guest calls itself is text, whatever it looks like.
const POLICY: &str = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

/// Name, type and content of the page's files.
const FILES: [(&str, &str, &str); 7] = [
    (
        "/console",
        "text/html; charset=utf-8",
        include_str!("index.html"),
    ),
    (
        "/console/chart.js",
        "text/javascript; charset=utf-8",
        include_str!("chart.js"),
    ),
    (
        "/console/console.css",
        "text/css; charset=utf-8",
        include_str!("console.css"),
    ),
    (
        "/console/console.js",
        "text/javascript; charset=utf-8",
        include_str!("console.js"),
    ),
    (
        "/console/gnocchi.js",
        "text/javascript; charset=utf-8",
        include_str!("gnocchi.js"),
    ),
    (
        "/console/inputs.js",
        "text/javascript; charset=utf-8",
        include_str!("inputs.js"),
    ),
    (
        "/console/text.js",
        "text/javascript; charset=utf-8",
        include_str!("text.js"),
    ),
];

/// `GET /console`, its files, `GET /console/inputs` and `GET /console/targets`.
pub(crate) fn router(app: Arc<App>) -> Router {
    let pages = FILES
        .into_iter()
        .fold(Router::new(), |router, (path, content_type, content)| {
            router.route(path, get(move || file(content_type, content)))
        });
    pages
        .route("/console/inputs", get(inputs::inputs))
        .route("/console/targets", get(targets))
        .with_state(app)
}

async fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // A new version shows at once; the files are small.
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content)
}

/// The state of each target, in order of its URL.
async fn targets(State(app): State<Arc<App>>) -> impl IntoResponse {
    Json(app.scrapes.targets())
}
