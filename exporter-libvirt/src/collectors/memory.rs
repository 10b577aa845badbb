//! Memory of each domain (`balloon.*`). What the guest knows comes through its balloon driver and may be old or
//! missing; what the host knows (`rss`) says nothing about how much the guest uses, so no "used" is made from it.

use exposition::{
    Families,
    MetricType::{Counter, Gauge},
};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, kib, per_domain, samples};
use crate::stats::Balloon;

pub(super) const GROUP: Group = Group {
    name: "memory",
    help: "Memory of each domain: balloon, the guest's own numbers and their age, resident size",
    source: "libvirt `balloon.*` (QEMU monitor), `/proc/PID/stat`, `<memory>` of the XML",
    default_on: true,
    stats: connect::BALLOON,
    emit,
};

/// A guest's numbers older than this many seconds, or than three periods of its balloon, are stale.
const FRESH_SECONDS: f64 = 60.0;

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_info_maximum_memory_bytes",
        help: "Maximum allowed memory of the domain, in bytes.",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.maximum),
    },
    Family {
        name: "libvirt_domain_info_memory_usage_bytes",
        help: "Memory usage of the domain, in bytes.",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.current),
    },
    Family {
        name: "libvirt_domain_memory_stats_maximum_bytes",
        help: "Maximum memory used by the domain (the maximum amount of memory that can be used by the domain)",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.maximum),
    },
    Family {
        name: "libvirt_domain_memory_stats_current_balloon_bytes",
        help: "Current balloon value (in bytes).",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.current),
    },
    // Older inovex releases and Tinkoff's exporter call the same number so.
    Family {
        name: "libvirt_domain_memory_stats_actual_balloon_bytes",
        help: "Current balloon value (in bytes).",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.current),
    },
    Family {
        name: "libvirt_domain_memory_stats_available_bytes",
        help: "Memory available to the domain",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.available),
    },
    Family {
        name: "libvirt_domain_memory_stats_unused_bytes",
        help: "Memory unused by the domain",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.unused),
    },
    Family {
        name: "libvirt_domain_memory_stats_usable_bytes",
        help: "Memory usable by the domain (corresponds to 'Available' in /proc/meminfo)",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.usable),
    },
    Family {
        name: "libvirt_domain_memory_stats_rss_bytes",
        help: "Resident Set Size of the process running the domain",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.rss),
    },
    Family {
        name: "libvirt_domain_memory_stats_disk_caches_bytes",
        help: "Memory used by disk caches for this domain",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.disk_caches),
    },
    // Tinkoff's name for the same number.
    Family {
        name: "libvirt_domain_memory_stats_disk_cache_bytes",
        help: "The amount of memory, that can be quickly reclaimed without additional I/O (in bytes).\
               Typically these pages are used for caching files from disk.",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.disk_caches),
    },
    // These two only grow, but inovex made them gauges and named them without `_total`.
    Family {
        name: "libvirt_domain_memory_stats_swap_in_bytes",
        help: "Memory swapped in for this domain(the total amount of data read from swap space)",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.swap_in),
    },
    Family {
        name: "libvirt_domain_memory_stats_swap_out_bytes",
        help: "Memory swapped out for this domain (the total amount of memory written out to swap space)",
        kind: Gauge,
        value: |domain| kib(domain.stats.balloon.swap_out),
    },
    Family {
        name: "libvirt_domain_memory_stats_major_fault_total",
        help: "Page faults occur when a process makes a valid access to virtual memory that is not available. \
               When servicing the page fault, if disk IO is required, it is considered a major fault.",
        kind: Counter,
        value: |domain| count(domain.stats.balloon.major_fault),
    },
    Family {
        name: "libvirt_domain_memory_stats_minor_fault_total",
        help: "Page faults occur when a process makes a valid access to virtual memory that is not available. \
               When servicing the page not fault, if disk IO is required, it is considered a minor fault.",
        kind: Counter,
        value: |domain| count(domain.stats.balloon.minor_fault),
    },
    Family {
        name: "libvirt_domain_memory_stats_hugetlb_pgalloc_total",
        help: "The number of successful huge page allocations from inside the domain via virtio balloon",
        kind: Counter,
        value: |domain| count(domain.stats.balloon.hugetlb_pgalloc),
    },
    Family {
        name: "libvirt_domain_memory_stats_hugetlb_pgfail_total",
        help: "The number of failed huge page allocations from inside the domain via virtio balloon",
        kind: Counter,
        value: |domain| count(domain.stats.balloon.hugetlb_pgfail),
    },
    Family {
        name: "libvirt_domain_memory_stats_last_update_timestamp_seconds",
        help: "Last time the memory stats were updated for this domain, in seconds since epoch.",
        kind: Gauge,
        value: |domain| count(domain.stats.balloon.last_update),
    },
    Family {
        name: "libvirt_domain_memory_stats_period_seconds",
        help: "How often the guest is asked for its memory statistics, in seconds; absent when it is never asked.",
        kind: Gauge,
        value: |domain| count(domain.description.balloon_period),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
    let percents = snapshot.domains.iter().filter_map(|domain| {
        let period = domain.description.balloon_period;
        let percent = used_percent(&domain.stats.balloon, period, snapshot.taken_at)?;
        Some((domain, None, percent))
    });
    samples(
        "libvirt_domain_memory_stats_used_percent",
        "The amount of memory in percent, that used by domain.",
        Gauge,
        percents,
        out,
    );
}

/// What the guest cannot use any more of what it has, from its own fresh numbers only: the peers divide whatever is
/// there, and print 100 % or NaN for a guest that never answered. A balloon without a period reports once, when its
/// driver starts, and that is no measure of what comes after.
fn used_percent(balloon: &Balloon, period: Option<u64>, now: f64) -> Option<f64> {
    let age = now - count(balloon.last_update)?;
    let limit = FRESH_SECONDS.max(3.0 * count(period)?);
    let (available, usable) = (count(balloon.available)?, count(balloon.usable)?);
    let fresh = age <= limit && available > 0.0 && usable <= available;
    fresh.then(|| (available - usable) / available * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_000_000.0;

    fn guest(available: u64, usable: u64, last_update: u64) -> Balloon {
        Balloon {
            available: Some(available),
            usable: Some(usable),
            last_update: Some(last_update),
            ..Balloon::default()
        }
    }

    #[test]
    fn used_is_what_the_guest_cannot_use_of_what_it_has() {
        assert_eq!(
            used_percent(&guest(1000, 250, 999_990), Some(10), NOW),
            Some(75.0)
        );
    }

    #[test]
    fn old_numbers_give_no_percentage() {
        assert_eq!(
            used_percent(&guest(1000, 250, 999_900), Some(10), NOW),
            None
        );
        let reported_once = used_percent(&guest(1000, 250, 999_999), None, NOW);
        assert_eq!(reported_once, None, "when its driver started");
        let slow_balloon = used_percent(&guest(1000, 250, 999_900), Some(60), NOW);
        assert_eq!(
            slow_balloon,
            Some(75.0),
            "two periods old is fresh for a slow one"
        );
    }

    #[test]
    fn numbers_that_are_missing_or_do_not_fit_give_no_percentage() {
        let never = Balloon {
            last_update: None,
            ..guest(1000, 250, 1)
        };
        assert_eq!(used_percent(&never, Some(10), NOW), None);
        let host_only = Balloon {
            rss: Some(1000),
            last_update: Some(999_999),
            ..Balloon::default()
        };
        assert_eq!(used_percent(&host_only, Some(10), NOW), None);
        assert_eq!(used_percent(&guest(0, 0, 999_999), Some(10), NOW), None);
        assert_eq!(used_percent(&guest(10, 11, 999_999), Some(10), NOW), None);
    }
}
