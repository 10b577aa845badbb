//! What this host does as a client of NFS: packets, calls and procedures. Source: `/proc/net/rpc/nfs`.

use exposition::{Families, MetricType};
use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::sources::rpc::{self, RpcCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "nfs",
    default_on: true,
    help: "NFS client statistics from /proc/net/rpc/nfs",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    RpcCollector::build(config, "net/rpc/nfs", "NFS is not in use", emit)
}

fn emit(word: &str, values: &[f64], out: &mut Families) {
    let value = |place| rpc::at(values, place);
    match word {
        "net" => {
            out.family(
                "node_nfs_packets_total",
                "Total NFSd network packets (sent+received) by protocol type.",
                MetricType::Counter,
            )
            .sample(&[("protocol", "udp")], value(1))
            .sample(&[("protocol", "tcp")], value(2));
            out.counter(
                "node_nfs_connections_total",
                "Total number of NFSd TCP connections.",
                value(3),
            );
        }
        "rpc" => {
            out.counter(
                "node_nfs_rpcs_total",
                "Total number of RPCs performed.",
                value(0),
            );
            out.counter(
                "node_nfs_rpc_retransmissions_total",
                "Number of RPC transmissions performed.",
                value(1),
            );
            out.counter(
                "node_nfs_rpc_authentication_refreshes_total",
                "Number of RPC authentication refreshes performed.",
                value(2),
            );
        }
        "proc2" => requests("2", rpc::V2, values.get(1..).unwrap_or_default(), out),
        "proc3" => requests("3", rpc::V3, values.get(1..).unwrap_or_default(), out),
        "proc4" => requests(
            "4",
            rpc::CLIENT_V4,
            values.get(1..).unwrap_or_default(),
            out,
        ),

        _ => {}
    }
}

/// The counts of a protocol's procedures.
fn requests(proto: &str, methods: &[&str], counts: &[f64], out: &mut Families) {
    let mut family = out.family(
        "node_nfs_requests_total",
        "Number of NFS procedures invoked.",
        MetricType::Counter,
    );
    // A kernel that is older than a procedure has not counted it.
    for (place, method) in methods.iter().enumerate() {
        let labels = [("method", *method), ("proto", proto)];
        family.sample(&labels, rpc::at(counts, place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_line_is_passed_over_and_a_short_one_counts_as_zero() {
        let mut out = Families::new();
        emit("bogus", &[1.0], &mut out);
        assert!(out.is_empty());
        emit("rpc", &[7.0], &mut out);
        assert!(!out.is_empty());
    }
}
