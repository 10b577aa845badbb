//! Each I/O thread (`iothread.<id>.*`): how it polls. Off by default: it costs a question to each hypervisor.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::connect;
use crate::domain::Snapshot;
use crate::emit::{Family, count, extras, per_part, seconds};
use crate::stats::IoThread;

pub(super) const GROUP: Group = Group {
    name: "iothread",
    help: "Each I/O thread: how it polls; a question more to each hypervisor",
    source: "libvirt `iothread.*` (4.10, QEMU monitor)",
    default_on: false,
    stats: connect::IOTHREAD,
    emit,
};

const FAMILIES: &[Family<IoThread>] = &[
    Family {
        name: "libvirt_domain_iothread_poll_max_seconds",
        help: "The longest time that the I/O thread polls before it sleeps, in seconds; 0 for never.",
        kind: Gauge,
        value: |thread| seconds(thread.poll_max),
    },
    Family {
        name: "libvirt_domain_iothread_poll_grow",
        help: "By what the polling time is multiplied when it was too short; 0 for QEMU's own choice.",
        kind: Gauge,
        value: |thread| count(thread.poll_grow),
    },
    Family {
        name: "libvirt_domain_iothread_poll_shrink",
        help: "By what the polling time is divided when it was in vain; 0 for QEMU's own choice.",
        kind: Gauge,
        value: |thread| count(thread.poll_shrink),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_part(
        snapshot,
        |domain| extras(domain).map_or(&[], |extras| extras.iothreads.as_slice()),
        FAMILIES,
        out,
    );
}
