//! Answers that several endpoints give: a thing that was created with its place, and measures that were taken.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json::reply;

/// 201 with the thing and where it is now.
pub(super) fn created(url: &str, thing: &impl Serialize) -> Response {
    let mut response = reply(StatusCode::CREATED, thing);
    // URLs are escaped, so this is a valid header.
    if let Ok(location) = HeaderValue::from_str(url) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// 202: what was sent is on stable storage.
pub(super) fn accepted() -> Response {
    let mut response = StatusCode::ACCEPTED.into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
