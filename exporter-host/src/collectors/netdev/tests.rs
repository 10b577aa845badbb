//! Tests of the netdev collector on literals.

use super::*;

const HEADINGS: &str = "Inter-|   Receive  |  Transmit\n face |bytes packets |bytes packets\n";

fn parsed(rows: &str) -> Result<Vec<Link>, ParseError> {
    let mut links = Links::default();
    parse(&format!("{HEADINGS}{rows}"), &mut links)?;
    Ok(links.iter().cloned().collect())
}

#[test]
fn a_row_is_a_device_and_its_counters() {
    let links = parsed(
        "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\neth0:5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    )
    .unwrap();
    assert_eq!(links.len(), 2);
    let lo = &links[0];
    assert_eq!(lo.name, "lo");
    assert_eq!(lo.stats[field::RX_BYTES], 1);
    assert_eq!(lo.stats[field::MULTICAST], 8);
    assert_eq!(lo.stats[field::TX_BYTES], 9);
    assert_eq!(lo.stats[field::COLLISIONS], 14);
    assert_eq!(lo.stats[field::TX_COMPRESSED], 16);
    assert_eq!(
        (links[1].name.as_str(), links[1].stats[field::RX_BYTES]),
        ("eth0", 5)
    );
}

#[test]
fn rows_of_another_form_are_refused_by_number() {
    let error = parsed("lo: 1 2 3\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "line 3: expected `device: 16 numbers`, found \"lo: 1 2 3\""
    );
    assert!(parsed("lo 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16").is_err());
    assert!(parsed("lo: x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16").is_err());
    assert!(parse("", &mut Links::default()).is_err());
    assert!(parse("garbage\n", &mut Links::default()).is_err());
}

#[test]
fn a_host_without_devices_has_no_rows() {
    assert_eq!(parsed("").unwrap(), []);
}

#[test]
fn default_names_add_up_what_the_kernel_tells_apart() {
    let mut link = Link::default();
    for (index, counter) in link.stats.iter_mut().enumerate() {
        *counter = 1 << index;
    }
    let columns = columns::of(false, true);
    let value = |name: &str| {
        let column = columns.iter().find(|column| column.name == name).unwrap();
        total(&link, column.sum)
    };
    assert_eq!(
        value("node_network_receive_drop_total"),
        f64::from((1 << 6) + (1 << 15))
    );
    let frame = (1 << 10) + (1 << 11) + (1 << 12) + (1 << 13);
    assert_eq!(value("node_network_receive_frame_total"), f64::from(frame));
    let carrier = (1 << 16) + (1 << 17) + (1 << 19) + (1 << 20);
    assert_eq!(
        value("node_network_transmit_carrier_total"),
        f64::from(carrier)
    );
}

#[test]
fn every_source_has_its_number_of_metrics() {
    let count = |detailed, netlink| columns::of(detailed, netlink).len();
    assert_eq!((count(false, true), count(true, true)), (17, 24));
    assert_eq!((count(false, false), count(true, false)), (16, 16));
}

#[test]
fn addresses_reach_as_far_as_the_peer_says() {
    let scope = |text: &str| scope(text.parse().unwrap());
    assert_eq!(scope("127.0.0.1"), "link-local");
    assert_eq!(scope("169.254.1.1"), "link-local");
    assert_eq!(scope("fe80::1"), "link-local");
    assert_eq!(scope("::1"), "link-local");
    assert_eq!(scope("192.0.2.2"), "global");
    assert_eq!(scope("fd00::2"), "global");
    assert_eq!(scope("0.0.0.0"), "");
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).*", row in "\\PC*") {
        let _ = parse(&text, &mut Links::default());
        let _ = parsed(&row);
    }
}
