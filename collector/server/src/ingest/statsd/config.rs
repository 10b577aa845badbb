//! The `statsd:` section of the configuration, with the keys and defaults of gnocchi-statsd's, but for the address: it
//! listens on the loopback unless told otherwise, for statsd has no passwords.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::ingest::config::duration;

/// Where statsd listens, and what becomes of what it gets. Taken at the start only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StatsdConfig {
    /// The address to listen on.
    pub(crate) host: IpAddr,
    /// The UDP port to listen on.
    pub(crate) port: u16,
    /// The resource that has the metrics; it is created as a generic one. Without it there is no statsd.
    pub(crate) resource_id: Option<Uuid>,
    /// Creator of the resource and of the metrics.
    pub(crate) creator: Option<String>,
    /// Archive policy of new metrics; without one the archive policy rules decide.
    pub(crate) archive_policy_name: Option<String>,
    /// Time between two flushes.
    #[serde(deserialize_with = "duration")]
    pub(crate) flush_delay: Duration,
}

impl Default for StatsdConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8125,
            resource_id: None,
            creator: None,
            archive_policy_name: None,
            flush_delay: Duration::from_secs(10),
        }
    }
}

impl StatsdConfig {
    /// What is wrong with the values, by its key.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.flush_delay < Duration::from_millis(10) {
            return Err("flush_delay: expected at least 10ms".to_owned());
        }
        Ok(())
    }
}
