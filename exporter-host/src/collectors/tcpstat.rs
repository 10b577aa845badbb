//! How many TCP connections are in each state, and how much waits in their queues. Source: the kernel's socket
//! diagnosis by netlink (sock_diag(7)), one dump for each family of addresses.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};
use rustix::net::netlink::SOCK_DIAG;

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::netlink::{Netlink, read_u32};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "tcpstat",
    default_on: false,
    help: "TCP connections by state",
    build,
};

/// The states by their number, which begin at 1.
const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Where `struct inet_diag_msg` has the state and the lengths of both queues.
const STATE: usize = 1;
const RECEIVE_QUEUE: usize = 56;
const SEND_QUEUE: usize = 60;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(TcpStat {
        roots: config.roots.clone(),
        netlink: Netlink::of(SOCK_DIAG),
    }))
}

struct TcpStat {
    roots: Roots,
    netlink: Netlink,
}

/// What was counted over all sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    states: [u64; STATES.len()],
    received: u64,
    to_send: u64,
}

impl Collector for TcpStat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut counts = self.dump(AF_INET)?;
        if self.roots.proc("net/tcp6").exists() {
            let v6 = self.dump(AF_INET6)?;
            for (sum, count) in counts.states.iter_mut().zip(v6.states) {
                *sum += count;
            }
            counts.received += v6.received;
            counts.to_send += v6.to_send;
        }
        let mut family = out.family(
            "node_tcp_connection_states",
            "Number of connection states.",
            MetricType::Gauge,
        );
        for (state, count) in STATES.into_iter().zip(counts.states) {
            if count > 0 {
                family.sample(&[("state", state)], count as f64);
            }
        }
        family.sample(&[("state", "rx_queued_bytes")], counts.received as f64);
        family.sample(&[("state", "tx_queued_bytes")], counts.to_send as f64);
        Ok(())
    }
}

impl TcpStat {
    fn dump(&mut self, family: u8) -> Result<Counts, CollectError> {
        // `struct inet_diag_req_v2`: all states, any socket, nothing beside the fixed part of the answer.
        let mut body = [0; 56];
        let all_states = 0xfff_u32.to_ne_bytes();
        let fixed = [family, IPPROTO_TCP, 0, 0].into_iter().chain(all_states);
        for (byte, value) in body.iter_mut().zip(fixed) {
            *byte = value;
        }
        let mut counts = Counts::default();
        let begin = |counts: &mut Counts| *counts = Counts::default();
        self.netlink
            .dump(
                SOCK_DIAG_BY_FAMILY,
                &body,
                &mut counts,
                begin,
                |counts, payload| {
                    add(counts, payload);
                },
            )
            .map_err(|error| CollectError::Other(format!("cannot dump TCP sockets: {error}")))?;
        Ok(counts)
    }
}

/// Counts one `struct inet_diag_msg`; one that is too short is no socket.
fn add(counts: &mut Counts, payload: &[u8]) -> Option<()> {
    let state = usize::from(*payload.get(STATE)?);
    let received = read_u32(payload, RECEIVE_QUEUE)?;
    let to_send = read_u32(payload, SEND_QUEUE)?;
    *counts.states.get_mut(state.checked_sub(1)?)? += 1;
    counts.received += u64::from(received);
    counts.to_send += u64::from(to_send);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_counted_by_state_and_their_queues_added_up() {
        let mut payload = [0; 72];
        payload[STATE] = 10;
        payload[RECEIVE_QUEUE..RECEIVE_QUEUE + 4].copy_from_slice(&3_u32.to_ne_bytes());
        let mut counts = Counts::default();
        add(&mut counts, &payload).unwrap();
        add(&mut counts, &payload).unwrap();
        assert_eq!(
            (counts.states[9], counts.received, counts.to_send),
            (2, 6, 0)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_payload_is_counted_or_left_out(payload: Vec<u8>) {
            let _ = add(&mut Counts::default(), &payload);
        }
    }
}
