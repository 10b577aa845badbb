//! Whom a request may have us ask: networks and ports. Anything else would make the agent a way around a firewall.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The networks that are allowed unless `--snmp.allow-network` says otherwise: those that no one reaches from outside.
pub(crate) const DEFAULT_NETWORKS: [&str; 9] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The ports that are allowed unless `--snmp.allow-port` says otherwise: SNMP's own, and the one that programs without
/// privileges use in its place.
pub(crate) const DEFAULT_PORTS: [&str; 2] = ["161", "1161"];

/// Whom the operator allows to be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed<'a> {
    /// `--snmp.allow-network`
    pub(crate) networks: &'a [Network],
    /// `--snmp.allow-port`
    pub(crate) ports: &'a [Ports],
    /// Whether the configuration itself names the target, which is leave enough.
    pub(crate) named: bool,
}

/// Ports from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Whether `port` is one of them.
    pub(crate) fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a port, or ports such as 1024-65535, found {text:?}");
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port != 0);
        let first = port(first).ok_or_else(expected)?;
        let last = port(last)
            .filter(|&last| last >= first)
            .ok_or_else(expected)?;
        Ok(Self { first, last })
    }
}

/// A network, such as `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether `ip` is in it.
    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                let mask = u32::MAX
                    .checked_shl(Ipv4Addr::BITS - self.prefix)
                    .unwrap_or(0);
                (network.to_bits() ^ ip.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                let mask = u128::MAX
                    .checked_shl(Ipv6Addr::BITS - self.prefix)
                    .unwrap_or(0);
                (network.to_bits() ^ ip.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a network such as 10.0.0.0/8, found {text:?}");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let longest = if address.is_ipv4() {
            Ipv4Addr::BITS
        } else {
            Ipv6Addr::BITS
        };
        let prefix = prefix
            .map_or(Ok(longest), str::parse)
            .map_err(|_| expected())?;
        if prefix > longest {
            return Err(expected());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn private_networks_and_loopback_are_allowed_by_default_and_others_are_not() {
        let allowed = networks(&DEFAULT_NETWORKS);
        let contains = |ip: &str| {
            allowed
                .iter()
                .any(|network| network.contains(ip.parse().unwrap()))
        };
        for ip in [
            "127.0.0.1",
            "10.255.0.1",
            "172.31.0.1",
            "192.168.7.7",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(contains(ip), "{ip}");
        }
        for ip in [
            "8.8.8.8",
            "172.32.0.1",
            "11.0.0.1",
            "2001:db8::1",
            "0.0.0.0",
            "::",
        ] {
            assert!(!contains(ip), "{ip}");
        }
    }

    #[test]
    fn a_network_is_an_address_and_a_prefix() {
        let all = networks(&["0.0.0.0/0", "10.1.2.3"]);
        assert!(all[0].contains("8.8.8.8".parse().unwrap()));
        assert!(!all[0].contains("::1".parse().unwrap()));
        assert!(all[1].contains("10.1.2.3".parse().unwrap()));
        assert!(!all[1].contains("10.1.2.4".parse().unwrap()));
        for text in ["10.0.0.0/33", "::/129", "10.0.0/8", "", "x", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn ports_are_one_or_a_range() {
        let range: Ports = "1024-65535".parse().unwrap();
        assert!(range.contains(1024) && range.contains(65_535) && !range.contains(1023));
        let one: Ports = "161".parse().unwrap();
        assert!(one.contains(161) && !one.contains(162));
        for text in ["", "0", "x", "70000", "200-100", "1-", "-1"] {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
    }
}
