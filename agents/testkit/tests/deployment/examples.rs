//! The example configurations of Prometheus, Alertmanager, Grafana and Ansible, each loaded by its program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::process::profile_dir;
use testkit::{http, tools};

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

fn path(name: &str) -> PathBuf {
    root().join("packaging/examples").join(name)
}

/// An example's text.
pub(crate) fn example(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The text with each of these in place of the other; what is to be replaced must be there.
pub(crate) fn replace(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no {from}");
        text.replace(from, to)
    })
}

/// Where the package `nephoscope-dashboards` puts it, and where it is here.
fn installed() -> [(&'static str, PathBuf); 3] {
    [
        (
            "/usr/share/nephoscope/alerts",
            root().join("dashboards/alerts"),
        ),
        (
            "/usr/share/nephoscope/recording",
            root().join("dashboards/recording"),
        ),
        (
            "/usr/share/nephoscope/grafana",
            root().join("dashboards/grafana"),
        ),
    ]
}

fn with_installed(text: &str) -> String {
    let here = installed().map(|(from, to)| (from, to.display().to_string()));
    let used = here.iter().filter(|(from, _)| text.contains(from));
    let pairs: Vec<_> = used.map(|(from, to)| (*from, to.as_str())).collect();
    replace(text, &pairs)
}

#[test]
fn prometheus_finds_every_kind_of_target_and_the_rules() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let targets = path("prometheus/targets").display().to_string();
    let text = replace(
        &example("prometheus/prometheus.yml"),
        &[("/etc/prometheus/targets", &targets)],
    );
    std::fs::write(&config, with_installed(&text)).unwrap();
    let said = tools::run("promtool", ["check", "config", config.to_str().unwrap()]);
    assert!(
        said.contains("SUCCESS") && !said.contains("WARNING"),
        "{said}"
    );
    let prometheus = testkit::prometheus::start(&config);
    let wanted = BTreeMap::from([
        ("http://compute-1:9100/metrics", ("node", "compute-1")),
        ("http://compute-2:9100/metrics", ("node", "compute-2")),
        ("http://controller-1:9100/metrics", ("node", "controller-1")),
        ("http://compute-1:9177/metrics", ("libvirt", "compute-1")),
        ("http://compute-2:9177/metrics", ("libvirt", "compute-2")),
        (
            "http://collector-1:8041/metrics",
            ("collector", "collector-1"),
        ),
        (
            "http://127.0.0.1:9116/snmp?auth=public_v2&module=if_mib&target=switch-1",
            ("snmp", "switch-1"),
        ),
        (
            "http://127.0.0.1:9116/snmp?auth=public_v2&module=if_mib&target=switch-2",
            ("snmp", "switch-2"),
        ),
        (
            "http://127.0.0.1:9116/metrics",
            ("snmp-agent", "127.0.0.1:9116"),
        ),
    ]);
    let start = std::time::Instant::now();
    loop {
        let answer = http::get(&prometheus.url("/api/v1/targets?state=active")).json();
        let active = answer["data"]["activeTargets"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let found: BTreeMap<_, _> = active
            .iter()
            .map(|it| {
                (
                    text(&it["scrapeUrl"]),
                    (text(&it["labels"]["job"]), text(&it["labels"]["instance"])),
                )
            })
            .collect();
        let same = found.len() == wanted.len()
            && found.iter().all(|(url, (job, instance))| {
                wanted.get(url.as_str()) == Some(&(job.as_str(), instance.as_str()))
            });
        if same {
            break;
        }
        assert!(start.elapsed().as_secs() < 60, "{found:#?}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let rules = http::get(&prometheus.url("/api/v1/rules")).text();
    for name in ["GuestPaused", "TargetDown", "virtual:kvm:cpu:usage"] {
        assert!(rules.contains(name), "{name}");
    }
}

#[test]
fn alertmanager_accepts_its_example() {
    let file = path("alertmanager/alertmanager.yml");
    let said = tools::run("amtool", ["check-config", file.to_str().unwrap()]);
    assert!(
        said.contains("SUCCESS") && said.contains("2 inhibit rules"),
        "{said}"
    );
}

#[test]
fn grafana_is_told_where_the_dashboards_are() {
    let text = with_installed(&example("grafana/nephoscope.yml"));
    let paths: Vec<_> = text
        .split("path: ")
        .skip(1)
        .map(|it| it.split(" }").next().unwrap())
        .collect();
    assert_eq!(paths.len(), 2, "{text}");
    for path in paths {
        let files = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(files.count() >= 4, "{path}");
    }
}

#[test]
fn the_playbook_writes_configurations_that_the_programs_accept() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for folder in ["etc", "flags", "prometheus"] {
        std::fs::create_dir(at(folder)).unwrap();
    }
    std::fs::copy(
        root().join("packaging/programs/exporter-host/environment"),
        at("flags/nephoscope-exporter-host"),
    )
    .unwrap();
    // Every host of the inventory is this machine; nothing is installed, started or written outside of the folder.
    let set = [
        ("nephoscope_etc", at("etc")),
        ("nephoscope_flags", at("flags")),
        ("nephoscope_prometheus", at("prometheus")),
        ("nephoscope_bin", profile_dir().display().to_string()),
        ("nephoscope_manage", "false".to_owned()),
        ("ansible_become", "false".to_owned()),
        ("ansible_connection", "local".to_owned()),
        ("ansible_python_interpreter", "/usr/bin/python3".to_owned()),
    ];
    let set: serde_json::Map<_, _> = set
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_owned(),
                if value == "false" {
                    Value::Bool(false)
                } else {
                    Value::String(value)
                },
            )
        })
        .collect();
    let mut playbook = Command::new("ansible-playbook");
    playbook.args([
        "-f",
        "1",
        "-i",
        path("ansible/inventory.ini").to_str().unwrap(),
    ]);
    playbook.args([
        "-e",
        &Value::Object(set).to_string(),
        path("ansible/nephoscope.yml").to_str().unwrap(),
    ]);
    playbook.envs([
        ("ANSIBLE_HOME", at("ansible")),
        ("LC_ALL", "C.UTF-8".to_owned()),
    ]);
    let said = tools::try_run_command(&mut playbook).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        !said.contains("failed=1") && said.contains("changed=1"),
        "{said}"
    );
    let config = std::fs::read_to_string(at("etc/collector.yml")).unwrap();
    for part in ["compute-2:9177", "controller-1:9100", "host: compute-1"] {
        assert!(config.contains(part), "{config}");
    }
    let nodes = std::fs::read_to_string(at("prometheus/nodes.yml")).unwrap();
    assert!(
        nodes.contains("[compute-1, compute-2]") && nodes.contains("role: control"),
        "{nodes}"
    );
    let flags = std::fs::read_to_string(at("flags/nephoscope-exporter-host")).unwrap();
    assert_eq!(flags.matches("\nOPTIONS=").count(), 1, "{flags}");
}
