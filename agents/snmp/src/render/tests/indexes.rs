//! Tests of rendering indexes: each kind, and numbers of any kind.

use super::{octets, rendered};
use async_snmp::Value;

#[test]
fn indexes_of_all_kinds_become_labels() {
    for (index, instance, expected) in [
        ("{labelname: i, type: gauge}", "7", "i=\"7\""),
        (
            "{labelname: i, type: PhysAddress48}",
            "0.26.255.1.2.3",
            "i=\"00:1A:FF:01:02:03\"",
        ),
        (
            "{labelname: i, type: InetAddressIPv4}",
            "10.0.0",
            "i=\"10.0.0.0\"",
        ),
        ("{labelname: i, type: DisplayString}", "2.97.98", "i=\"ab\""),
        (
            "{labelname: i, type: DisplayString, implied: true}",
            "97.98",
            "i=\"ab\"",
        ),
        (
            "{labelname: i, type: DisplayString, fixed_size: 1}, {labelname: j, type: gauge}",
            "97.5",
            "i=\"a\",j=\"5\"",
        ),
        (
            "{labelname: i, type: OctetString}, {labelname: j, type: gauge}",
            "2.1.255.5",
            "i=\"0x01FF\",j=\"5\"",
        ),
        (
            "{labelname: i, type: InetAddress}, {labelname: j, type: gauge}",
            "1.4.10.0.0.1.5",
            "i=\"10.0.0.1\",j=\"5\"",
        ),
        (
            "{labelname: i, type: InetAddress}, {labelname: j, type: gauge}",
            "16.1.97.5",
            "i=\"0x100161\",j=\"5\"",
        ),
        (
            "{labelname: i, type: InetAddressMissingSize}",
            "1.10.0.0.1",
            "i=\"10.0.0.1\"",
        ),
        (
            "{labelname: i, type: InetAddress}",
            "2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1",
            "i=\"FE80:0000:0000:0000:0000:0000:0000:0001\"",
        ),
        (
            "{labelname: i, type: EnumAsInfo, enum_values: {1: one}}, {labelname: j, type: EnumAsInfo}",
            "1.2",
            "i=\"one\",j=\"2\"",
        ),
        (
            "{labelname: i, type: LldpPortId}",
            "3.6.0.26.255.1.2.3",
            "i=\"00:1A:FF:01:02:03\"",
        ),
    ] {
        let metric = format!("- {{name: m, oid: 1.1, type: gauge, indexes: [{index}]}}");
        let lines = rendered(&metric, &[(&format!("1.1.{instance}"), Value::Integer(1))]);
        assert_eq!(lines[1], format!("m{{{expected}}} 1"));
    }
}

proptest::proptest! {
    #[test]
    fn any_rows_are_rendered_without_a_panic(
        kind in proptest::sample::select(vec!["gauge", "OctetString", "DisplayString", "PhysAddress48", "InetAddress",
            "InetAddressMissingSize", "LldpPortId", "EnumAsInfo"]),
        fixed in 0_u16..9,
        implied in proptest::bool::ANY,
        arcs in proptest::collection::vec(proptest::prop_oneof![0_u32..300, proptest::num::u32::ANY], 0..20),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
    ) {
        let metric = format!("- {{name: m, oid: 1.5, type: {kind}, \
            indexes: [{{labelname: i, type: {kind}, fixed_size: {fixed}, implied: {implied}}}, {{labelname: j, type: {kind}}}], \
            lookups: [{{labels: [i, j], labelname: k, oid: 1.4, type: {kind}}}]}}");
        let arcs: String = arcs.iter().map(|arc| format!(".{arc}")).collect();
        let rows = [(format!("1.5{arcs}"), octets(&bytes)), (format!("1.4{arcs}"), octets(&bytes))];
        let rows: Vec<_> = rows.iter().map(|(oid, value)| (oid.as_str(), value.clone())).collect();
        proptest::prop_assert!(rendered(&metric, &rows).len() <= 2);
    }
}
