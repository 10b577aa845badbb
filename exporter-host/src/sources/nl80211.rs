//! Wireless devices as the kernel's nl80211 tells of them (generic netlink, `linux/nl80211.h`): the devices, the cell
//! that each is in, and the stations that it hears. Parsers of bytes, and the dumps that bring them.

use std::io;
use std::time::Duration;

use rustix::net::netlink::GENERIC;

use super::netlink::{Netlink, attributes, read_u16, read_u32};

/// Generic netlink's own family, which tells the number of every other one.
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

/// The size of `struct genlmsghdr`.
const HEADER: usize = 4;

const GET_INTERFACE: u8 = 5;
const GET_STATION: u8 = 17;
const GET_SCAN: u8 = 32;

/// `NL80211_ATTR_…`.
mod attribute {
    pub(super) const IFINDEX: u16 = 3;
    pub(super) const IFNAME: u16 = 4;
    pub(super) const MAC: u16 = 6;
    pub(super) const STA_INFO: u16 = 21;
    pub(super) const WIPHY_FREQ: u16 = 38;
    pub(super) const BSS: u16 = 47;
}

/// A wireless device.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Interface {
    /// The kernel's number of the device.
    pub(crate) index: u32,
    /// Its name; some virtual ones have none.
    pub(crate) name: String,
    /// Its frequency in MHz, 0 if it has none.
    pub(crate) frequency: u32,
}

/// How a device belongs to a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Membership {
    /// As a client of an access point.
    Client,
    /// As one of many without an access point.
    AdHoc,
    /// In a way that is newer than this program.
    #[default]
    Unknown,
}

impl Membership {
    /// `enum nl80211_bss_status`.
    pub(crate) fn of(status: u32) -> Self {
        match status {
            0 | 1 => Self::Client,
            2 => Self::AdHoc,
            _ => Self::Unknown,
        }
    }
}

/// The cell that a device is in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    /// The access point's address.
    pub(crate) bssid: Vec<u8>,
    /// The network's name.
    pub(crate) ssid: String,
    /// How the device belongs to it.
    pub(crate) membership: Membership,
}

/// A station that a device hears.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Station {
    /// Its address.
    pub(crate) address: Vec<u8>,
    /// How long it has been connected.
    pub(crate) connected: Duration,
    /// How long it has been silent.
    pub(crate) inactive: Duration,
    /// Bytes that came from it and went to it.
    pub(crate) received_bytes: u64,
    /// Bytes that went to it.
    pub(crate) transmitted_bytes: u64,
    /// Packets that came from it.
    pub(crate) received_packets: u32,
    /// Packets that went to it.
    pub(crate) transmitted_packets: u32,
    /// How fast it sends, in bits per second.
    pub(crate) receive_bitrate: u64,
    /// How fast it is sent to, in bits per second.
    pub(crate) transmit_bitrate: u64,
    /// How strong it is heard, in dBm.
    pub(crate) signal: i32,
    /// Packets that had to be sent again.
    pub(crate) transmit_retries: u32,
    /// Packets that could not be sent.
    pub(crate) transmit_failed: u32,
    /// Beacons that did not come.
    pub(crate) beacon_loss: u32,
}

/// Asks the kernel.
pub(crate) struct Wireless {
    netlink: Netlink,
    /// The number that the kernel has given to nl80211.
    family: Option<u16>,
}

impl Wireless {
    pub(crate) fn new() -> Self {
        Self {
            netlink: Netlink::of(GENERIC),
            family: None,
        }
    }

    /// The devices of this network namespace; `NotFound` if the kernel has no wireless subsystem.
    pub(crate) fn interfaces(&mut self) -> io::Result<Vec<Interface>> {
        self.dump(GET_INTERFACE, None, interface)
    }

    /// The cell that the device is in.
    pub(crate) fn cell(&mut self, device: u32) -> io::Result<Option<Cell>> {
        Ok(self.dump(GET_SCAN, Some(device), cell)?.pop())
    }

    /// The stations that the device hears.
    pub(crate) fn stations(&mut self, device: u32) -> io::Result<Vec<Station>> {
        self.dump(GET_STATION, Some(device), station)
    }

    fn dump<T>(
        &mut self,
        command: u8,
        device: Option<u32>,
        parse: fn(&[u8]) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        let family = match self.family {
            Some(family) => family,
            None => *self.family.insert(self.netlink.family("nl80211")?),
        };
        let mut body = vec![command, 0, 0, 0];
        if let Some(device) = device {
            body.extend(8_u16.to_ne_bytes());
            body.extend(attribute::IFINDEX.to_ne_bytes());
            body.extend(device.to_ne_bytes());
        }
        let mut all = Vec::new();
        let result = self
            .netlink
            .dump(family, &body, &mut all, Vec::clear, |all, payload| {
                all.extend(parse(payload));
            });
        if result.is_err() {
            // The subsystem may have been unloaded and come back under another number.
            self.family = None;
        }
        result.map(|()| all)
    }
}

impl Netlink {
    /// The number of a family of generic netlink.
    fn family(&mut self, name: &str) -> io::Result<u16> {
        let mut found = Vec::new();
        let body = [CTRL_CMD_GETFAMILY, 1, 0, 0];
        self.dump(
            GENL_ID_CTRL,
            &body,
            &mut found,
            Vec::clear,
            |found, payload| {
                found.extend(family(payload).filter(|(_, family)| family == name));
            },
        )?;
        let number = found.first().map(|(number, _)| *number);
        number.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("kernel without {name}"))
        })
    }
}

/// `CTRL_CMD_NEWFAMILY`: number and name.
fn family(payload: &[u8]) -> Option<(u16, String)> {
    let (mut number, mut name) = (None, None);
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            CTRL_ATTR_FAMILY_ID => number = read_u16(value, 0),
            CTRL_ATTR_FAMILY_NAME => name = Some(text(value)),
            _ => {}
        }
    }
    Some((number?, name?))
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .trim_end_matches('\0')
        .to_owned()
}

/// `NL80211_CMD_NEW_INTERFACE`.
fn interface(payload: &[u8]) -> Option<Interface> {
    let mut interface = Interface::default();
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            attribute::IFINDEX => interface.index = read_u32(value, 0)?,
            attribute::IFNAME => interface.name = text(value),
            attribute::WIPHY_FREQ => interface.frequency = read_u32(value, 0)?,
            _ => {}
        }
    }
    Some(interface)
}

/// `NL80211_CMD_NEW_SCAN_RESULTS`; `None` for a cell that is only heard.
fn cell(payload: &[u8]) -> Option<Cell> {
    const BSSID: u16 = 1;
    const INFORMATION_ELEMENTS: u16 = 6;
    const STATUS: u16 = 9;
    let mut attributes_of = attributes(payload.get(HEADER..)?);
    let (_, bss) = attributes_of.find(|(kind, _)| *kind == attribute::BSS)?;
    let mut cell = Cell::default();
    let mut status = None;
    for (kind, value) in attributes(bss) {
        match kind {
            BSSID => value.clone_into(&mut cell.bssid),
            INFORMATION_ELEMENTS => cell.ssid = ssid(value).unwrap_or_default(),
            STATUS => status = read_u32(value, 0),
            _ => {}
        }
    }
    cell.membership = Membership::of(status?);
    Some(cell)
}

/// The name among the elements of a beacon, each of which is a number, a length and a content (IEEE 802.11, 9.4.2).
fn ssid(mut elements: &[u8]) -> Option<String> {
    const SSID: u8 = 0;
    loop {
        let (&[number, length], rest) = elements.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(length.into())?;
        if number == SSID {
            return Some(String::from_utf8_lossy(content).into_owned());
        }
        elements = rest;
    }
}

/// `NL80211_CMD_NEW_STATION`.
fn station(payload: &[u8]) -> Option<Station> {
    let mut station = Station::default();
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            attribute::MAC => value.clone_into(&mut station.address),
            attribute::STA_INFO => {
                for (kind, value) in attributes(value) {
                    station.set(kind, value);
                }
            }
            _ => {}
        }
    }
    Some(station)
}

impl Station {
    /// One of `NL80211_STA_INFO_…`. The wide counters come after the narrow ones and take their place.
    fn set(&mut self, kind: u16, value: &[u8]) {
        let number = || read_u32(value, 0).unwrap_or_default();
        let wide = || {
            let bytes = value.first_chunk().copied();
            bytes.map_or(0, u64::from_ne_bytes)
        };
        match kind {
            1 => self.inactive = Duration::from_millis(number().into()),
            2 => self.received_bytes = number().into(),
            3 => self.transmitted_bytes = number().into(),
            7 => {
                self.signal = value
                    .first()
                    .map_or(0, |signal| signal.cast_signed().into());
            }
            8 => self.transmit_bitrate = bitrate(value),
            9 => self.received_packets = number(),
            10 => self.transmitted_packets = number(),
            11 => self.transmit_retries = number(),
            12 => self.transmit_failed = number(),
            14 => self.receive_bitrate = bitrate(value),
            16 => self.connected = Duration::from_secs(number().into()),
            18 => self.beacon_loss = number(),
            23 => self.received_bytes = wide(),
            24 => self.transmitted_bytes = wide(),
            _ => {}
        }
    }
}

/// `NL80211_RATE_INFO_BITRATE32`, or `…_BITRATE` where the kernel has no wide one; in units of 100 kbit/s.
fn bitrate(rate: &[u8]) -> u64 {
    let (mut narrow, mut wide) = (None, None);
    for (kind, value) in attributes(rate) {
        match kind {
            1 => narrow = read_u16(value, 0).map(u32::from),
            5 => wide = read_u32(value, 0),
            _ => {}
        }
    }
    u64::from(wide.or(narrow).unwrap_or_default()) * 100_000
}

#[cfg(test)]
#[path = "nl80211_tests.rs"]
mod tests;
