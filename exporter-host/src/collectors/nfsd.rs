//! What this host does as a server of NFS: caches, bytes, threads, calls and procedures. Source: `/proc/net/rpc/nfsd`.

use exposition::{Families, MetricType};
use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::sources::rpc::{self, RpcCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "nfsd",
    default_on: true,
    help: "NFS server statistics from /proc/net/rpc/nfsd",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    RpcCollector::build(config, "net/rpc/nfsd", "NFS is not in use", emit)
}

fn emit(word: &str, values: &[f64], out: &mut Families) {
    let value = |place| rpc::at(values, place);
    match word {
        "rc" => {
            out.counter(
                "node_nfsd_reply_cache_hits_total",
                "Total number of NFSd Reply Cache hits (client lost server response).",
                value(0),
            );
            out.counter(
                "node_nfsd_reply_cache_misses_total",
                "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
                value(1),
            );
            out.counter(
                "node_nfsd_reply_cache_nocache_total",
                "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
                value(2),
            );
        }
        "fh" => out.counter(
            "node_nfsd_file_handles_stale_total",
            "Total number of NFSd stale file handles",
            value(0),
        ),
        "io" => {
            out.counter(
                "node_nfsd_disk_bytes_read_total",
                "Total NFSd bytes read.",
                value(0),
            );
            out.counter(
                "node_nfsd_disk_bytes_written_total",
                "Total NFSd bytes written.",
                value(1),
            );
        }
        "th" => out.gauge(
            "node_nfsd_server_threads",
            "Total number of NFSd kernel threads that are running.",
            value(0),
        ),
        "ra" => {
            out.gauge(
                "node_nfsd_read_ahead_cache_size_blocks",
                "How large the read ahead cache is in blocks.",
                value(0),
            );
            out.counter(
                "node_nfsd_read_ahead_cache_not_found_total",
                "Total number of NFSd read ahead cache not found.",
                value(11),
            );
        }
        "net" => {
            out.family(
                "node_nfsd_packets_total",
                "Total NFSd network packets (sent+received) by protocol type.",
                MetricType::Counter,
            )
            .sample(&[("proto", "udp")], value(1))
            .sample(&[("proto", "tcp")], value(2));
            out.counter(
                "node_nfsd_connections_total",
                "Total number of NFSd TCP connections.",
                value(3),
            );
        }
        "rpc" => {
            out.family(
                "node_nfsd_rpc_errors_total",
                "Total number of NFSd RPC errors by error type.",
                MetricType::Counter,
            )
            .sample(&[("error", "fmt")], value(2))
            .sample(&[("error", "auth")], value(3))
            .sample(&[("error", "cInt")], value(4));
            out.counter(
                "node_nfsd_server_rpcs_total",
                "Total number of NFSd RPCs.",
                value(0),
            );
        }
        "proc2" => requests("2", rpc::V2, values.get(1..).unwrap_or_default(), out),
        "proc3" => requests("3", rpc::V3, values.get(1..).unwrap_or_default(), out),
        "proc4ops" => requests(
            "4",
            rpc::SERVER_V4,
            values.get(4..).unwrap_or_default(),
            out,
        ),
        "wdeleg_getattr" => {
            requests("4", &["WdelegGetattr"], values, out);
        }
        _ => {}
    }
}

/// The counts of a protocol's procedures.
fn requests(proto: &str, methods: &[&str], counts: &[f64], out: &mut Families) {
    let mut family = out.family(
        "node_nfsd_requests_total",
        "Total number NFSd Requests by method and protocol.",
        MetricType::Counter,
    );
    for (method, count) in methods
        .iter()
        .zip(counts)
        .filter(|(method, _)| !matches!(**method, "" | "Null"))
    {
        family.sample(&[("method", method), ("proto", proto)], *count);
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
