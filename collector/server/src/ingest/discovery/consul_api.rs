//! The questions that Consul's HTTP API is asked and what is read of its answers. A blocking query waits at Consul until
//! something differs from the index of the answer before.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::consul::ConsulSd;
use super::{ANSWER_LIMIT, ANSWER_TIMEOUT};
use crate::ingest::client::Access;
use crate::ingest::fetch;

/// How long Consul may wait for a change.
const WAIT: Duration = Duration::from_secs(120);

/// One Consul.
#[derive(Debug, Clone)]
pub(super) struct Consul {
    pub(super) sd: ConsulSd,
    /// The one that is asked about.
    pub(super) datacenter: String,
    access: Access,
}

/// An instance of a service with its node and the state of both.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) service: Service,
    #[serde(default)]
    checks: Vec<Check>,
}

/// A node.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) address: String,
    pub(super) tagged_addresses: Option<BTreeMap<String, String>>,
    pub(super) meta: Option<BTreeMap<String, String>>,
}

/// A service on it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Service {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) address: String,
    #[serde(default)]
    pub(super) port: u16,
    pub(super) meta: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) partition: String,
}

/// A check of node or service.
#[derive(Debug, Deserialize)]
struct Check {
    #[serde(rename = "CheckID", default)]
    id: String,
    #[serde(rename = "Status", default)]
    status: String,
}

impl Entry {
    /// The worst of the states.
    pub(super) fn health(&self) -> &'static str {
        let any = |status: &str| self.checks.iter().any(|check| check.status == status);
        let maintained = |check: &Check| {
            check.id == "_node_maintenance" || check.id.starts_with("_service_maintenance:")
        };
        if self.checks.iter().any(maintained) {
            "maintenance"
        } else if any("critical") {
            "critical"
        } else if any("warning") {
            "warning"
        } else {
            "passing"
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Agent {
    config: AgentConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AgentConfig {
    datacenter: String,
}

impl Consul {
    /// One that has not been asked yet.
    pub(super) fn new(sd: ConsulSd, access: Access) -> Self {
        Self {
            datacenter: sd.datacenter.clone().unwrap_or_default(),
            sd,
            access,
        }
    }

    /// Waits until it may be asked again.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(self.sd.refresh_interval).await;
    }

    /// Asks the agent which datacenter it is in, where none is configured.
    pub(super) async fn find_datacenter(&mut self) -> Result<(), String> {
        if self.datacenter.is_empty() {
            let (agent, _): (Agent, _) = self.ask(&["agent", "self"], 0, &[]).await?;
            self.datacenter = agent.config.datacenter;
        }
        Ok(())
    }

    /// All services with their tags, once they differ from those of the index; and their index.
    pub(super) async fn services(
        &self,
        index: u64,
    ) -> Result<(BTreeMap<String, Vec<String>>, u64), String> {
        self.ask(&["catalog", "services"], index, &self.filters(false))
            .await
    }

    /// The instances of a service, once they differ from those of the index; and their index.
    pub(super) async fn health(
        &self,
        service: &str,
        index: u64,
    ) -> Result<(Vec<Entry>, u64), String> {
        self.ask(&["health", "service", service], index, &self.filters(true))
            .await
    }

    fn filters(&self, by_tag: bool) -> Vec<(&'static str, String)> {
        let meta = self.sd.node_meta.iter();
        let meta = meta.map(|(key, value)| ("node-meta", format!("{key}:{value}")));
        let tags = self.sd.tags.iter().filter(|_| by_tag);
        let tags = tags.map(|tag| ("tag", tag.clone()));
        meta.chain(tags).collect()
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &[&str],
        index: u64,
        filters: &[(&str, String)],
    ) -> Result<(T, u64), String> {
        let url = self.url(path, index, filters)?;
        let mut request = self.access.get(url.as_str())?;
        if let Some(token) = &self.sd.token {
            request = request.header("X-Consul-Token", token.value());
        }
        let patience = if index > 0 {
            WAIT + ANSWER_TIMEOUT
        } else {
            ANSWER_TIMEOUT
        };
        let (headers, body) = fetch::body(request, patience, ANSWER_LIMIT)
            .await
            .map_err(|why| format!("{}: {why}", url.path()))?;
        let answer = serde_json::from_slice(&body);
        let answer = answer.map_err(|error| format!("{}: {error}", url.path()))?;
        let next = headers
            .get("x-consul-index")
            .and_then(|value| value.to_str().ok());
        let next: u64 = next.and_then(|value| value.parse().ok()).unwrap_or(0);
        // An index that goes back, or is none, begins anew.
        Ok((answer, if next < index { 0 } else { next }))
    }

    fn url(&self, path: &[&str], index: u64, filters: &[(&str, String)]) -> Result<Url, String> {
        let base = format!("{}://{}", self.sd.scheme, self.sd.server);
        let mut url = Url::parse(&base).map_err(|error| format!("{base}: {error}"))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            let prefix = self
                .sd
                .path_prefix
                .split('/')
                .filter(|part| !part.is_empty());
            segments.clear().extend(prefix).push("v1").extend(path);
        }
        let mut query = url.query_pairs_mut();
        for (key, value) in [
            ("dc", &self.sd.datacenter),
            ("ns", &self.sd.namespace),
            ("partition", &self.sd.partition),
        ] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        if self.sd.allow_stale {
            query.append_pair("stale", "");
        }
        query.append_pair("wait", &format!("{}ms", WAIT.as_millis()));
        if index > 0 {
            query.append_pair("index", &index.to_string());
        }
        for (key, value) in filters {
            query.append_pair(key, value);
        }
        drop(query);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_what_is_configured_and_waits_for_news() {
        let sd: ConsulSd = serde_saphyr::from_str(
            "{server: 'c:8500', path_prefix: /consul, datacenter: dc2, tags: [a b], node_meta: {rack: '7'}}",
        )
        .unwrap();
        let access = sd.client().unwrap();
        let consul = Consul::new(sd, access);
        let url = |index| {
            let path = ["health", "service", "a/b"];
            consul
                .url(&path, index, &consul.filters(true))
                .unwrap()
                .to_string()
        };
        assert_eq!(
            url(7),
            "http://c:8500/consul/v1/health/service/a%2Fb?dc=dc2&stale=&wait=120000ms&index=7&node-meta=rack%3A7&tag=a+b"
        );
        assert!(!url(0).contains("index"));
    }

    #[test]
    fn the_worst_check_is_the_health() {
        let health = |checks: &str| {
            let entry = format!(
                r#"{{"Node": {{"Node": "n", "Address": "a"}}, "Service": {{"ID": "s", "Port": 1}}, "Checks": {checks}}}"#
            );
            serde_json::from_str::<Entry>(&entry).unwrap().health()
        };
        assert_eq!(health("[]"), "passing");
        assert_eq!(
            health(r#"[{"Status": "warning"}, {"Status": "critical"}]"#),
            "critical"
        );
        let maintained = r#"[{"Status": "critical", "CheckID": "_service_maintenance:web"}]"#;
        assert_eq!(health(maintained), "maintenance");
    }
}
