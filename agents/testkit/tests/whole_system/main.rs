//! The whole system on the real thing: a libvirtd with a guest, both exporters, the collector, Debian's Prometheus and
//! Gnocchi's own client, and the page in Chromium. What a user sees at the end equals what `virsh` says.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and fails loudly where something is missing"
)]

mod alerts;
mod panels;
mod system;

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use system::{System, TARGETS, eventually, gnocchi, query};
use testkit::{Guest, chromium, http};

/// Collectors whose last run failed. Of the host's those are asked for that have data on every machine.
const FAILED_COLLECTORS: &str = "libvirt_scrape_collector_success == 0 or \
    node_scrape_collector_success{collector=~\"cpu|diskstats|filesystem|loadavg|meminfo|netdev|stat|time|uname|vmstat\"} == 0";

/// The second that begins `ahead` seconds from now, as Gnocchi's client wants it.
fn second(ahead: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let argument = format!("@{}", now.as_secs() + ahead);
    let output = Command::new("date")
        .args(["-u", "+%FT%TZ", "-d", &argument])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The sum of the statistics of these names, as `virsh domstats` has them now.
fn domstats(guest: &Guest, keys: &[&str]) -> f64 {
    let all = guest.domstats();
    keys.iter()
        .filter_map(|key| all.get(*key))
        .map(|value| value.parse::<f64>().unwrap())
        .sum()
}

/// Waits for a measure taken between two looks at `virsh domstats`; it must lie between what they said.
fn assert_measure_between(system: &System, resource: &str, metric: &str, keys: &[&str]) {
    let before = domstats(&system.guest, keys);
    let from = second(1);
    let (after, values) = eventually(metric, || {
        let stop = second(0);
        let measures = gnocchi(
            &system.collector,
            &[
                "measures",
                "show",
                metric,
                "--resource-id",
                resource,
                "--aggregation",
                "mean",
                "--granularity",
                "1",
                "--start",
                &from,
                "--stop",
                &stop,
            ],
        );
        let values: Vec<f64> = measures
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["value"].as_f64().unwrap())
            .collect();
        let after = domstats(&system.guest, keys);
        if values.is_empty() {
            Err(format!("no measure since {from}"))
        } else {
            Ok((after, values))
        }
    });
    assert!(before > 0.0, "{metric}: the guest does nothing");
    for value in values {
        assert!(
            before <= value && value <= after,
            "{metric}: {before} <= {value} <= {after}"
        );
    }
}

#[test]
fn what_the_client_and_the_page_show_is_what_virsh_says() {
    let system = System::start();
    let uuid = system.guest.uuid().to_string();

    // Prometheus is content with every one of them.
    eventually("targets of Prometheus", || {
        let up = query(&system.prometheus, "sum(up)");
        let value = up
            .first()
            .map(|v| v["value"][1].as_str().unwrap().to_owned());
        if value == Some(TARGETS.to_string()) {
            Ok(())
        } else {
            Err(format!("up: {value:?}"))
        }
    });
    eventually("scrapes of Prometheus", || {
        let targets = http::get(&system.prometheus.url("/api/v1/targets")).json();
        let targets = targets["data"]["activeTargets"].as_array().unwrap().clone();
        let failed = query(&system.prometheus, FAILED_COLLECTORS);
        let well = targets.iter().all(|target| target["lastError"] == "") && failed.is_empty();
        if well {
            Ok(())
        } else {
            Err(format!("{targets:#?} {failed:#?}"))
        }
    });

    // Gnocchi's client finds the guest, its disk and its NIC by Ceilometer's ids.
    let instance = eventually("the instance", || {
        let list = gnocchi(
            &system.collector,
            &["resource", "list", "--type", "instance"],
        );
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["id"] == uuid.as_str())
            .cloned();
        found.ok_or_else(|| list.to_string())
    });
    assert_eq!(instance["display_name"], "web-1");
    assert_eq!(instance["host"], "compute-1");
    let disk = format!("{uuid}-vda");
    let disks = gnocchi(
        &system.collector,
        &["resource", "list", "--type", "instance_disk"],
    );
    assert_eq!(disks[0]["original_resource_id"], disk.as_str());
    assert_eq!(disks[0]["instance_id"], uuid.as_str());
    let tap = system.guest.tap().expect("a NIC with a tap on the host");
    let nic = format!("instance-00000001-{uuid}-{tap}");

    assert_measure_between(&system, &uuid, "cpu", &["vcpu.0.time", "vcpu.0.wait"]);
    assert_measure_between(
        &system,
        &disk,
        "disk.device.read.bytes",
        &["block.0.rd.bytes"],
    );
    assert_measure_between(&system, &nic, "network.incoming.bytes", &["net.0.rx.bytes"]);

    // The page shows both and draws their charts.
    let page = eventually("the page", || {
        let page = chromium::dump_dom(&system.collector.url("/console?language=en"), 8000);
        let charts = page.matches("class=\"line\"").count();
        if charts >= 2 {
            Ok(page)
        } else {
            Err(format!("{charts} charts in {page}"))
        }
    });
    assert!(
        page.contains("web-1") && page.contains("compute-1"),
        "{page}"
    );
    assert!(
        page.contains("Hosts") && page.contains("Instances"),
        "{page}"
    );
    let chinese = chromium::dump_dom(&system.collector.url("/console?language=zh"), 8000);
    assert!(
        chinese.contains("物理机") && chinese.contains("云主机") && chinese.contains("web-1"),
        "{chinese}"
    );

    // A paused guest is still there, with its state; the exporters are still well.
    system.guest.suspend();
    eventually("the paused guest", || {
        let state = gnocchi(
            &system.collector,
            &[
                "measures",
                "show",
                "power.state",
                "--resource-id",
                &uuid,
                "--aggregation",
                "mean",
                "--granularity",
                "1",
            ],
        );
        let last = state
            .as_array()
            .unwrap()
            .last()
            .map(|m| m["value"].as_f64().unwrap());
        if last == Some(3.0) {
            Ok(())
        } else {
            Err(format!("power.state {last:?}"))
        }
    });
    for mut program in [system.collector, system.host, system.libvirt] {
        assert!(program.terminate().success(), "{}", program.stderr());
    }
}
