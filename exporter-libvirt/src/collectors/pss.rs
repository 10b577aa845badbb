//! The hypervisor process' proportional share of the host's memory, from the kernel (`/proc/PID/smaps_rollup`). Off by
//! default: for each answer the kernel walks all pages of the process, tens of milliseconds for a large guest.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, kib, per_domain};

pub(super) const GROUP: Group = Group {
    name: "pss",
    help: "Proportional share of each hypervisor process in the host's memory; costs CPU time by the guest's size",
    source: "`/proc/PID/smaps_rollup`",
    default_on: false,
    stats: 0,
    emit,
};

const FAMILIES: &[Family<Domain>] = &[Family {
    name: "libvirt_domain_memory_stats_pss_bytes",
    help: "Proportional share of the process running the domain in the host's memory, in bytes.",
    kind: Gauge,
    value: |domain| kib(domain.stats.pss),
}];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
}
