//! The performance counters that a domain's XML switches on (`<perf><event name=…/></perf>`, `perf.*`). Off by default, for
//! few domains have any.

use exposition::{
    Families,
    MetricType::{self, Counter, Gauge},
};

use super::Group;
use crate::connect;
use crate::domain::Snapshot;
use crate::emit::{count, extras, samples, seconds};

pub(super) const GROUP: Group = Group {
    name: "perf",
    help: "The performance counters that domains have switched on",
    source: "libvirt `perf.*` (perf_event_open(2) by libvirtd)",
    default_on: false,
    stats: connect::PERF,
    emit,
};

/// Counters whose unit is no plain count: libvirt's name and the family for it.
const WITH_UNIT: [(&str, &str, &str, MetricType); 5] = [
    (
        "cmt",
        "libvirt_domain_perf_cache_occupancy_bytes",
        "What the domain occupies of the host's last level cache, in bytes.",
        Gauge,
    ),
    (
        "mbmt",
        "libvirt_domain_perf_memory_bandwidth_bytes_total",
        "What the domain moved over the host's memory bus, in bytes.",
        Counter,
    ),
    (
        "mbml",
        "libvirt_domain_perf_memory_bandwidth_local_bytes_total",
        "What the domain moved through the memory controller of its own node, in bytes.",
        Counter,
    ),
    (
        "cpu_clock",
        "libvirt_domain_perf_cpu_clock_seconds_total",
        "Time by the CPU's clock, in seconds.",
        Counter,
    ),
    (
        "task_clock",
        "libvirt_domain_perf_task_clock_seconds_total",
        "Time by the clock of the domain's tasks, in seconds.",
        Counter,
    ),
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    let counters = || {
        snapshot.domains.iter().flat_map(|domain| {
            let counters = extras(domain).into_iter().flat_map(|extras| &extras.perf);
            counters.map(move |(name, value)| (domain, name.as_str(), Some(*value)))
        })
    };
    for (wanted, family, help, kind) in WITH_UNIT {
        let values = counters().filter(|(_, name, _)| *name == wanted);
        let values = values.filter_map(|(domain, _, value)| {
            let is_time = family.ends_with("_seconds_total");
            Some((
                domain,
                None,
                if is_time {
                    seconds(value)?
                } else {
                    count(value)?
                },
            ))
        });
        samples(family, help, kind, values, out);
    }
    let has_unit = |name: &str| WITH_UNIT.iter().any(|(wanted, ..)| *wanted == name);
    let plain = counters().filter(|(_, name, _)| !has_unit(name));
    samples(
        "libvirt_domain_perf_events_total",
        "Events that the host counted for the domain, by libvirt's name of the counter.",
        Counter,
        plain.filter_map(|(domain, name, value)| {
            Some((domain, Some(("event", name)), count(value)?))
        }),
        out,
    );
}
