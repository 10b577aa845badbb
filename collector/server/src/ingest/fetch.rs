//! Gets the text of one target's metrics over HTTP, within its limits. It does not look into the text.

use std::time::Duration;

use reqwest::{Client, header};

use crate::cause::root_cause;

/// The formats that the parser reads, OpenMetrics first.
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A client for all targets: it follows no redirect to elsewhere and keeps connections open between scrapes.
pub(super) fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("nephoscope-collector/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// The text and its format. The error is one line without the URL, which the caller knows.
pub(super) async fn fetch(
    client: &Client,
    url: &str,
    timeout: Duration,
    limit: usize,
) -> Result<(String, exposition::Format), String> {
    let request = client
        .get(url)
        .timeout(timeout)
        .header(header::ACCEPT, ACCEPT)
        .header(
            "X-Prometheus-Scrape-Timeout-Seconds",
            timeout.as_secs_f64().to_string(),
        );
    let mut answer = request.send().await.map_err(|error| line(error, timeout))?;
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status()));
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let format = exposition::Format::of_content_type(content_type.and_then(|v| v.to_str().ok()));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| line(error, timeout))? {
        if body.len() + chunk.len() > limit {
            return Err(format!(
                "body is larger than body_size_limit, {limit} bytes"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(body).map_err(|error| {
        format!(
            "body is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        )
    })?;
    Ok((text, format))
}

fn line(error: reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("timed out after {}", humantime::format_duration(timeout));
    }
    root_cause(&error)
}
