//! The pages of each memory zone. Source: `/proc/zoneinfo`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "zoneinfo",
    default_on: false,
    help: "pages of memory zones from /proc/zoneinfo",
    build,
};

use MetricType::{Counter, Gauge};

/// The kernel's field, the metric, its HELP and type.
#[rustfmt::skip]
const FIELDS: [(&str, &str, &str, MetricType); 34] = [
    ("nr_free_pages", "node_zoneinfo_nr_free_pages", "Total number of free pages in the zone", Gauge),
    ("min", "node_zoneinfo_min_pages", "Zone watermark pages_min", Gauge),
    ("low", "node_zoneinfo_low_pages", "Zone watermark pages_low", Gauge),
    ("high", "node_zoneinfo_high_pages", "Zone watermark pages_high", Gauge),
    ("scanned", "node_zoneinfo_scanned_pages", "Pages scanned since last reclaim", Gauge),
    ("spanned", "node_zoneinfo_spanned_pages", "Total pages spanned by the zone, including holes", Gauge),
    ("present", "node_zoneinfo_present_pages", "Physical pages existing within the zone", Gauge),
    ("managed", "node_zoneinfo_managed_pages", "Present pages managed by the buddy system", Gauge),
    ("nr_active_anon", "node_zoneinfo_nr_active_anon_pages", "Number of anonymous pages recently more used", Gauge),
    ("nr_inactive_anon", "node_zoneinfo_nr_inactive_anon_pages", "Number of anonymous pages recently less used", Gauge),
    ("nr_isolated_anon", "node_zoneinfo_nr_isolated_anon_pages", "Temporary isolated pages from anon lru", Gauge),
    ("nr_anon_pages", "node_zoneinfo_nr_anon_pages", "Number of anonymous pages currently used by the system", Gauge),
    ("nr_anon_transparent_hugepages", "node_zoneinfo_nr_anon_transparent_hugepages", "Number of anonymous transparent huge pages currently used by the system", Gauge),
    ("nr_active_file", "node_zoneinfo_nr_active_file_pages", "Number of active pages with file-backing", Gauge),
    ("nr_inactive_file", "node_zoneinfo_nr_inactive_file_pages", "Number of inactive pages with file-backing", Gauge),
    ("nr_isolated_file", "node_zoneinfo_nr_isolated_file_pages", "Temporary isolated pages from file lru", Gauge),
    ("nr_file_pages", "node_zoneinfo_nr_file_pages", "Number of file pages", Gauge),
    ("nr_slab_reclaimable", "node_zoneinfo_nr_slab_reclaimable_pages", "Number of reclaimable slab pages", Gauge),
    ("nr_slab_unreclaimable", "node_zoneinfo_nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages", Gauge),
    ("nr_mlock_stack", "node_zoneinfo_nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU", Gauge),
    ("nr_kernel_stack", "node_zoneinfo_nr_kernel_stacks", "Number of kernel stacks", Gauge),
    ("nr_mapped", "node_zoneinfo_nr_mapped_pages", "Number of mapped pages", Gauge),
    ("nr_dirty", "node_zoneinfo_nr_dirty_pages", "Number of dirty pages", Gauge),
    ("nr_writeback", "node_zoneinfo_nr_writeback_pages", "Number of writeback pages", Gauge),
    ("nr_unevictable", "node_zoneinfo_nr_unevictable_pages", "Number of unevictable pages", Gauge),
    ("nr_shmem", "node_zoneinfo_nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)", Gauge),
    ("nr_dirtied", "node_zoneinfo_nr_dirtied_total", "Page dirtyings since bootup", Counter),
    ("nr_written", "node_zoneinfo_nr_written_total", "Page writings since bootup", Counter),
    ("numa_hit", "node_zoneinfo_numa_hit_total", "Allocated in intended node", Counter),
    ("numa_miss", "node_zoneinfo_numa_miss_total", "Allocated in non intended node", Counter),
    ("numa_foreign", "node_zoneinfo_numa_foreign_total", "Was intended here, hit elsewhere", Counter),
    ("numa_interleave", "node_zoneinfo_numa_interleave_total", "Interleaver preferred this zone", Counter),
    ("numa_local", "node_zoneinfo_numa_local_total", "Allocation from local node", Counter),
    ("numa_other", "node_zoneinfo_numa_other_total", "Allocation from other node", Counter),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(ZoneInfo(config.roots.proc("zoneinfo"))))
}

struct ZoneInfo(KernelFile);

/// One zone of one NUMA node.
#[derive(Debug)]
struct Zone<'a> {
    node: &'a str,
    name: &'a str,
    /// The pages of each of [`FIELDS`].
    pages: [Option<u64>; FIELDS.len()],
    /// The pages that are kept from allocations meant for higher zones, one number for each of these.
    protection: Vec<u64>,
}

impl Collector for ZoneInfo {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let zones = self.0.parse(parse)?;
        for (index, (_, name, help, kind)) in FIELDS.iter().enumerate() {
            for zone in &zones {
                if let Some(pages) = zone.pages.get(index).copied().flatten() {
                    let labels = [("node", zone.node), ("zone", zone.name)];
                    out.family(name, help, *kind).sample(&labels, pages as f64);
                }
            }
        }
        for zone in &zones {
            for (index, pages) in zone.protection.iter().enumerate() {
                let name = format!("node_zoneinfo_protection_{index}");
                let help = format!("Protection array {index}. field");
                let labels = [("node", zone.node), ("zone", zone.name)];
                out.family(&name, &help, Gauge)
                    .sample(&labels, *pages as f64);
            }
        }
        Ok(())
    }
}

/// Paragraphs that begin with `Node 0, zone DMA` and have lines of `field number`. What has another form, such as the
/// page sets of CPUs, is passed over.
fn parse(text: &str) -> Result<Vec<Zone<'_>>, ParseError> {
    let mut zones: Vec<Zone<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("Node ") {
            let (node, name) = heading
                .split_once(", zone")
                .ok_or_else(|| ParseError::at(index, "`Node N, zone NAME`", line))?;
            zones.push(Zone {
                node,
                name: name.trim(),
                pages: [None; FIELDS.len()],
                protection: Vec::new(),
            });
        } else if let Some(zone) = zones.last_mut() {
            field(line.trim_ascii_start(), zone);
        }
    }
    if zones.is_empty() {
        return Err(ParseError::Missing("a line `Node N, zone NAME`"));
    }
    Ok(zones)
}

fn field(line: &str, zone: &mut Zone<'_>) {
    if let Some(list) = line.strip_prefix("protection:") {
        let list = list.trim().trim_start_matches('(').trim_end_matches(')');
        zone.protection = list
            .split(',')
            .map_while(|one| one.trim().parse().ok())
            .collect();
        return;
    }
    let Some((key, value)) = line.split_once(' ') else {
        return;
    };
    let known = FIELDS.iter().position(|(field, ..)| *field == key);
    if let Some(slot) = known.and_then(|index| zone.pages.get_mut(index)) {
        *slot = value.trim().parse().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Node 0, zone      DMA\n  per-node stats\n      nr_dirty     103\n  pages free     2949\n        \
        min      8\n        protection: (0, 2039, 31932)\n  pagesets\n    cpu: 0\n              count: 5\n\
        Node 1, zone   Normal\n        min      9\n";

    #[test]
    fn zones_have_their_fields_and_nothing_of_the_page_sets() {
        let zones = parse(TEXT).unwrap();
        assert_eq!((zones[0].node, zones[0].name), ("0", "DMA"));
        assert_eq!(zones[0].pages.iter().flatten().sum::<u64>(), 111);
        assert_eq!(zones[0].protection, [0, 2039, 31_932]);
        assert_eq!(zones[1].pages.iter().flatten().sum::<u64>(), 9);
    }

    #[test]
    fn a_text_without_zones_is_refused() {
        assert!(parse("garbage").is_err() && parse("Node 0").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&format!("Node 0, zone x\n{text}"));
        }
    }
}
