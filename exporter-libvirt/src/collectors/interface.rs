//! Each network interface (`net.<number>.*`) as the guest sees it: received is what the guest received. Interfaces
//! without a device on the host (user networking, passthrough) have no statistics in libvirt.

use exposition::{Families, MetricType::Counter};

use super::Group;
use crate::connect;
use crate::domain::Snapshot;
use crate::emit::{Family, count, info, per_part};
use crate::stats::Interface;

pub(super) const GROUP: Group = Group {
    name: "interface",
    help: "Each network interface: bytes, packets, errors, drops, and what it is plugged into",
    source: "`/proc/PID/net/dev`; libvirt `net.*` for what is no tap; `<interface>` of the XML",
    default_on: true,
    stats: connect::INTERFACE,
    emit,
};

const FAMILIES: &[Family<Interface>] = &[
    Family {
        name: "libvirt_domain_interface_stats_receive_bytes_total",
        help: "Number of bytes received on a network interface, in bytes.",
        kind: Counter,
        value: |nic| count(nic.rx_bytes),
    },
    Family {
        name: "libvirt_domain_interface_stats_receive_packets_total",
        help: "Number of packets received on a network interface.",
        kind: Counter,
        value: |nic| count(nic.rx_pkts),
    },
    Family {
        name: "libvirt_domain_interface_stats_receive_errors_total",
        help: "Number of packet receive errors on a network interface.",
        kind: Counter,
        value: |nic| count(nic.rx_errs),
    },
    Family {
        name: "libvirt_domain_interface_stats_receive_drops_total",
        help: "Number of packet receive drops on a network interface.",
        kind: Counter,
        value: |nic| count(nic.rx_drop),
    },
    Family {
        name: "libvirt_domain_interface_stats_transmit_bytes_total",
        help: "Number of bytes transmitted on a network interface, in bytes.",
        kind: Counter,
        value: |nic| count(nic.tx_bytes),
    },
    Family {
        name: "libvirt_domain_interface_stats_transmit_packets_total",
        help: "Number of packets transmitted on a network interface.",
        kind: Counter,
        value: |nic| count(nic.tx_pkts),
    },
    Family {
        name: "libvirt_domain_interface_stats_transmit_errors_total",
        help: "Number of packet transmit errors on a network interface.",
        kind: Counter,
        value: |nic| count(nic.tx_errs),
    },
    Family {
        name: "libvirt_domain_interface_stats_transmit_drops_total",
        help: "Number of packet transmit drops on a network interface.",
        kind: Counter,
        value: |nic| count(nic.tx_drop),
    },
];

fn emit(snapshot: &Snapshot, out: &mut Families) {
    per_part(
        snapshot,
        |domain| domain.stats.interfaces.as_slice(),
        FAMILIES,
        out,
    );
    // The description of each interface that has statistics. Two names for one thing: inovex's and Tinkoff's.
    let described = || {
        snapshot.domains.iter().flat_map(|domain| {
            let nics = domain.stats.interfaces.iter();
            nics.filter_map(move |nic| Some((domain, domain.description.nic(&nic.name)?)))
        })
    };
    info(
        "libvirt_domain_interface_stats_info",
        "Metadata on network interfaces.",
        described(),
        |_, nic, labels| {
            labels.extend([
                ("target_device", nic.target.as_str()),
                ("interface_type", &nic.interface_type),
                ("source_bridge", &nic.source_bridge),
                ("source_network", &nic.source_network),
                ("mac_address", &nic.mac_address),
                ("model_type", &nic.model_type),
                ("mtu_size", &nic.mtu_size),
                ("virtual_interface", &nic.virtual_interface),
            ]);
        },
        out,
    );
    info(
        "libvirt_domain_interface_meta",
        "Interfaces metadata. Source bridge, target device, interface uuid",
        described()
            .filter(|(_, nic)| !(nic.source_bridge.is_empty() && nic.virtual_interface.is_empty())),
        |_, nic, labels| {
            labels.extend([
                ("target_device", nic.target.as_str()),
                ("source_bridge", &nic.source_bridge),
                ("virtual_interface", &nic.virtual_interface),
            ]);
        },
        out,
    );
}
