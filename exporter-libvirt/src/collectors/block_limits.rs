//! The limits of each disk (`<iotune>` of the domain's XML) under Tinkoff's names. A limit that is not set is not
//! there; Tinkoff's exporter has a 0 for it.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::domain::Snapshot;
use crate::emit::{count, samples};

pub(super) const GROUP: Group = Group {
    name: "block_limits",
    help: "Limits of each disk: throughput, requests, bursts",
    source: "`<iotune>` of the XML",
    default_on: true,
    stats: 0,
    emit,
};

/// The element of `<iotune>`, the family and its HELP.
const LIMITS: [(&str, &str, &str); 19] = [
    (
        "total_bytes_sec",
        "libvirt_domain_block_stats_limit_total_bytes",
        "Total throughput limit in bytes per second",
    ),
    (
        "write_bytes_sec",
        "libvirt_domain_block_stats_limit_write_bytes",
        "Write throughput limit in bytes per second",
    ),
    (
        "read_bytes_sec",
        "libvirt_domain_block_stats_limit_read_bytes",
        "Read throughput limit in bytes per second",
    ),
    (
        "total_iops_sec",
        "libvirt_domain_block_stats_limit_total_requests",
        "Total requests per second limit",
    ),
    (
        "write_iops_sec",
        "libvirt_domain_block_stats_limit_write_requests",
        "Write requests per second limit",
    ),
    (
        "read_iops_sec",
        "libvirt_domain_block_stats_limit_read_requests",
        "Read requests per second limit",
    ),
    (
        "total_bytes_sec_max",
        "libvirt_domain_block_stats_limit_burst_total_bytes",
        "Total throughput burst limit in bytes per second",
    ),
    (
        "write_bytes_sec_max",
        "libvirt_domain_block_stats_limit_burst_write_bytes",
        "Write throughput burst limit in bytes per second",
    ),
    (
        "read_bytes_sec_max",
        "libvirt_domain_block_stats_limit_burst_read_bytes",
        "Read throughput burst limit in bytes per second",
    ),
    (
        "total_iops_sec_max",
        "libvirt_domain_block_stats_limit_burst_total_requests",
        "Total requests per second burst limit",
    ),
    (
        "write_iops_sec_max",
        "libvirt_domain_block_stats_limit_burst_write_requests",
        "Write requests per second burst limit",
    ),
    (
        "read_iops_sec_max",
        "libvirt_domain_block_stats_limit_burst_read_requests",
        "Read requests per second burst limit",
    ),
    (
        "total_bytes_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_total_bytes_length_seconds",
        "Total throughput burst time in seconds",
    ),
    (
        "write_bytes_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_write_bytes_length_seconds",
        "Write throughput burst time in seconds",
    ),
    (
        "read_bytes_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_read_bytes_length_seconds",
        "Read throughput burst time in seconds",
    ),
    (
        "total_iops_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_length_total_requests_seconds",
        "Total requests per second burst time in seconds",
    ),
    (
        "write_iops_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_length_write_requests_seconds",
        "Write requests per second burst time in seconds",
    ),
    (
        "read_iops_sec_max_length",
        "libvirt_domain_block_stats_limit_burst_length_read_requests_seconds",
        "Read requests per second burst time in seconds",
    ),
    (
        "size_iops_sec",
        "libvirt_domain_block_stats_size_iops_bytes",
        "The size of IO operations per second permitted through a block device",
    ),
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    for (element, family, help) in LIMITS {
        let limits = snapshot.domains.iter().flat_map(|domain| {
            domain.description.disks.iter().filter_map(move |disk| {
                let (_, limit) = disk.limits.iter().find(|(name, _)| name == element)?;
                let device = ("target_device", disk.target.as_str());
                Some((domain, Some(device), count(Some(*limit))?))
            })
        });
        samples(family, help, Gauge, limits, out);
    }
}
