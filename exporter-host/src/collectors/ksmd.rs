//! What the kernel saves by sharing equal pages of memory. Source: `/sys/kernel/mm/ksm`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ksmd",
    default_on: false,
    help: "kernel same-page merging from /sys/kernel/mm/ksm",
    build,
};

const DIR: &str = "kernel/mm/ksm";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The file, and the metric if it is not called like it.
const FILES: [(&str, &str); 10] = [
    ("full_scans", "node_ksmd_full_scans_total"),
    ("general_profit", "node_ksmd_general_profit_bytes"),
    ("merge_across_nodes", "node_ksmd_merge_across_nodes"),
    ("pages_shared", "node_ksmd_pages_shared"),
    ("pages_sharing", "node_ksmd_pages_sharing"),
    ("pages_to_scan", "node_ksmd_pages_to_scan"),
    ("pages_unshared", "node_ksmd_pages_unshared"),
    ("pages_volatile", "node_ksmd_pages_volatile"),
    ("run", "node_ksmd_run"),
    ("sleep_millisecs", "node_ksmd_sleep_seconds"),
];

fn discover(roots: &Roots, _names: &[String], items: &mut Items) {
    for (name, metric) in FILES {
        let help = format!("ksmd '{name}' file.");
        let metric = match name {
            "full_scans" => Metric::counter(metric, help),
            "sleep_millisecs" => Metric::gauge(metric, help).unit(Unit::Over(1000.0)),
            _ => Metric::gauge(metric, help),
        };
        items.number(roots.attribute(&format!("{DIR}/{name}")), metric, &[]);
    }
}
