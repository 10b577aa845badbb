//! Gets the body of an answer over HTTP within a time and a size, and of a target the text of its metrics. It does not look
//! into the text.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{self, HeaderMap};

use super::client::Access;
use crate::cause::root_cause;

/// The formats that the parser reads, OpenMetrics first.
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// The text and its format. The error is one line without the URL, which the caller knows.
pub(super) async fn metrics(
    access: &Access,
    url: &str,
    timeout: Duration,
    limit: usize,
) -> Result<(String, exposition::Format), String> {
    let request = access.get(url)?.header(header::ACCEPT, ACCEPT).header(
        "X-Prometheus-Scrape-Timeout-Seconds",
        timeout.as_secs_f64().to_string(),
    );
    let (headers, body) = body(request, timeout, limit).await?;
    let content_type = headers.get(header::CONTENT_TYPE);
    let format = exposition::Format::of_content_type(content_type.and_then(|v| v.to_str().ok()));
    let text = String::from_utf8(body).map_err(|error| {
        format!(
            "body is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        )
    })?;
    Ok((text, format))
}

/// Headers and body of a good answer. The error is one line without the URL.
pub(super) async fn body(
    request: RequestBuilder,
    timeout: Duration,
    limit: usize,
) -> Result<(HeaderMap, Vec<u8>), String> {
    let answer = request.timeout(timeout).send().await;
    let mut answer = answer.map_err(|error| line(error, timeout))?;
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status()));
    }
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| line(error, timeout))? {
        if body.len() + chunk.len() > limit {
            return Err(format!(
                "body is larger than body_size_limit, {limit} bytes"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((headers, body))
}

fn line(error: reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("timed out after {}", humantime::format_duration(timeout));
    }
    root_cause(&error)
}
