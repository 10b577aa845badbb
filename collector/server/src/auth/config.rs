//! The `auth:` section of the configuration, for `api.auth_mode: keystone` and `remoteuser`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Where identities come from and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthConfig {
    /// The Keystone of mode `keystone`.
    pub(crate) keystone: KeystoneConfig,
    /// The header in which the proxy says the user in mode `remoteuser`.
    pub(crate) remote_user_header: String,
    /// Rules of oslo.policy in the place of Gnocchi's own, YAML or JSON.
    pub(crate) policy_file: Option<PathBuf>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            keystone: KeystoneConfig::default(),
            remote_user_header: "x-remote-user".to_owned(),
            policy_file: None,
        }
    }
}

/// A Keystone and how long its word counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeystoneConfig {
    /// The identity API, with its version: `https://keystone:5000/v3`.
    pub(crate) auth_url: String,
    /// Where clients are sent that have no valid token, if that is another address than `auth_url`.
    pub(crate) www_authenticate_uri: Option<String>,
    /// Certificates, PEM, that are trusted besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long a token is taken for good without asking again, never beyond its own end; a revoked one is refused
    /// within this time.
    #[serde(deserialize_with = "crate::ingest::config::duration")]
    pub(crate) token_cache_time: Duration,
    /// How long Keystone may take to answer.
    #[serde(deserialize_with = "crate::ingest::config::duration")]
    pub(crate) timeout: Duration,
}

impl Default for KeystoneConfig {
    fn default() -> Self {
        Self {
            auth_url: String::new(),
            www_authenticate_uri: None,
            ca_file: None,
            token_cache_time: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
        }
    }
}

impl KeystoneConfig {
    /// What is wrong with the values for mode `keystone`.
    pub(crate) fn check(&self) -> Result<(), String> {
        let scheme = ["http://", "https://"];
        if !scheme
            .iter()
            .any(|scheme| self.auth_url.starts_with(scheme))
        {
            return Err(format!(
                "keystone: auth_url: expected a URL such as https://keystone:5000/v3, found {:?}",
                self.auth_url
            ));
        }
        if self.timeout.is_zero() {
            return Err("keystone: timeout: expected more than 0s".to_owned());
        }
        Ok(())
    }
}
