//! What the kernel saves by sharing equal pages of memory. Source: `/sys/kernel/mm/ksm`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ksmd",
    default_on: false,
    help: "kernel same-page merging from /sys/kernel/mm/ksm",
    build,
};

const DIR: &str = "kernel/mm/ksm";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(KsmdCollector {
        roots: config.roots.clone(),
        board: Board::default(),
    }))
}

struct KsmdCollector {
    roots: Roots,
    board: Board,
}

impl Collector for KsmdCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self
            .roots
            .sys_names(DIR)
            .map_err(|error| CollectError::NoData(error.to_string()))?;
        let Self { roots, board } = self;
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
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
