//! The UDP sockets that all targets share: a few for each address family, so that hundreds of targets at once need no
//! hundreds of sockets and a burst of answers has several buffers to land in.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_snmp::{UdpHandle, UdpTransport};

/// Sockets for each address family; a target always uses the same one.
const SOCKETS: u64 = 8;

/// What the kernel is asked to buffer for a socket, in bytes; it gives no more than `net.core.rmem_max`.
const BUFFER: usize = 4 << 20;

/// The largest answer that is asked for, in bytes: what UDP can carry.
const ANSWER: usize = async_snmp::MAX_UDP_PAYLOAD;

/// Datagrams that were thrown away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Discarded {
    /// Nobody had asked for them: a wrong request id, source or community, late or twice.
    pub(crate) unexpected: u64,
    /// They were no SNMP messages.
    pub(crate) malformed: u64,
}

/// The sockets, each opened when it is first needed.
#[derive(Default)]
pub(crate) struct Sockets {
    /// `--snmp.source-address`
    source: Option<SocketAddr>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    transports: BTreeMap<(bool, u64), UdpTransport>,
    /// What sockets that are closed had thrown away.
    before: Discarded,
}

impl Sockets {
    /// Sockets that send from `source`, or from wherever the kernel likes.
    pub(crate) fn new(source: Option<SocketAddr>) -> Self {
        Self {
            source,
            open: Mutex::default(),
        }
    }

    /// A way to ask `target`, taking answers from `any_source` or from nobody else.
    pub(crate) async fn handle(
        &self,
        target: SocketAddr,
        any_source: bool,
    ) -> Result<UdpHandle, String> {
        let key = self.key(target);
        let known = self.lock().transports.get(&key).cloned();
        let transport = match known {
            Some(known) => known,
            None => {
                let opened = self.open(target).await?;
                // Another task may have opened it meanwhile: then that one is used.
                self.lock().transports.entry(key).or_insert(opened).clone()
            }
        };
        let handle = transport
            .handle(target)
            .map_err(|error| error.to_string())?;
        Ok(handle.strict_source(!any_source))
    }

    async fn open(&self, target: SocketAddr) -> Result<UdpTransport, String> {
        let address = self.source.unwrap_or_else(|| {
            let any: IpAddr = if target.is_ipv4() {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                Ipv6Addr::UNSPECIFIED.into()
            };
            SocketAddr::new(any, 0)
        });
        let failed = |error: String| format!("cannot open a socket on {address}: {error}");
        // The SNMP crate binds with SO_REUSEADDR, and then the kernel may give the same free port to two such sockets, of
        // which one never sees an answer. A plain socket gets a port that nobody has.
        let port = UdpSocket::bind(address)
            .and_then(|plain| plain.local_addr())
            .map_err(|error| failed(error.to_string()))?
            .port();
        UdpTransport::builder()
            .bind(SocketAddr::new(address.ip(), port).to_string())
            .recv_buffer_size(BUFFER)
            .receive_capacity(ANSWER)
            .build()
            .await
            .map_err(|error| failed(error.to_string()))
    }

    /// Closes the socket of `target`, which the kernel has broken; the next request opens another one.
    pub(crate) fn replace(&self, target: SocketAddr) {
        let mut open = self.lock();
        if let Some(broken) = open.transports.remove(&self.key(target)) {
            let stats = broken.stats();
            open.before.unexpected += stats.discarded_datagrams;
            open.before.malformed += stats.malformed_datagrams;
        }
    }

    /// Datagrams thrown away so far.
    pub(crate) fn discarded(&self) -> Discarded {
        let open = self.lock();
        let mut sum = open.before;
        for stats in open.transports.values().map(UdpTransport::stats) {
            sum.unexpected += stats.discarded_datagrams;
            sum.malformed += stats.malformed_datagrams;
        }
        sum
    }

    fn key(&self, target: SocketAddr) -> (bool, u64) {
        let mut hasher = DefaultHasher::new();
        target.hash(&mut hasher);
        let sockets = match self.source {
            Some(source) if source.port() != 0 => 1,
            _ => SOCKETS,
        };
        (target.is_ipv4(), hasher.finish() % sockets)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn targets_share_a_few_sockets_of_different_ports() {
        let sockets = Sockets::default();
        for port in 1..=1000 {
            let target = SocketAddr::from(([127, 0, 0, 1], port));
            sockets.handle(target, false).await.unwrap();
        }
        let open = sockets.lock();
        let mut ports: Vec<u16> = open
            .transports
            .values()
            .map(|transport| transport.local_addr().port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len() as u64, SOCKETS);
    }

    #[tokio::test]
    async fn a_source_address_is_kept_to() {
        let source = SocketAddr::from(([127, 0, 0, 9], 0));
        let sockets = Sockets::new(Some(source));
        let target = SocketAddr::from(([127, 0, 0, 1], 161));
        sockets.handle(target, false).await.unwrap();
        let open = sockets.lock();
        let bound = open.transports.values().next().unwrap().local_addr();
        assert_eq!(bound.ip(), source.ip());
    }
}
