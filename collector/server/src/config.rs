//! The collector's configuration as a file says it, with its defaults. Flags go before it, see `flags`; the scrape
//! section is `ingest`'s.

use std::path::PathBuf;

use serde::Deserialize;

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

/// The Gnocchi API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiConfig {
    /// How the API knows its users.
    pub(crate) auth_mode: AuthMode,
    /// Most entries of a list in one answer; more are had by following the `Link` header.
    pub(crate) max_limit: u32,
    /// Largest body of a request, bytes. Taken at the start only.
    pub(crate) max_body_size: usize,
    /// Most metrics in one aggregate; also most resources that one may search.
    pub(crate) max_aggregate_metrics: u32,
    /// Most points that one aggregate reads; side by side with their gaps filled they may be ten times as many.
    pub(crate) max_aggregate_points: usize,
    /// Whether `Forwarded` and `X-Forwarded-*` decide what the URLs in answers begin with. Only for a listener that
    /// nobody but the proxy reaches.
    pub(crate) enable_proxy_headers_parsing: bool,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            auth_mode: AuthMode::Noauth,
            max_limit: 1000,
            max_body_size: 32 << 20,
            max_aggregate_metrics: 10_000,
            max_aggregate_points: 1_000_000,
            enable_proxy_headers_parsing: false,
        }
    }
}

impl ApiConfig {
    /// What is wrong with the values.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self { max_limit: 0, .. } => Err("max_limit: expected at least 1".to_owned()),
            Self { max_body_size, .. } if *max_body_size < 1024 => {
                Err("max_body_size: expected at least 1024 bytes".to_owned())
            }
            Self {
                max_aggregate_metrics: 0,
                ..
            } => Err("max_aggregate_metrics: expected at least 1".to_owned()),
            Self {
                max_aggregate_points: 0,
                ..
            } => Err("max_aggregate_points: expected at least 1".to_owned()),
            _ => Ok(()),
        }
    }
}

/// How the API knows its users; passwords are the listener's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMode {
    /// Everybody may do everything; the creator is the name of HTTP basic authentication, or `admin`.
    Noauth,
    /// As Gnocchi's basic mode: a name must be given, `admin` has the role admin, others change only what they made.
    Basic,
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
