//! How the kernel uses its slabs of memory. Source: `/proc/slabinfo`, which only root may read.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "slabinfo",
    default_on: false,
    help: "slab caches from /proc/slabinfo",
    build,
};

/// The metrics in the order of the fields after the name: name and HELP.
const COLUMNS: [(&str, &str); 5] = [
    (
        "node_slabinfo_active_objects",
        "The number of objects that are currently active (i.e., in use).",
    ),
    (
        "node_slabinfo_objects",
        "The total number of allocated objects (i.e., objects that are both in use and not in use).",
    ),
    (
        "node_slabinfo_object_size_bytes",
        "The size of objects in this slab, in bytes.",
    ),
    (
        "node_slabinfo_objects_per_slab",
        "The number of objects stored in each slab.",
    ),
    (
        "node_slabinfo_pages_per_slab",
        "The number of pages allocated for each slab.",
    ),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(SlabInfo {
        file: config.roots.proc("slabinfo"),
        slabs: config.options.filter("collector.slabinfo.slabs")?,
    }))
}

struct SlabInfo {
    file: KernelFile,
    slabs: Filter,
}

impl Collector for SlabInfo {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut slabs = self.file.parse(parse)?;
        slabs.retain(|(name, _)| !self.slabs.ignores(name));
        for (place, (name, help)) in COLUMNS.into_iter().enumerate() {
            let mut family = out.family(name, help, MetricType::Gauge);
            for (slab, values) in &slabs {
                let value = values.get(place).copied().unwrap_or_default();
                family.sample(&[("slab", slab)], value);
            }
        }
        Ok(())
    }
}

/// The lines after the version and the heading: a name and numbers.
fn parse(text: &str) -> Result<Vec<(&str, [f64; COLUMNS.len()])>, ParseError> {
    let mut slabs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("slabinfo") || line.starts_with('#') {
            continue;
        }
        let malformed = || ParseError::at(index, "a name and five numbers", line);
        let mut fields = line.split_ascii_whitespace();
        let name = fields.next().ok_or_else(malformed)?;
        let mut values = [0.0; COLUMNS.len()];
        for value in &mut values {
            *value = fields.next().and_then(number).ok_or_else(malformed)?;
        }
        slabs.push((name, values));
    }
    Ok(slabs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_follow_the_headings() {
        let text = "slabinfo - version: 2.1\n# name <active_objs>\ntw_sock_TCP 704 864 256 32 2 : tunables 0 0 0\n";
        assert_eq!(
            parse(text).unwrap(),
            [("tw_sock_TCP", [704.0, 864.0, 256.0, 32.0, 2.0])]
        );
        assert!(parse("tw_sock_TCP 704\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
