//! Devices, and strangers, that answer what they should not: whatever does not belong to a request is thrown away and
//! counted, and the right answer behind it is taken.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::net::UdpSocket;
use std::time::Duration;

use testkit::http::get_with;
use testkit::scrape::scrape;
use testkit::{Running, metric, series};

use common::{SHIPPED, Snmpd, agent, page};

fn discarded(agent: &Running, reason: &str) -> f64 {
    let own = scrape(&agent.url("/metrics"));
    let name = "nephoscope_snmp_discarded_answers_total";
    metric(&own, name, &[("reason", reason)]).unwrap()
}

/// What a stranger makes of a right answer.
type Forge = fn(&[u8]) -> Vec<u8>;

/// The answer with the byte changed by which the request is told; of 2c the request id ends before the error status.
fn with_another_request_id(answer: &[u8]) -> Vec<u8> {
    let mut forged = answer.to_vec();
    // A short answer: message, version and community, then the PDU with the request id as its first integer.
    let pdu = forged.iter().position(|&byte| byte == 0xa2).unwrap();
    let id = (pdu..)
        .find(|&at| forged[at] == 2 && forged[at + 1] <= 4)
        .unwrap();
    forged[id + 2] ^= 0x40;
    forged
}

/// Sends on what comes to it, and of the device's answers so many bytes as `cut` says. Returns its address.
fn cutting(device: &str, cut: fn(&[u8]) -> usize) -> String {
    let front = UdpSocket::bind("127.0.0.1:0").unwrap();
    let back = UdpSocket::bind("127.0.0.1:0").unwrap();
    back.connect(device).unwrap();
    let address = front.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut packet = [0; 65_535];
        while let Ok((length, asker)) = front.recv_from(&mut packet) {
            back.send(&packet[..length]).unwrap();
            let length = back.recv(&mut packet).unwrap();
            let sent = cut(&packet[..length]);
            if sent > 0 {
                front.send_to(&packet[..sent], asker).unwrap();
            }
        }
    });
    address
}

/// Sends on what comes to it, and the device's answers back behind forged ones. Returns its address.
fn between(device: &str, forge: Vec<Forge>, from_elsewhere: bool) -> String {
    let front = UdpSocket::bind("127.0.0.1:0").unwrap();
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    let back = UdpSocket::bind("127.0.0.1:0").unwrap();
    back.connect(device).unwrap();
    back.set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let address = front.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut packet = [0; 65_535];
        while let Ok((length, asker)) = front.recv_from(&mut packet) {
            back.send(&packet[..length]).unwrap();
            let Ok(length) = back.recv(&mut packet) else {
                continue;
            };
            for forge in &forge {
                let from = if from_elsewhere { &elsewhere } else { &front };
                from.send_to(&forge(&packet[..length]), asker).unwrap();
            }
            front.send_to(&packet[..length], asker).unwrap();
        }
    });
    address
}

#[test]
fn forged_broken_and_huge_answers_are_thrown_away_and_the_right_one_is_taken() {
    let snmpd = Snmpd::start();
    let config = snmpd.file(
        "snmp.yml",
        &SHIPPED.replace("community: public", "community: ham"),
    );
    let forges: [(&str, Forge); 7] = [
        ("malformed", |_| b"this is no SNMP".to_vec()),
        ("malformed", |_| vec![0x30; 60_000]),
        ("malformed", |_| Vec::new()),
        ("unexpected", with_another_request_id),
        // The right request in a community of its own.
        ("unexpected", |answer| {
            let mut forged = answer.to_vec();
            let at = forged.windows(3).position(|three| three == b"ham").unwrap();
            forged[at] = b'H';
            forged
        }),
        // The right beginning, and then an end in the middle of a value.
        ("malformed", |answer| answer[..answer.len() - 5].to_vec()),
        // A question with the right id.
        ("rejected", |answer| {
            let mut forged = answer.to_vec();
            let at = forged.iter().position(|&byte| byte == 0xa2).unwrap();
            forged[at] = 0xa1;
            forged
        }),
    ];
    for (reason, forge) in forges {
        let agent = agent(&config);
        let target = between(snmpd.target(), vec![forge], false);
        let found = scrape(&page(&agent, &target, "module=system"));
        assert!(metric(&found, "sysUpTime", &[]).is_some(), "{reason}");
        assert_eq!(
            metric(&found, "snmp_scrape_packets_retried", &[]),
            Some(0.0),
            "{reason}"
        );
        let all = ["malformed", "rejected", "unexpected"].map(|reason| discarded(&agent, reason));
        assert!(discarded(&agent, reason) >= 1.0, "{reason} {all:?}");
    }
}

#[test]
fn an_answer_from_another_address_is_counted_and_taken_only_where_the_module_allows_it() {
    let snmpd = Snmpd::start();
    let module = |name: &str, more: &str| {
        format!(
            "  {name}:\n    get: [1.3.6.1.2.1.1.6.0]\n    timeout: 2s\n    retries: 0\n{more}    metrics: [{{name: at, oid: 1.3.6.1.2.1.1.6, type: DisplayString}}]\n"
        )
    };
    let config = format!(
        "auths: {{public_v2: {{community: ham}}}}\nmodules:\n{}{}",
        module("strict", ""),
        module("open", "    use_unconnected_udp_socket: true\n")
    );
    let agent = agent(&snmpd.file("snmp.yml", &config));
    // The same answer from elsewhere first, with another value: that of sysLocation ends the packet.
    let forge: Forge = |answer| {
        let (_, all_but_last) = answer.split_last().unwrap();
        [all_but_last, b"t"].concat()
    };
    let target = between(snmpd.target(), vec![forge], true);
    let place = |module: &str| {
        let found = scrape(&page(&agent, &target, &format!("module={module}")));
        series(&found, "at")
            .first()
            .unwrap_or_else(|| panic!("{found:?}"))
            .0["at"]
            .clone()
    };
    assert_eq!(place("strict"), "a rack");
    assert_eq!(discarded(&agent, "unexpected"), 1.0);
    assert_eq!(place("open"), "a ract");
}

#[test]
fn a_subtree_of_garbage_costs_its_own_series_only() {
    let snmpd = Snmpd::start();
    let config = "auths: {public_v2: {community: ham}}\nmodules:\n  m:\n    get: [1.3.6.1.2.1.1.3.0]\n    walk: [1.3.6.1.2.1.2.2.1.2]\n    \
                  timeout: 300ms\n    retries: 1\n    metrics:\n    - {name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge}\n    - \
                  {name: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString, indexes: [{labelname: i, type: gauge}]}\n";
    let agent = agent(&snmpd.file("snmp.yml", config));
    // Every answer about interfaces is cut off.
    let target = cutting(snmpd.target(), |answer| {
        let descriptions = [0x2b, 6, 1, 2, 1, 2, 2, 1, 2];
        let is_about_them = answer.windows(9).any(|nine| nine == descriptions);
        if is_about_them {
            answer.len() / 2
        } else {
            answer.len()
        }
    });
    let found = scrape(&page(&agent, &target, "module=m"));
    assert!(metric(&found, "sysUpTime", &[]).is_some());
    assert!(series(&found, "ifDescr").is_empty());
    let success = |subtree| {
        metric(
            &found,
            "snmp_scrape_subtree_success",
            &[("subtree", subtree)],
        )
    };
    assert_eq!(success("get"), Some(1.0));
    assert_eq!(success("1.3.6.1.2.1.2.2.1.2"), Some(0.0));
}

#[test]
fn a_device_whose_large_answers_get_lost_is_asked_for_fewer_rows_and_that_is_remembered() {
    let snmpd = Snmpd::start();
    let config = "auths: {public_v2: {community: ham}}\nmodules:\n  m:\n    walk: [1.3.6.1.4.1.2021.11]\n    timeout: 500ms\n    \
                  metrics: [{name: ssCpuRawUser, oid: 1.3.6.1.4.1.2021.11.50, type: counter}]\n";
    let agent = agent(&snmpd.file("snmp.yml", config));
    // So many bytes are about ten rows.
    let target = cutting(snmpd.target(), |answer| match answer.len() {
        length @ ..250 => length,
        _ => 0,
    });
    let scraped = || {
        let found = scrape(&page(&agent, &target, "module=m"));
        assert!(metric(&found, "ssCpuRawUser", &[]).is_some());
        let told = |name| metric(&found, name, &[]).unwrap();
        (
            told("snmp_scrape_packets_retried"),
            told("snmp_scrape_pdus_returned"),
        )
    };
    let (retried, rows) = scraped();
    assert!(retried >= 1.0, "{retried}");
    assert_eq!(scraped(), (0.0, rows));
}

#[test]
fn nobody_is_asked_on_a_port_that_is_not_allowed() {
    let agent = testkit::Shipped::new(common::AGENT).start();
    let page = page(&agent, "tcp://127.0.0.1:22", "");
    let refused = get_with(&page, &[]).expect_status(403).text();
    assert!(
        refused.contains("22 is none of the ports of --snmp.allow-port"),
        "{refused}"
    );
}
