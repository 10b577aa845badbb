//! Where a listener listens: the forms that `--web.listen-address` takes, and binding them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::str::FromStr;

use crate::config::ConfigError;
use crate::failure::Failure;

/// An address to listen on: `:9100` for all interfaces, `127.0.0.1:9100`, `[::1]:9100` or `localhost:9100`. Port 0
/// takes any free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// `None` is all interfaces, by IPv6 and IPv4.
    host: Option<String>,
    port: u16,
}

impl FromStr for ListenAddress {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::value(text, "expected HOST:PORT, :PORT or [IPV6]:PORT");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bare = match host.strip_prefix('[') {
            Some(rest) => {
                let address = rest.strip_suffix(']').ok_or_else(wrong)?;
                address.parse::<Ipv6Addr>().map_err(|_| wrong())?;
                address
            }
            None => host,
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if bare == host && !bare.chars().all(is_name) {
            return Err(wrong());
        }
        Ok(Self {
            host: Some(bare.to_owned()).filter(|host| !host.is_empty()),
            port,
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}

impl ListenAddress {
    /// Binds it. A name is bound at the first of its addresses.
    pub(crate) fn bind(&self) -> Result<tokio::net::TcpListener, Failure> {
        let listener = self.try_bind().and_then(|listener| {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener)
        });
        listener.map_err(|error| Failure::start(format_args!("cannot listen on {self}: {error}")))
    }

    fn try_bind(&self) -> io::Result<TcpListener> {
        if let Some(host) = &self.host {
            let addresses: Vec<SocketAddr> =
                (host.as_str(), self.port).to_socket_addrs()?.collect();
            return TcpListener::bind(addresses.as_slice());
        }
        let all = |address: IpAddr| TcpListener::bind(SocketAddr::new(address, self.port));
        match all(Ipv6Addr::UNSPECIFIED.into()) {
            // A kernel without IPv6 has no such address; a port that is taken is taken.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                all(Ipv4Addr::UNSPECIFIED.into())
            }
            bound => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_exporters_are_read_and_written_back() {
        for text in [
            ":9100",
            "127.0.0.1:9100",
            "[::1]:9100",
            "localhost:0",
            "[::]:1",
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_expected_forms() {
        for text in [
            "",
            "9100",
            "foo",
            "::1:9100",
            "[::1]",
            "[::1:9100",
            "[x]:1",
            ":70000",
            ":-1",
            "a b:1",
            "http://x:1",
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{text}: expected HOST:PORT, :PORT or [IPV6]:PORT")
            );
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = "127.0.0.1:0"
            .parse::<ListenAddress>()
            .unwrap()
            .bind()
            .unwrap();
        let address: ListenAddress = taken.local_addr().unwrap().to_string().parse().unwrap();
        let failure = address.bind().unwrap_err().to_string();
        assert!(
            failure.starts_with(&format!("cannot listen on {address}: ")),
            "{failure}"
        );
    }
}
