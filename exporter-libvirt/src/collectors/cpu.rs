//! CPU time of each domain as a whole (`cpu.*`). A domain that is shut off has none.

use exposition::{Families, MetricType::Counter};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, per_domain, seconds};

pub(super) const GROUP: Group = Group {
    name: "cpu",
    help: "CPU time of each domain: total, user, system",
    source: "`cpu.stat` of the cgroup that libvirt made, else `/proc/PID/stat`; libvirt `cpu.*` where neither is in sight",
    default_on: true,
    stats: connect::CPU_TOTAL,
    emit,
};

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_info_cpu_time_seconds_total",
        help: "Amount of CPU time used by the domain, in seconds.",
        kind: Counter,
        value: |domain| seconds(domain.stats.cpu.time),
    },
    Family {
        name: "libvirt_domain_info_cpu_user_time_seconds_total",
        help: "Amount of CPU time used by the domain in user mode, in seconds.",
        kind: Counter,
        value: |domain| seconds(domain.stats.cpu.user),
    },
    Family {
        name: "libvirt_domain_info_cpu_system_time_seconds_total",
        help: "Amount of CPU time used by the domain in system mode, in seconds.",
        kind: Counter,
        value: |domain| seconds(domain.stats.cpu.system),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
}
