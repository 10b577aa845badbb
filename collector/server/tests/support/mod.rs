//! A collector of this build on a directory of its own, and requests to it as a Gnocchi client sends them. Used by
//! every test file; not all of them use all of it.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod gnocchi;
pub(crate) mod numbered;
pub(crate) mod remote_write;
pub(crate) mod remote_write_v2;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;
use testkit::http::{Response, request};
use testkit::{Postgresql, Running, Shipped};

/// Configuration of a collector that scrapes nothing, unless it says what.
const QUIET: &str = "scrape: {static_configs: []}\n";
/// The user `admin`, as gnocchiclient sends it.
pub(crate) const ADMIN: (&str, &str) = ("authorization", "basic YWRtaW46");
/// The user `foobar`.
pub(crate) const FOOBAR: (&str, &str) = ("authorization", "basic Zm9vYmFyOg==");
/// The type of a JSON body.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
/// What gnocchiclient accepts.
pub(crate) const ACCEPT_JSON: (&str, &str) = ("accept", "application/json");

/// A running collector.
pub(crate) struct Collector {
    pub(crate) running: Running,
    dir: TempDir,
    catalogue: Catalogue,
}

/// Where a collector has its catalogue: in its directory, or, with `NEPHOSCOPE_TEST_CATALOGUE=postgresql`, in a
/// database of its own on a server that tests share while one of them needs it.
struct Catalogue(Option<(String, Arc<Postgresql>)>);

impl Catalogue {
    fn new() -> Self {
        static SERVER: Mutex<Weak<Postgresql>> = Mutex::new(Weak::new());
        if std::env::var_os("NEPHOSCOPE_TEST_CATALOGUE").is_none_or(|name| name != "postgresql") {
            return Self(None);
        }
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Postgresql::start());
            *shared = Arc::downgrade(&server);
            server
        });
        drop(shared);
        Self(Some((server.database(), server)))
    }

    fn yaml(&self) -> String {
        match &self.0 {
            Some((url, _)) => format!("storage: {{database: '{url}'}}\n"),
            None => String::new(),
        }
    }
}

impl Collector {
    /// Starts one with no data and no further configuration.
    pub(crate) fn start() -> Self {
        Self::configured("")
    }

    /// Starts one with no data and these further lines of configuration; it scrapes what they say.
    pub(crate) fn configured(yaml: &str) -> Self {
        Self::configured_in(tempfile::tempdir().unwrap(), yaml)
    }

    /// As [`Collector::configured`], in that directory; its data are in `data` there.
    pub(crate) fn configured_in(dir: TempDir, yaml: &str) -> Self {
        Self::with(dir, Catalogue::new(), yaml)
    }

    /// Starts one whose catalogue is in that empty database of PostgreSQL's.
    pub(crate) fn on_database(url: &str) -> Self {
        Self::with(
            tempfile::tempdir().unwrap(),
            Catalogue(None),
            &format!("storage: {{database: '{url}'}}\n"),
        )
    }

    fn with(dir: TempDir, catalogue: Catalogue, yaml: &str) -> Self {
        let quiet = match yaml.contains("scrape:") {
            true => "",
            false => QUIET,
        };
        let yaml = format!("{quiet}{}{yaml}", catalogue.yaml());
        std::fs::write(dir.path().join("collector.yml"), yaml).unwrap();
        let running = start_in(dir.path());
        Self {
            running,
            dir,
            catalogue,
        }
    }

    /// Stops it cleanly, or kills it, and starts it again on the same data.
    pub(crate) fn restart(mut self, cleanly: bool) -> Self {
        if cleanly {
            assert!(self.running.terminate().success());
        } else {
            self.running.kill();
        }
        let Self { dir, catalogue, .. } = self;
        let running = start_in(dir.path());
        Self {
            running,
            dir,
            catalogue,
        }
    }

    /// Kills it, does something to its data and starts it again.
    pub(crate) fn restart_after_kill(mut self, change: impl FnOnce()) -> Self {
        self.running.kill();
        change();
        self.restart(false)
    }

    /// The directory of its data and its configuration.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A GET that accepts JSON, by the admin.
    pub(crate) fn get(&self, path: &str) -> Response {
        request("GET", &self.running.url(path), &[ADMIN, ACCEPT_JSON], b"")
    }

    /// A GET that must succeed, as JSON.
    pub(crate) fn json(&self, path: &str) -> Value {
        self.get(path).expect_status(200).json()
    }

    /// Any method with a JSON body, by the admin.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Response {
        self.send_with(method, path, &[ADMIN, ACCEPT_JSON, JSON], body)
    }

    /// Any method with a JSON body and these headers only.
    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response {
        let body = body.to_string();
        request(method, &self.running.url(path), headers, body.as_bytes())
    }

    /// A POST with a JSON body, by the admin.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, body)
    }

    /// A DELETE as gnocchiclient sends it, by the admin.
    pub(crate) fn delete(&self, path: &str) -> Response {
        request(
            "DELETE",
            &self.running.url(path),
            &[ADMIN, ACCEPT_JSON],
            b"",
        )
    }

    /// Creates a metric of that policy and gives its id.
    pub(crate) fn metric(&self, policy: &str) -> String {
        let body = serde_json::json!({"archive_policy_name": policy});
        let metric = self.post("/v1/metric", &body).expect_status(201).json();
        metric["id"].as_str().unwrap().to_owned()
    }
}

fn start_in(dir: &Path) -> Running {
    Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .arg(format!(
            "--config.file={}",
            dir.join("collector.yml").display()
        ))
        .arg(format!("--storage.path={}", dir.join("data").display()))
        .start()
}
