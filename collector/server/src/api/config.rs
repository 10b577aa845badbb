//! The `api:` section of the configuration: as written, with its defaults and what is wrong with it.

use std::time::Duration;

use axum::http::HeaderName;
use serde::Deserialize;

use crate::ingest::config::duration;

/// The Gnocchi API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiConfig {
    /// How the API knows its users.
    pub(crate) auth_mode: AuthMode,
    /// Whose words and codes it uses where two releases of Gnocchi contradict each other.
    pub(crate) compatibility: Compatibility,
    /// A path below which the API is served too, such as `/gnocchi`. Taken at the start only.
    pub(crate) path_prefix: String,
    /// Which pages of others may ask.
    pub(crate) cors: CorsConfig,
    /// Most entries of a list in one answer; more are had by following the `Link` header.
    pub(crate) max_limit: u32,
    /// Largest body of a request, bytes. Taken at the start only.
    pub(crate) max_body_size: usize,
    /// How deep the JSON of a body may nest.
    pub(crate) max_json_depth: usize,
    /// How deep the filter of a search may nest.
    pub(crate) max_filter_depth: usize,
    /// How deep the operations of an aggregate may nest.
    pub(crate) max_operation_depth: usize,
    /// Most metrics in one aggregate; also most resources that one may search.
    pub(crate) max_aggregate_metrics: u32,
    /// Most points of one answer, and that one aggregate reads unless it is computed piece by piece; side by side with
    /// their gaps filled they may be ten times as many.
    pub(crate) max_aggregate_points: usize,
    /// How long one question for measures may be computed, and one search of the catalogue may take; then it is given
    /// up. For searches taken at the start only.
    #[serde(deserialize_with = "duration")]
    pub(crate) query_timeout: Duration,
    /// Whether `Forwarded` and `X-Forwarded-*` decide what the URLs in answers begin with. Only for a listener that
    /// nobody but the proxy reaches.
    pub(crate) enable_proxy_headers_parsing: bool,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            auth_mode: AuthMode::Noauth,
            compatibility: Compatibility::V4_4,
            path_prefix: String::new(),
            cors: CorsConfig::default(),
            max_limit: 1000,
            max_body_size: 32 << 20,
            max_json_depth: 127,
            max_filter_depth: 32,
            max_operation_depth: 64,
            max_aggregate_metrics: 10_000,
            max_aggregate_points: 1_000_000,
            query_timeout: Duration::from_secs(30),
            enable_proxy_headers_parsing: false,
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
    /// As Gnocchi's remoteuser mode: a proxy that has authenticated the user names him in a header.
    Remoteuser,
    /// `X-Auth-Token` is a token of Keystone.
    Keystone,
}

/// A release of Gnocchi. They differ in a few texts, limits and status codes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Compatibility {
    /// 4.4, as Debian and most OpenStack releases have it.
    #[serde(rename = "4.4")]
    V4_4,
    /// 4.7.
    #[serde(rename = "4.7")]
    V4_7,
}

/// Cross-origin resource sharing, with oslo.middleware's keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CorsConfig {
    /// Origins such as `https://grafana.example.org`, or `*`; none are allowed without.
    pub(crate) allowed_origin: Vec<String>,
    /// Whether the browser may send credentials.
    pub(crate) allow_credentials: bool,
    /// Headers of answers that the page may read.
    pub(crate) expose_headers: Vec<String>,
    /// How long the browser may remember the answer, seconds; 0 says nothing.
    pub(crate) max_age: u32,
    /// Methods that the page may use.
    pub(crate) allow_methods: Vec<String>,
    /// Headers that the page may send, beside the simple ones.
    pub(crate) allow_headers: Vec<String>,
}

impl Default for CorsConfig {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Self {
            allowed_origin: Vec::new(),
            allow_credentials: true,
            expose_headers: Vec::new(),
            max_age: 3600,
            allow_methods: owned(&[
                "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PATCH",
            ]),
            allow_headers: owned(&[
                "Authorization",
                "X-Auth-Token",
                "X-Subject-Token",
                "X-User-Id",
                "X-Domain-Id",
                "X-Project-Id",
                "X-Roles",
            ]),
        }
    }
}

impl ApiConfig {
    /// What is wrong with the values.
    pub(crate) fn check(&self) -> Result<(), String> {
        let prefix = self.path_prefix.as_str();
        let well_formed = prefix.starts_with('/')
            && !prefix.ends_with('/')
            && !prefix.contains("//")
            && prefix
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "/-_.~".contains(one));
        if !prefix.is_empty() && !well_formed {
            return Err("path_prefix: expected a path such as /gnocchi".to_owned());
        }
        if prefix == "/v1" || prefix.starts_with("/v1/") || prefix.starts_with("/-") {
            return Err(format!("path_prefix: {prefix} is a path of the API itself"));
        }
        let headers = self
            .cors
            .expose_headers
            .iter()
            .chain(&self.cors.allow_headers);
        if let Some(bad) = headers
            .clone()
            .find(|name| name.parse::<HeaderName>().is_err())
        {
            return Err(format!("cors: {bad:?} is no name of a header"));
        }
        if self.query_timeout.is_zero() {
            return Err("query_timeout: expected more than 0s".to_owned());
        }
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        // What is read by recursion has a bound of its own: that of serde_json, and what the catalogue takes of a filter
        // less what is put around it.
        for (key, value, least, most) in [
            ("max_limit", size(self.max_limit), 1, usize::MAX),
            ("max_body_size", self.max_body_size, 1024, usize::MAX),
            ("max_json_depth", self.max_json_depth, 1, 127),
            ("max_filter_depth", self.max_filter_depth, 1, 56),
            ("max_operation_depth", self.max_operation_depth, 1, 120),
            (
                "max_aggregate_metrics",
                size(self.max_aggregate_metrics),
                1,
                usize::MAX,
            ),
            (
                "max_aggregate_points",
                self.max_aggregate_points,
                1,
                usize::MAX,
            ),
        ] {
            if value < least {
                return Err(format!("{key}: expected at least {least}"));
            }
            if value > most {
                return Err(format!("{key}: expected at most {most}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<(), String> {
        let config: ApiConfig = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        config.check()
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_its_key() {
        assert_eq!(read("{}"), Ok(()));
        assert_eq!(
            read("{path_prefix: /api/gnocchi, compatibility: \"4.7\"}"),
            Ok(())
        );
        for (yaml, expected) in [
            ("max_limit: 0", "max_limit: expected at least 1"),
            ("max_body_size: 3", "max_body_size: expected at least 1024"),
            ("max_json_depth: 0", "max_json_depth: expected at least 1"),
            (
                "max_filter_depth: 57",
                "max_filter_depth: expected at most 56",
            ),
            ("query_timeout: 0s", "query_timeout: expected more than 0s"),
            (
                "path_prefix: gnocchi",
                "path_prefix: expected a path such as /gnocchi",
            ),
            (
                "path_prefix: /a/",
                "path_prefix: expected a path such as /gnocchi",
            ),
            (
                "path_prefix: \"/{a}\"",
                "path_prefix: expected a path such as /gnocchi",
            ),
            (
                "path_prefix: /v1",
                "path_prefix: /v1 is a path of the API itself",
            ),
            (
                "cors: {allow_headers: [\"a b\"]}",
                "cors: \"a b\" is no name of a header",
            ),
        ] {
            assert_eq!(read(yaml), Err(expected.to_owned()));
        }
        assert!(read("auth_mode: ldap").is_err() && read("compatibility: \"3.0\"").is_err());
    }
}
