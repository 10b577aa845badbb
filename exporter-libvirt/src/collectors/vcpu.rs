//! Each vCPU (`vcpu.<number>.*`): how long it ran, slept for I/O, and waited for a host CPU; and how many there are.

use exposition::{
    Families,
    MetricType::{Counter, Gauge},
};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, per_domain, per_part, seconds};
use crate::stats::Vcpu;

pub(super) const GROUP: Group = Group {
    name: "vcpu",
    help: "Each vCPU: time, wait, delay (steal), state; and their number",
    source: "`/proc/PID/task/*/{schedstat,stat,sched}`, `<vcpu>` of the XML; libvirt `vcpu.*` where they are out of sight",
    default_on: true,
    stats: connect::VCPU,
    emit,
};

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_info_virtual_cpus",
        help: "Number of virtual CPUs for the domain.",
        kind: Gauge,
        value: |domain| count(domain.stats.vcpus_current),
    },
    Family {
        name: "libvirt_domain_vcpu_current",
        help: "Number of current online vCPUs.",
        kind: Gauge,
        value: |domain| count(domain.stats.vcpus_current),
    },
    Family {
        name: "libvirt_domain_vcpu_maximum",
        help: "Number of maximum online vCPUs.",
        kind: Gauge,
        value: |domain| count(domain.stats.vcpus_maximum),
    },
];

const VCPU_FAMILIES: &[Family<Vcpu>] = &[
    Family {
        name: "libvirt_domain_vcpu_state",
        help: "State of the vCPU.",
        kind: Gauge,
        value: |vcpu| count(vcpu.state),
    },
    Family {
        name: "libvirt_domain_vcpu_time_seconds_total",
        help: "Time spent by the virtual CPU.",
        kind: Counter,
        value: |vcpu| seconds(vcpu.time),
    },
    Family {
        name: "libvirt_domain_vcpu_wait_seconds_total",
        help: "Time the vCPU wants to run, but the host scheduler has something else running ahead of it.",
        kind: Counter,
        value: |vcpu| seconds(vcpu.wait),
    },
    Family {
        name: "libvirt_domain_vcpu_delay_seconds_total",
        help: "Time the vCPU spent waiting in the queue instead of running. Exposed to the VM as steal time.",
        kind: Counter,
        value: |vcpu| seconds(vcpu.delay),
    },
    Family {
        name: "libvirt_domain_vcpu_cpu",
        help: "Number of the host's CPU that the vCPU last ran on.",
        kind: Gauge,
        value: |vcpu| count(vcpu.cpu),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
    per_part(
        snapshot,
        |domain| domain.stats.vcpus.as_slice(),
        VCPU_FAMILIES,
        out,
    );
}
