//! The families of Tinkoff's exporter, 2.3.

use super::{DEVICE, DOMAIN, PLAIN, VCPU, same};
use crate::compat::Kept;

const POOL: &[&str] = &["pool"];

/// Sorted by name.
pub(super) const FAMILIES: [Kept; 66] = [
    same(
        "libvirt_domain_block_meta",
        &[
            "domain",
            "target_device",
            "source_file",
            "serial",
            "bus",
            "disk_type",
            "driver_type",
            "cache",
            "discard",
        ],
    ),
    same("libvirt_domain_block_stats_allocation", DEVICE),
    same("libvirt_domain_block_stats_capacity_bytes", DEVICE),
    same("libvirt_domain_block_stats_flush_requests_total", DEVICE),
    same(
        "libvirt_domain_block_stats_flush_time_seconds_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_length_read_requests_seconds",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_length_total_requests_seconds",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_length_write_requests_seconds",
        DEVICE,
    ),
    same("libvirt_domain_block_stats_limit_burst_read_bytes", DEVICE),
    same(
        "libvirt_domain_block_stats_limit_burst_read_bytes_length_seconds",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_read_requests",
        DEVICE,
    ),
    same("libvirt_domain_block_stats_limit_burst_total_bytes", DEVICE),
    same(
        "libvirt_domain_block_stats_limit_burst_total_bytes_length_seconds",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_total_requests",
        DEVICE,
    ),
    same("libvirt_domain_block_stats_limit_burst_write_bytes", DEVICE),
    same(
        "libvirt_domain_block_stats_limit_burst_write_bytes_length_seconds",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_limit_burst_write_requests",
        DEVICE,
    ),
    same("libvirt_domain_block_stats_limit_read_bytes", DEVICE),
    same("libvirt_domain_block_stats_limit_read_requests", DEVICE),
    same("libvirt_domain_block_stats_limit_total_bytes", DEVICE),
    same("libvirt_domain_block_stats_limit_total_requests", DEVICE),
    same("libvirt_domain_block_stats_limit_write_bytes", DEVICE),
    same("libvirt_domain_block_stats_limit_write_requests", DEVICE),
    same("libvirt_domain_block_stats_physicalsize_bytes", DEVICE),
    same("libvirt_domain_block_stats_read_bytes_total", DEVICE),
    same("libvirt_domain_block_stats_read_requests_total", DEVICE),
    same("libvirt_domain_block_stats_read_time_seconds_total", DEVICE),
    same("libvirt_domain_block_stats_size_iops_bytes", DEVICE),
    same("libvirt_domain_block_stats_write_bytes_total", DEVICE),
    same("libvirt_domain_block_stats_write_requests_total", DEVICE),
    same(
        "libvirt_domain_block_stats_write_time_seconds_total",
        DEVICE,
    ),
    same("libvirt_domain_info_cpu_time_seconds_total", DOMAIN),
    same("libvirt_domain_info_maximum_memory_bytes", DOMAIN),
    same("libvirt_domain_info_memory_usage_bytes", DOMAIN),
    same(
        "libvirt_domain_info_meta",
        &[
            "domain",
            "uuid",
            "instance_name",
            "flavor",
            "user_name",
            "user_uuid",
            "project_name",
            "project_uuid",
            "root_type",
            "root_uuid",
        ],
    ),
    same("libvirt_domain_info_virtual_cpus", DOMAIN),
    same("libvirt_domain_info_vstate", DOMAIN),
    same(
        "libvirt_domain_interface_meta",
        &[
            "domain",
            "source_bridge",
            "target_device",
            "virtual_interface",
        ],
    ),
    same("libvirt_domain_interface_stats_receive_bytes_total", DEVICE),
    same("libvirt_domain_interface_stats_receive_drops_total", DEVICE),
    same(
        "libvirt_domain_interface_stats_receive_errors_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_interface_stats_receive_packets_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_bytes_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_drops_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_errors_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_interface_stats_transmit_packets_total",
        DEVICE,
    ),
    same("libvirt_domain_memory_stats_actual_balloon_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_available_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_disk_cache_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_major_fault_total", DOMAIN),
    same("libvirt_domain_memory_stats_minor_fault_total", DOMAIN),
    same("libvirt_domain_memory_stats_rss_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_unused_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_usable_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_used_percent", DOMAIN),
    same("libvirt_domain_vcpu_cpu", VCPU),
    same("libvirt_domain_vcpu_delay_seconds_total", VCPU),
    same("libvirt_domain_vcpu_state", VCPU),
    same("libvirt_domain_vcpu_time_seconds_total", VCPU),
    same("libvirt_domain_vcpu_wait_seconds_total", VCPU),
    same("libvirt_storage_pool_info_allocation_bytes", POOL),
    same("libvirt_storage_pool_info_available_bytes", POOL),
    same("libvirt_storage_pool_info_capacity_bytes", POOL),
    same("libvirt_storage_pool_info_state", POOL),
    same("libvirt_up", PLAIN),
    same(
        "libvirt_versions_info",
        &["hypervisor_running", "libvirtd_running", "libvirt_library"],
    ),
];
