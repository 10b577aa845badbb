//! Which NVMe controllers the host has, how they are, and the size and use of their namespaces. Source:
//! `/sys/class/nvme`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "nvme",
    default_on: true,
    help: "NVMe controllers from /sys/class/nvme",
    build,
};

const DIR: &str = "class/nvme";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The label and the file of each word.
const WORDS: [(&str, &str); 5] = [
    ("cntlid", "cntlid"),
    ("firmware_revision", "firmware_rev"),
    ("model", "model"),
    ("serial", "serial"),
    ("state", "state"),
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for device in names {
        items.whole_info(
            Metric::gauge(
                "node_nvme_info",
                "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
            ),
            &[("device", device)],
            WORDS.map(|(label, name)| (label, roots.attribute(&format!("{DIR}/{device}/{name}")))),
        );
        let children = roots.sys_names(&format!("{DIR}/{device}"));
        for name in children.unwrap_or_default() {
            if let Some(nsid) = namespace(device, &name) {
                show_namespace(roots, device, &name, nsid, items);
            }
        }
    }
}

/// The number of a namespace, from its name: `nvme0n1`, or `nvme0c0n1` where it has several paths.
fn namespace<'n>(device: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix(device)?;
    let (path, nsid) = rest.split_once('n')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_path = path.is_empty() || path.strip_prefix('c').is_some_and(is_number);
    (is_path && is_number(nsid)).then_some(nsid)
}

fn show_namespace(roots: &Roots, device: &str, name: &str, nsid: &str, items: &mut Items) {
    let file = |attribute: &str| roots.attribute(&format!("{DIR}/{device}/{name}/{attribute}"));
    let labels = [("device", device), ("nsid", nsid)];
    items.whole_info(
        Metric::gauge(
            "node_nvme_namespace_info",
            "Information about NVMe namespaces. Value is always 1",
        ),
        &labels,
        [("ana_state", file("ana_state"))],
    );
    let Some(block) = file("queue/logical_block_size").number() else {
        return;
    };
    items.fixed(
        Metric::gauge(
            "node_nvme_namespace_logical_block_size_bytes",
            "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in \
             /sys/class/nvme/<device>/<namespace>/queue/logical_block_size",
        ),
        &labels,
        block,
    );
    // The kernel has the size in sectors of 512 bytes; node_exporter takes it for logical blocks, and dashboards know
    // these series so.
    for (attribute, metric, help) in [
        (
            "size",
            "node_nvme_namespace_size_bytes",
            "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size",
        ),
        (
            "size",
            "node_nvme_namespace_capacity_bytes",
            "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size",
        ),
        (
            "nuse",
            "node_nvme_namespace_used_bytes",
            "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse",
        ),
    ] {
        let metric = Metric::gauge(metric, help).unit(Unit::Times(block));
        items.number(file(attribute), metric, &labels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_told_by_its_name() {
        assert_eq!(namespace("nvme0", "nvme0n1"), Some("1"));
        assert_eq!(namespace("nvme0", "nvme0c3n12"), Some("12"));
        for other in [
            "nvme0",
            "nvme0n",
            "nvme0n1p1",
            "nvme1n1",
            "nvme0cn1",
            "model",
        ] {
            assert_eq!(namespace("nvme0", other), None, "{other}");
        }
    }
}
