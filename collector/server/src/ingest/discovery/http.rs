//! `http_sd_configs`: target groups as JSON from a web server, asked again and again.

use std::time::Duration;

use reqwest::{Url, header};

use super::found::Provider;
use super::{ANSWER_LIMIT, ANSWER_TIMEOUT};
use crate::ingest::client::{Access, with_client_keys};
use crate::ingest::config::{TargetGroup, duration};
use crate::ingest::{fetch, targets};

with_client_keys! {
    /// One server, with Prometheus' keys.
    struct HttpSd {
        /// Where the groups are.
        url: String = String::new(),
        /// Time between two questions.
        #[serde(deserialize_with = "duration")]
        refresh_interval: Duration = Duration::from_secs(60),
    }
}

impl HttpSd {
    /// What is wrong, by its key.
    pub(crate) fn check(&self) -> Result<(), String> {
        let url = Url::parse(&self.url).ok();
        let usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !url.as_ref().is_some_and(usable) {
            return Err(format!(
                "url: expected an http or https URL, found {:?}",
                self.url
            ));
        }
        super::check_refresh(self.refresh_interval)?;
        self.client().map(drop)
    }
}

/// Tells what the server says until it is aborted.
pub(super) async fn run(provider: Provider, sd: HttpSd, access: Access) {
    let mut timer = tokio::time::interval(sd.refresh_interval);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        match ask(&sd, &access).await {
            Ok(groups) => {
                provider.tell("", groups);
                provider.succeed("");
            }
            Err(problem) => provider.fail("", problem),
        }
    }
}

async fn ask(sd: &HttpSd, access: &Access) -> Result<Vec<TargetGroup>, String> {
    let interval = sd.refresh_interval.as_secs_f64().to_string();
    let request = access
        .get(&sd.url)?
        .header(header::ACCEPT, "application/json")
        .header("X-Prometheus-Refresh-Interval-Seconds", interval);
    let (headers, body) = fetch::body(request, ANSWER_TIMEOUT, ANSWER_LIMIT).await?;
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(format!("expected application/json, found {content_type:?}"));
    }
    let mut groups: Vec<TargetGroup> =
        serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    groups.iter().try_for_each(targets::check)?;
    for group in &mut groups {
        group.labels.insert("__meta_url".to_owned(), sd.url.clone());
    }
    Ok(groups)
}
