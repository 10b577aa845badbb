//! Errors as Ceilometer's API writes them, which its clients take the text of.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::error_body::Written;
use super::super::json::to_text;

/// Middleware around the routes: takes what a handler has said before Gnocchi's form is given to it.
pub(super) async fn write_faults(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    let text = match &error.detail {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Object(fields) => {
            let said = ["cause", "detail", "reason"].map(|name| fields.get(name));
            let said = said.iter().flatten().map(|value| match value {
                Value::String(text) => text.clone(),
                other => to_text(other),
            });
            said.collect::<Vec<_>>().join(": ")
        }
        _ => status.canonical_reason().unwrap_or("Error").to_owned(),
    };
    let code = if status.is_client_error() {
        "Client"
    } else {
        "Server"
    };
    let body = to_text(&json!({
        "error_message": {"debuginfo": null, "faultcode": code, "faultstring": text},
    }));
    response.extensions_mut().insert(Written);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    *response.body_mut() = Body::from(body);
    response
}
