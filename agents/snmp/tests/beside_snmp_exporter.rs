//! Runs Debian's snmp_exporter 0.21 beside ours on the same snmpd and the same snmp.yml, and compares every series that
//! either gives, for each version and security level.

#![allow(clippy::panic, reason = "a failed comparison fails the test loudly")]

mod common;

use common::compare::Pair;
use common::{AUTHS, SHIPPED, Snmpd, flat};

const SHIPPED_MODULES: [&str; 7] = [
    "system",
    "if_mib",
    "hrSystem",
    "hrStorage",
    "hrDevice",
    "ucd",
    "hardware",
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

#[test]
fn every_series_is_the_same_as_theirs_for_each_version_and_security_level() {
    let snmpd = Snmpd::start();
    let both = format!("{}{}", flat(SHIPPED), flat(MORE));
    let config = snmpd.file("snmp.yml", &both);
    let pair = Pair::start(&config);
    for (auth, _) in AUTHS {
        let mut count = 0;
        for module in SHIPPED_MODULES.iter().chain(&["addresses", "strings"]) {
            let matched = pair.compare(snmpd.target(), &format!("{module}_{auth}"));
            assert!(matched > 5, "{module} {auth}: only {matched}");
            count += matched;
        }
        eprintln!("{auth}: {count} series are the same");
    }
}
