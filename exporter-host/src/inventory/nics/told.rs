//! What only netlink says of network devices: their addresses, the hardware address that they were made with, and the
//! kernel's name for what has no driver, such as `veth`.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use crate::sources::link_state::{self, LinkState};
use crate::sources::netlink::Netlink;
use crate::sources::rtnl;

/// All of it, by the names of the devices. Empty where the kernel was not asked.
#[derive(Debug, Default)]
pub(crate) struct Told {
    links: HashMap<String, LinkState>,
    addresses: HashMap<u32, Vec<(IpAddr, u8)>>,
}

impl Told {
    /// Two dumps.
    pub(crate) fn ask(netlink: &mut Netlink) -> io::Result<Self> {
        let links = link_state::dump(netlink)?;
        let mut addresses: HashMap<u32, Vec<(IpAddr, u8)>> = HashMap::new();
        for found in rtnl::addresses(netlink)? {
            let of_device = addresses.entry(found.index).or_default();
            of_device.push((found.address, found.prefix));
        }
        let links = links.into_iter().map(|link| (link.name.clone(), link));
        Ok(Self {
            links: links.collect(),
            addresses,
        })
    }

    /// The address that the device was made with (since Linux 5.6).
    pub(crate) fn permanent_mac(&self, name: &str, index: Option<u32>) -> Option<&str> {
        let address = &self.link(name, index)?.permanent_address;
        (!address.is_empty()).then_some(address)
    }

    /// The kernel's name for what the device is; hardware has none.
    pub(crate) fn kernel_kind(&self, name: &str, index: Option<u32>) -> Option<&str> {
        let kind = &self.link(name, index)?.kernel_kind;
        (!kind.is_empty()).then_some(kind)
    }

    /// The addresses of a device.
    pub(crate) fn addresses(&self, name: &str, index: Option<u32>) -> &[(IpAddr, u8)] {
        let found = self.link(name, index);
        let found = found.and_then(|link| self.addresses.get(&link.index));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Sysfs may be that of another network namespace: a device is the same if name and number are.
    fn link(&self, name: &str, index: Option<u32>) -> Option<&LinkState> {
        self.links
            .get(name)
            .filter(|link| Some(link.index) == index)
    }
}
