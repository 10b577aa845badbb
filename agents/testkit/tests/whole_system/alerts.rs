//! Real faults: the shipped alerts fire in Debian's Prometheus and reach Debian's Alertmanager. Only how long a fault must
//! last is shorter here than in the shipped rules.

use serde_json::Value;
use testkit::http;

use crate::panels::assert_panels_have_data;
use crate::system::{System, eventually, query};

/// What Alertmanager has of an alert and this label.
fn at_alertmanager(system: &System, alert: &str, label: (&str, &str)) -> Option<Value> {
    let all = http::get(&system.alertmanager.url("/api/v2/alerts?active=true")).json();
    let all = all.as_array().unwrap();
    let is_it =
        |it: &&Value| it["labels"]["alertname"] == alert && it["labels"][label.0] == label.1;
    all.iter().find(is_it).cloned()
}

fn assert_reaches(system: &System, alert: &str, label: (&str, &str)) -> Value {
    eventually(alert, || {
        let at_prometheus = query(
            &system.prometheus,
            &format!("ALERTS{{alertname={alert:?}}}"),
        );
        at_alertmanager(system, alert, label)
            .ok_or_else(|| format!("not at Alertmanager; ALERTS: {at_prometheus:?}"))
    })
}

/// Has the guest's agent write until `/data` is full.
const FILL: &str = r#"{"execute": "guest-exec", "arguments": {
    "path": "/bin/dd", "arg": ["if=/dev/zero", "of=/data/full", "bs=1M"]}}"#;

#[test]
fn the_panels_have_data_and_faults_reach_alertmanager() {
    let mut system = System::start();
    assert_panels_have_data(&system);

    // A guest that is paused, and goes on.
    let guest = ("domain", "instance-00000001");
    assert!(at_alertmanager(&system, "GuestPaused", guest).is_none());
    system.guest.suspend();
    let alert = assert_reaches(&system, "GuestPaused", guest);
    assert_eq!(alert["labels"]["severity"], "warning");
    assert_eq!(alert["labels"]["cluster"], "test");
    let summary = alert["annotations"]["summary_zh"].as_str().unwrap();
    assert!(
        summary.contains("instance-00000001") && summary.contains("暂停"),
        "{summary}"
    );
    system.guest.resume();
    eventually("the end of GuestPaused", || {
        let firing = query(
            &system.prometheus,
            r#"ALERTS{alertname="GuestPaused", alertstate="firing"}"#,
        );
        if firing.is_empty() {
            Ok(())
        } else {
            Err(format!("{firing:?}"))
        }
    });

    // A guest that fills its disk.
    assert!(at_alertmanager(&system, "GuestFilesystemAlmostFull", guest).is_none());
    system.guest.agent(FILL).unwrap();
    let alert = assert_reaches(&system, "GuestFilesystemAlmostFull", guest);
    assert_eq!(alert["labels"]["mountpoint"], "/data");

    // A device that has just started.
    let device = query(&system.prometheus, "sysUpTime")[0]["metric"]["instance"].clone();
    assert_reaches(
        &system,
        "SnmpDeviceRestarted",
        ("instance", device.as_str().unwrap()),
    );

    // An exporter that is gone, and then libvirt.
    let host = system.host.address().to_owned();
    assert!(at_alertmanager(&system, "TargetDown", ("instance", &host)).is_none());
    system.host.kill();
    let alert = assert_reaches(&system, "TargetDown", ("instance", &host));
    assert_eq!(alert["labels"]["severity"], "critical");
    let exporter = system.libvirt.address().to_owned();
    assert!(at_alertmanager(&system, "LibvirtDown", ("instance", &exporter)).is_none());
    system.libvirtd.kill_daemon();
    assert_reaches(&system, "LibvirtDown", ("instance", &exporter));
}
