//! The messages of the routing family of netlink (rtnetlink(7)) that describe network devices: `RTM_NEWLINK` with
//! name and statistics, `RTM_NEWADDR` with an address. Parsers of bytes, and the two dumps that bring them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::netlink::{Netlink, attributes, read_u32};

const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;

/// The size of `struct ifinfomsg` and of `struct ifaddrmsg`.
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;

const IFLA_IFNAME: u16 = 3;
const IFLA_STATS64: u16 = 23;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// The fields of `struct rtnl_link_stats64`; older kernels send fewer.
pub(crate) const STATS: usize = 24;

/// A network device and what it counted, in the order of `struct rtnl_link_stats64` (see [`field`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Link {
    /// The kernel's number of the device.
    pub(crate) index: u32,
    /// Its name.
    pub(crate) name: String,
    /// Its counters.
    pub(crate) stats: [u64; STATS],
    /// Whether the filter leaves it; see [`Links::filter`].
    pub(crate) is_shown: bool,
}

/// Where each counter is in [`Link::stats`].
pub(crate) mod field {
    pub(crate) const RX_PACKETS: usize = 0;
    pub(crate) const TX_PACKETS: usize = 1;
    pub(crate) const RX_BYTES: usize = 2;
    pub(crate) const TX_BYTES: usize = 3;
    pub(crate) const RX_ERRORS: usize = 4;
    pub(crate) const TX_ERRORS: usize = 5;
    pub(crate) const RX_DROPPED: usize = 6;
    pub(crate) const TX_DROPPED: usize = 7;
    pub(crate) const MULTICAST: usize = 8;
    pub(crate) const COLLISIONS: usize = 9;
    pub(crate) const RX_LENGTH_ERRORS: usize = 10;
    pub(crate) const RX_OVER_ERRORS: usize = 11;
    pub(crate) const RX_CRC_ERRORS: usize = 12;
    pub(crate) const RX_FRAME_ERRORS: usize = 13;
    pub(crate) const RX_FIFO_ERRORS: usize = 14;
    pub(crate) const RX_MISSED_ERRORS: usize = 15;
    pub(crate) const TX_ABORTED_ERRORS: usize = 16;
    pub(crate) const TX_CARRIER_ERRORS: usize = 17;
    pub(crate) const TX_FIFO_ERRORS: usize = 18;
    pub(crate) const TX_HEARTBEAT_ERRORS: usize = 19;
    pub(crate) const TX_WINDOW_ERRORS: usize = 20;
    pub(crate) const RX_COMPRESSED: usize = 21;
    pub(crate) const TX_COMPRESSED: usize = 22;
    pub(crate) const RX_NOHANDLER: usize = 23;
}

/// An address of a network device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The number of the device.
    pub(crate) index: u32,
    /// The address itself.
    pub(crate) address: IpAddr,
    /// The length of its network's prefix in bits.
    pub(crate) prefix: u8,
}

/// A list that is filled anew on each dump and keeps the allocations of its names.
#[derive(Debug, Default)]
pub(crate) struct Links {
    all: Vec<Link>,
    used: usize,
}

impl Links {
    /// The devices of the last dump.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.all.iter().take(self.used)
    }

    /// Decides once which devices are shown.
    pub(crate) fn filter(&mut self, is_shown: impl Fn(&str) -> bool) {
        for link in self.all.iter_mut().take(self.used) {
            link.is_shown = is_shown(&link.name);
        }
    }

    /// Forgets the devices but not their allocations.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
    }

    /// Room for one more device.
    pub(crate) fn push(&mut self, index: u32, name: &str, stats: [u64; STATS]) {
        if self.used == self.all.len() {
            self.all.push(Link::default());
        }
        if let Some(link) = self.all.get_mut(self.used) {
            link.index = index;
            link.name.clear();
            link.name.push_str(name);
            link.stats = stats;
            link.is_shown = true;
            self.used += 1;
        }
    }

    /// Dumps all devices of this network namespace.
    pub(crate) fn dump(&mut self, netlink: &mut Netlink) -> io::Result<()> {
        netlink.dump(
            RTM_GETLINK,
            &[0; LINK_HEADER],
            self,
            Self::clear,
            |links, payload| {
                if let Some((index, name, stats)) = parse_link(payload) {
                    links.push(index, name, stats);
                }
            },
        )
    }
}

/// Dumps all addresses of this network namespace.
pub(crate) fn addresses(netlink: &mut Netlink) -> io::Result<Vec<Address>> {
    let mut all = Vec::new();
    netlink.dump(
        RTM_GETADDR,
        &[0; ADDRESS_HEADER],
        &mut all,
        Vec::clear,
        |all, payload| {
            all.extend(parse_address(payload));
        },
    )?;
    Ok(all)
}

/// `RTM_NEWLINK`; `None` if it lacks a name or statistics.
fn parse_link(payload: &[u8]) -> Option<(u32, &str, [u64; STATS])> {
    let index = read_u32(payload, 4)?;
    let mut name = None;
    let mut stats = None;
    for (kind, value) in attributes(payload.get(LINK_HEADER..)?) {
        match kind {
            IFLA_IFNAME => name = parse_name(value),
            IFLA_STATS64 => stats = Some(parse_stats(value)),
            _ => {}
        }
    }
    Some((index, name?, stats?))
}

/// A C string.
fn parse_name(value: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(value).ok()?;
    Some(name.trim_end_matches('\0'))
}

fn parse_stats(value: &[u8]) -> [u64; STATS] {
    let mut stats = [0; STATS];
    for (counter, bytes) in stats.iter_mut().zip(value.chunks_exact(8)) {
        *counter = bytes.first_chunk().copied().map_or(0, u64::from_ne_bytes);
    }
    stats
}

/// `RTM_NEWADDR`: of a point-to-point link `IFA_ADDRESS` is the other end and `IFA_LOCAL` ours.
fn parse_address(payload: &[u8]) -> Option<Address> {
    let prefix = *payload.get(1)?;
    let index = read_u32(payload, 4)?;
    let mut local = None;
    let mut address = None;
    for (kind, value) in attributes(payload.get(ADDRESS_HEADER..)?) {
        match kind {
            IFA_LOCAL => local = parse_ip(value),
            IFA_ADDRESS => address = parse_ip(value),
            _ => {}
        }
    }
    Some(Address {
        index,
        address: local.or(address)?,
        prefix,
    })
}

/// An address of 4 or 16 bytes.
pub(crate) fn parse_ip(value: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(value) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(value)
        .ok()
        .map(|v6| Ipv6Addr::from(v6).into())
}

#[cfg(test)]
#[path = "rtnl_tests.rs"]
mod tests;
