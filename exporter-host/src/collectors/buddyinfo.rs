//! How many free blocks of memory of each size each zone has. Source: `/proc/buddyinfo`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "buddyinfo",
    default_on: false,
    help: "free memory blocks by size from /proc/buddyinfo",
    build,
};

/// The sizes as labels: powers of two of pages, of which kernels have eleven or a few more.
const SIZES: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(BuddyInfo {
        file: config.roots.proc("buddyinfo"),
    }))
}

struct BuddyInfo {
    file: KernelFile,
}

impl Collector for BuddyInfo {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let zones = self.file.parse(parse)?;
        let mut family = out.family(
            "node_buddyinfo_blocks",
            "Count of free blocks according to size.",
            MetricType::Gauge,
        );
        for Zone { node, zone, blocks } in zones {
            for (size, count) in SIZES.into_iter().zip(blocks) {
                family.sample(&[("node", node), ("size", size), ("zone", zone)], count);
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Zone<'a> {
    node: &'a str,
    zone: &'a str,
    blocks: Vec<f64>,
}

/// `Node 0, zone      DMA      1      0      1`.
fn parse(text: &str) -> Result<Vec<Zone<'_>>, ParseError> {
    let mut zones = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let zone = parse_line(line);
        zones.push(
            zone.ok_or_else(|| ParseError::at(index, "`Node 0, zone name` and counts", line))?,
        );
    }
    Ok(zones)
}

fn parse_line(line: &str) -> Option<Zone<'_>> {
    let (node, rest) = line.strip_prefix("Node ")?.split_once(", zone")?;
    let mut fields = rest.split_ascii_whitespace();
    Some(Zone {
        node: node.trim(),
        zone: fields.next()?,
        blocks: fields.map(number).collect::<Option<Vec<f64>>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_zone() {
        let zones = parse("Node 0, zone    DMA32    759   572\n").unwrap();
        assert_eq!(
            zones,
            [Zone {
                node: "0",
                zone: "DMA32",
                blocks: vec![759.0, 572.0]
            }]
        );
        assert!(parse("Node 0, zone DMA x\n").is_err() && parse("zone\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
