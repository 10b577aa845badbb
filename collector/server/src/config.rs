//! The collector's configuration as a file says it, with its defaults. Flags go before it, see `flags`; the section
//! `scrape` is `ingest`'s, and `api` is `api`'s.

use std::path::PathBuf;

use serde::Deserialize;

use crate::api::ApiConfig;
use crate::ingest::ScrapeConfig;

/// The whole file; every key may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where series and catalogue are kept.
    pub(crate) storage: StorageConfig,
    /// The Gnocchi API.
    pub(crate) api: ApiConfig,
    /// What is scraped.
    pub(crate) scrape: ScrapeConfig,
}

/// Where series and catalogue are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StorageConfig {
    /// The directory; it is created where it is missing, and one collector at a time may use it.
    pub(crate) path: PathBuf,
    /// What a new catalogue starts with.
    pub(crate) defaults: Defaults,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("/var/lib/nephoscope/collector"),
            defaults: Defaults::Full,
        }
    }
}

/// What a new catalogue starts with; later changes to it are the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Defaults {
    /// The archive policies of Gnocchi and Ceilometer with a rule, and Ceilometer's resource types.
    Full,
    /// The resource type `generic` only, as a Gnocchi whose policies are made by hand.
    Bare,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default_and_a_limit_of_nothing_is_refused() {
        let config: Config = serde_saphyr::from_str("{}").unwrap();
        assert_eq!(config.api, ApiConfig::default());
        assert_eq!(config.api.check(), Ok(()));
        let config: Config = serde_saphyr::from_str("api: {max_limit: 0}").unwrap();
        assert_eq!(
            config.api.check(),
            Err("max_limit: expected at least 1".to_owned())
        );
        assert!(serde_saphyr::from_str::<Config>("api: {auth_mode: keystone}").is_err());
    }

    #[test]
    fn the_documented_file_says_the_defaults() {
        let documented = include_str!("../../../packaging/examples/collector.yml");
        let config: Config = serde_saphyr::from_str(documented).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }
}
