//! Targets that the shipped binary polls by itself: their series on the telemetry path, their age, what a reload changes,
//! and that the shipped example is a valid file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::time::Duration;

use testkit::http::{get, post};
use testkit::network::is_own_network;
use testkit::scrape::scrape;
use testkit::{Shipped, metric, series};

use common::{AGENT, Snmpd, page, wait_until};

fn poll(target: &str, more: &str) -> String {
    format!(
        "auths: {{rack: {{community: ham}}}}\npoll:\n- targets: [\"{target}\"]\n  modules: [system, ucd]\n  auth: rack\n  \
         interval: 1s\n  labels: {{rack: a7}}\n{more}"
    )
}

#[test]
fn polled_targets_are_on_the_telemetry_path_with_their_labels_and_age() {
    let snmpd = Snmpd::start();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let dead = silent.local_addr().unwrap().to_string();
    let more = format!(
        "- {{targets: [\"{dead}\"], modules: [system], auth: rack, interval: 1s, timeout: 1s}}\n"
    );
    let config = snmpd.file("poll.yml", &poll(snmpd.target(), &more));
    // No flag allows the ports: that the file names the targets is enough.
    let agent = Shipped::new(AGENT)
        .arg(format!("--config.file={}", config.display()))
        .start();
    let of = [("target", snmpd.target()), ("rack", "a7")];
    let own = wait_until(Duration::from_secs(60), || {
        let own = scrape(&agent.url("/metrics"));
        let is_told = metric(&own, "snmp_poll_success", &[("target", &dead)]).is_some();
        (is_told && metric(&own, "memTotalReal", &of).is_some()).then_some(own)
    });
    assert_eq!(metric(&own, "snmp_poll_success", &of), Some(1.0));
    assert_eq!(metric(&own, "snmp_poll_interval_seconds", &of), Some(1.0));
    let age = metric(&own, "snmp_poll_age_seconds", &of).unwrap();
    assert!((0.0..=3.0).contains(&age), "{age}");
    assert!(metric(&own, "sysUpTime", &of).unwrap() > 0.0);
    // Of the one that never answered there is nothing but that.
    let dead_one = [("target", dead.as_str())];
    assert_eq!(metric(&own, "snmp_poll_success", &dead_one), Some(0.0));
    assert_eq!(metric(&own, "snmp_poll_age_seconds", &dead_one), None);
    assert_eq!(series(&own, "sysUpTime").len(), 1);
    assert!(own.problems().is_empty(), "{:?}", own.problems());
    // What is polled may be asked for as well.
    get(&page(&agent, snmpd.target(), "module=system&auth=rack")).expect_status(200);
}

#[test]
fn values_that_cannot_be_renewed_age_and_then_go() {
    let mut snmpd = Snmpd::start();
    let config = snmpd.file(
        "poll.yml",
        &poll(snmpd.target(), "  max_age: 4s\n  timeout: 1s\n"),
    );
    let agent = Shipped::new(AGENT)
        .arg(format!("--config.file={}", config.display()))
        .start();
    let own = |name| metric(&scrape(&agent.url("/metrics")), name, &[]);
    wait_until(Duration::from_secs(60), || own("sysUpTime"));
    snmpd.running.kill();
    // Every scrape of these seconds has either the values or an age that is too high for them.
    wait_until(Duration::from_secs(60), || {
        let families = scrape(&agent.url("/metrics"));
        let age = metric(&families, "snmp_poll_age_seconds", &[]).unwrap();
        let has_values = metric(&families, "sysUpTime", &[]).is_some();
        assert!(has_values || age >= 4.0, "{age}");
        (!has_values).then_some(())
    });
    assert_eq!(own("snmp_poll_success"), Some(0.0));
}

#[test]
fn five_hundred_targets_are_polled_by_one_process_within_bounded_memory() {
    let name = "five_hundred_targets_are_polled_by_one_process_within_bounded_memory";
    if !is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    let snmpd = Snmpd::start_on("0.0.0.0");
    let port = snmpd.running.port();
    let targets: Vec<String> = (0..500)
        .map(|number| format!("127.1.{}.{}:{port}", number / 250, number % 250 + 1))
        .collect();
    let config = format!(
        "auths: {{rack: {{community: ham}}}}\npoll:\n- {{targets: [\"{}\"], modules: [hardware, system], auth: rack, interval: 15s}}\n",
        targets.join("\", \"")
    );
    let config = snmpd.file("poll.yml", &config);
    let agent = Shipped::new(AGENT)
        .arg(format!("--config.file={}", config.display()))
        .start();
    let own = wait_until(Duration::from_secs(120), || {
        let own = scrape(&agent.url("/metrics"));
        (series(&own, "sysUpTime").len() == 500).then_some(own)
    });
    assert_eq!(series(&own, "memTotalReal").len(), 500);
    assert!(
        series(&own, "snmp_poll_success")
            .iter()
            .all(|(_, value)| *value == 1.0)
    );
    // All their series are kept until the next poll, twice while one is exported.
    let resident = agent.usage().resident_bytes;
    assert!(resident < 200 << 20, "{resident}");
}

#[test]
fn a_reload_takes_other_targets() {
    let snmpd = Snmpd::start();
    let config = snmpd.file("poll.yml", "auths: {rack: {community: ham}}\n");
    let agent = Shipped::new(AGENT)
        .arg(format!("--config.file={}", config.display()))
        .start();
    let polled = || metric(&scrape(&agent.url("/metrics")), "sysUpTime", &[]);
    assert_eq!(polled(), None);
    std::fs::write(&config, poll(snmpd.target(), "")).unwrap();
    post(&agent.url("/-/reload"), &[], "").expect_status(200);
    wait_until(Duration::from_secs(60), polled);
    let shown = get(&agent.url("/config")).expect_status(200).text();
    assert!(
        shown.contains(snmpd.target()) && !shown.contains("ham"),
        "{shown}"
    );
    std::fs::write(&config, "auths: {rack: {community: ham}}\n").unwrap();
    post(&agent.url("/-/reload"), &[], "").expect_status(200);
    assert_eq!(polled(), None);
}

#[test]
fn the_shipped_example_is_valid_once_its_secrets_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "long-enough").unwrap();
    let example = include_str!("../../../packaging/examples/agent-snmp.yml");
    let with_secrets: String = example
        .lines()
        .map(|line| match line.split_once("_file: ") {
            Some((key, _)) => format!("{key}_file: {}\n", secret.display()),
            None => format!("{line}\n"),
        })
        .collect();
    let path = dir.path().join("agent-snmp.yml");
    std::fs::write(&path, with_secrets).unwrap();
    let checked = Shipped::new(AGENT)
        .arg("check-config")
        .arg(&path)
        .run(Duration::from_secs(30));
    assert!(checked.status.success(), "{checked:?}");
}
