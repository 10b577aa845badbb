//! Starts the whole system and asks its parts: Prometheus with the shipped rules, Alertmanager, and the collector by
//! Gnocchi's own command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Guest, GuestSpec, Libvirtd, Peer, Running, Shipped};

/// How long the system may take to show what has happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// One system at a time: what is read from two sides must not be late because another guest boots.
static ALONE: Mutex<()> = Mutex::new(());

/// Everything that runs.
pub(crate) struct System {
    pub(crate) guest: Guest,
    pub(crate) host: Running,
    pub(crate) libvirt: Running,
    pub(crate) collector: Running,
    pub(crate) prometheus: Running,
    pub(crate) alertmanager: Running,
    _snmp: [Running; 2],
    // Below the guest, for it goes last.
    pub(crate) libvirtd: Libvirtd,
    _dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// How many targets Prometheus has: three programs, a device asked by the SNMP agent, and that agent.
pub(crate) const TARGETS: usize = 5;

/// The only thing that is changed in the shipped alerts: how long a fault must last.
const LASTS: &str = "1s";

impl System {
    /// Starts all of it and waits until the guest's agent answers.
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let libvirtd = Libvirtd::start();
        let guest = Guest::boot(&libvirtd, GuestSpec::new("instance-00000001").nova("web-1"));
        let host = Shipped::new("nephoscope-exporter-host").start();
        let dir = tempfile::tempdir().unwrap();
        let libvirt = exporter_libvirt(dir.path(), &libvirtd);
        let collector = collector(dir.path(), &[&host, &libvirt]);
        let snmp = [snmpd(dir.path()), snmp_agent()];
        let alertmanager = alertmanager(dir.path());
        let targets = [&host, &libvirt, &collector, &snmp[1]];
        let prometheus = prometheus(dir.path(), &targets, &snmp, &alertmanager);
        guest.wait_for_agent(PATIENCE);
        Self {
            guest,
            host,
            libvirt,
            collector,
            prometheus,
            alertmanager,
            _snmp: snmp,
            libvirtd,
            _dir: dir,
            _alone: alone,
        }
    }
}

/// It asks guests' agents more often than by default, so that nobody waits a minute for a file system to be seen full.
fn exporter_libvirt(dir: &Path, libvirtd: &Libvirtd) -> Running {
    let config = dir.join("exporter-libvirt.yml");
    std::fs::write(&config, "guests: {agent_interval: 2s}\n").unwrap();
    Shipped::new("nephoscope-exporter-libvirt")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--libvirt.uri={}", libvirtd.uri()))
        .start()
}

fn collector(dir: &Path, targets: &[&Running]) -> Running {
    let list: Vec<_> = targets
        .iter()
        .map(|t| format!("{:?}", t.address()))
        .collect();
    let config = dir.join("collector.yml");
    // Seconds, as `make run` has them, so that the page has something to draw.
    let text = format!(
        "storage: {{path: {:?}}}\nscrape:\n  interval: 1s\n  timeout: 1s\n  archive_policies: {{ceilometer-low: ceilometer-high, ceilometer-low-rate: ceilometer-high-rate}}\n  static_configs:\n  - targets: [{}]\n    labels: {{host: compute-1}}\n",
        dir.join("store"),
        list.join(", "),
    );
    std::fs::write(&config, text).unwrap();
    Shipped::new("nephoscope-collector")
        .arg(format!("--config.file={}", config.display()))
        .start()
}

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// A device on the network: Debian's snmpd, with this machine's interfaces.
fn snmpd(dir: &Path) -> Running {
    let config = dir.join("snmpd.conf");
    std::fs::write(&config, "rocommunity public 127.0.0.1\n").unwrap();
    let config = config.to_str().unwrap().to_owned();
    let quiet = ["-f", "-Le", "-I", "-smux", "-C", "-c"].map(str::to_owned);
    // It answers SNMP over TCP too, by which one sees that it is there.
    Peer::new("snmpd")
        .args(quiet)
        .args([config])
        .args(["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"])
        .env("MIBS", "")
        .env("SNMP_PERSISTENT_DIR", dir.to_str().unwrap())
        .current_dir(dir)
        .start()
}

fn snmp_agent() -> Running {
    let modules = repository().join("agents/snmp/snmp.yml");
    Shipped::new("nephoscope-agent-snmp")
        .arg(format!("--config.file={}", modules.display()))
        .arg("--snmp.allow-port=1-65535")
        .start()
}

fn alertmanager(dir: &Path) -> Running {
    let config = repository().join("packaging/examples/alertmanager/alertmanager.yml");
    Peer::new("prometheus-alertmanager")
        .args([
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", dir.join("alertmanager").display()),
            "--cluster.listen-address=".to_owned(),
            "--web.listen-address=127.0.0.1:{port}".to_owned(),
        ])
        .wait_http("/-/ready")
        .start()
}

/// The shipped rules, with faults that need not last.
fn rules(dir: &Path) -> String {
    let all = ["alerts", "recording"].map(|folder| {
        let from = repository().join("dashboards").join(folder);
        let to = dir.join(folder);
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let shorter = |line: &str| match line.split_once("for: ") {
                Some((before, _)) if before.trim().is_empty() => format!("{before}for: {LASTS}\n"),
                _ => format!("{line}\n"),
            };
            let text: String = text.lines().map(shorter).collect();
            std::fs::write(to.join(path.file_name().unwrap()), text).unwrap();
        }
        format!("{:?}", to.join("*.yml"))
    });
    all.join(", ")
}

fn prometheus(
    dir: &Path,
    targets: &[&Running],
    snmp: &[Running; 2],
    alertmanager: &Running,
) -> Running {
    let list: Vec<_> = targets
        .iter()
        .map(|t| format!("{:?}", t.address()))
        .collect();
    let config = dir.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {{cluster: test}}}}
rule_files: [{rules}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: [{alertmanager:?}]}}]}}]}}
scrape_configs:
- job_name: nephoscope
  static_configs: [{{targets: [{targets}]}}]
- job_name: snmp
  scrape_interval: 5s
  scrape_timeout: 5s
  metrics_path: /snmp
  params: {{auth: [public_v2], module: [if_mib], target: [{device:?}]}}
  static_configs: [{{targets: [{agent:?}]}}]
",
        rules = rules(dir),
        alertmanager = alertmanager.address(),
        targets = list.join(", "),
        device = snmp[0].address(),
        agent = snmp[1].address(),
    );
    std::fs::write(&config, text).unwrap();
    testkit::prometheus::start(&config)
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
    testkit::dashboards::ask(prometheus, expression)
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
