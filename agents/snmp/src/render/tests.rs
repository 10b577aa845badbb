//! Tests of rendering: each type of metric and index, as snmp_exporter tells it.

use async_snmp::{Oid, VarBind};
use exposition::{Format, encode};

use super::*;
use crate::config::Config;

mod indexes;

fn octets(bytes: &[u8]) -> Value {
    Value::OctetString(bytes.to_vec().into())
}

/// What a module with these metrics (YAML, a list) makes of these rows.
fn rendered(metrics: &str, rows: &[(&str, Value)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("snmp.yml");
    let metrics = metrics.trim().replace('\n', "\n    ");
    std::fs::write(
        &path,
        format!("modules:\n  m:\n    metrics:\n    {metrics}\n"),
    )
    .unwrap();
    let config = Config::load(&[path], None).unwrap();
    let rows = rows
        .iter()
        .map(|(oid, value)| VarBind::new(Oid::parse(oid).unwrap(), value.clone()));
    let mut families = Families::new();
    render(
        config.module("m").unwrap(),
        &Table::new(rows.collect()),
        true,
        &mut families,
    );
    let mut text = String::new();
    encode(&families, Format::Text, &mut text);
    text.lines()
        .filter(|line| !line.starts_with("# HELP"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn numbers_keep_their_type_and_large_counters_wrap() {
    let lines = rendered(
        "- {name: a, oid: 1.1, type: gauge, help: h}\n- {name: b, oid: 1.2, type: counter, scale: 0.5, offset: -1}\n\
         - {name: c, oid: 1.3, type: Float}\n- {name: d, oid: 1.4, type: gauge}",
        &[
            ("1.1.0", Value::Integer(-5)),
            ("1.2.0", Value::Counter64((1 << 53) + 8)),
            (
                "1.3.0",
                Value::Opaque(vec![0x9f, 0x78, 4, 0x3f, 0xc0, 0, 0].into()),
            ),
            ("1.4.0", octets(b"12")),
            ("1.5.0", Value::Integer(1)),
        ],
    );
    let expected = [
        "# TYPE a gauge",
        "a -5",
        "# TYPE b counter",
        "b 3",
        "# TYPE c gauge",
        "c 1.5",
        "# TYPE d gauge",
        "d 0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn strings_become_a_label_called_as_the_metric() {
    let metric = |kind: &str| format!("- {{name: s, oid: 1.1, type: {kind}}}");
    for (kind, value, expected) in [
        (
            "DisplayString",
            octets(b"a\"b\xff\xfe c"),
            "s{s=\"a\\\"b\u{fffd} c\"} 1",
        ),
        ("OctetString", octets(b"\x0a\xff"), "s{s=\"0x0AFF\"} 1"),
        ("OctetString", octets(b""), "s{s=\"\"} 1"),
        (
            "PhysAddress48",
            octets(&[0, 0x1a, 2, 3, 4, 0xff]),
            "s{s=\"00:1A:02:03:04:FF\"} 1",
        ),
        ("PhysAddress48", octets(&[]), "s{s=\"00:00:00:00:00:00\"} 1"),
        (
            "InetAddressIPv4",
            Value::IpAddress([10, 0, 0, 1]),
            "s{s=\"10.0.0.1\"} 1",
        ),
        ("IpAddr", octets(&[10, 0, 0, 1]), "s{s=\"10.0.0.1\"} 1"),
        (
            "OctetString",
            Value::ObjectIdentifier(Oid::new([1, 3, 6])),
            "s{s=\"1.3.6\"} 1",
        ),
        (
            "OctetString",
            Value::Gauge32(u32::MAX),
            "s{s=\"4294967295\"} 1",
        ),
    ] {
        let lines = rendered(&metric(kind), &[("1.1.0", value)]);
        assert_eq!(lines, ["# TYPE s gauge", expected]);
    }
}

#[test]
fn a_display_hint_says_how_octets_are_told() {
    let lines = rendered(
        "- {name: s, oid: 1.1, type: OctetString, display_hint: '1x:'}",
        &[("1.1.0", octets(&[0, 0x1a, 0xff]))],
    );
    assert_eq!(lines[1], "s{s=\"00:1a:ff\"} 1");
}

#[test]
fn states_are_told_by_a_label_or_by_a_series_each() {
    let enums = "enum_values: {1: up, 2: down}";
    let info = rendered(
        &format!("- {{name: e, oid: 1.1, type: EnumAsInfo, {enums}}}"),
        &[("1.1.0", Value::Integer(2)), ("1.1.1", Value::Integer(7))],
    );
    assert_eq!(
        info,
        [
            "# TYPE e_info gauge",
            "e_info{e=\"down\"} 1",
            "e_info{e=\"7\"} 1"
        ]
    );
    let set = format!("- {{name: e, oid: 1.1, type: EnumAsStateSet, {enums}}}");
    let known = rendered(&set, &[("1.1.0", Value::Integer(2))]);
    assert_eq!(
        known,
        ["# TYPE e gauge", "e{e=\"up\"} 0", "e{e=\"down\"} 1"]
    );
    let unknown = rendered(&set, &[("1.1.0", Value::Integer(9))]);
    assert_eq!(
        unknown,
        [
            "# TYPE e gauge",
            "e{e=\"9\"} 1",
            "e{e=\"up\"} 0",
            "e{e=\"down\"} 0"
        ]
    );
    let bits = rendered(
        "- {name: e, oid: 1.1, type: Bits, enum_values: {-1: n, 0: a, 7: b, 8: c, 99: d}}",
        &[("1.1.0", octets(&[0b1000_0000, 0b1000_0000]))],
    );
    assert_eq!(
        bits[1..],
        [
            "e{e=\"n\"} 0",
            "e{e=\"a\"} 1",
            "e{e=\"b\"} 0",
            "e{e=\"c\"} 1",
            "e{e=\"d\"} 0"
        ]
    );
}

#[test]
fn numbers_are_found_in_strings() {
    let metric = "- name: t
  oid: 1.1
  type: DisplayString
  scale: 10
  regex_extracts:
    Celsius:
    - {regex: '(\\d+) F'}
    - {value: '${n}.5', regex: '.*?(?P<n>\\d+) C'}
    Status:
    - {value: '1', regex: 'ok.*'}
    - {value: '0', regex: '.*'}";
    let lines = rendered(metric, &[("1.1.0", octets(b"at 21 C"))]);
    let expected = [
        "# TYPE tCelsius gauge",
        "tCelsius 215",
        "# TYPE tStatus gauge",
        "tStatus 0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn lookups_put_what_other_columns_say_in_the_place_of_indexes() {
    let metric = "- name: m
  oid: 1.1
  type: gauge
  indexes: [{labelname: i, type: gauge}]
  lookups:
  - {labels: [i], labelname: name, oid: '1.2', type: DisplayString}
  - {labels: [i], labelname: peer, oid: '1.3', type: gauge}
  - {labels: [peer], labelname: peerName, oid: '1.2', type: DisplayString}
  - {labels: [i], labelname: state, oid: '1.3', type: EnumAsInfo, enum_values: {2: two}}
  - {labels: [i], labelname: none, oid: '1.9', type: DisplayString}
  - {labels: [], labelname: i}";
    let rows = [
        ("1.1.1", Value::Integer(5)),
        ("1.2.1", octets(b"eth0")),
        ("1.2.2", octets(b"eth1")),
        ("1.3.1", Value::Integer(2)),
    ];
    let expected = "m{name=\"eth0\",peer=\"2\",peerName=\"eth1\",state=\"two\",none=\"\"} 5";
    assert_eq!(rendered(metric, &rows)[1], expected);
}

#[test]
fn an_address_is_told_by_the_type_in_the_column_before_it() {
    let metric = "- {name: a, oid: '1.2', type: InetAddress}";
    let address = ("1.2.7", octets(&[10, 0, 0, 1]));
    let typed = rendered(metric, &[("1.1.7", Value::Integer(1)), address.clone()]);
    assert_eq!(typed[1], "a{a=\"10.0.0.1\"} 1");
    assert_eq!(rendered(metric, &[address])[1], "a{a=\"0x0A000001\"} 1");
}

/// What the fuzz target `answer` does, with each input that it has kept.
#[test]
fn whatever_a_device_has_sent_comes_out_as_valid_text() {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let config = Config::load(&[fuzz.join("all_types.yml")], None).unwrap();
    let module = config.module("all").unwrap();
    let (mut inputs, mut samples) = (0, 0);
    for input in std::fs::read_dir(fuzz.join("corpus/answer")).unwrap() {
        inputs += 1;
        let bytes = std::fs::read(input.unwrap().path()).unwrap();
        let message =
            async_snmp::message::Message::decode(bytes.into(), async_snmp::DecodeConfig::default());
        let Some(pdu) = message.ok().and_then(|message| message.value.into_pdu()) else {
            continue;
        };
        let mut families = Families::new();
        render(
            module,
            &Table::new(pdu.into_varbinds()),
            true,
            &mut families,
        );
        samples += families.sample_count();
        for format in [Format::Text, Format::OpenMetrics] {
            let mut text = String::new();
            encode(&families, format, &mut text);
            exposition::parse_families(&text, format).unwrap();
        }
    }
    assert!(
        inputs > 10 && samples > 40,
        "{inputs} inputs, {samples} samples"
    );
}
