//! What the network devices received and sent. Source: the kernel's 64-bit counters by one netlink dump, or
//! `/proc/net/dev` with `--no-collector.netdev.netlink`; on request also the addresses of the devices.

use std::io;
use std::net::IpAddr;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::{HostConfig, NetdevConfig};
use crate::roots::{KernelFile, Roots};
use crate::sources::guest_links::GuestLinks;
use crate::sources::netlink::Netlink;
use crate::sources::rtnl::{self, Link, Links, STATS, field};
use crate::text::ParseError;

mod columns;

use columns::Column;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "netdev",
    default_on: true,
    help: "traffic and errors of network devices",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let NetdevConfig {
        detailed, netlink, ..
    } = config.netdev;
    Ok(Box::new(NetdevCollector {
        columns: columns::of(detailed, netlink),
        config: config.netdev.clone(),
        roots: config.roots.clone(),
        guests: config.guests.clone(),
        file: config.roots.proc("net/dev"),
        netlink: Netlink::default(),
        links: Links::default(),
    }))
}

struct NetdevCollector {
    config: NetdevConfig,
    roots: Roots,
    guests: GuestLinks,
    columns: Vec<Column>,
    file: KernelFile,
    netlink: Netlink,
    links: Links,
}

impl Collector for NetdevCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            config,
            roots,
            guests,
            columns,
            file,
            netlink,
            links,
        } = self;
        if config.netlink {
            links
                .dump(netlink)
                .map_err(|source| failed("links", &source))?;
        } else {
            file.parse(|text| parse(text, links))?;
        }
        links.filter(|name| !config.devices.ignores(name) && !guests.hides(name));
        let aliases = match config.label_alias {
            true => aliases(roots, links),
            false => Vec::new(),
        };
        for Column { name, help, sum } in columns {
            let mut family = out.family(name, help, MetricType::Counter);
            for (index, link) in links.iter().filter(|link| link.is_shown).enumerate() {
                let value = total(link, sum);
                match aliases.get(index) {
                    Some(alias) => {
                        family.sample(&[("device", &link.name), ("ifalias", alias)], value)
                    }
                    None => family.sample(&[("device", &link.name)], value),
                };
            }
        }
        if config.address_info {
            if !config.netlink {
                links
                    .dump(netlink)
                    .map_err(|source| failed("links", &source))?;
            }
            links.filter(|name| !guests.hides(name));
            let addresses =
                rtnl::addresses(netlink).map_err(|source| failed("addresses", &source))?;
            emit_addresses(links, &addresses, out);
        }
        Ok(())
    }
}

/// The names that operators gave to the devices that are shown, in their order; most have none.
fn aliases(roots: &Roots, links: &Links) -> Vec<String> {
    let alias = |name: &str| roots.sys_once(&format!("class/net/{name}/ifalias"));
    let shown = links.iter().filter(|link| link.is_shown);
    shown
        .map(|link| alias(&link.name).unwrap_or_default())
        .collect()
}

fn failed(what: &str, source: &io::Error) -> CollectError {
    CollectError::Other(format!("cannot dump network {what} by netlink: {source}"))
}

fn total(link: &Link, sum: &[usize]) -> f64 {
    let counters = sum.iter().filter_map(|index| link.stats.get(*index));
    counters.fold(0_u64, |total, counter| total.wrapping_add(*counter)) as f64
}

/// The counters in the order of the columns of `/proc/net/dev`: those of reception, then those of sending. The kernel
/// has added up there what the detailed counters of netlink tell apart.
const PROC_ORDER: [usize; 16] = [
    field::RX_BYTES,
    field::RX_PACKETS,
    field::RX_ERRORS,
    field::RX_DROPPED,
    field::RX_FIFO_ERRORS,
    field::RX_FRAME_ERRORS,
    field::RX_COMPRESSED,
    field::MULTICAST,
    field::TX_BYTES,
    field::TX_PACKETS,
    field::TX_ERRORS,
    field::TX_DROPPED,
    field::TX_FIFO_ERRORS,
    field::COLLISIONS,
    field::TX_CARRIER_ERRORS,
    field::TX_COMPRESSED,
];

/// Two lines of headings, then `name: 16 numbers`.
fn parse(text: &str, links: &mut Links) -> Result<(), ParseError> {
    const EXPECTED: &str = "`device: 16 numbers`";
    links.clear();
    for (index, line) in text.lines().enumerate().skip(2) {
        let (name, stats) =
            parse_line(line).ok_or_else(|| ParseError::at(index, EXPECTED, line))?;
        links.push(0, name, stats);
    }
    if text
        .lines()
        .nth(1)
        .is_none_or(|heading| !heading.contains('|'))
    {
        return Err(ParseError::Missing("two lines of headings"));
    }
    Ok(())
}

fn parse_line(line: &str) -> Option<(&str, [u64; STATS])> {
    let (name, rest) = line.rsplit_once(':')?;
    let mut stats = [0; STATS];
    let mut fields = rest.split_ascii_whitespace();
    for index in PROC_ORDER {
        *stats.get_mut(index)? = fields.next()?.parse().ok()?;
    }
    Some((name.trim_ascii_start(), stats))
}

fn emit_addresses(links: &Links, addresses: &[rtnl::Address], out: &mut Families) {
    let mut family = out.family(
        "node_network_address_info",
        "node network address by device",
        MetricType::Gauge,
    );
    for address in addresses {
        let mut shown = links.iter().filter(|link| link.is_shown);
        if let Some(link) = shown.find(|link| link.index == address.index) {
            let labels = [
                ("address", address.address.to_string()),
                ("device", link.name.clone()),
                ("netmask", address.prefix.to_string()),
                ("scope", scope(address.address).to_owned()),
            ];
            let labels = labels
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            family.sample(&labels, 1.0);
        }
    }
}

/// How far an address reaches, in the peer's words.
fn scope(address: IpAddr) -> &'static str {
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if address.is_loopback() || is_link_local {
        "link-local"
    } else if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        ""
    } else {
        "global"
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

#[cfg(test)]
mod tests;
