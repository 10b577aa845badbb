//! Debian's node_exporter and ours side by side with the collectors that are off by default and ask something else than
//! files: network drivers, and real daemons of chrony, runit and supervisor.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use common::Series;
use exposition::Families;
use testkit::scrape::scrape;
use testkit::{Peer, Running, Shipped, free_port, network};

/// How long both may take to say the same: what is counted may move between two scrapes.
const PATIENCE: Duration = Duration::from_secs(60);

fn series(exporter: &Running) -> Series {
    common::series(&scrape(&exporter.url("/metrics")), |family| {
        let name = family.name();
        let mut own = ["node_exporter_", "node_scrape_"].iter();
        let is_own = own.any(|start| name.starts_with(start));
        (!is_own && name.starts_with("node_"))
            .then(|| format!("{name} {:?} {}", family.kind(), family.help()))
    })
}

/// Both exporters with these flags.
fn start_both(flags: &[String]) -> (Running, Running) {
    let peer = Peer::new("prometheus-node-exporter")
        .args([
            "--web.listen-address=127.0.0.1:{port}",
            "--collector.disable-defaults",
        ])
        .args(flags.to_vec())
        .wait_http("/")
        .start();
    let ours = Shipped::new(common::EXPORTER)
        .arg("--collector.disable-defaults")
        .args(flags.to_vec())
        .start();
    (peer, ours)
}

/// Waits until both have the same series, with values that `is_same` for the metric's name, and returns ours.
#[track_caller]
fn same_series(flags: &[String], is_same: impl Fn(&str, f64, f64) -> bool) -> Series {
    let (peer, ours) = start_both(flags);
    let start = Instant::now();
    loop {
        let (theirs, found) = (series(&peer), series(&ours));
        let keys: BTreeSet<_> = theirs.keys().chain(found.keys()).collect();
        let differs = |key: &&(String, BTreeSet<String>)| match (theirs.get(key), found.get(key)) {
            (Some(one), Some(other)) => !is_same(key.0.split(' ').next().unwrap(), *one, *other),
            _ => true,
        };
        let different: Vec<String> = keys
            .into_iter()
            .filter(differs)
            .map(|key| format!("{key:?}: {:?}, ours {:?}", theirs.get(key), found.get(key)))
            .collect();
        if different.is_empty() && !found.is_empty() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{different:#?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn value(series: &Series, name: &str, label: &str) -> f64 {
    let mut found = series.iter().filter(|((metric, labels), _)| {
        metric.split(' ').next() == Some(name) && (label.is_empty() || labels.contains(label))
    });
    let (_, value) = found
        .next()
        .unwrap_or_else(|| panic!("no {name} {label} in {series:#?}"));
    *value
}

fn flags(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

#[test]
fn drivers_and_disciplines_of_network_devices_are_those_of_node_exporter() {
    let name = "drivers_and_disciplines_of_network_devices_are_those_of_node_exporter";
    if !network::is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    network::add_link_pairs(1, 2);
    testkit::tools::run(
        "tc",
        ["qdisc", "add", "dev", "d1", "root", "pfifo", "limit", "9"],
    );
    let found = same_series(
        &flags(&["--collector.ethtool", "--collector.qdisc"]),
        |_, one, other| one == other,
    );
    assert_eq!(value(&found, "node_ethtool_info", "device=d1"), 1.0);
    assert_eq!(
        value(&found, "node_network_autonegotiate", "device=d1"),
        0.0
    );
    assert!(value(&found, "node_ethtool_peer_ifindex", "device=d1") > 0.0);
    assert!(value(&found, "node_qdisc_packets_total", "kind=pfifo") >= 0.0);
    let only = [
        "--collector.ethtool",
        "--collector.ethtool.device-include=^d1$",
        "--collector.ethtool.metrics-include=^peer_",
    ];
    let found = same_series(&flags(&only), |_, one, other| one == other);
    assert!(
        found.keys().all(|(_, labels)| labels.contains("device=d1")),
        "{found:#?}"
    );
}

#[test]
fn a_server_of_time_is_judged_as_node_exporter_does() {
    let scratch = tempfile::tempdir().unwrap();
    let pid = scratch.path().join("chronyd.pid");
    let server = Peer::new("chronyd")
        .args([
            "-x",
            "-d",
            "-u",
            "root",
            "port {port}",
            "local stratum 5",
            "allow 127.0.0.0/8",
        ])
        .args(["cmdport 0", "bindcmdaddress /"])
        .args([format!("pidfile {}", pid.display())])
        .wait_udp(&[&[0x23][..], &[0; 46], &[1]].concat())
        .start();
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    let found = same_series(
        &flags(&[
            "--collector.ntp",
            &format!("--collector.ntp.server-port={port}"),
        ]),
        |name, one, other| match name {
            // Of two questions, a moment apart.
            "node_ntp_offset_seconds"
            | "node_ntp_rtt_seconds"
            | "node_ntp_root_dispersion_seconds" => (one - other).abs() < 0.5,
            "node_ntp_reference_timestamp_seconds" => (one - other).abs() < 120.0,
            _ => one == other,
        },
    );
    assert_eq!(value(&found, "node_ntp_stratum", ""), 5.0);
    assert_eq!(value(&found, "node_ntp_leap", ""), 0.0);
}

fn service(directory: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let service = directory.join(name);
    std::fs::create_dir(&service).unwrap();
    let run = service.join("run");
    std::fs::write(&run, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn services_of_runit_are_those_of_node_exporter() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().to_owned();
    service(&directory, "steady", "exec sleep 1000");
    service(&directory, "stopped", "exec sleep 1000");
    std::fs::write(directory.join("stopped/down"), "").unwrap();
    let is_ready = {
        let directory = directory.clone();
        move || {
            let mut names = ["steady", "stopped"].iter();
            names.all(|name| directory.join(name).join("supervise/stat").exists())
        }
    };
    let _runit = Peer::new("runsvdir")
        .args([directory.display().to_string()])
        .with_children()
        .ready_when(is_ready)
        .start();
    // Nobody looks after this one.
    std::fs::create_dir(directory.join(".left")).unwrap();
    let servicedir = format!("--collector.runit.servicedir={}", directory.display());
    let found = same_series(
        &flags(&["--collector.runit", &servicedir]),
        // node_exporter says 1 of every service, also of one with a file `down`.
        |name, one, other| one == other || name == "node_service_normal_state",
    );
    assert_eq!(value(&found, "node_service_state", "service=steady"), 1.0);
    assert_eq!(
        value(&found, "node_service_desired_state", "service=stopped"),
        0.0
    );
    assert_eq!(
        value(&found, "node_service_normal_state", "service=stopped"),
        0.0
    );
    assert!(
        value(
            &found,
            "node_service_state_last_change_timestamp_seconds",
            "service=steady"
        ) > 1.6e9
    );
}

#[test]
fn processes_of_supervisord_are_those_of_node_exporter() {
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("s.sock");
    let port = free_port();
    let configuration = scratch.path().join("supervisord.conf");
    let text = format!(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={0}/pid\n\
        [unix_http_server]\nfile={1}\n[inet_http_server]\nport=127.0.0.1:{port}\nusername=me\npassword=secret\n\
        [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
        [program:steady]\ncommand=sleep 1000\n[program:ended]\ncommand=sh -c 'exit 7'\nstartsecs=0\nautorestart=false\n",
        scratch.path().display(),
        socket.display(),
    );
    std::fs::write(&configuration, text).unwrap();
    let _supervisord = Peer::new("supervisord")
        .args(["-c".to_owned(), configuration.display().to_string()])
        .with_children()
        .ready_when({
            let socket = socket.clone();
            move || socket.exists()
        })
        .start();
    for url in [
        format!("unix://{}", socket.display()),
        format!("http://me:secret@127.0.0.1:{port}/RPC2"),
    ] {
        let url = format!("--collector.supervisord.url={url}");
        let found = same_series(
            &flags(&["--collector.supervisord", &url]),
            |_, one, other| one == other,
        );
        assert_eq!(value(&found, "node_supervisord_up", "name=steady"), 1.0);
        assert_eq!(
            value(&found, "node_supervisord_exit_status", "name=ended"),
            7.0
        );
        assert!(value(&found, "node_supervisord_start_time_seconds", "name=steady") > 1.6e9);
    }
}

#[test]
fn what_a_kernel_cannot_count_costs_its_own_series_only() {
    let exporter = Shipped::new(common::EXPORTER)
        .args([
            "--collector.disable-defaults",
            "--collector.perf",
            "--collector.perf.cpus=0",
        ])
        .start();
    let families: Families = scrape(&exporter.url("/metrics"));
    let success = families.get("node_scrape_collector_success").unwrap();
    let is_counted = success.samples().next().unwrap().value == 1.0;
    // Where the kernel counts at all, it counts its own events.
    let switches = families.get("node_perf_context_switches_total");
    assert_eq!(switches.is_some(), is_counted);
    if is_counted {
        let count = |families: &Families| {
            let family = families.get("node_perf_context_switches_total").unwrap();
            family.samples().next().unwrap().value
        };
        let later: Families = scrape(&exporter.url("/metrics"));
        assert!(count(&later) >= count(&families));
    }
}
