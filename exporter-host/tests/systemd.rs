//! Debian's node_exporter and ours side by side on a machine that systemd has booted: both ask the same systemd and the same
//! logind over a real bus.
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::collections::BTreeSet;

use common::Series;
use exposition::{Format, parse_families};
use testkit::machine::{FILES, Machine};

/// What both are started with; Debian has changed what is left out by default.
const FLAGS: &str = "--collector.disable-defaults --collector.systemd --collector.logind \
    --collector.systemd.enable-task-metrics --collector.systemd.enable-restarts-metrics \
    --collector.systemd.enable-start-time-metrics \
    '--collector.systemd.unit-exclude=.+[.](automount|device|mount|scope|slice)'";

/// A session, a unit that fails and is started again, a timer and a socket.
const WORKLOAD: &str = "\
systemd-run --quiet --unit=login -p PAMName=login -p User=nobody sleep infinity
systemd-run --quiet --unit=fails -p Restart=on-failure -p RestartSec=1ms -p StartLimitBurst=3 false
systemd-run --quiet --on-active=1ms --timer-property=AccuracySec=1ms --on-unit-active=30s --unit=timed true
systemd-run --quiet --socket-property=ListenStream=/run/asked.sock --unit=asked true
";

/// All series about units and sessions, with their types.
fn series(text: &str) -> Series {
    let families = parse_families(text, Format::Text).unwrap();
    common::series(&families, |family| {
        let name = family.name();
        // Released after Debian's.
        let is_newer = name == "node_systemd_virtualization_info";
        let is_asked = name.starts_with("node_systemd_") || name.starts_with("node_logind_");
        (is_asked && !is_newer).then(|| format!("{name} {:?}", family.kind()))
    })
}

/// The first series that are not the same; tasks come and go between two scrapes.
fn difference(peer: &Series, ours: &Series) -> Option<String> {
    let keys: BTreeSet<_> = peer.keys().chain(ours.keys()).collect();
    let differs = |key: &&(String, BTreeSet<String>)| match (peer.get(key), ours.get(key)) {
        (Some(_), Some(_)) if key.0.starts_with("node_systemd_unit_tasks_current") => false,
        (one, other) => one != other,
    };
    let found: Vec<String> = keys
        .into_iter()
        .filter(differs)
        .take(5)
        .map(|key| format!("{key:?}: {:?}, ours {:?}", peer.get(key), ours.get(key)))
        .collect();
    (!found.is_empty()).then(|| found.join("\n"))
}

#[test]
fn units_and_sessions_of_a_booted_machine_are_those_of_node_exporter() {
    let files = tempfile::tempdir().unwrap();
    std::fs::copy(common::EXPORTER, files.path().join("exporter")).unwrap();
    let machine = Machine::boot(files.path());
    let ours = format!("{FILES}/exporter {FLAGS}");
    for (unit, program, port) in [
        ("peer", format!("prometheus-node-exporter {FLAGS}"), 9101),
        ("ours", ours.clone(), 9102),
        (
            "direct",
            format!("{ours} --collector.systemd.private --no-collector.logind"),
            9103,
        ),
    ] {
        machine.sh(&format!(
            "systemd-run --quiet --unit={unit} {program} --web.listen-address=127.0.0.1:{port}"
        ));
    }
    machine.sh(WORKLOAD);
    let get = |port: u16| machine.get(&format!("http://127.0.0.1:{port}/metrics"));
    let compared = machine.eventually("the same series", || {
        let (peer, ours, direct) = (get(9101)?, get(9102)?, get(9103)?);
        let (peer, ours, mut direct) = (series(&peer), series(&ours), series(&direct));
        if let Some(difference) = difference(&peer, &ours) {
            return Err(difference);
        }
        // systemd's own socket says what the bus says.
        direct.extend(
            ours.iter()
                .filter(|((name, _), _)| name.starts_with("node_logind_"))
                .map(|(key, value)| (key.clone(), *value)),
        );
        if let Some(difference) = difference(&ours, &direct) {
            return Err(difference);
        }
        let sum = |name: &str, label: &str| -> f64 {
            let of_name = ours
                .iter()
                .filter(|((found, labels), _)| found.starts_with(name) && labels.contains(label));
            of_name.map(|(_, value)| value).sum()
        };
        let wanted = [
            (
                "a session",
                sum("node_logind_sessions", "class=background") >= 1.0,
            ),
            (
                "restarts",
                sum("node_systemd_service_restart_total", "name=fails.service") >= 1.0,
            ),
            (
                "a failed unit",
                sum("node_systemd_units", "state=failed") >= 1.0,
            ),
            (
                "a timer",
                sum(
                    "node_systemd_timer_last_trigger_seconds",
                    "name=timed.timer",
                ) > 0.0,
            ),
        ];
        match wanted.iter().find(|(_, is_there)| !is_there) {
            Some((what, _)) => Err(format!("{what} is not there yet")),
            None => Ok(ours),
        }
    });
    let names: BTreeSet<&str> = compared.keys().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains("node_systemd_socket_accepted_connections_total Counter"),
        "{names:?}"
    );
    assert!(names.len() >= 12, "{names:?}");
    let text = get(9102).unwrap();
    assert!(
        text.contains("node_systemd_virtualization_info{virtualization_type=\"systemd-nspawn\"} 1"),
        "{text}"
    );
}
