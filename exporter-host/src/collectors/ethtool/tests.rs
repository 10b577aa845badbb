use super::*;

fn strings(names: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend(u32::try_from(names.len()).unwrap().to_ne_bytes());
    for name in names {
        let mut field = name.as_bytes().to_vec();
        field.resize(32, 0);
        bytes.extend(field);
    }
    bytes
}

fn values(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(u32::try_from(numbers.len()).unwrap().to_ne_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
    bytes
}

fn shown(names: &[&str], pattern: &str) -> Vec<String> {
    let numbers: Vec<u64> = (1..=names.len() as u64).collect();
    let all = statistics(&strings(names), &values(&numbers));
    let mut out = Families::new();
    let pattern = Pattern::new(pattern).unwrap();
    emit("eth0", all, &pattern, &mut Names::new().unwrap(), &mut out);
    out.iter().map(|family| family.name().to_owned()).collect()
}

#[test]
fn directions_are_written_out_and_common_counters_have_names_of_their_own() {
    let names = [
        "rx_bytes",
        "tx_queue_0.drops",
        "TX dropped rx",
        "_Rx_over",
        "rxq",
    ];
    let expected = [
        "node_ethtool_received_bytes_total",
        "node_ethtool_received_over",
        "node_ethtool_rxq",
        "node_ethtool_transmitted_dropped_received",
        "node_ethtool_transmitted_queue_0_drops",
    ];
    let mut found = shown(&names, ".*");
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn two_statistics_of_one_name_are_both_left_out() {
    assert_eq!(shown(&["a.b", "a_b", "A b", "c"], ".*"), ["node_ethtool_c"]);
}

#[test]
fn only_statistics_of_the_pattern_are_shown() {
    assert_eq!(
        shown(&["rx_bytes", "rx_errors"], "errors$"),
        ["node_ethtool_received_errors_total"]
    );
}

#[test]
fn a_driver_is_the_texts_of_its_structure() {
    let mut answer = vec![0; 196];
    for (field, text) in ["veth", "1.0", "fw", "0000:01:00.0", "rom"]
        .iter()
        .enumerate()
    {
        answer[4 + field * 32..][..text.len()].copy_from_slice(text.as_bytes());
    }
    answer[180..184].copy_from_slice(&5_u32.to_ne_bytes());
    let found = driver(&answer).unwrap();
    assert_eq!(
        (found.driver.as_str(), found.bus.as_str()),
        ("veth", "0000:01:00.0")
    );
    assert_eq!((found.expansion_rom.as_str(), found.statistics), ("rom", 5));
    assert_eq!(driver(&answer[..100]), None);
}

#[test]
fn bits_of_a_link_are_speeds_ports_and_capabilities() {
    let mut link = vec![0; 44];
    link[4..8].copy_from_slice(&(1_u32 << 5 | 1 << 7 | 1 << 6 | 1 << 31).to_ne_bytes());
    link[18] = 1;
    let mut out = Families::new();
    modes::emit("eth0", &link, &mut out);
    let speeds = out.get("node_network_supported_speed_bytes").unwrap();
    let speeds: Vec<_> = speeds
        .samples()
        .map(|sample| (sample.label("mode").unwrap().into_owned(), sample.value))
        .collect();
    let expected = [
        ("1000baseT".to_owned(), 125e6),
        ("25000baseCR".to_owned(), 3125e6),
    ];
    assert_eq!(speeds, expected);
    let value = |name: &str| out.get(name).unwrap().samples().next().unwrap().value;
    assert_eq!(value("node_network_autonegotiate_supported"), 1.0);
    assert_eq!(value("node_network_autonegotiate_advertised"), 0.0);
    assert_eq!(value("node_network_autonegotiate"), 1.0);
    assert_eq!(value("node_network_supported_port_info"), 1.0);
    assert!(out.get("node_network_advertised_speed_bytes").is_none());
}

proptest::proptest! {
    #[test]
    fn any_answer_is_read_as_far_as_it_goes(one: Vec<u8>, other: Vec<u8>) {
        let _ = driver(&one);
        let all = statistics(&one, &other);
        let mut out = Families::new();
        emit("eth0", all, &Pattern::default(), &mut Names::new().unwrap(), &mut out);
        modes::emit("eth0", &one, &mut out);
    }
}
