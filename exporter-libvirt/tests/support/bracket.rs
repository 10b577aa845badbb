//! What virsh says beside a scrape: which family is which number of `virsh domstats`, and whether the scraped value lies
//! between what virsh said before and after it.

use std::collections::BTreeMap;

use super::Scraped;

/// A family without `libvirt_domain_`, the number's name in `virsh domstats`, and virsh's unit; `ticks` are nanoseconds cut to
/// clock ticks.
pub(crate) const DOMAIN: &str = "
    info_vstate state.state one
    info_state state.state one
    info_state_reason state.reason one
    info_cpu_time_seconds_total cpu.time ns
    info_cpu_user_time_seconds_total cpu.user ns
    info_cpu_system_time_seconds_total cpu.system ns
    info_virtual_cpus vcpu.current one
    vcpu_current vcpu.current one
    vcpu_maximum vcpu.maximum one
    info_maximum_memory_bytes balloon.maximum KiB
    info_memory_usage_bytes balloon.current KiB
    memory_stats_current_balloon_bytes balloon.current KiB
    memory_stats_actual_balloon_bytes balloon.current KiB
    memory_stats_maximum_bytes balloon.maximum KiB
    memory_stats_available_bytes balloon.available KiB
    memory_stats_unused_bytes balloon.unused KiB
    memory_stats_usable_bytes balloon.usable KiB
    memory_stats_rss_bytes balloon.rss KiB
    memory_stats_disk_caches_bytes balloon.disk_caches KiB
    memory_stats_disk_cache_bytes balloon.disk_caches KiB
    memory_stats_swap_in_bytes balloon.swap_in KiB
    memory_stats_swap_out_bytes balloon.swap_out KiB
    memory_stats_major_fault_total balloon.major_fault one
    memory_stats_minor_fault_total balloon.minor_fault one
    memory_stats_hugetlb_pgalloc_total balloon.hugetlb_pgalloc one
    memory_stats_hugetlb_pgfail_total balloon.hugetlb_pgfail one
    memory_stats_last_update_timestamp_seconds balloon.last-update one";

/// As [`DOMAIN`], of the first vCPU.
pub(crate) const VCPU: &str = "
    vcpu_state vcpu.0.state one
    vcpu_time_seconds_total vcpu.0.time ticks
    vcpu_wait_seconds_total vcpu.0.wait ns
    vcpu_delay_seconds_total vcpu.0.delay ns";

/// As [`DOMAIN`], of the first disk.
pub(crate) const BLOCK: &str = "
    block_stats_read_bytes_total block.0.rd.bytes one
    block_stats_read_requests_total block.0.rd.reqs one
    block_stats_read_time_seconds_total block.0.rd.times ns
    block_stats_write_bytes_total block.0.wr.bytes one
    block_stats_write_requests_total block.0.wr.reqs one
    block_stats_write_time_seconds_total block.0.wr.times ns
    block_stats_flush_requests_total block.0.fl.reqs one
    block_stats_flush_time_seconds_total block.0.fl.times ns
    block_stats_allocation block.0.allocation one
    block_stats_capacity_bytes block.0.capacity one
    block_stats_physicalsize_bytes block.0.physical one";

/// As [`DOMAIN`], of the first interface.
pub(crate) const INTERFACE: &str = "
    interface_stats_receive_bytes_total net.0.rx.bytes one
    interface_stats_receive_packets_total net.0.rx.pkts one
    interface_stats_receive_errors_total net.0.rx.errs one
    interface_stats_receive_drops_total net.0.rx.drop one
    interface_stats_transmit_bytes_total net.0.tx.bytes one
    interface_stats_transmit_packets_total net.0.tx.pkts one
    interface_stats_transmit_errors_total net.0.tx.errs one
    interface_stats_transmit_drops_total net.0.tx.drop one";

/// How much less than the kernel's nanoseconds virsh may have where it adds two times that were cut to clock ticks,
/// seconds.
const TWO_TICKS: f64 = 0.02;

/// What virsh said before and after the scrape.
pub(crate) struct Bracket {
    pub(crate) before: BTreeMap<String, String>,
    pub(crate) after: BTreeMap<String, String>,
}

impl Bracket {
    /// A complaint for each family whose value virsh does not confirm: it must be there if and only if virsh has the
    /// number.
    pub(crate) fn complaints(
        &self,
        scraped: &Scraped,
        table: &str,
        labels: &[(&str, &str)],
    ) -> Vec<String> {
        let lines = table.lines().filter(|line| !line.trim().is_empty());
        lines
            .filter_map(|line| self.complaint(scraped, line, labels))
            .collect()
    }

    fn complaint(&self, scraped: &Scraped, line: &str, labels: &[(&str, &str)]) -> Option<String> {
        let [family, key, unit] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("expected family, key and unit, found {line:?}");
        };
        let family = format!("libvirt_domain_{family}");
        let number = |stats: &BTreeMap<String, String>| {
            let number: f64 = stats.get(key)?.parse().unwrap();
            Some(match unit {
                "ns" | "ticks" => number / 1e9,
                "KiB" => number * 1024.0,
                _ => number,
            })
        };
        let found = scraped.find(&family, labels);
        match (found, number(&self.before), number(&self.after)) {
            (None, None, None) => None,
            (Some(value), Some(one), Some(other)) => {
                let (low, mut high) = (one.min(other), one.max(other));
                if unit == "ticks" {
                    high += TWO_TICKS;
                }
                let said = format!("{family} is {value}, virsh has {key} from {low} to {high}");
                (!(low..=high).contains(&value)).then_some(said)
            }
            (found, one, other) => Some(format!(
                "{family} is {found:?}, virsh has {key} {one:?}, then {other:?}"
            )),
        }
    }
}
