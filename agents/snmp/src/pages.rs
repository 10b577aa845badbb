//! The pages beside those that all daemons have: `/snmp` and `/config`. What a scrape is, is in `scrape`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Query as Pairs, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use exposition::{Families, Format, encode};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::query::{self, Query};
use crate::scrape::{ScrapeError, Scraper};

/// The header in which Prometheus says, in seconds, how long it will wait.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// The pages.
pub(crate) fn router(scraper: Arc<Scraper>) -> Router {
    Router::new()
        .route("/snmp", get(snmp))
        .route("/config", get(config))
        .with_state(scraper)
}

async fn snmp(State(scraper): State<Arc<Scraper>>, uri: Uri, headers: HeaderMap) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let deadline = Instant::now() + query::time(text(TIMEOUT_HEADER));
    let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(&uri);
    let query = match pairs.map(|Pairs(pairs)| Query::new(&pairs)) {
        Ok(Ok(query)) => query,
        Ok(Err(reason)) => return failed(StatusCode::BAD_REQUEST, &reason),
        Err(_) => return failed(StatusCode::BAD_REQUEST, "cannot read the query"),
    };
    match Box::pin(scraper.scrape(&query, deadline)).await {
        Ok(families) => {
            // Never OpenMetrics, which Prometheus prefers: there a counter is named with `_total`, and the series of a
            // device have the names of its MIB.
            let format = Format::Text;
            let gzip = takes_gzip(text(header::ACCEPT_ENCODING.as_str()));
            let body = tokio::task::spawn_blocking(move || body(&families, format, gzip)).await;
            let Ok(body) = body else {
                return failed(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot write the metrics",
                );
            };
            let mut response =
                ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
            if gzip {
                let coding = HeaderValue::from_static("gzip");
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, coding);
            }
            response
        }
        Err(error) => {
            let status = match &error {
                ScrapeError::Request(_) => StatusCode::BAD_REQUEST,
                ScrapeError::Refused(_) => StatusCode::FORBIDDEN,
                ScrapeError::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
                ScrapeError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            tracing::info!(target = %query.target, %error, "scrape failed");
            failed(status, &error.to_string())
        }
    }
}

/// The metrics as text, packed or not.
fn body(families: &Families, format: Format, gzip: bool) -> Vec<u8> {
    let mut text = String::new();
    encode(families, format, &mut text);
    if !gzip {
        return text.into_bytes();
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a vector cannot fail.
    packed
        .write_all(text.as_bytes())
        .and_then(|()| packed.finish())
        .unwrap_or_default()
}

/// Whether `Accept-Encoding` has gzip and does not forbid it.
fn takes_gzip(header: Option<&str>) -> bool {
    header.unwrap_or_default().split(',').any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = weight
            .trim()
            .strip_prefix("q=")
            .map_or(Ok(1.0), str::parse::<f32>);
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn failed(status: StatusCode, reason: &str) -> Response {
    (status, format!("{reason}\n")).into_response()
}

async fn config(State(scraper): State<Arc<Scraper>>) -> Response {
    let shown = scraper.config().shown().to_owned();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], shown).into_response()
}
