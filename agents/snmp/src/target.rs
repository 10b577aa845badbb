//! Whom a request may have us ask: the target's spelling, its addresses, and the networks that are allowed. Anything
//! else would make the agent a way around a firewall.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Instant;

/// Where SNMP agents listen.
const PORT: u16 = 161;

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

/// `target=` of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    host: String,
    port: u16,
    /// Whether to ask over TCP instead of UDP.
    pub(crate) tcp: bool,
}

impl Target {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT`, each with `udp://` or `tcp://` before it or nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected =
            |what: &str| format!("cannot ask target {text:?}: expected {what}, such as switch:161");
        let (transport, rest) = text.split_once("://").unwrap_or(("udp", text));
        let tcp = match transport {
            "udp" => false,
            "tcp" => true,
            _ => return Err(expected("udp:// or tcp://")),
        };
        let is_ipv6 = rest.parse::<Ipv6Addr>().is_ok();
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !is_ipv6 && !rest.ends_with(']') => {
                let port = port.parse().ok().filter(|&port| port != 0);
                (
                    host,
                    port.ok_or_else(|| expected("a port from 1 to 65535"))?,
                )
            }
            _ => (rest, PORT),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(expected("a host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            tcp,
        })
    }

    /// The first of the target's addresses that is allowed.
    pub(crate) async fn resolve(
        &self,
        allowed: &Allowed<'_>,
        deadline: Instant,
    ) -> Result<SocketAddr, Unresolved> {
        let port = self.port;
        if !allowed.named && !allowed.ports.iter().any(|ports| ports.contains(port)) {
            return Err(Unresolved::Refused(format!(
                "target {self} is not allowed: {port} is none of the ports of --snmp.allow-port"
            )));
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port));
        let found = tokio::time::timeout_at(deadline.into(), found).await;
        let unknown =
            |reason: String| Unresolved::Unknown(format!("cannot resolve {self}: {reason}"));
        let found = found.map_err(|_| unknown("no answer in time".to_owned()))?;
        let found = found.map_err(|error| unknown(error.to_string()))?;
        let mut refused = None;
        for address in found {
            let ip = address.ip().to_canonical();
            let mut networks = allowed.networks.iter();
            if allowed.named || networks.any(|network| network.contains(ip)) {
                return Ok(address);
            }
            refused = refused.or(Some(ip));
        }
        match refused {
            Some(ip) => Err(Unresolved::Refused(format!(
                "target {self} is not allowed: {ip} is in none of the networks of --snmp.allow-network"
            ))),
            None => Err(unknown("no address".to_owned())),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = if self.tcp { "tcp://" } else { "" };
        if self.host.contains(':') {
            write!(f, "{transport}[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{transport}{}:{}", self.host, self.port)
        }
    }
}

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
    fn contains(self, port: u16) -> bool {
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

/// Why a target is not asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    /// Its address is not one that is allowed.
    #[error("{0}")]
    Refused(String),
    /// It has no address.
    #[error("{0}")]
    Unknown(String),
}

/// A network, such as `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_target_has_a_host_and_may_have_a_port_and_a_transport() {
        for (text, expected) in [
            ("switch", "switch:161"),
            ("10.0.0.1:1161", "10.0.0.1:1161"),
            ("udp://switch.example", "switch.example:161"),
            ("tcp://switch:162", "tcp://switch:162"),
            ("::1", "[::1]:161"),
            ("[fe80::1]", "[fe80::1]:161"),
            ("[fe80::1%eth0]:99", "[fe80::1%eth0]:99"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), expected);
        }
        for text in [
            "",
            ":161",
            "switch:0",
            "switch:x",
            "switch:70000",
            "http://x",
            "a/b",
            "a b",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

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

    async fn resolve(target: &str, named: bool) -> Result<SocketAddr, Unresolved> {
        let allowed = Allowed {
            networks: &networks(&DEFAULT_NETWORKS),
            ports: &DEFAULT_PORTS.map(|text| text.parse().unwrap()),
            named,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        Target::parse(target)
            .unwrap()
            .resolve(&allowed, deadline)
            .await
    }

    #[tokio::test]
    async fn an_address_or_port_that_is_not_allowed_is_refused_unless_the_configuration_names_it() {
        // The same address in IPv6's clothes is no way around.
        for target in [
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "127.0.0.1:22",
            "tcp://127.0.0.1:5432",
        ] {
            let refused = resolve(target, false).await.unwrap_err();
            assert!(matches!(refused, Unresolved::Refused(_)), "{refused}");
            assert!(resolve(target, true).await.is_ok(), "{target}");
        }
        let loopback = resolve("127.0.0.1:1161", false).await.unwrap();
        assert_eq!(loopback.to_string(), "127.0.0.1:1161");
    }
}
