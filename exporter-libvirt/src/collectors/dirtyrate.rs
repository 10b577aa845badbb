//! How fast each guest writes to its memory, as last measured (`dirtyrate.*`): whether it can be migrated. Nobody measures
//! by himself, `virsh domdirtyrate-calc` or Nova begins it. Off by default: it costs a question to each hypervisor.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::connect;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, extras, per_domain, samples};
use crate::stats::DirtyRate;

pub(super) const GROUP: Group = Group {
    name: "dirtyrate",
    help: "How fast each guest writes to its memory, as last measured; a question more to each hypervisor",
    source: "libvirt `dirtyrate.*` (7.2, QEMU monitor)",
    default_on: false,
    stats: connect::DIRTYRATE,
    emit,
};

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_dirtyrate_status",
        help: "Status of the measurement of the dirty rate. 0: never begun, 1: going on, 2: done",
        kind: Gauge,
        value: |domain| count(rate(domain)?.status),
    },
    Family {
        name: "libvirt_domain_dirtyrate_start_seconds",
        help: "When the measurement of the dirty rate began, in seconds of the host's monotonic clock.",
        kind: Gauge,
        value: |domain| count(rate(domain)?.started),
    },
    Family {
        name: "libvirt_domain_dirtyrate_period_seconds",
        help: "How long the dirty rate was measured, in seconds.",
        kind: Gauge,
        value: |domain| count(rate(domain)?.period),
    },
    Family {
        name: "libvirt_domain_dirtyrate_bytes_per_second",
        help: "How fast the guest wrote to its memory when that was last measured, in bytes per second.",
        kind: Gauge,
        value: |domain| mebibytes(rate(domain)?.rate?),
    },
];

fn rate(domain: &Domain) -> Option<&DirtyRate> {
    Some(&extras(domain)?.dirty_rate)
}

fn mebibytes(value: u64) -> Option<f64> {
    Some(count(Some(value))? * f64::from(1 << 20))
}

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
    let vcpus = snapshot.domains.iter().flat_map(|domain| {
        let vcpus = rate(domain).into_iter().flat_map(|rate| &rate.vcpus);
        vcpus.filter_map(move |(vcpu, rate)| {
            Some((domain, Some(("vcpu", vcpu.as_str())), mebibytes(*rate)?))
        })
    });
    samples(
        "libvirt_domain_dirtyrate_vcpu_bytes_per_second",
        "How fast the vCPU wrote to the guest's memory when that was last measured with the dirty ring, in bytes per second.",
        Gauge,
        vcpus,
        out,
    );
}
