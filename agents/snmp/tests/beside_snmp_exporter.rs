//! Runs Debian's snmp_exporter 0.21 beside ours on the same snmpd and the same snmp.yml, and compares every series that
//! either gives, for each version and security level.

#![allow(clippy::panic, reason = "a failed comparison fails the test loudly")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use exposition::{Families, MetricType};
use testkit::scrape::scrape;
use testkit::{Peer, Running};

use common::{AUTHS, SHIPPED, Snmpd, flat, page, shipped};

/// Families that 0.21 does not have.
const OURS: [&str; 2] = ["snmp_scrape_samples_dropped", "snmp_scrape_subtree_success"];

/// Values that are facts about the program rather than about the device.
const OWN: [&str; 4] = [
    "snmp_scrape_duration_seconds",
    "snmp_scrape_packets_retried",
    "snmp_scrape_packets_sent",
    "snmp_scrape_walk_duration_seconds",
];

/// Values move between two scrapes, up and down: each series must be right in one of so many rounds.
const ROUNDS: usize = 12;

const SHIPPED_MODULES: [&str; 6] = [
    "system",
    "if_mib",
    "hrSystem",
    "hrStorage",
    "hrDevice",
    "ucd",
];

/// Types and indexes that the shipped modules lack.
const MORE: &str = r#"
modules:
  addresses:
    walk: [1.3.6.1.2.1.4.34, 1.3.6.1.2.1.4.32, 1.3.6.1.2.1.2.2.1.2, 1.3.6.1.2.1.31.1.1.1.6]
    metrics:
    - name: ipAddressIfIndex
      oid: 1.3.6.1.2.1.4.34.1.3
      type: gauge
      help: the interface
      indexes: [{labelname: ipAddressAddr, type: InetAddress}]
      lookups:
      - {labels: [ipAddressAddr], labelname: ifIndex, oid: 1.3.6.1.2.1.4.34.1.3, type: gauge}
      - {labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}
      - {labels: [ifIndex], labelname: raw, oid: 1.3.6.1.2.1.2.2.1.2, type: OctetString}
      - {labels: [], labelname: ifIndex}
    - name: ipAddressType
      oid: 1.3.6.1.2.1.4.34.1.4
      type: EnumAsStateSet
      help: the type
      indexes: [{labelname: most, type: InetAddressMissingSize}, {labelname: last, type: gauge}]
      enum_values: {1: unicast, 2: anycast, 3: broadcast}
    - name: ipAddressPrefix
      oid: 1.3.6.1.2.1.4.34.1.5
      type: OctetString
      help: an OID
      indexes: [{labelname: ipAddressAddr, type: OctetString, implied: true}]
    - name: ipAddressOrigin
      oid: 1.3.6.1.2.1.4.34.1.6
      type: EnumAsInfo
      help: the origin
      indexes: [{labelname: kind, type: EnumAsInfo, enum_values: {1: ipv4}}, {labelname: rest, type: OctetString}]
      enum_values: {1: other, 4: dhcp}
    - name: ipAddressPrefixOrigin
      oid: 1.3.6.1.2.1.4.32.1.5
      type: gauge
      help: the origin
      indexes:
      - {labelname: ifIndex, type: gauge}
      - {labelname: prefix, type: InetAddress}
      - {labelname: length, type: gauge}
  strings:
    walk: [1.3.6.1.2.1.1.5.0, 1.3.6.1.2.1.1.9, 1.3.6.1.4.1.8072.1.3.2.3, 1.3.6.1.6.3.16.1.2.1, 1.3.6.1.4.1.2021.10.1]
    get: [1.3.6.1.6.3.10.2.1.1.0, 1.3.6.1.2.1.25.1.2.0, 1.3.6.1.2.1.99.99.0, 1.3.6.1.2.1.1.2.0]
    max_repetitions: 3
    metrics:
    - {name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString, help: an instance that is walked}
    - {name: sysObjectID, oid: 1.3.6.1.2.1.1.2, type: OctetString, help: an OID}
    - name: sysORID
      oid: 1.3.6.1.2.1.1.9.1.2
      type: OctetString
      help: an OID
      indexes: [{labelname: sysORIndex, type: gauge}]
    - name: sysORDescr
      oid: 1.3.6.1.2.1.1.9.1.3
      type: DisplayString
      help: text
      indexes: [{labelname: sysORIndex, type: gauge}]
    - {name: snmpEngineID, oid: 1.3.6.1.6.3.10.2.1.1, type: OctetString, help: bytes}
    - {name: engineBits, oid: 1.3.6.1.2.1.25.1.2, type: Bits, help: bits, enum_values: {0: a, 5: b, 6: c, 13: d, 900: e}}
    - name: line
      oid: 1.3.6.1.4.1.8072.1.3.2.3.1.1
      type: DisplayString
      help: what a program wrote
      indexes: [{labelname: token, type: DisplayString}]
      regex_extracts:
        Celsius: [{regex: '(.*) C', value: '$1'}]
        Ok: [{regex: 'ok', value: '1'}, {regex: '.*', value: '0'}]
    - name: group
      oid: 1.3.6.1.6.3.16.1.2.1.3
      type: DisplayString
      help: a group
      indexes: [{labelname: model, type: gauge}, {labelname: name, type: DisplayString}]
    - name: mac
      oid: 1.3.6.1.6.3.16.1.2.1.4
      type: gauge
      help: name as something else
      indexes: [{labelname: model, type: gauge}, {labelname: name, type: PhysAddress48}]
    - {name: laLoad, oid: 1.3.6.1.4.1.2021.10.1.3, type: DisplayString, help: text, indexes: [{labelname: i, type: gauge}],
       regex_extracts: {'': [{regex: '(.*)', value: '$1'}]}}
    - {name: laLoadFloat, oid: 1.3.6.1.4.1.2021.10.1.6, type: Float, help: number, indexes: [{labelname: i, type: gauge}]}
    - {name: laNames, oid: 1.3.6.1.4.1.2021.10.1.2, type: PhysAddress48, help: text, indexes: [{labelname: laNames, type: gauge}]}
"#;

type Labels = BTreeMap<String, String>;
type Key = (String, Labels);

struct Scraped {
    families: BTreeMap<String, (MetricType, String)>,
    series: BTreeMap<Key, f64>,
}

fn scraped(url: &str) -> Scraped {
    let all: Families = scrape(url);
    let (mut families, mut series) = (BTreeMap::new(), BTreeMap::new());
    for family in all.iter().filter(|family| !OURS.contains(&family.name())) {
        let name = family.name().to_owned();
        families.insert(name.clone(), (family.kind(), family.help().to_owned()));
        for sample in family.samples() {
            let labels = sample
                .labels()
                .map(|(key, value)| (key.to_owned(), value.into_owned()));
            series.insert((name.clone(), labels.collect()), sample.value);
        }
    }
    Scraped { families, series }
}

/// Compares a module until each series of theirs was the same once; returns how many there are.
fn compare(ours: &Running, theirs: &Running, target: &str, module: &str) -> usize {
    let query = format!("module={module}");
    let (our_page, their_page) = (page(ours, target, &query), page(theirs, target, &query));
    let mut matched: BTreeSet<Key> = BTreeSet::new();
    let mut wrong = Vec::new();
    for _ in 0..ROUNDS {
        let before = scraped(&their_page);
        let own = scraped(&our_page);
        let after = scraped(&their_page);
        assert_eq!(own.families, after.families, "{module}");
        wrong.clear();
        for key in before
            .series
            .keys()
            .chain(after.series.keys())
            .chain(own.series.keys())
        {
            let all = [&before, &after, &own].map(|scraped| scraped.series.get(key).copied());
            let is_same = match all {
                [Some(a), Some(b), Some(c)] => {
                    OWN.contains(&key.0.as_str()) || (a.min(b)..=a.max(b)).contains(&c)
                }
                // It came or went in between.
                [None, None, Some(_)] | [Some(_), Some(_), None] => false,
                _ => true,
            };
            if is_same {
                matched.insert(key.clone());
            } else if !matched.contains(key) {
                wrong.push((key.clone(), all));
            }
        }
        if wrong.is_empty() {
            return own.series.len();
        }
    }
    panic!("{module}: before, after, ours: {wrong:#?}")
}

#[test]
fn every_series_is_the_same_as_theirs_for_each_version_and_security_level() {
    let snmpd = Snmpd::start();
    let both = format!("{}{}", flat(SHIPPED), flat(MORE));
    let config = snmpd.file("snmp.yml", &both);
    // Remembered columns would be missing from the count of PDUs.
    let ours = shipped()
        .arg(format!("--config.file={}", config.display()))
        .arg("--snmp.lookup-interval=0s")
        .start();
    let theirs = Peer::new("prometheus-snmp-exporter")
        .args([format!("--config.file={}", config.display())])
        .args(["--web.listen-address=127.0.0.1:{port}"])
        .wait_http("/")
        .start();
    for (auth, _) in AUTHS {
        let mut count = 0;
        for module in SHIPPED_MODULES.iter().chain(&["addresses", "strings"]) {
            let matched = compare(&ours, &theirs, snmpd.target(), &format!("{module}_{auth}"));
            assert!(matched > 5, "{module} {auth}: only {matched}");
            count += matched;
        }
        eprintln!("{auth}: {count} series are the same");
    }
}
