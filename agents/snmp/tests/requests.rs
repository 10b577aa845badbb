//! Requests to the shipped binary on a real snmpd: what is answered when all is well, when a part is not, and when the
//! request itself is wrong.

mod common;

use std::io::Read as _;
use std::net::UdpSocket;
use std::time::Duration;

use flate2::read::GzDecoder;
use testkit::http::{get, get_with, post};
use testkit::scrape::scrape;
use testkit::{Shipped, metric, series};

use common::{AGENT, SHIPPED, Snmpd, agent, page, shipped};

/// The shipped modules with the test's community.
fn split() -> String {
    SHIPPED.replace("community: public", "community: ham")
}

#[test]
fn several_modules_are_scraped_at_once_and_told_apart() {
    let snmpd = Snmpd::start();
    let agent = agent(&snmpd.file("snmp.yml", &split()));
    let families = scrape(&page(
        &agent,
        snmpd.target(),
        "module=system,if_mib&module=ucd",
    ));
    let up = metric(&families, "ifOperStatus", &[("ifDescr", "lo")]).unwrap();
    assert!(up > 0.0);
    assert!(metric(&families, "sysUpTime", &[]).is_some());
    assert!(metric(&families, "memTotalReal", &[]).unwrap() > 0.0);
    for module in ["system", "if_mib", "ucd"] {
        let pdus = metric(
            &families,
            "snmp_scrape_pdus_returned",
            &[("module", module)],
        );
        assert!(pdus.unwrap() >= 4.0, "{module}");
    }
    let parts = series(&families, "snmp_scrape_subtree_success");
    assert!(
        parts.len() > 6 && parts.iter().all(|(_, value)| *value == 1.0),
        "{parts:#?}"
    );
    // sysUpTime is in two of them: the second one is left out and counted.
    assert_eq!(
        metric(&families, "snmp_scrape_samples_dropped", &[]),
        Some(1.0)
    );
    let tcp = scrape(&page(
        &agent,
        &format!("tcp://{}", snmpd.target()),
        "module=system&auth=public_v1",
    ));
    assert!(metric(&tcp, "sysUpTime", &[]).is_some());
    let landing = get(&agent.url("/")).expect_status(200).text();
    for part in ["<li>if_mib</li>", "<a href=\"/config\">"] {
        assert!(landing.contains(part), "{part} in {landing}");
    }
}

#[test]
fn a_scraper_that_takes_gzip_gets_it() {
    let snmpd = Snmpd::start();
    let agent = agent(&snmpd.file("snmp.yml", &split()));
    let page = page(&agent, snmpd.target(), "module=system");
    let packed = get_with(&page, &[("accept-encoding", "deflate, gzip;q=0.5")]).expect_status(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(packed.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(
        text.contains("sysLocation{sysLocation=\"a rack\"} 1"),
        "{text}"
    );
    let plain = get_with(&page, &[("accept-encoding", "gzip;q=0")]).expect_status(200);
    assert_eq!(plain.header("content-encoding"), None);
}

#[test]
fn an_answer_from_another_address_is_not_taken() {
    let asked = UdpSocket::bind("127.0.0.1:0").unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = asked.local_addr().unwrap().to_string();
    let spoofer = std::thread::spawn(move || {
        let mut packet = [0; 1500];
        let (length, from) = asked.recv_from(&mut packet).unwrap();
        // The question itself, as its answer (GetResponse, 0xa2) with nothing in it but the same names.
        let at = packet
            .iter()
            .position(|&byte| byte == 0xa0 || byte == 0xa5)
            .unwrap();
        packet[at] = 0xa2;
        other.send_to(&packet[..length], from).unwrap();
    });
    let agent = shipped().start();
    let page = page(&agent, &target, "module=system");
    let answer =
        get_with(&page, &[("x-prometheus-scrape-timeout-seconds", "1")]).expect_status(500);
    assert!(answer.text().contains("no time left"), "{}", answer.text());
    spoofer.join().unwrap();
}

#[test]
fn rows_are_filtered_by_what_another_column_says() {
    let snmpd = Snmpd::start();
    let filters = "    filters:\n    - oid: 1.3.6.1.2.1.2.2.1.2\n      targets: [1.3.6.1.2.1.2.2.1.10]\n      values: ['^lo$']\n";
    let config = format!(
        "auths: {{public_v2: {{community: ham}}}}\nmodules:\n  m:\n    walk: [1.3.6.1.2.1.2.2.1.10]\n    metrics:\n    \
         - {{name: ifInOctets, oid: 1.3.6.1.2.1.2.2.1.10, type: counter, indexes: [{{labelname: i, type: gauge}}]}}\n{filters}"
    );
    let agent = agent(&snmpd.file("snmp.yml", &config));
    let families = scrape(&page(&agent, snmpd.target(), "module=m"));
    let found = series(&families, "ifInOctets");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].0["i"], "1");
}

#[test]
fn a_module_that_fails_costs_its_own_series_only() {
    let snmpd = Snmpd::start();
    let module = |name: &str, community: &str, timeout: &str| {
        format!(
            "{name}:\n  walk: [1.3.6.1.2.1.1]\n  metrics: [{{name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge}}]\n  \
             auth: {{community: {community}}}\n  timeout: {timeout}\n  retries: 1\n"
        )
    };
    let config = format!(
        "{}{}",
        module("good", "ham", "5s"),
        module("bad", "wrong-word", "200ms")
    );
    let agent = agent(&snmpd.file("snmp.yml", &config));
    let families = scrape(&page(&agent, snmpd.target(), "module=good,bad"));
    assert!(metric(&families, "sysUpTime", &[]).is_some());
    let retries = || {
        let own = scrape(&agent.url("/metrics"));
        metric(&own, "snmp_packet_retries_total", &[]).unwrap()
    };
    // A busy machine may have lost a datagram of the good module as well.
    let before = retries();
    assert!(before >= 1.0, "{before}");
    let alone = get(&page(&agent, snmpd.target(), "module=bad"))
        .expect_status(500)
        .text();
    assert!(
        alone.contains("request timeout (after 1 retries)"),
        "{alone}"
    );
    let shown = get(&agent.url("/config")).expect_status(200).text();
    for text in [alone, shown, agent.stderr()] {
        assert!(!text.contains("wrong-word"), "{text}");
    }
    assert_eq!(retries() - before, 1.0);
}

#[test]
fn a_silent_target_is_given_up_when_the_scraper_stops_waiting() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let agent = shipped().start();
    let page = page(
        &agent,
        &silent.local_addr().unwrap().to_string(),
        "module=if_mib",
    );
    let answer =
        get_with(&page, &[("x-prometheus-scrape-timeout-seconds", "0.5")]).expect_status(500);
    assert!(answer.text().contains("no time left"), "{}", answer.text());
}

#[test]
fn a_target_that_never_answers_is_not_asked_for_every_subtree() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("snmp.yml");
    let subtrees: Vec<String> = (1..=20).map(|n| format!("1.3.6.1.2.1.{n}")).collect();
    let subtrees = subtrees.join(", ");
    std::fs::write(
        &path,
        format!("m:\n  walk: [{subtrees}]\n  timeout: 100ms\n  retries: 1\n"),
    )
    .unwrap();
    let agent = agent(&path);
    let page = page(
        &agent,
        &silent.local_addr().unwrap().to_string(),
        "module=m",
    );
    let answer = get(&page).expect_status(500).text();
    assert!(answer.contains("request timeout"), "{answer}");
    // Four are on the way at the same time, each is tried twice.
    let sent = metric(&scrape(&agent.url("/metrics")), "snmp_packets_total", &[]);
    assert_eq!(sent, Some(8.0));
}

#[test]
fn a_wrong_request_is_answered_with_what_is_wrong() {
    let agent = shipped().start();
    for (query, status, told) in [
        ("", 400, "'target' parameter must be specified once"),
        (
            "?target=127.0.0.1&target=x",
            400,
            "'target' parameter must be specified once",
        ),
        (
            "?target=127.0.0.1&module=none",
            400,
            "Unknown module 'none'",
        ),
        ("?target=127.0.0.1&auth=none", 400, "Unknown auth 'none'"),
        (
            "?target=gopher://127.0.0.1",
            400,
            "expected udp:// or tcp://",
        ),
        ("?target=8.8.8.8", 403, "8.8.8.8 is in none of the networks"),
        (
            "?target=%3A%3Affff:8.8.8.8",
            403,
            "8.8.8.8 is in none of the networks",
        ),
    ] {
        let answer = get(&agent.url(&format!("/snmp{query}")))
            .expect_status(status)
            .text();
        assert!(answer.contains(told), "{query}: {answer}");
    }
    let own = scrape(&agent.url("/metrics"));
    assert_eq!(
        metric(&own, "nephoscope_snmp_targets_refused_total", &[]),
        Some(2.0)
    );
    assert!(metric(&own, "snmp_exporter_build_info", &[]).is_some());
}

#[test]
fn a_reload_takes_over_a_good_file_and_leaves_a_bad_one() {
    let snmpd = Snmpd::start();
    let config = snmpd.file("snmp.yml", "modules: {}\n");
    let agent = agent(&config);
    let page = page(&agent, snmpd.target(), "module=system");
    get(&page).expect_status(400);
    std::fs::write(&config, split()).unwrap();
    post(&agent.url("/-/reload"), &[], "").expect_status(200);
    get(&page).expect_status(200);
    std::fs::write(&config, "modules: 5\n").unwrap();
    post(&agent.url("/-/reload"), &[], "").expect_status(500);
    get(&page).expect_status(200);
}

#[test]
fn check_config_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("snmp.yml");
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Shipped::new(AGENT)
            .arg("check-config")
            .arg(&path)
            .run(Duration::from_secs(30))
    };
    let good = check(SHIPPED);
    assert!(
        good.status.success() && good.stdout.contains("snmp.yml: ok"),
        "{good:?}"
    );
    let bad =
        check("modules:\n  m:\n    metrics:\n    - {name: x, oid: 1.3, type: gauge, hepl: x}\n");
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        bad.stderr.contains("snmp.yml:4: unknown key \"hepl\""),
        "{}",
        bad.stderr
    );
    assert_eq!(bad.stderr.lines().count(), 1);
}
