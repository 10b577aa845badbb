//! What KVM counts of each domain as a whole (`vm.<name>.<kind>`): flushes, pages, halts. Which there are depends on the
//! host's kernel; a domain without KVM has none. Off by default: it costs a question to each hypervisor.

use exposition::{
    Families,
    MetricType::{Counter, Gauge},
};

use super::Group;
use crate::connect;
use crate::domain::Snapshot;
use crate::emit::{count, extras, samples};

pub(super) const GROUP: Group = Group {
    name: "vm",
    help: "What KVM counts of each domain; a question more to each hypervisor",
    source: "libvirt `vm.*` (8.9, QEMU monitor: query-stats of KVM)",
    default_on: false,
    stats: connect::VM,
    emit,
};

fn emit(snapshot: &Snapshot, out: &mut Families) {
    for (family, help, kind, is_sum) in [
        (
            "libvirt_domain_vm_events_total",
            "Events that KVM counted for the domain, by KVM's name; those whose name ends in _ns are nanoseconds.",
            Counter,
            true,
        ),
        (
            "libvirt_domain_vm_state",
            "States that KVM tells of the domain, by KVM's name.",
            Gauge,
            false,
        ),
    ] {
        let counts = snapshot.domains.iter().flat_map(|domain| {
            let counts = extras(domain).into_iter().flat_map(|extras| &extras.vm);
            let counts = counts.filter(move |it| it.is_sum == is_sum);
            counts.filter_map(move |it| {
                let label = ("stat", it.name.as_str());
                Some((domain, Some(label), count(Some(it.value))?))
            })
        });
        samples(family, help, kind, counts, out);
    }
}
