//! Which NVMe controllers the host has and how they are. Source: `/sys/class/nvme`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "nvme",
    default_on: true,
    help: "NVMe controllers from /sys/class/nvme",
    build,
};

const DIR: &str = "class/nvme";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(NvmeCollector {
        roots: config.roots.clone(),
        board: Board::default(),
    }))
}

struct NvmeCollector {
    roots: Roots,
    board: Board,
}

impl Collector for NvmeCollector {
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
