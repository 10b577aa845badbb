//! Columns that only give labels are remembered between walks, and walked again when there is reason to: in a network of
//! its own, where interfaces come and go.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::time::Duration;

use exposition::Families;
use testkit::network::{add_link_pairs, is_own_network};
use testkit::scrape::scrape;
use testkit::{Running, metric, series};

use common::{Snmpd, page, shipped};

fn remembered(agent: &Running) -> f64 {
    let own = scrape(&agent.url("/metrics"));
    metric(&own, "nephoscope_snmp_lookups_remembered_total", &[]).unwrap()
}

#[test]
fn remembered_labels_save_packets_and_a_new_interface_has_them_walked_again() {
    let name = "remembered_labels_save_packets_and_a_new_interface_has_them_walked_again";
    if !is_own_network([name, "--exact", "--nocapture"]) {
        return;
    }
    add_link_pairs(1, 30);
    let snmpd = Snmpd::start();
    let config = snmpd.file(
        "snmp.yml",
        &common::SHIPPED.replace("community: public", "community: ham"),
    );
    for version in ["public_v2", "public_v1"] {
        let agent = shipped()
            .arg(format!("--config.file={}", config.display()))
            .start();
        let page = page(
            &agent,
            snmpd.target(),
            &format!("module=if_mib&auth={version}"),
        );
        let first = scrape(&page);
        assert_eq!(remembered(&agent), 0.0);
        let second = scrape(&page);
        assert_eq!(remembered(&agent), 1.0);
        let told = |families: &Families, name| metric(families, name, &[]).unwrap();
        // Three columns of 61 rows less; the marks are got together with what is got anyway.
        let saved =
            told(&first, "snmp_scrape_pdus_returned") - told(&second, "snmp_scrape_pdus_returned");
        assert_eq!(saved, 3.0 * 61.0, "{version}");
        let packets = |families: &Families| told(families, "snmp_scrape_packets_sent");
        // Version 1 walks all columns of a table abreast: fewer make each packet smaller.
        assert!(
            version == "public_v1" || packets(&second) < packets(&first),
            "{} {}",
            packets(&first),
            packets(&second)
        );
        let uplink = [("ifDescr", "d7"), ("ifName", "d7")];
        for families in [&first, &second] {
            assert!(metric(families, "ifInOctets", &uplink).is_some());
            assert_eq!(
                metric(families, "snmp_scrape_samples_dropped", &[]),
                Some(0.0)
            );
        }
    }
    let agent = shipped()
        .arg(format!("--config.file={}", config.display()))
        .start();
    let page = page(&agent, snmpd.target(), "module=if_mib");
    scrape(&page);
    add_link_pairs(31, 31);
    // An index that nothing is known about is reason enough to look: the label is there as soon as the row is.
    common::wait_until(Duration::from_secs(60), || {
        let families = scrape(&page);
        let rows = series(&families, "ifInOctets");
        for (labels, _) in &rows {
            assert!(labels.contains_key("ifDescr"), "{labels:?}");
        }
        rows.iter()
            .any(|(labels, _)| labels["ifDescr"] == "d61")
            .then_some(())
    });
}
