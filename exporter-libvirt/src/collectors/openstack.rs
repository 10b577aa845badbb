//! What Nova wrote into the domains' metadata, to join on: owner, flavor, image. It also has the series that tells
//! every domain's UUID, OpenStack or not, as Tinkoff's exporter does.

use exposition::{Families, MetricType::Gauge};

use super::Group;
use crate::domain::{Domain, Snapshot};
use crate::emit::{Family, count, info, per_domain};

pub(super) const GROUP: Group = Group {
    name: "openstack",
    help: "Nova's metadata: instance name, project, user, flavor, image",
    source: "`<metadata>` of the XML",
    default_on: true,
    stats: 0,
    emit,
};

const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;

const FAMILIES: &[Family<Domain>] = &[
    Family {
        name: "libvirt_domain_openstack_created_timestamp_seconds",
        help: "When Nova created the instance, in seconds since epoch.",
        kind: Gauge,
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds up to the year 9999 fit a double"
        )]
        value: |domain| Some(domain.description.nova.as_ref()?.created_at? as f64),
    },
    Family {
        name: "libvirt_domain_openstack_flavor_memory_bytes",
        help: "Memory of the instance's flavor, in bytes.",
        kind: Gauge,
        value: |domain| Some(count(domain.description.nova.as_ref()?.flavor_memory)? * MIB),
    },
    Family {
        name: "libvirt_domain_openstack_flavor_swap_bytes",
        help: "Swap disk of the instance's flavor, in bytes.",
        kind: Gauge,
        value: |domain| Some(count(domain.description.nova.as_ref()?.flavor_swap)? * MIB),
    },
    Family {
        name: "libvirt_domain_openstack_flavor_disk_bytes",
        help: "Root disk of the instance's flavor, in bytes.",
        kind: Gauge,
        value: |domain| Some(count(domain.description.nova.as_ref()?.flavor_disk)? * GIB),
    },
    Family {
        name: "libvirt_domain_openstack_flavor_ephemeral_bytes",
        help: "Ephemeral disks of the instance's flavor, in bytes.",
        kind: Gauge,
        value: |domain| Some(count(domain.description.nova.as_ref()?.flavor_ephemeral)? * GIB),
    },
    Family {
        name: "libvirt_domain_openstack_flavor_vcpus",
        help: "Number of virtual CPUs of the instance's flavor.",
        kind: Gauge,
        value: |domain| count(domain.description.nova.as_ref()?.flavor_vcpus),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_domain(snapshot, FAMILIES, out);
    let instances = snapshot.domains.iter();
    info(
        "libvirt_domain_openstack_info",
        "OpenStack Metadata labels for the domain.",
        instances.filter_map(|domain| Some((domain, domain.description.nova.as_ref()?))),
        |domain, nova, labels| {
            // `project_id` is already there: it is one of the labels of every series.
            labels.extend([
                ("instance_name", nova.instance_name.as_str()),
                ("instance_id", &domain.uuid),
                ("flavor_name", &nova.flavor_name),
                ("flavor_id", &nova.flavor_id),
                ("user_name", &nova.user_name),
                ("user_id", &nova.user_id),
                ("project_name", &nova.project_name),
                ("image_id", nova.image_id()),
            ]);
        },
        out,
    );
    info(
        "libvirt_domain_info_meta",
        "Domain metadata",
        snapshot.domains.iter().map(|domain| (domain, ())),
        |domain, (), labels| {
            if let Some(nova) = &domain.description.nova {
                labels.extend([
                    ("instance_name", nova.instance_name.as_str()),
                    ("flavor", &nova.flavor_name),
                    ("user_name", &nova.user_name),
                    ("user_uuid", &nova.user_id),
                    ("project_name", &nova.project_name),
                    ("project_uuid", &nova.project_id),
                    ("root_type", &nova.root_type),
                    ("root_uuid", &nova.root_uuid),
                ]);
            }
        },
        out,
    );
}
