//! Cross-origin resource sharing as oslo.middleware does it for Gnocchi: answers of allowed origins get the headers that
//! let a browser hand them to the page, and `OPTIONS` is answered here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::config::CorsConfig;
use crate::app::App;

/// Headers that a page may send anyway.
const SIMPLE_HEADERS: [&str; 8] = [
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cache-Control",
    "Content-Language",
    "Expires",
    "Last-Modified",
    "Pragma",
];

/// Middleware around a whole API.
pub(crate) async fn share(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let config = app.api();
    let config = &config.cors;
    if request.method() == Method::OPTIONS {
        return preflight(config, request.headers());
    }
    let origin = allowed(config, request.headers());
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        tell_origin(config, origin, headers);
        if !config.expose_headers.is_empty() {
            put(
                headers,
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                &config.expose_headers.join(","),
            );
        }
    }
    response
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What is configured, or was a header of the request, is a valid one.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The origin of a request, as an answer names it, if it is allowed.
fn allowed(config: &CorsConfig, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let listed = |wanted: &[u8]| {
        config
            .allowed_origin
            .iter()
            .any(|one| one.as_bytes() == wanted)
    };
    if listed(origin.as_bytes()) {
        Some(origin.clone())
    } else {
        listed(b"*").then(|| HeaderValue::from_static("*"))
    }
}

fn tell_origin(config: &CorsConfig, origin: HeaderValue, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if config.allow_credentials {
        put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
}

/// The answer to `OPTIONS`: always 200, with the headers where all that is asked for is allowed.
fn preflight(config: &CorsConfig, asked: &HeaderMap) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::OK;
    let Some(origin) = allowed(config, asked) else {
        return response;
    };
    let Some(method) = text(asked, &header::ACCESS_CONTROL_REQUEST_METHOD) else {
        return response;
    };
    if !config.allow_methods.iter().any(|allowed| allowed == method) {
        return response;
    }
    let wanted = text(asked, &header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let wanted: Vec<&str> = wanted
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let permitted = |name: &&str| {
        let own = config.allow_headers.iter().map(String::as_str);
        own.chain(SIMPLE_HEADERS)
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    if !wanted.iter().all(permitted) {
        return response;
    }
    let headers = response.headers_mut();
    tell_origin(config, origin, headers);
    if config.max_age > 0 {
        put(
            headers,
            header::ACCESS_CONTROL_MAX_AGE,
            &config.max_age.to_string(),
        );
    }
    put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, method);
    if !wanted.is_empty() {
        put(
            headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &wanted.join(","),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn config(origin: &str) -> CorsConfig {
        CorsConfig {
            allowed_origin: vec![origin.to_owned()],
            ..CorsConfig::default()
        }
    }

    const GET: (&str, &str) = ("access-control-request-method", "GET");

    #[test]
    fn an_allowed_origin_is_told_what_it_asked_for() {
        let headers = asked(&[
            ("origin", "http://a"),
            GET,
            ("access-control-request-headers", "accept, x-auth-token"),
        ]);
        let response = preflight(&config("http://a"), &headers);
        for (name, value) in [
            ("access-control-allow-origin", "http://a"),
            ("access-control-allow-methods", "GET"),
            ("access-control-allow-headers", "accept,x-auth-token"),
            ("access-control-allow-credentials", "true"),
            ("access-control-max-age", "3600"),
            ("vary", "Origin"),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        let response = preflight(&config("*"), &headers);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }

    #[test]
    fn what_is_not_allowed_gets_no_headers_and_no_error() {
        let origin = ("origin", "http://a");
        for headers in [
            asked(&[GET]),
            asked(&[("origin", "http://b"), GET]),
            asked(&[origin]),
            asked(&[origin, ("access-control-request-method", "BREW")]),
            asked(&[origin, GET, ("access-control-request-headers", "x-evil")]),
        ] {
            let response = preflight(&config("http://a"), &headers);
            assert_eq!(
                (response.status(), response.headers().len()),
                (StatusCode::OK, 0),
                "{headers:?}"
            );
        }
    }
}
