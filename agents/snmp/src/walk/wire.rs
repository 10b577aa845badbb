//! How packets get to a device and back: the SNMP crate's UDP or TCP, with what it does not do itself: counting answers
//! that are no good and the time that good ones took, and messages for an engine behind a proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_snmp::{
    Candidate, ReceiveLimits, RequestRegistration, Result, TcpTransport, Transport, UdpHandle,
};
use bytes::Bytes;

use crate::metrics::Latency;
use crate::walk::proxy::Proxy;

/// What is counted on the wire over the agent's life.
#[derive(Debug, Default)]
pub(crate) struct WireStats {
    /// Answers to a request of ours that could not be read, were not signed as they should be or answered another
    /// question.
    pub(crate) rejected: AtomicU64,
    /// How long devices took to answer.
    pub(crate) latency: Latency,
}

/// The way to one device.
pub(crate) struct Wire {
    pub(crate) way: Way,
    /// Set if an engine behind the device is asked.
    pub(crate) proxy: Option<Proxy>,
    pub(crate) stats: Arc<WireStats>,
}

/// UDP or TCP.
pub(crate) enum Way {
    Udp(UdpHandle),
    Tcp(TcpTransport),
}

impl Transport for Wire {
    async fn send(&self, data: &[u8]) -> Result<()> {
        match &self.way {
            Way::Udp(way) => way.send(data).await,
            Way::Tcp(way) => way.send(data).await,
        }
    }

    async fn request_with<T, F>(
        &self,
        data: &[u8],
        registration: RequestRegistration,
        mut validate: F,
    ) -> Result<T>
    where
        T: Send,
        F: FnMut(Bytes, SocketAddr) -> Result<Candidate<T>> + Send,
    {
        let sent = std::time::Instant::now();
        let forwarded = match &self.proxy {
            Some(proxy) => Some(proxy.outbound(data)?),
            None => None,
        };
        let data = forwarded.as_deref().unwrap_or(data);
        let validate = |answer: Bytes, source| {
            let answer = match &self.proxy {
                Some(proxy) => proxy.inbound(answer),
                None => answer,
            };
            let verdict = validate(answer, source);
            match &verdict {
                Ok(Candidate::Accept(_)) => self.stats.latency.observe(sent.elapsed()),
                Ok(Candidate::Reject) => {
                    self.stats.rejected.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {}
            }
            verdict
        };
        match &self.way {
            Way::Udp(way) => way.request_with(data, registration, validate).await,
            Way::Tcp(way) => way.request_with(data, registration, validate).await,
        }
    }

    fn peer_addr(&self) -> SocketAddr {
        match &self.way {
            Way::Udp(way) => way.peer_addr(),
            Way::Tcp(way) => way.peer_addr(),
        }
    }

    fn local_addr(&self) -> SocketAddr {
        match &self.way {
            Way::Udp(way) => way.local_addr(),
            Way::Tcp(way) => way.local_addr(),
        }
    }

    fn is_reliable(&self) -> bool {
        matches!(self.way, Way::Tcp(_))
    }

    fn receive_limits(&self) -> ReceiveLimits {
        match &self.way {
            Way::Udp(way) => way.receive_limits(),
            Way::Tcp(way) => way.receive_limits(),
        }
    }

    fn send_capacity(&self) -> usize {
        match &self.way {
            Way::Udp(way) => way.send_capacity(),
            Way::Tcp(way) => way.send_capacity(),
        }
    }
}
