//! The messages of netlink's routing family that describe routes: `RTM_NEWROUTE` (rtnetlink(7)). A parser of bytes,
//! and the dump that brings them.

use std::io;
use std::net::IpAddr;

use super::netlink::{Netlink, attributes, read_u16, read_u32};
use super::rtnl::parse_ip;

const RTM_GETROUTE: u16 = 26;

/// The size of `struct rtmsg`, and its type for a route that leads on.
const HEADER: usize = 12;
const RTN_UNICAST: u8 = 1;

/// The size of `struct rtnexthop`.
const NEXT_HOP: usize = 8;

/// A route, or one of the ways of a route with several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// The number of the network device.
    pub(crate) device: u32,
    /// `None` for the default route.
    pub(crate) destination: Option<IpAddr>,
    /// The length of the destination's prefix in bits.
    pub(crate) prefix: u8,
    /// The preferred source address.
    pub(crate) source: Option<IpAddr>,
    /// The next router.
    pub(crate) gateway: Option<IpAddr>,
    /// The metric.
    pub(crate) priority: u32,
    /// Who made the route; see [`protocol`].
    pub(crate) protocol: u8,
    /// The share of this way, if there are several.
    pub(crate) weight: Option<u32>,
}

/// Dumps all unicast routes of this network namespace.
pub(crate) fn dump(netlink: &mut Netlink) -> io::Result<Vec<Route>> {
    let mut all = Vec::new();
    netlink.dump(
        RTM_GETROUTE,
        &[0; HEADER],
        &mut all,
        Vec::clear,
        |all, payload| {
            parse(payload, all);
        },
    )?;
    Ok(all)
}

/// Adds the ways of a route; nothing if it is cut short or does not lead on.
fn parse(payload: &[u8], all: &mut Vec<Route>) -> Option<()> {
    if *payload.get(7)? != RTN_UNICAST {
        return None;
    }
    let mut route = Route {
        prefix: *payload.get(1)?,
        protocol: *payload.get(5)?,
        ..Route::default()
    };
    let mut ways = None;
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            1 => route.destination = parse_ip(value),
            4 => route.device = read_u32(value, 0)?,
            5 => route.gateway = parse_ip(value),
            6 => route.priority = read_u32(value, 0)?,
            7 => route.source = parse_ip(value),
            9 => ways = Some(value),
            _ => {}
        }
    }
    match ways {
        Some(ways) => several(ways, &route, all),
        None => all.push(route),
    }
    Some(())
}

/// A list of `struct rtnexthop`, each with attributes behind it.
fn several(mut ways: &[u8], route: &Route, all: &mut Vec<Route>) {
    while let (Some(length), Some(device)) = (read_u16(ways, 0), read_u32(ways, 4)) {
        let length = usize::from(length);
        let Some(rest) = ways.get(NEXT_HOP..length) else {
            break;
        };
        let hops = ways.get(3).copied().unwrap_or_default();
        let gateway = attributes(rest).find(|(kind, _)| *kind == 5);
        all.push(Route {
            device,
            gateway: gateway.and_then(|(_, value)| parse_ip(value)),
            weight: Some(u32::from(hops) + 1),
            ..route.clone()
        });
        ways = ways.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}

/// The name of who made a route (`rtnetlink.h`, `RTPROT_*`).
pub(crate) fn protocol(number: u8) -> &'static str {
    match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        42 => "babel",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route by `protocol` 3 to 10.0.0.0/8 with these attributes behind the destination.
    fn message(attributes: &[u8]) -> Vec<u8> {
        let mut payload = vec![2, 8, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        payload.extend([8, 0, 1, 0, 10, 0, 0, 0]);
        payload.extend(attributes);
        payload
    }

    #[test]
    fn a_route_has_what_its_attributes_say() {
        let mut all = Vec::new();
        parse(
            &message(&[8, 0, 4, 0, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1]),
            &mut all,
        )
        .unwrap();
        assert_eq!((all[0].prefix, protocol(all[0].protocol)), (8, "boot"));
        assert_eq!(all[0].gateway, Some([10, 0, 0, 1].into()));
        assert_eq!(all[0].weight, None);
    }

    #[test]
    fn each_way_of_a_route_with_several_is_one() {
        let way = |device: u8, hops| {
            [
                16, 0, 0, hops, device, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, device,
            ]
        };
        let mut value = vec![36, 0, 9, 0];
        value.extend(way(2, 0).into_iter().chain(way(3, 4)));
        let mut all = Vec::new();
        parse(&message(&value), &mut all).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[1].weight, all[1].gateway),
            (Some(5), Some([10, 0, 0, 3].into()))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_payload_is_parsed_or_left_out(rest: Vec<u8>) {
            let mut all = Vec::new();
            let _ = parse(&rest, &mut all);
            let _ = parse(&message(&rest), &mut all);
            several(&rest, &Route::default(), &mut all);
        }
    }
}
