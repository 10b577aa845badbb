//! The families of Debian's exporter 0.2. The sources of disks and interfaces are joined to them.

use super::{DEVICE_UUID, DOMAIN_UUID, PLAIN, same};
use crate::compat::Kept;

/// Sorted by name.
pub(super) const FAMILIES: [Kept; 19] = [
    same("libvirt_domain_block_stats_read_bytes_total", DEVICE_UUID),
    same(
        "libvirt_domain_block_stats_read_requests_total",
        DEVICE_UUID,
    ),
    same("libvirt_domain_block_stats_write_bytes_total", DEVICE_UUID),
    same(
        "libvirt_domain_block_stats_write_requests_total",
        DEVICE_UUID,
    ),
    same("libvirt_domain_info_cpu_time_seconds_total", DOMAIN_UUID),
    same("libvirt_domain_info_maximum_memory_bytes", DOMAIN_UUID),
    same("libvirt_domain_info_memory_usage_bytes", DOMAIN_UUID),
    same("libvirt_domain_info_virtual_cpus", DOMAIN_UUID),
    same(
        "libvirt_domain_interface_stats_receive_bytes_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_receive_drops_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_receive_errors_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_receive_packets_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_bytes_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_drops_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_errors_total",
        DEVICE_UUID,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_packets_total",
        DEVICE_UUID,
    ),
    Kept {
        ours: "libvirt_domain_info_vstate",
        theirs: "libvirt_domain_state_code",
        labels: DOMAIN_UUID,
    },
    Kept {
        ours: "libvirt_domains",
        theirs: "libvirt_domains_number",
        labels: PLAIN,
    },
    same("libvirt_up", PLAIN),
];
