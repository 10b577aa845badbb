//! The collector's configuration as a file says it, with its defaults. Flags go before it, see `flags`; the section
//! `scrape` is `ingest`'s, and `api` is `api`'s.

use std::path::PathBuf;

use collector_index::{Database, IndexError};
use serde::Deserialize;

use crate::api::{ApiConfig, AuthMode};
use crate::auth::AuthConfig;
use crate::ingest::ceilometer::CeilometerConfig;
use crate::ingest::statsd::StatsdConfig;
use crate::ingest::{JobConfig, ScrapeConfig};

/// The whole file; every key may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where series and catalogue are kept.
    pub(crate) storage: StorageConfig,
    /// The Gnocchi API.
    pub(crate) api: ApiConfig,
    /// Where the API's users come from and what they may do.
    pub(crate) auth: AuthConfig,
    /// What is scraped.
    pub(crate) scrape: ScrapeConfig,
    /// Prometheus' list of jobs.
    pub(crate) scrape_configs: Vec<JobConfig>,
    /// What Ceilometer sends.
    pub(crate) ceilometer: CeilometerConfig,
    /// What statsd's clients send.
    pub(crate) statsd: StatsdConfig,
}

/// Where series and catalogue are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StorageConfig {
    /// The directory; it is created where it is missing, and one collector at a time may use it.
    pub(crate) path: PathBuf,
    /// URL of the PostgreSQL database that the catalogue is in; without one it is a file in `path`. Several collectors
    /// may share one.
    pub(crate) database: Option<DatabaseUrl>,
    /// What a new catalogue starts with.
    pub(crate) defaults: Defaults,
}

/// A URL of a database, which may hold a password: it is read when the configuration is, and shown without.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct DatabaseUrl(pub(crate) Database);

impl TryFrom<String> for DatabaseUrl {
    type Error = IndexError;

    fn try_from(url: String) -> Result<Self, IndexError> {
        Database::postgresql(&url).map(Self)
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("/var/lib/nephoscope/collector"),
            database: None,
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

impl Config {
    /// What is wrong with the values of `api` and `auth`, the key first.
    pub(crate) fn check_api(&self) -> Result<(), (&'static str, String)> {
        self.api.check().map_err(|reason| ("api", reason))?;
        match self.api.auth_mode {
            AuthMode::Keystone => self
                .auth
                .keystone
                .check()
                .map_err(|reason| ("auth", reason)),
            AuthMode::Remoteuser if !self.api.enable_proxy_headers_parsing => {
                let reason = "auth_mode: remoteuser believes a proxy's header: expected enable_proxy_headers_parsing: true";
                Err(("api", reason.to_owned()))
            }
            _ => Ok(()),
        }
    }
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
        assert!(serde_saphyr::from_str::<Config>("api: {auth_mode: ldap}").is_err());
    }

    #[test]
    fn a_mode_that_needs_more_says_what_is_missing() {
        for (yaml, section, reason) in [
            (
                "api: {auth_mode: keystone}",
                "auth",
                "auth_url: expected a URL",
            ),
            (
                "api: {auth_mode: remoteuser}",
                "api",
                "enable_proxy_headers_parsing: true",
            ),
        ] {
            let config: Config = serde_saphyr::from_str(yaml).unwrap();
            let (found, error) = config.check_api().unwrap_err();
            assert!(found == section && error.contains(reason), "{error}");
        }
        let yaml = "{api: {auth_mode: keystone}, auth: {keystone: {auth_url: 'http://[::1]:5000/v3', token_cache_time: 1m}}}";
        let config: Config = serde_saphyr::from_str(yaml).unwrap();
        assert_eq!(config.check_api(), Ok(()));
    }

    #[test]
    fn a_database_is_shown_without_its_password_and_a_wrong_url_is_refused() {
        let url = "postgresql://me:secret@db.example:5433/catalogue";
        let config: Config =
            serde_saphyr::from_str(&format!("storage: {{database: '{url}'}}")).unwrap();
        let shown = format!("{:?}", config.storage);
        assert!(
            shown.contains("postgresql://db.example:5433/catalogue"),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
        let error =
            serde_saphyr::from_str::<Config>("storage: {database: 'mysql://me:secret@h/x'}");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("expected postgresql://"), "{error}");
    }

    #[test]
    fn the_documented_file_says_the_defaults() {
        let documented = include_str!("../../../packaging/examples/collector.yml");
        let config: Config = serde_saphyr::from_str(documented).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }
}
