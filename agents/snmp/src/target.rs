//! `target=` of a request: its spelling, and its first address that is allowed.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Instant;

use crate::allowed::Allowed;

/// Where SNMP agents listen.
const PORT: u16 = 161;

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::allowed::{DEFAULT_NETWORKS, DEFAULT_PORTS};

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

    async fn resolve(target: &str, named: bool) -> Result<SocketAddr, Unresolved> {
        let allowed = Allowed {
            networks: &DEFAULT_NETWORKS.map(|text| text.parse().unwrap()),
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
