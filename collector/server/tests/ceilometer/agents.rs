//! Ceilometer's own agents as daemons: the polling agent of a compute node, without Keystone and Nova, that of a cloud's
//! services, and the notification agent that publishes to a Gnocchi what comes over RabbitMQ.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;
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
    polled: String,
    _nova: Option<Running>,
}

impl Agents {
    /// Over that broker, to the Gnocchi at `endpoint`, with more lines of the section `[DEFAULT]`.
    pub(crate) fn new(release: Release, broker: &str, endpoint: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // A polling agent asks Nova for the ids of flavors: here is one that knows none.
        let nothing = dir.path().join("nothing");
        std::fs::create_dir(&nothing).unwrap();
        let nova = Peer::new("busybox")
            .args(["httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "."])
            .current_dir(&nothing)
            .start();
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
        let more = [endpoint, &nova.url("")].map(|it| format!("{more}\n{}", credentials(it)));
        let publisher = release.publisher_without_keystone();
        let agents = Self::in_dir(dir, release, broker, (2, &publisher), more);
        Self {
            _nova: Some(nova),
            ..agents
        }
    }

    /// Of a cloud where the options `login` let them in: what is told to the first of `topics` goes to the Gnocchi at
    /// `endpoint`, what is polled to all of them.
    pub(crate) fn of_cloud(
        release: Release,
        broker: &str,
        endpoint: &str,
        topics: &[&str],
        login: &str,
    ) -> Self {
        let gnocchi = credentials(endpoint).replace("service_credentials", "basic");
        let more = [&topics[..1], topics].map(|topics| {
            format!(
                "[gnocchi]\nauth_section = basic\n{gnocchi}[service_credentials]\n{login}\
                 [oslo_messaging_notifications]\ntopics = {}\n",
                topics.join(",")
            )
        });
        let dir = tempfile::tempdir().unwrap();
        let publisher = release.gnocchi_publisher();
        let agents = Self::in_dir(dir, release, broker, (60, &publisher), more);
        let polled = format!("{}.sample", topics[0]);
        Self { polled, ..agents }
    }

    /// With seconds between two polls, where to publish, and the last lines of the notification agent's and the polling
    /// agent's configuration.
    fn in_dir(
        dir: TempDir,
        release: Release,
        broker: &str,
        (interval, publisher): (u64, &str),
        more: [String; 2],
    ) -> Self {
        let write = |name: &str, content: &str| {
            let file = dir.path().join(name);
            std::fs::write(&file, content).unwrap();
            file.display().to_string()
        };
        let pipeline = |what: &str| {
            let pipeline = json!({
                "sources": [{"name": "source", (what): ["*"], "sinks": ["sink"]}],
                "sinks": [{"name": "sink", "publishers": [publisher]}],
            });
            pipeline.to_string()
        };
        let samples = write("pipeline.yaml", &pipeline("meters"));
        let events = write("event_pipeline.yaml", &pipeline("events"));
        let all = json!({"sources": [{"name": "all", "interval": interval, "meters": ["*"]}]});
        let all = write("polling.yaml", &all.to_string());
        // One thread, so that what happened first is told first.
        let conf = format!(
            "[polling]\ncfg_file = {all}\n[DEFAULT]\ntransport_url = {broker}\npipeline_cfg_file = {samples}\n\
             event_pipeline_cfg_file = {events}\nmax_parallel_requests = 1\n"
        );
        for (name, more) in ["ceilometer.conf", "polling.conf"].into_iter().zip(more) {
            write(name, &format!("{conf}{more}"));
        }
        Self {
            release,
            dir,
            broker: broker.to_owned(),
            polled: POLLED.to_owned(),
            _nova: None,
        }
    }

    /// Starts the notification agent and waits until it listens.
    pub(crate) fn notification(&self) -> Running {
        let (broker, polled) = (self.broker.clone(), self.polled.clone());
        self.agent("ceilometer-agent-notification", "ceilometer.conf")
            .ready_when(move || depth_at(&broker, &polled).is_some())
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

    /// Starts the polling agent of a cloud's services, which polls at once.
    pub(crate) fn central(&self) -> Running {
        self.agent("ceilometer-polling", "polling.conf")
            .args(["--polling-namespaces", "central"])
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
