//! Ceilometer's own agents as daemons, without Keystone and Nova: the polling agent of a compute node, and the
//! notification agent that publishes to a Gnocchi what comes over RabbitMQ.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Peer, Running};

use crate::broker::{PATIENCE, depth_at};
use crate::credentials;
use crate::release::Release;

/// The queue of what polling agents have polled.
pub(crate) const POLLED: &str = "notifications.sample";

/// The agents of one release with their configuration, not running yet.
pub(crate) struct Agents {
    release: Release,
    dir: TempDir,
    broker: String,
    _nova: Running,
}

impl Agents {
    /// Over that broker, to the Gnocchi at `endpoint`, with more lines of the section `[DEFAULT]`.
    pub(crate) fn new(release: Release, broker: &str, endpoint: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &Value| {
            let file = dir.path().join(name);
            std::fs::write(&file, content.to_string()).unwrap();
            file.display().to_string()
        };
        let pipeline = |what: &str| {
            json!({
                "sources": [{"name": "source", (what): ["*"], "sinks": ["sink"]}],
                "sinks": [{"name": "sink", "publishers": [release.gnocchi_publisher()]}],
            })
        };
        let samples = write("pipeline.yaml", &pipeline("meters"));
        let events = write("event_pipeline.yaml", &pipeline("events"));
        let polling = json!({"sources": [{"name": "all", "interval": 2, "meters": ["*"]}]});
        let polling = write("polling.yaml", &polling);
        // One thread, so that what happened first is told first.
        let conf = |endpoint: &str| {
            format!(
                "[DEFAULT]\ntransport_url = {broker}\npipeline_cfg_file = {samples}\n\
                 event_pipeline_cfg_file = {events}\nmax_parallel_requests = 1\n{more}\n\
                 [polling]\ncfg_file = {polling}\n{}",
                credentials(endpoint),
            )
        };
        // A polling agent asks Nova for the ids of flavors: here is one that knows none.
        let nothing = dir.path().join("nothing");
        std::fs::create_dir(&nothing).unwrap();
        let nova = Peer::new("busybox")
            .args(["httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "."])
            .current_dir(&nothing)
            .start();
        for (name, endpoint) in [
            ("ceilometer.conf", endpoint),
            ("polling.conf", &nova.url("")),
        ] {
            std::fs::write(dir.path().join(name), conf(endpoint)).unwrap();
        }
        // Its module is Debian's alone, and for Debian's Python: the other environment is of the same one.
        let modules = dir.path().join("modules");
        std::fs::create_dir(&modules).unwrap();
        for file in std::fs::read_dir(Release::Debian.modules()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name();
            if name.to_string_lossy().starts_with("libvirt") {
                symlink(file.path(), modules.join(name)).unwrap();
            }
        }
        Self {
            release,
            dir,
            broker: broker.to_owned(),
            _nova: nova,
        }
    }

    /// Starts the notification agent and waits until it listens.
    pub(crate) fn notification(&self) -> Running {
        let broker = self.broker.clone();
        self.agent("ceilometer-agent-notification", "ceilometer.conf")
            .ready_when(move || depth_at(&broker, POLLED).is_some())
            .start()
    }

    /// Starts the polling agent of a compute node; what it polls every two seconds shows that it runs.
    pub(crate) fn compute(&self) -> Running {
        self.agent("ceilometer-polling", "polling.conf")
            .args(["--polling-namespaces", "compute"])
            .env("PYTHONPATH", self.path("modules"))
            .ready_when(|| true)
            .start()
    }

    fn agent(&self, program: &str, conf: &str) -> Peer {
        Peer::new(&self.release.program(program))
            .args(["--config-file", &self.path(conf)])
            .with_children()
            .ready_timeout(PATIENCE)
    }

    fn path(&self, name: &str) -> String {
        let dir: &Path = self.dir.path();
        dir.join(name).display().to_string()
    }
}
