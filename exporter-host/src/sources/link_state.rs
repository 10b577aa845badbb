//! What `RTM_NEWLINK` says of a network device beside its name and counters (rtnetlink(7)): addresses, flags and
//! states, as far as sysfs shows the same numbers. A parser of bytes, and the dump that brings them.

use std::fmt::Write;
use std::io;

use super::netlink::{Netlink, attributes, read_u16, read_u32};

const RTM_GETLINK: u16 = 18;

/// The size of `struct ifinfomsg`.
const HEADER: usize = 16;

/// The device is up, hears all packets, or those for all groups; it is running, has a carrier, or is dormant.
pub(crate) const IFF_UP: u32 = 1;
const IFF_PROMISC: u32 = 1 << 8;
const IFF_ALLMULTI: u32 = 1 << 9;
const IFF_RUNNING: u32 = 1 << 6;
const IFF_LOWER_UP: u32 = 1 << 16;
const IFF_DORMANT: u32 = 1 << 17;

/// The names of the states by their number (RFC 2863).
const OPERSTATES: [&str; 7] = [
    "unknown",
    "notpresent",
    "down",
    "lowerlayerdown",
    "testing",
    "dormant",
    "up",
];

/// A network device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LinkState {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) kind: u16,
    /// As sysfs shows them: without those that are states.
    pub(crate) flags: u32,
    pub(crate) is_dormant: bool,
    pub(crate) address: String,
    pub(crate) broadcast: String,
    pub(crate) alias: String,
    pub(crate) operstate: &'static str,
    pub(crate) link: u32,
    pub(crate) link_mode: u32,
    pub(crate) mtu: u32,
    pub(crate) queue_length: u32,
    pub(crate) group: u32,
    pub(crate) carrier: u32,
    pub(crate) carrier_changes: u32,
    pub(crate) carrier_up: u32,
    pub(crate) carrier_down: u32,
    /// The address that it was made with, since Linux 5.6.
    pub(crate) permanent_address: String,
    /// The kernel's name for what it is, such as `veth`; hardware has none.
    pub(crate) kernel_kind: String,
}

/// Dumps all devices of this network namespace, by their names.
pub(crate) fn dump(netlink: &mut Netlink) -> io::Result<Vec<LinkState>> {
    let mut all = Vec::new();
    let begin = Vec::clear;
    netlink.dump(
        RTM_GETLINK,
        &[0; HEADER],
        &mut all,
        begin,
        |all, payload| {
            all.extend(parse(payload));
        },
    )?;
    all.sort_unstable_by(|one: &LinkState, other| one.name.cmp(&other.name));
    Ok(all)
}

/// `RTM_NEWLINK`; `None` if it lacks its fixed part or a name.
pub(crate) fn parse(payload: &[u8]) -> Option<LinkState> {
    let raw = read_u32(payload, 8)?;
    let index = read_u32(payload, 4)?;
    let states = IFF_PROMISC | IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT;
    let mut link = LinkState {
        index,
        link: index,
        kind: read_u16(payload, 2)?,
        flags: raw & !states,
        is_dormant: raw & IFF_DORMANT != 0,
        operstate: "unknown",
        ..LinkState::default()
    };
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        let number = read_u32(value, 0).unwrap_or_default();
        let byte = value.first().copied().unwrap_or_default();
        match kind {
            1 => link.address = hardware_address(value),
            2 => link.broadcast = hardware_address(value),
            3 => link.name = text(value),
            4 => link.mtu = number,
            5 => link.link = number,
            13 => link.queue_length = number,
            18 => link.kernel_kind = kernel_kind(value),
            16 => link.operstate = OPERSTATES.get(usize::from(byte)).copied()?,
            17 => link.link_mode = byte.into(),
            20 => link.alias = text(value),
            27 => link.group = number,
            // Ports of a bridge hear all packets without a flag of their user.
            30 if number > 0 => link.flags |= IFF_PROMISC,
            33 => link.carrier = byte.into(),
            35 => link.carrier_changes = number,
            47 => link.carrier_up = number,
            48 => link.carrier_down = number,
            54 => link.permanent_address = hardware_address(value),
            61 if number > 0 => link.flags |= IFF_ALLMULTI,
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// `IFLA_LINKINFO` has `IFLA_INFO_KIND` among its attributes.
fn kernel_kind(value: &[u8]) -> String {
    let kind = attributes(value).find(|(kind, _)| *kind == 1);
    kind.map(|(_, value)| text(value)).unwrap_or_default()
}

/// A C string.
fn text(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim_end_matches('\0').to_owned()
}

/// `02:01:02:03:04:05`; a device without an address has an empty one.
fn hardware_address(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len() * 3);
    for byte in value {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a string does not fail.
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut payload = vec![0; HEADER];
        payload[2..4].copy_from_slice(&1_u16.to_ne_bytes());
        payload[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        payload[8..12].copy_from_slice(&flags.to_ne_bytes());
        payload.extend(attributes.concat());
        payload
    }

    #[test]
    fn a_device_has_what_its_attributes_say() {
        let payload = message(
            IFF_UP | IFF_RUNNING | IFF_LOWER_UP | 0x1002,
            &[
                attribute(3, b"eth0\0"),
                attribute(1, &[2, 0, 0, 0, 0, 0xab]),
                attribute(16, &[6]),
                attribute(4, &1500_u32.to_ne_bytes()),
                attribute(30, &1_u32.to_ne_bytes()),
                attribute(18, &attribute(1, b"veth\0")),
                attribute(54, &[2, 0, 0, 0, 0, 0xcd]),
            ],
        );
        let link = parse(&payload).unwrap();
        assert_eq!(
            (link.name.as_str(), link.index, link.link, link.kind),
            ("eth0", 7, 7, 1)
        );
        assert_eq!(link.address, "02:00:00:00:00:ab");
        assert_eq!(link.permanent_address, "02:00:00:00:00:cd");
        assert_eq!(link.kernel_kind, "veth");
        assert_eq!((link.operstate, link.mtu, link.flags), ("up", 1500, 0x1103));
    }

    #[test]
    fn a_device_without_a_name_is_left_out() {
        assert_eq!(parse(&message(0, &[])), None);
        assert_eq!(parse(&[0; 5]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_payload_is_parsed_or_left_out(payload: Vec<u8>) {
            let _ = parse(&payload);
        }
    }
}
