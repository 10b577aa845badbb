//! The URL of the brokers in the form of oslo.messaging's `transport_url`: several hosts, each with its user, and one
//! virtual host. It holds passwords: it is read when the configuration is, and shown without them.

use std::fmt;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use serde::Deserialize;

/// Port of a broker that names none, without and with TLS.
const PORTS: (u16, u16) = (5672, 5671);
/// Silence, seconds, after which both sides take the connection for broken at the latest.
const HEARTBEAT: u16 = 30;
/// How long one broker may take to accept a connection, milliseconds.
const CONNECT_TIMEOUT: u64 = 10_000;

/// The brokers of one cluster, in the order in which they are tried.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Brokers(Vec<AMQPUri>);

impl TryFrom<String> for Brokers {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        Self::parse(&url)
    }
}

impl Brokers {
    /// Reads `rabbit://USER:PASSWORD@HOST:PORT[,USER:PASSWORD@HOST:PORT...]/VIRTUAL-HOST[?ssl=1]`.
    ///
    /// # Errors
    /// What was expected; nothing of the URL is in it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected rabbit://USER:PASSWORD@HOST:PORT/VIRTUAL-HOST, amqp:// or amqps://";
        let (scheme, rest) = url.split_once("://").ok_or(EXPECTED)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut ssl = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("ssl="));
        let ssl = ssl.next_back().is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            ["1", "true", "yes", "on"].contains(&value.as_str())
        });
        let tls = match scheme {
            "amqps" => true,
            "rabbit" | "amqp" => ssl,
            _ => return Err(EXPECTED.to_owned()),
        };
        let vhost = match decode(path)? {
            none if none.is_empty() => "/".to_owned(),
            named => named,
        };
        let mut user = AMQPUserInfo {
            username: "guest".to_owned(),
            password: "guest".to_owned(),
        };
        let mut brokers = Vec::new();
        for host in hosts.split(',') {
            let (given, address) = host.rsplit_once('@').unwrap_or(("", host));
            if !given.is_empty() {
                let (name, password) = given.split_once(':').unwrap_or((given, ""));
                user = AMQPUserInfo {
                    username: decode(name)?,
                    password: decode(password)?,
                };
            }
            let (host, port) = address_of(address, tls)?;
            brokers.push(AMQPUri {
                scheme: if tls {
                    AMQPScheme::AMQPS
                } else {
                    AMQPScheme::AMQP
                },
                authority: AMQPAuthority {
                    // Where one of several has no user of its own it has the one before.
                    userinfo: user.clone(),
                    host,
                    port,
                },
                vhost: vhost.clone(),
                query: AMQPQueryString {
                    heartbeat: Some(HEARTBEAT),
                    connection_timeout: Some(CONNECT_TIMEOUT),
                    ..AMQPQueryString::default()
                },
            });
        }
        Ok(Self(brokers))
    }

    /// The broker to try at that attempt.
    pub(super) fn at(&self, attempt: usize) -> Option<&AMQPUri> {
        self.0.get(attempt % self.0.len().max(1))
    }
}

/// Host and port; an IPv6 address stands in brackets.
fn address_of(text: &str, tls: bool) -> Result<(String, u16), String> {
    let default = if tls { PORTS.1 } else { PORTS.0 };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or("expected ] behind an IPv6 address")?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None | Some("") => default,
        Some(port) => port.parse().map_err(|_| "expected a port of 1 to 65535")?,
    };
    match host.is_empty() {
        true => Err("expected a host".to_owned()),
        false => Ok((host.to_owned(), port)),
    }
}

/// Takes percent-encoding away.
fn decode(text: &str) -> Result<String, String> {
    const WRONG: &str = "expected two hexadecimal digits behind %";
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = rest.next().map(char::from)?.to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit().ok_or(WRONG)?, digit().ok_or(WRONG)?);
        decoded.push(high << 4 | low);
    }
    String::from_utf8(decoded).map_err(|_| "expected UTF-8".to_owned())
}

impl fmt::Debug for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.0.iter().map(|uri| {
            let AMQPAuthority { host, port, .. } = &uri.authority;
            format!("{}://{host}:{port}", uri.scheme)
        });
        f.debug_list().entries(addresses).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_url_names_brokers_users_and_the_virtual_host() {
        let url = "rabbit://me:p%40ss@one:1234,you:other@[::1],three/cloud%2F1?ssl=1";
        let brokers = Brokers::parse(url).unwrap();
        let seen: Vec<_> = (0..4).filter_map(|at| brokers.at(at)).collect();
        let all = seen.iter().map(|uri| {
            let AMQPAuthority {
                userinfo,
                host,
                port,
            } = &uri.authority;
            (
                userinfo.username.as_str(),
                userinfo.password.as_str(),
                host.as_str(),
                *port,
            )
        });
        let one = ("me", "p@ss", "one", 1234);
        let expected = [
            one,
            ("you", "other", "::1", 5671),
            ("you", "other", "three", 5671),
            one,
        ];
        assert_eq!(all.collect::<Vec<_>>(), expected);
        assert_eq!(seen[0].vhost, "cloud/1");
        assert_eq!(seen[0].scheme, AMQPScheme::AMQPS);
        assert_eq!(
            format!("{brokers:?}"),
            "[\"amqps://one:1234\", \"amqps://::1:5671\", \"amqps://three:5671\"]"
        );
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        for url in [
            "rabbit://h",
            "amqp://h/",
            "rabbit://h:5672//",
            "amqp://guest:guest@h/%2F",
        ] {
            let brokers = Brokers::parse(url).unwrap();
            let uri = brokers.at(0).unwrap();
            assert_eq!(
                (uri.vhost.as_str(), uri.authority.port),
                ("/", 5672),
                "{url}"
            );
            assert_eq!(uri.authority.userinfo.username, "guest");
        }
        assert_eq!(
            Brokers::parse("amqps://h")
                .unwrap()
                .at(0)
                .unwrap()
                .authority
                .port,
            5671
        );
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "h",
            "http://me:secret@h",
            "rabbit://me:secret@",
            "rabbit://me:secret@h:x",
            "rabbit://me:secret%zz@h",
            "rabbit://me:secret@[::1",
        ] {
            let refused = Brokers::parse(url).unwrap_err();
            assert!(
                refused.starts_with("expected") && !refused.contains("secret"),
                "{refused}"
            );
        }
    }
}
