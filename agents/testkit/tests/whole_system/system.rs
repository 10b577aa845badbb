//! Starts the whole system and asks its parts: Prometheus, and the collector by Gnocchi's own command line.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Guest, GuestSpec, Libvirtd, Peer, Running, Shipped, http};

/// How long the system may take to show what has happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that runs.
pub(crate) struct System {
    pub(crate) guest: Guest,
    pub(crate) host: Running,
    pub(crate) libvirt: Running,
    pub(crate) collector: Running,
    pub(crate) prometheus: Running,
    // Below the guest, for it goes last.
    _libvirtd: Libvirtd,
    _dir: tempfile::TempDir,
}

impl System {
    /// Starts all of it and waits until the guest's agent answers.
    pub(crate) fn start() -> Self {
        let libvirtd = Libvirtd::start();
        let guest = Guest::boot(&libvirtd, GuestSpec::new("instance-00000001").nova("web-1"));
        let host = Shipped::new("nephoscope-exporter-host").start();
        let libvirt = Shipped::new("nephoscope-exporter-libvirt")
            .arg(format!("--libvirt.uri={}", libvirtd.read_only_uri()))
            .start();
        let dir = tempfile::tempdir().unwrap();
        let collector = collector(dir.path(), &[&host, &libvirt]);
        let prometheus = prometheus(dir.path(), &[&host, &libvirt, &collector]);
        guest.wait_for_agent(PATIENCE);
        Self {
            guest,
            host,
            libvirt,
            collector,
            prometheus,
            _libvirtd: libvirtd,
            _dir: dir,
        }
    }
}

fn collector(dir: &Path, targets: &[&Running]) -> Running {
    let list: Vec<_> = targets
        .iter()
        .map(|t| format!("{:?}", t.address()))
        .collect();
    let config = dir.join("collector.yml");
    let text = format!(
        "storage: {{path: {:?}}}\nscrape:\n  interval: 1s\n  timeout: 1s\n  static_configs:\n  - targets: [{}]\n    labels: {{host: compute-1}}\n",
        dir.join("store"),
        list.join(", "),
    );
    std::fs::write(&config, text).unwrap();
    Shipped::new("nephoscope-collector")
        .arg(format!("--config.file={}", config.display()))
        .start()
}

fn prometheus(dir: &Path, targets: &[&Running]) -> Running {
    let list: Vec<_> = targets
        .iter()
        .map(|t| format!("{:?}", t.address()))
        .collect();
    let config = dir.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: nephoscope\n  static_configs: [{{targets: [{}]}}]\n",
        list.join(", "),
    );
    std::fs::write(&config, text).unwrap();
    Peer::new("prometheus")
        .args([
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.join("prometheus").display()),
            "--web.listen-address=127.0.0.1:{port}".to_owned(),
        ])
        .wait_http("/-/ready")
        .start()
}

/// Asks again until there is an answer; panics with the last words when patience ends.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(last) if start.elapsed() > PATIENCE => panic!("{what}: {last}"),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// What Prometheus answers to an expression.
pub(crate) fn query(prometheus: &Running, expression: &str) -> Vec<Value> {
    let encoded: String = expression
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let answer = http::get(&prometheus.url(&format!("/api/v1/query?query={encoded}")));
    answer.expect_status(200).json()["data"]["result"]
        .as_array()
        .unwrap()
        .clone()
}

/// What Gnocchi's own command line says, as JSON.
pub(crate) fn gnocchi(collector: &Running, arguments: &[&str]) -> Value {
    let output = Command::new("gnocchi")
        .args(arguments)
        .args(["-f", "json"])
        .env("OS_AUTH_TYPE", "gnocchi-basic")
        .env("GNOCCHI_USER", "admin")
        .env("GNOCCHI_ENDPOINT", collector.url(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "gnocchi {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&text).unwrap()
}
