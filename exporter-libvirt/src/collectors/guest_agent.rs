//! What the guests' agents say: file systems, operating system, users, load. They are asked in the background, so the
//! numbers have an age. Only domains with an agent's channel have these series.

use std::collections::HashSet;

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, info, per_domain};
use crate::guests::info::{Filesystem, GuestInfo};

pub(super) const GROUP: Group = Group {
    name: "guest_agent",
    help: "What guests' agents say: file systems, operating system, users, load; asked in the background",
    source: "virDomainGetGuestInfo (libvirt 5.7), in the background",
    default_on: true,
    stats: 0,
    emit,
};

/// What the agent last said.
fn said(domain: &Domain) -> Option<&GuestInfo> {
    let (_, info) = domain.agent.as_ref()?.answer.as_ref()?;
    Some(info)
}

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_guest_agent_up",
        help: "Whether the guest's agent answered when it was last asked.",
        kind: Gauge,
        value: |domain| Some(f64::from(u8::from(domain.agent.as_ref()?.is_up))),
    },
    Family {
        name: "libvirt_domain_guest_agent_latency_seconds",
        help: "How long the guest's agent took for its last answer.",
        kind: Gauge,
        value: |domain| Some(domain.agent.as_ref()?.latency?.as_secs_f64()),
    },
    Family {
        name: "libvirt_domain_guest_agent_age_seconds",
        help: "How old the last answer of the guest's agent is.",
        kind: Gauge,
        value: |domain| Some(domain.agent_age?.as_secs_f64()),
    },
    Family {
        name: "libvirt_domain_guest_users",
        help: "Sessions of users in the guest, as its agent says.",
        kind: Gauge,
        value: |domain| count(said(domain)?.users),
    },
    Family {
        name: "libvirt_domain_guest_disks",
        help: "Disks and partitions that the guest sees, as its agent says.",
        kind: Gauge,
        value: |domain| count(said(domain)?.disks),
    },
    Family {
        name: "libvirt_domain_guest_load1",
        help: "Load average of the guest over one minute, as its agent says.",
        kind: Gauge,
        value: |domain| said(domain)?.load[0],
    },
    Family {
        name: "libvirt_domain_guest_load5",
        help: "Load average of the guest over five minutes, as its agent says.",
        kind: Gauge,
        value: |domain| said(domain)?.load[1],
    },
    Family {
        name: "libvirt_domain_guest_load15",
        help: "Load average of the guest over 15 minutes, as its agent says.",
        kind: Gauge,
        value: |domain| said(domain)?.load[2],
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
    info(
        "libvirt_domain_guest_info",
        "The guest's operating system and host name, as its agent says.",
        snapshot
            .domains
            .iter()
            .filter_map(|domain| Some((domain, said(domain)?))),
        |_, said, labels| {
            let os = |key: &str| said.os.get(key).map_or("", String::as_str);
            labels.extend([
                ("hostname", said.hostname.as_str()),
                ("os_id", os("id")),
                ("os_name", os("name")),
                ("os_pretty_name", os("pretty-name")),
                ("os_version_id", os("version-id")),
                ("kernel_release", os("kernel-release")),
            ]);
        },
        out,
    );
    filesystems(
        snapshot,
        "libvirt_domain_filesystem_size_bytes",
        "Size of a file system in the guest, in bytes.",
        |fs| fs.size,
        out,
    );
    filesystems(
        snapshot,
        "libvirt_domain_filesystem_used_bytes",
        "What is used of a file system in the guest, in bytes.",
        |fs| fs.used,
        out,
    );
}

fn filesystems(
    snapshot: &Snapshot,
    name: &str,
    help: &str,
    value: fn(&Filesystem) -> Option<u64>,
    out: &mut Families,
) {
    let mut family = out.family(name, help, Gauge);
    let mut labels = Vec::with_capacity(8);
    for domain in &snapshot.domains {
        let mut seen = HashSet::new();
        for fs in said(domain).into_iter().flat_map(|said| &said.filesystems) {
            // A mount over a mount is listed twice; the kernel shows the last, the agent the first.
            if let Some(value) = count(value(fs))
                && seen.insert((&fs.mountpoint, &fs.device))
            {
                labels.clear();
                domain.identity(&mut labels);
                labels.extend([
                    ("mountpoint", fs.mountpoint.as_str()),
                    ("fstype", &fs.fstype),
                    ("device", &fs.device),
                    ("disk", &fs.disk),
                    ("source", "agent"),
                ]);
                labels.retain(|(_, value)| !value.is_empty());
                family.sample(&labels, value);
            }
        }
    }
}
