//! The inventory of the shipped binary: the page on this machine and in a network of the test's own, where links come, go
//! and change under the eyes of the kernel's own messages.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::time::{Duration, Instant};

use testkit::http::get;
use testkit::network::is_own_network;
use testkit::scrape::{scrape, series};
use testkit::tools::run;
use testkit::{Running, Shipped, metric};

/// How long something may take that must happen at last, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn node(exporter: &Running) -> serde_json::Value {
    let response = get(&exporter.url("/api/v1/node")).expect_status(200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    response.json()
}

fn nic(exporter: &Running, name: &str) -> Option<serde_json::Value> {
    let node = node(exporter);
    let mut nics = node["nics"].as_array().unwrap().iter();
    nics.find(|nic| nic["name"] == name).cloned()
}

fn wait(what: &str, is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_page_describes_this_machine_and_the_landing_page_leads_to_it() {
    let exporter = Shipped::new(common::EXPORTER).start();
    let landing = get(&exporter.url("/")).expect_status(200).text();
    assert!(landing.contains("<a href=\"/api/v1/node\">"), "{landing}");
    let node = node(&exporter);
    assert_eq!(node["schema_version"], 1);
    let uname = |flag| run("uname", [flag]).trim().to_owned();
    assert_eq!(node["host"]["hostname"], uname("-n"));
    assert_eq!(node["host"]["kernel"]["release"], uname("-r"));
    assert_eq!(node["host"]["architecture"], uname("-m"));
    let lscpu = run("lscpu", ["--json"]);
    let lscpu: serde_json::Value = serde_json::from_str(&lscpu).unwrap();
    let theirs = |field: &str| {
        let mut fields = lscpu["lscpu"].as_array().unwrap().iter();
        let found = fields.find(|found| found["field"] == format!("{field}:"));
        found.map(|found| found["data"].as_str().unwrap().to_owned())
    };
    // lscpu nests its fields where it is new enough; what it has on top is compared.
    if let Some(cpus) = theirs("CPU(s)") {
        assert_eq!(node["cpu"]["threads"].to_string(), cpus);
    }
    let total = node["memory"]["total_bytes"].as_u64().unwrap();
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    assert!(meminfo.contains(&format!(" {} kB", total / 1024)));
}

#[test]
fn in_a_network_of_its_own_links_are_told_apart_and_their_changes_have_a_time() {
    let name = "in_a_network_of_its_own_links_are_told_apart_and_their_changes_have_a_time";
    if !is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    let ip = |line: &str| run("ip", line.split(' '));
    ip("link add veth1 type veth peer name veth2");
    ip("link add br1 type bridge");
    ip("link set veth1 master br1");
    for link in ["veth1", "veth2", "br1"] {
        ip(&format!("link set {link} up"));
    }
    ip("address add 198.51.100.7/24 dev br1");
    ip("tuntap add tap0f1c2d3e-45 mode tap");
    let exporter = Shipped::new(common::EXPORTER).start();

    let bridge = nic(&exporter, "br1").unwrap();
    assert_eq!(bridge["identity"]["kind"], "bridge");
    assert_eq!(bridge["identity"]["members"][0], "veth1");
    let addresses = bridge["addresses"].as_array().unwrap();
    assert!(addresses.contains(&"198.51.100.7/24".into()), "{bridge}");
    let port = nic(&exporter, "veth1").unwrap();
    assert_eq!(port["identity"]["kind"], "virtual");
    assert_eq!(port["identity"]["driver"], "veth");
    assert_eq!(
        (&port["identity"]["master"], &port["identity"]["role"]),
        (&"br1".into(), &"bridge_port".into())
    );
    assert_eq!(
        (&port["state"]["is_online"], &port["last_change"]),
        (&true.into(), &serde_json::Value::Null)
    );
    assert_eq!(
        nic(&exporter, "tap0f1c2d3e-45").unwrap()["identity"]["kind"],
        "guest_tap"
    );
    assert_eq!(
        nic(&exporter, "lo").unwrap()["identity"]["kind"],
        "loopback"
    );

    let changed = |device: &str| {
        let families = scrape(&exporter.url("/metrics"));
        metric(
            &families,
            "node_nic_last_change_timestamp_seconds",
            &[("device", device)],
        )
    };
    assert_eq!(changed("veth1"), None);
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    ip("link set veth2 down");
    wait("the end of the pair is not seen to be down", || {
        changed("veth1").is_some()
    });
    assert!(changed("veth1").unwrap() >= before - 1.0);
    let port = nic(&exporter, "veth1").unwrap();
    assert_eq!(port["state"]["is_online"], false);
    assert_eq!(port["last_change"].as_f64(), changed("veth1"));

    // What comes, changes its place and goes is seen by the next scrape, without a dump at each.
    let info = |device: &str| {
        let families = scrape(&exporter.url("/metrics"));
        let infos = series(&families, "node_nic_info").into_iter();
        infos
            .map(|(labels, _)| labels)
            .find(|labels| labels["device"] == device)
    };
    ip("link add br2 type bridge");
    wait("a new bridge is not seen", || info("br2").is_some());
    ip("link set veth1 master br2");
    wait("a new master is not seen", || {
        info("veth1").unwrap()["master"] == "br2"
    });
    ip("link delete br1");
    wait("a deleted bridge is still there", || info("br1").is_none());
}

#[test]
fn the_name_that_an_operator_gave_a_device_is_a_label_on_request() {
    let name = "the_name_that_an_operator_gave_a_device_is_a_label_on_request";
    if !is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    run("ip", ["link", "add", "br1", "type", "bridge"]);
    run("ip", ["link", "set", "br1", "alias", "storage \"A\""]);
    let exporter = Shipped::new(common::EXPORTER)
        .arg("--collector.netdev.label-ifalias")
        .start();
    let families = scrape(&exporter.url("/metrics"));
    for (device, alias) in [("br1", "storage \"A\""), ("lo", "")] {
        let labels = [("device", device), ("ifalias", alias)];
        let found = metric(&families, "node_network_receive_bytes_total", &labels);
        assert!(found.is_some(), "{device} has no alias {alias:?}");
    }
}

#[test]
fn network_devices_of_guests_are_left_out_everywhere_by_one_flag() {
    let name = "network_devices_of_guests_are_left_out_everywhere_by_one_flag";
    if !is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    let ip = |line: &str| run("ip", line.split(' '));
    let guests = [
        "tap0f1c2d3e-45",
        "vnet0",
        "qbr0f1c2d3e-45",
        "qvb0f1c2d3e-45",
        "qvo0f1c2d3e-45",
    ];
    ip("tuntap add tap0f1c2d3e-45 mode tap vnet_hdr");
    ip("tuntap add vnet0 mode tap");
    ip("link add qbr0f1c2d3e-45 type bridge");
    ip("link add qvb0f1c2d3e-45 type veth peer name qvo0f1c2d3e-45");
    ip("tuntap add tap0 mode tap");
    let all = ["--collector.qdisc", "--collector.netdev.address-info"];
    let devices = |flags: &[&str]| {
        let exporter = Shipped::new(common::EXPORTER).args(all).args(flags).start();
        let families = scrape(&exporter.url("/metrics"));
        let mut devices = Vec::new();
        for family in families.iter() {
            for sample in family.samples() {
                devices.extend(
                    sample
                        .label("device")
                        .map(|device| (device.into_owned(), family.name().to_owned())),
                );
            }
        }
        devices
    };
    let shown = devices(&[]);
    for guest in guests {
        assert!(
            shown.iter().any(|(device, _)| device == guest),
            "{guest} is not there by default"
        );
    }
    let left = devices(&["--no-network.guest-links"]);
    let found: Vec<_> = left
        .iter()
        .filter(|(device, _)| guests.contains(&device.as_str()))
        .collect();
    assert!(found.is_empty(), "{found:?}");
    // A tunnel of somebody else's is no guest's.
    assert!(left.iter().any(|(device, _)| device == "tap0"));
    assert!(left.iter().any(|(device, _)| device == "lo"));
}
