//! Which families each peer has, under which name and with which labels. Sorted by the peer's name.

use super::{Kept, Peer};

const PLAIN: &[&str] = &[];
const DOMAIN: &[&str] = &["domain"];
const DOMAIN_UUID: &[&str] = &["domain", "uuid"];
const DEVICE: &[&str] = &["domain", "target_device"];
const DEVICE_UUID: &[&str] = &["domain", "uuid", "target_device"];
const VCPU: &[&str] = &["domain", "vcpu"];
const POOL: &[&str] = &["storage_pool"];
const TINKOFF_POOL: &[&str] = &["pool"];

impl Peer {
    /// The families that the peer has.
    pub(super) fn table(self) -> &'static [Kept] {
        match self {
            Peer::Inovex => &INOVEX,
            Peer::Tinkoff => &TINKOFF,
            Peer::Kumina => &KUMINA,
        }
    }
}

/// A family that has one name on both sides.
const fn same(name: &'static str, labels: &'static [&'static str]) -> Kept {
    Kept {
        ours: name,
        theirs: name,
        labels,
    }
}

/// The families of inovex, 2.5.
const INOVEX: [Kept; 67] = [
    same("libvirt_domain_block_stats_capacity_bytes", DEVICE),
    same("libvirt_domain_block_stats_flush_requests_total", DEVICE),
    same(
        "libvirt_domain_block_stats_flush_time_seconds_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_block_stats_info",
        &[
            "domain",
            "disk_type",
            "target_bus",
            "driver_name",
            "driver_type",
            "driver_cache",
            "driver_discard",
            "source_file",
            "source_protocol",
            "target_device",
            "serial",
        ],
    ),
    same("libvirt_domain_block_stats_read_bytes_total", DEVICE),
    same("libvirt_domain_block_stats_read_requests_total", DEVICE),
    same("libvirt_domain_block_stats_read_time_seconds_total", DEVICE),
    same("libvirt_domain_block_stats_write_bytes_total", DEVICE),
    same("libvirt_domain_block_stats_write_requests_total", DEVICE),
    same(
        "libvirt_domain_block_stats_write_time_seconds_total",
        DEVICE,
    ),
    same(
        "libvirt_domain_info",
        &["domain", "os_type", "os_type_arch", "os_type_machine"],
    ),
    same("libvirt_domain_info_cpu_time_seconds_total", DOMAIN),
    same("libvirt_domain_info_maximum_memory_bytes", DOMAIN),
    same("libvirt_domain_info_memory_usage_bytes", DOMAIN),
    same("libvirt_domain_info_state", &["domain", "state_desc"]),
    same("libvirt_domain_info_virtual_cpus", DOMAIN),
    same(
        "libvirt_domain_interface_stats_info",
        &[
            "domain",
            "interface_type",
            "source_bridge",
            "target_device",
            "mac_address",
            "model_type",
            "mtu_size",
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
    same("libvirt_domain_job_info_data_processed_bytes", DOMAIN),
    same("libvirt_domain_job_info_data_remaining_bytes", DOMAIN),
    same("libvirt_domain_job_info_data_total_bytes", DOMAIN),
    same("libvirt_domain_job_info_file_processed_bytes", DOMAIN),
    same("libvirt_domain_job_info_file_remaining_bytes", DOMAIN),
    same("libvirt_domain_job_info_file_total_bytes", DOMAIN),
    same("libvirt_domain_job_info_memory_processed_bytes", DOMAIN),
    same("libvirt_domain_job_info_memory_remaining_bytes", DOMAIN),
    same("libvirt_domain_job_info_memory_total_bytes", DOMAIN),
    same("libvirt_domain_job_info_time_elapsed_seconds", DOMAIN),
    same("libvirt_domain_job_info_time_remaining_seconds", DOMAIN),
    same("libvirt_domain_job_info_type", DOMAIN),
    same("libvirt_domain_memory_stats_actual_balloon_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_available_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_current_balloon_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_disk_caches_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_hugetlb_pgalloc_total", DOMAIN),
    same("libvirt_domain_memory_stats_hugetlb_pgfail_total", DOMAIN),
    same(
        "libvirt_domain_memory_stats_last_update_timestamp_seconds",
        DOMAIN,
    ),
    same("libvirt_domain_memory_stats_major_fault_total", DOMAIN),
    same("libvirt_domain_memory_stats_maximum_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_minor_fault_total", DOMAIN),
    same("libvirt_domain_memory_stats_rss_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_swap_in_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_swap_out_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_unused_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_usable_bytes", DOMAIN),
    same("libvirt_domain_memory_stats_used_percent", DOMAIN),
    same(
        "libvirt_domain_openstack_info",
        &[
            "domain",
            "instance_name",
            "instance_id",
            "flavor_name",
            "user_name",
            "user_id",
            "project_name",
            "project_id",
        ],
    ),
    same("libvirt_domain_timed_out", DOMAIN),
    same("libvirt_domain_vcpu_current", DOMAIN),
    same("libvirt_domain_vcpu_delay_seconds_total", VCPU),
    same("libvirt_domain_vcpu_maximum", DOMAIN),
    same("libvirt_domain_vcpu_state", VCPU),
    same("libvirt_domain_vcpu_time_seconds_total", VCPU),
    same("libvirt_domain_vcpu_wait_seconds_total", VCPU),
    same("libvirt_domains", PLAIN),
    same("libvirt_storage_pool_allocation_bytes", POOL),
    same("libvirt_storage_pool_available_bytes", POOL),
    same("libvirt_storage_pool_capacity_bytes", POOL),
    same("libvirt_storage_pool_state", POOL),
    same("libvirt_up", PLAIN),
];

/// The families of Debian's exporter. The sources of disks and interfaces are joined to them.
const KUMINA: [Kept; 19] = [
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

/// The families of Tinkoff's exporter.
const TINKOFF: [Kept; 66] = [
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
    same("libvirt_storage_pool_info_allocation_bytes", TINKOFF_POOL),
    same("libvirt_storage_pool_info_available_bytes", TINKOFF_POOL),
    same("libvirt_storage_pool_info_capacity_bytes", TINKOFF_POOL),
    same("libvirt_storage_pool_info_state", TINKOFF_POOL),
    same("libvirt_up", PLAIN),
    same(
        "libvirt_versions_info",
        &["hypervisor_running", "libvirtd_running", "libvirt_library"],
    ),
];
