//! exporter-toolkit's web configuration file: who may come in, how the connection is encrypted and which headers every
//! answer carries. A file that changed, or whose certificates did, is read again; one that is wrong is refused at start
//! and later leaves what was there in force. Not known here are `rate_limit` and `client_allowed_sans`: a file with
//! them is refused. HTTP/2 is not served, whatever `http2` says.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;

use crate::config::{self, ConfigError};
use crate::http::auth::Users;
use crate::http::tls::TlsSection;

/// How long what was found on disk is taken to be still so.
const FRESH: Duration = Duration::from_secs(1);

/// What is in force.
#[derive(Default)]
pub(crate) struct Loaded {
    /// `None` serves plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Who may come in; anybody where there are none.
    pub(crate) users: Users,
    /// Headers of every answer.
    pub(crate) headers: HeaderMap,
}

/// A web configuration file and what is in force of it.
pub(crate) struct WebConfig {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    loaded: Arc<Loaded>,
    /// The file and those that it names, with what told them apart when they were read.
    seen: Seen,
    checked: Instant,
}

/// Device, inode, length and time of change of a file; `None` where it cannot be looked at.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// Files with what told them apart when they were read.
type Seen = Vec<(PathBuf, Stamp)>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    tls_server_config: Option<TlsSection>,
    http_server_config: Option<HttpSection>,
    basic_auth_users: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HttpSection {
    /// Part of the file's form; HTTP/1.1 is served in any case.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

impl WebConfig {
    /// Plain HTTP for everybody.
    pub(crate) fn none() -> Self {
        let state = State {
            loaded: Arc::default(),
            seen: Vec::new(),
            checked: Instant::now(),
        };
        Self {
            path: None,
            state: Mutex::new(state),
        }
    }

    /// The configuration of the file.
    ///
    /// # Errors
    /// Names the file and what in it cannot be used.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let (loaded, seen) = read(path);
        let state = State {
            loaded: loaded?,
            seen,
            checked: Instant::now(),
        };
        Ok(Self {
            path: Some(path.to_owned()),
            state: Mutex::new(state),
        })
    }

    /// What is in force now. Files that changed are read; if they cannot be used it is logged, once per change, and
    /// what was there stays.
    pub(crate) fn current(&self) -> Arc<Loaded> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && state.checked.elapsed() >= FRESH
        {
            state.checked = Instant::now();
            if state
                .seen
                .iter()
                .any(|(file, stamp)| stamp_of(file) != *stamp)
                && let Err(error) = state.renew(path)
            {
                tracing::error!(%error, "cannot load the changed web configuration, the old one stays in force");
            }
        }
        Arc::clone(&state.loaded)
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// What in it cannot be used; what was there stays in force.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.path
            .as_deref()
            .map_or(Ok(()), |path| state.renew(path))
    }
}

impl State {
    fn renew(&mut self, path: &Path) -> Result<(), ConfigError> {
        let (loaded, seen) = read(path);
        self.seen = seen;
        self.loaded = loaded?;
        Ok(())
    }
}

/// Reads the file and those that it names. The stamps are taken first: what changes while it is read is read again.
fn read(path: &Path) -> (Result<Arc<Loaded>, ConfigError>, Seen) {
    let mut seen = vec![(path.to_owned(), stamp_of(path))];
    let file = config::read(path).and_then(|text| config::parse::<File>(path, &text));
    let loaded = file.and_then(|file| {
        let dir = path.parent().unwrap_or(Path::new(""));
        let named = file.tls_server_config.as_ref().map(|tls| tls.files(dir));
        seen.extend(
            named
                .into_iter()
                .flatten()
                .map(|file| (file.clone(), stamp_of(&file))),
        );
        file.check(path, dir).map(Arc::new)
    });
    (loaded, seen)
}

fn stamp_of(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    Some((
        data.dev(),
        data.ino(),
        data.len(),
        data.mtime(),
        data.mtime_nsec(),
    ))
}

impl File {
    fn check(self, path: &Path, dir: &Path) -> Result<Loaded, ConfigError> {
        let refused = |key: &str, reason: String| {
            ConfigError::value(format!("{}: {key}", path.display()), reason)
        };
        let tls = match &self.tls_server_config {
            None => None,
            Some(section) => {
                let config = section.server_config(dir);
                let config = config.map_err(|(key, reason)| {
                    refused(&format!("tls_server_config.{key}"), reason)
                })?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
        };
        let users = Users::new(self.basic_auth_users.unwrap_or_default()).map_err(|user| {
            let reason = "expected a bcrypt hash, as htpasswd -nB makes it".to_owned();
            refused(&format!("basic_auth_users.{user}"), reason)
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in self
            .http_server_config
            .and_then(|section| section.headers)
            .unwrap_or_default()
        {
            let key = format!("http_server_config.headers.{name}");
            let (name, value) = header(&name, &value).map_err(|reason| refused(&key, reason))?;
            if !value.is_empty() {
                headers.insert(name, value);
            }
        }
        Ok(Loaded {
            tls,
            users,
            headers,
        })
    }
}

/// The headers that may be set, with the values that they may have.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HEADERS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, values)) = known else {
        return Err(format!(
            "expected one of {}",
            HEADERS.map(|(known, _)| known).join(", ")
        ));
    };
    let allowed = value.is_empty()
        || values.is_empty()
        || values
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(value));
    if !allowed {
        return Err(format!("expected {}, found {value:?}", values.join(" or ")));
    }
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
    let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
    Ok((name, value))
}

#[cfg(test)]
#[path = "web_config_tests.rs"]
mod tests;
