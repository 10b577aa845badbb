//! Memory and the NUMA nodes that it and the CPUs belong to. Sources: `/proc/meminfo`, `/sys/devices/system/node`, and the
//! modules as the firmware lists them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::smbios::MemoryModule;
use crate::roots::Roots;

const NODES: &str = "devices/system/node";

/// The memory of the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// `MemTotal`: what the kernel has to give.
    pub(crate) total_bytes: Option<u64>,
    pub(crate) swap_total_bytes: Option<u64>,
    /// What all modules have together, which the firmware tells root.
    pub(crate) installed_bytes: Option<u64>,
    /// The slots, for root only.
    pub(crate) modules: Vec<MemoryModule>,
}

/// A NUMA node.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct NumaNode {
    pub(crate) id: u32,
    /// Its CPUs in the kernel's notation, empty for memory without CPUs.
    pub(crate) cpus: String,
    pub(crate) total_bytes: Option<u64>,
    pub(crate) free_bytes: Option<u64>,
    /// How far each node is, this one being 10, in the order of the nodes.
    pub(crate) distances: Vec<u32>,
    /// Huge pages by their size in KiB.
    pub(crate) huge_pages: BTreeMap<u64, HugePages>,
}

/// Huge pages of one size.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct HugePages {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

/// The memory as a whole; `modules` are those of the firmware.
pub(crate) fn read(roots: &Roots, modules: Vec<MemoryModule>) -> Memory {
    let text = roots.proc_once("meminfo").unwrap_or_default();
    let installed: u64 = modules
        .iter()
        .filter_map(|module| module.size_bytes)
        .fold(0, u64::saturating_add);
    Memory {
        total_bytes: bytes(&text, "MemTotal:"),
        swap_total_bytes: bytes(&text, "SwapTotal:"),
        installed_bytes: (installed > 0).then_some(installed),
        modules,
    }
}

/// All NUMA nodes by number; none where the kernel is built without.
pub(crate) fn nodes(roots: &Roots) -> Vec<NumaNode> {
    let names = roots.sys_names(NODES).unwrap_or_default();
    let ids = names
        .iter()
        .filter_map(|name| name.strip_prefix("node")?.parse().ok());
    let mut ids: Vec<u32> = ids.collect();
    ids.sort_unstable();
    ids.into_iter().map(|id| node(roots, id)).collect()
}

fn node(roots: &Roots, id: u32) -> NumaNode {
    let text = |file: &str| {
        roots
            .sys_once(&format!("{NODES}/node{id}/{file}"))
            .unwrap_or_default()
    };
    let memory = text("meminfo");
    let distances = text("distance");
    let pages = format!("{NODES}/node{id}/hugepages");
    let sizes = roots.sys_names(&pages).unwrap_or_default();
    let huge_pages = sizes.iter().filter_map(|name| {
        let size = name
            .strip_prefix("hugepages-")?
            .strip_suffix("kB")?
            .parse()
            .ok()?;
        let count = |file: &str| {
            text(&format!("hugepages/{name}/{file}"))
                .parse()
                .unwrap_or_default()
        };
        let pages = HugePages {
            total: count("nr_hugepages"),
            free: count("free_hugepages"),
        };
        Some((size, pages))
    });
    NumaNode {
        id,
        cpus: text("cpulist"),
        total_bytes: bytes(&memory, "MemTotal:"),
        free_bytes: bytes(&memory, "MemFree:"),
        distances: distances
            .split_ascii_whitespace()
            .filter_map(|text| text.parse().ok())
            .collect(),
        huge_pages: huge_pages.collect(),
    }
}

/// The number behind a key, in KiB; a node's lines have `Node 0` in front.
fn bytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.by_ref().find(|word| *word == key)?;
        words.next()
    });
    line?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_bytes_with_and_without_the_node() {
        assert_eq!(bytes("MemTotal:       2 kB\n", "MemTotal:"), Some(2048));
        assert_eq!(bytes("Node 0 MemTotal:  3 kB\n", "MemTotal:"), Some(3072));
        assert_eq!(
            bytes("MemTotal: 99999999999999999999 kB\n", "MemTotal:"),
            None
        );
        assert_eq!(bytes("MemTotal:", "MemTotal:"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_number_or_none(text in "(?s)(Node|[0-9 ]|MemTotal:|.)*") {
            let _ = bytes(&text, "MemTotal:");
        }
    }
}
