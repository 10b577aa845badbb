//! Which NVMe controllers the host has and how they are. Source: `/sys/class/nvme`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
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
        items.info(
            Metric::gauge(
                "node_nvme_info",
                "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
            ),
            &[("device", device)],
            WORDS.map(|(label, name)| (label, roots.attribute(&format!("{DIR}/{device}/{name}")))),
        );
    }
}
