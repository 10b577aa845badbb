//! How the kernel accounts the memory of each NUMA node, and how often allocations were served from there. Source:
//! `meminfo` and `numastat` of each node in `/sys/devices/system/node`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::text::{MetricName, NameCache, ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "meminfo_numa",
    default_on: false,
    help: "memory accounting by NUMA node from /sys/devices/system/node",
    build,
};

const DIR: &str = "devices/system/node";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(MeminfoNuma {
        roots: config.roots.clone(),
        nodes: Vec::new(),
    }))
}

struct MeminfoNuma {
    roots: Roots,
    nodes: Vec<Node>,
}

struct Node {
    number: String,
    memory: (KernelFile, NameCache),
    allocations: (KernelFile, NameCache),
}

impl Collector for MeminfoNuma {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self.roots.sys_names(DIR)?;
        let numbers = || names.iter().filter_map(|name| number_of(name));
        if !numbers().eq(self.nodes.iter().map(|node| node.number.as_str())) {
            self.nodes = numbers()
                .map(|number| Node::new(number, &self.roots))
                .collect();
        }
        for node in &mut self.nodes {
            node.emit(out)?;
        }
        Ok(())
    }
}

impl Node {
    fn new(number: &str, roots: &Roots) -> Self {
        let file = |name| {
            (
                roots.sys(&format!("{DIR}/node{number}/{name}")),
                NameCache::default(),
            )
        };
        Self {
            number: number.to_owned(),
            memory: file("meminfo"),
            allocations: file("numastat"),
        }
    }

    fn emit(&mut self, out: &mut Families) -> Result<(), CollectError> {
        let labels = [("node", self.number.as_str())];
        let (file, names) = &mut self.memory;
        for (position, (key, value)) in file.parse(parse)?.into_iter().enumerate() {
            let field = |key: &str| Some(name(&key.replace('(', "_").replace(')', "")));
            if let Some(MetricName { name, help }) = names.get(position, key, field) {
                out.family(name, help, MetricType::Gauge)
                    .sample(&labels, value);
            }
        }
        let (file, names) = &mut self.allocations;
        for (position, (key, value)) in file.parse(parse_counts)?.into_iter().enumerate() {
            let field = |key: &str| Some(name(&format!("{key}_total")));
            if let Some(MetricName { name, help }) = names.get(position, key, field) {
                out.family(name, help, MetricType::Counter)
                    .sample(&labels, value);
            }
        }
        Ok(())
    }
}

fn name(field: &str) -> MetricName {
    MetricName {
        name: format!("node_memory_numa_{field}"),
        help: format!("Memory information field {field}."),
    }
}

/// `0` of `node0`, but nothing of `online`.
fn number_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("node")?;
    (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

/// `Node 0 MemTotal:  134182340 kB`, in bytes; huge pages are a count.
fn parse(text: &str) -> Result<Vec<(&str, f64)>, ParseError> {
    let field = |line| {
        let (key, value) = str::split_once(line, ':')?;
        let key = key.split_ascii_whitespace().nth(2)?;
        let value = value.trim();
        let value = match value.strip_suffix("kB") {
            Some(kilobytes) => number(kilobytes)? * 1024.0,
            None => number(value)?,
        };
        Some((key, value))
    };
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            field(line).ok_or_else(|| ParseError::at(index, "`Node 0 name: number kB`", line))
        })
        .collect()
}

/// `numa_hit 193460335812`.
fn parse_counts(text: &str) -> Result<Vec<(&str, f64)>, ParseError> {
    let field = |line| {
        let (key, value) = str::split_once(line, ' ')?;
        Some((key, number(value)?))
    };
    let lines = text.lines().enumerate();
    lines
        .map(|(index, line)| {
            field(line).ok_or_else(|| ParseError::at(index, "`name number`", line))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes_and_huge_pages_are_a_count() {
        let text = "Node 0 MemTotal:       2 kB\nNode 0 HugePages_Total:     3\n";
        assert_eq!(
            parse(text).unwrap(),
            [("MemTotal", 2048.0), ("HugePages_Total", 3.0)]
        );
        assert!(parse("MemTotal 2\n").is_err() && parse("Node 0 MemTotal: x kB\n").is_err());
    }

    #[test]
    fn counts_are_names_and_numbers() {
        assert_eq!(parse_counts("numa_hit 7\n").unwrap(), [("numa_hit", 7.0)]);
        assert!(parse_counts("numa_hit\n").is_err());
        assert_eq!(
            (number_of("node12"), number_of("online")),
            (Some("12"), None)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
