//! The `scrape:` section of the configuration: as written, with Prometheus' own key names, and its defaults, which are
//! those of every job in `scrape_configs` too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::job::JobConfig;
use super::mapping::Labels;

/// What to scrape, how often and within which limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScrapeConfig {
    /// Time between two scrapes of one target.
    #[serde(deserialize_with = "duration")]
    pub(crate) interval: Duration,
    /// How long a target may take to answer in full; never more than `interval`.
    #[serde(deserialize_with = "duration")]
    pub(crate) timeout: Duration,
    /// Path of a target's metrics, unless its address is a whole URL.
    pub(crate) metrics_path: String,
    /// Largest body accepted from a target, bytes after decompression.
    pub(crate) body_size_limit: usize,
    /// Most samples accepted from one scrape of a target.
    pub(crate) sample_limit: usize,
    /// Targets named here; where nothing is said of them and there are no jobs, the exporters of this machine.
    pub(crate) static_configs: Option<Vec<TargetGroup>>,
    /// Targets named in files, which are read again when they change.
    pub(crate) file_sd_configs: Vec<FileSd>,
    /// Creator of the resources; ids that are no UUIDs are looked up under the name of the client, so that it finds
    /// what was created under the same.
    pub(crate) creator: String,
    /// A mapping file in place of the shipped one.
    pub(crate) mapping_file: Option<PathBuf>,
    /// Whether the mapping's meters are made that Ceilometer no longer publishes.
    pub(crate) retired_meters: bool,
    /// Archive policies of new metrics by the name that the mapping has for them.
    pub(crate) archive_policies: BTreeMap<String, String>,
}

/// Some targets and the labels that they share, as in Prometheus' `static_configs` and file_sd files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetGroup {
    /// `host:port`, or a URL.
    pub(crate) targets: Vec<String>,
    #[serde(default)]
    pub(crate) labels: Labels,
}

/// Files of target groups; the last part of a path may hold `*`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSd {
    pub(crate) files: Vec<String>,
    /// How often they are looked at, if that is more often than is done anyway.
    #[serde(default, deserialize_with = "optional_duration")]
    pub(crate) refresh_interval: Option<Duration>,
}

impl Default for ScrapeConfig {
    /// With no configuration: the two exporters of this machine at their own ports.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            metrics_path: "/metrics".to_owned(),
            body_size_limit: 64 << 20,
            sample_limit: 1_000_000,
            static_configs: None,
            file_sd_configs: Vec::new(),
            creator: "admin".to_owned(),
            mapping_file: None,
            retired_meters: true,
            archive_policies: BTreeMap::new(),
        }
    }
}

impl ScrapeConfig {
    /// What is wrong with the values, each by its key.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.interval < Duration::from_secs(1) {
            return Err("scrape: interval: expected at least 1s".to_owned());
        }
        if self.timeout.is_zero() || self.timeout > self.interval {
            return Err(
                "scrape: timeout: expected more than 0s and no more than interval".to_owned(),
            );
        }
        if !self.metrics_path.starts_with('/') {
            return Err("scrape: metrics_path: expected a path that starts with /".to_owned());
        }
        let mut groups = self.static_configs.iter().flatten();
        groups.try_for_each(|group| {
            super::targets::check(group).map_err(|why| format!("scrape: static_configs: {why}"))
        })
    }

    /// The job of the targets in this section: without a name, and of the labels of its samples none gives way.
    pub(super) fn own_job(&self, is_alone: bool) -> JobConfig {
        let local = || {
            let targets = ["127.0.0.1:9100", "127.0.0.1:9177"].map(str::to_owned);
            TargetGroup {
                targets: targets.into(),
                labels: Labels::new(),
            }
        };
        let static_configs = match &self.static_configs {
            Some(groups) => groups.clone(),
            None if is_alone => vec![local()],
            None => Vec::new(),
        };
        JobConfig {
            honor_labels: true,
            honor_timestamps: false,
            follow_redirects: Some(false),
            metrics_path: self.metrics_path.clone(),
            static_configs,
            file_sd_configs: self.file_sd_configs.clone(),
            ..JobConfig::default()
        }
    }
}

/// Reads `15s` or `1m`.
pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_duration(&text).map_err(de::Error::custom)
}

/// Reads `15s` or `1m` where nothing need be said.
pub(crate) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// `15s` or `1m` as a duration.
pub(super) fn read_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("expected a duration such as 15s or 1m, found {text:?}"))
}
