//! Tests of the netlink messages, made by hand and from this machine.

use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn header(size: usize, index: u32) -> Vec<u8> {
    let mut bytes = vec![0; size];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes
}

fn stats() -> Vec<u8> {
    (100..100 + STATS as u64 + 1)
        .flat_map(u64::to_ne_bytes)
        .collect()
}

#[test]
fn a_link_has_a_name_and_its_counters_in_order() {
    let payload = [
        header(LINK_HEADER, 7),
        attribute(IFLA_IFNAME, b"eth0\0"),
        attribute(IFLA_STATS64, &stats()),
    ]
    .concat();
    let (index, name, stats) = parse_link(&payload).unwrap();
    assert_eq!((index, name), (7, "eth0"));
    assert_eq!(stats[field::RX_PACKETS], 100);
    assert_eq!(stats[field::RX_NOHANDLER], 123);
}

#[test]
fn an_old_kernel_sends_fewer_counters_and_the_rest_is_zero() {
    let payload = [
        header(LINK_HEADER, 1),
        attribute(IFLA_IFNAME, b"lo\0"),
        attribute(IFLA_STATS64, &stats()[..23 * 8]),
    ]
    .concat();
    let (_, _, stats) = parse_link(&payload).unwrap();
    assert_eq!(
        (stats[field::TX_COMPRESSED], stats[field::RX_NOHANDLER]),
        (122, 0)
    );
}

#[test]
fn a_link_without_name_or_statistics_is_left_out() {
    let nameless = [header(LINK_HEADER, 1), attribute(IFLA_STATS64, &stats())].concat();
    assert_eq!(parse_link(&nameless), None);
    let countless = [header(LINK_HEADER, 1), attribute(IFLA_IFNAME, b"lo\0")].concat();
    assert_eq!(parse_link(&countless), None);
    assert_eq!(parse_link(&[0; 5]), None);
}

#[test]
fn our_end_of_a_point_to_point_link_is_the_address() {
    let mut payload = header(ADDRESS_HEADER, 3);
    payload[1] = 32;
    payload.extend(attribute(IFA_ADDRESS, &[10, 0, 0, 2]));
    payload.extend(attribute(IFA_LOCAL, &[10, 0, 0, 1]));
    let expected = Address {
        index: 3,
        address: IpAddr::from([10, 0, 0, 1]),
        prefix: 32,
    };
    assert_eq!(parse_address(&payload), Some(expected));
}

#[test]
fn this_machine_has_a_loopback_device_with_its_address() {
    let mut netlink = Netlink::default();
    let mut links = Links::default();
    for _ in 0..3 {
        links.dump(&mut netlink).unwrap();
    }
    let loopbacks: Vec<_> = links.iter().filter(|link| link.name == "lo").collect();
    assert_eq!(loopbacks.len(), 1);
    let addresses = addresses(&mut netlink).unwrap();
    let found = addresses
        .iter()
        .find(|address| address.address == IpAddr::from([127, 0, 0, 1]));
    assert_eq!(
        found.map(|found| (found.index, found.prefix)),
        Some((loopbacks[0].index, 8))
    );
}

#[test]
fn a_request_that_the_kernel_does_not_know_is_its_error() {
    let error = Netlink::default()
        .dump(4000, &[0; 16], &mut (), |()| {}, |(), _| {})
        .unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
}

proptest::proptest! {
    #[test]
    fn any_payload_is_parsed_or_left_out(payload: Vec<u8>) {
        let _ = parse_link(&payload);
        let _ = parse_address(&payload);
    }
}
