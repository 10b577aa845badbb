use super::*;

/// An attribute, filled up to a multiple of four.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(attributes: &[Vec<u8>]) -> Vec<u8> {
    [vec![0; HEADER], attributes.concat()].concat()
}

#[test]
fn a_family_is_found_by_its_name() {
    let payload = message(&[
        attribute(2, b"nl80211\0"),
        attribute(1, &28_u16.to_ne_bytes()),
    ]);
    assert_eq!(family(&payload), Some((28, "nl80211".to_owned())));
    assert_eq!(family(&message(&[attribute(2, b"nl80211\0")])), None);
}

#[test]
fn an_interface_has_a_number_a_name_and_a_frequency() {
    let payload = message(&[
        attribute(3, &7_u32.to_ne_bytes()),
        attribute(4, b"wlan0\0"),
        attribute(38, &2412_u32.to_ne_bytes()),
    ]);
    let expected = Interface {
        index: 7,
        name: "wlan0".to_owned(),
        frequency: 2412,
    };
    assert_eq!(interface(&payload), Some(expected));
}

#[test]
fn only_the_cell_that_the_device_belongs_to_has_a_status() {
    let elements = [&[1, 2, 9, 9, 0, 4][..], b"home"].concat();
    let heard = [attribute(1, &[1, 2, 3, 4, 5, 6]), attribute(6, &elements)].concat();
    assert_eq!(cell(&message(&[attribute(47, &heard)])), None);
    let joined = [heard, attribute(9, &1_u32.to_ne_bytes())].concat();
    let expected = Cell {
        bssid: vec![1, 2, 3, 4, 5, 6],
        ssid: "home".to_owned(),
        membership: Membership::Client,
    };
    assert_eq!(cell(&message(&[attribute(47, &joined)])), Some(expected));
}

#[test]
fn a_station_shows_its_wide_counters_and_rates() {
    let rate = [
        attribute(1, &65_u16.to_ne_bytes()),
        attribute(5, &1280_u32.to_ne_bytes()),
    ]
    .concat();
    let narrow = attribute(1, &65_u16.to_ne_bytes());
    let info = [
        attribute(1, &400_u32.to_ne_bytes()),
        attribute(2, &1_u32.to_ne_bytes()),
        attribute(7, &(-52_i8).to_ne_bytes()),
        attribute(8, &narrow),
        attribute(9, &5_u32.to_ne_bytes()),
        attribute(14, &rate),
        attribute(16, &30_u32.to_ne_bytes()),
        attribute(23, &(1_u64 << 40).to_ne_bytes()),
    ]
    .concat();
    let payload = message(&[attribute(6, &[2, 0, 0, 0, 0, 1]), attribute(21, &info)]);
    let expected = Station {
        address: vec![2, 0, 0, 0, 0, 1],
        inactive: Duration::from_millis(400),
        connected: Duration::from_secs(30),
        received_bytes: 1 << 40,
        received_packets: 5,
        receive_bitrate: 128_000_000,
        transmit_bitrate: 6_500_000,
        signal: -52,
        ..Station::default()
    };
    assert_eq!(station(&payload), Some(expected));
}

#[test]
fn the_kernel_tells_its_own_family_of_generic_netlink() {
    let number = Netlink::of(GENERIC).family("nlctrl").unwrap();
    assert_eq!(number, GENL_ID_CTRL);
    let error = Netlink::of(GENERIC).family("none").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

proptest::proptest! {
    #[test]
    fn any_payload_is_parsed_or_left_out(kind in 0_u16..60, inner in 0_u16..30, value: Vec<u8>) {
        for payload in [
            message(&[attribute(kind, &value)]),
            message(&[attribute(kind, &attribute(inner, &value))]),
            value.clone(),
        ] {
            let _ = (family(&payload), interface(&payload), cell(&payload), station(&payload));
        }
        let _ = ssid(&value);
    }
}
