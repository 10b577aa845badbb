//! What the caches of the network layer count on each CPU. Source: the tables in `/proc/net/stat`, of hexadecimal
//! numbers.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::text::{MetricName, NameCache, ParseError, hex};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "lnstat",
    default_on: false,
    help: "network cache statistics from /proc/net/stat",
    build,
};

const DIR: &str = "net/stat";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Lnstat {
        roots: config.roots.clone(),
        tables: Vec::new(),
        cpus: Vec::new(),
    }))
}

struct Lnstat {
    roots: Roots,
    tables: Vec<(String, KernelFile, NameCache)>,
    /// The numbers of CPUs as text.
    cpus: Vec<String>,
}

impl Collector for Lnstat {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self.roots.proc_names(DIR)?;
        if !names.iter().eq(self.tables.iter().map(|(name, ..)| name)) {
            let table = |name: String| {
                let file = self.roots.proc(&format!("{DIR}/{name}"));
                (name, file, NameCache::default())
            };
            self.tables = names.into_iter().map(table).collect();
        }
        for (subsystem, file, names) in &mut self.tables {
            let Table { columns, rows } = file.parse(parse)?;
            for number in self.cpus.len()..rows.len() {
                self.cpus.push(number.to_string());
            }
            for (position, column) in columns.into_iter().enumerate() {
                let Some(MetricName { name, help }) = names.get(position, column, named) else {
                    continue;
                };
                let mut family = out.family(name, help, MetricType::Counter);
                for (row, cpu) in rows.iter().zip(&self.cpus) {
                    let value = row.get(position).copied().unwrap_or_default();
                    family.sample(&[("cpu", cpu), ("subsystem", subsystem)], value as f64);
                }
            }
        }
        Ok(())
    }
}

fn named(column: &str) -> Option<MetricName> {
    Some(MetricName {
        name: format!("node_lnstat_{column}_total"),
        help: "linux network cache stats".to_owned(),
    })
}

/// The names of the columns, and a row of each CPU.
#[derive(Debug, PartialEq)]
struct Table<'a> {
    columns: Vec<&'a str>,
    rows: Vec<Vec<u64>>,
}

fn parse(text: &str) -> Result<Table<'_>, ParseError> {
    let mut lines = text.lines().enumerate();
    let (_, heading) = lines
        .next()
        .ok_or(ParseError::Missing("a heading of columns"))?;
    let columns: Vec<&str> = heading.split_ascii_whitespace().collect();
    let mut rows = Vec::new();
    for (index, line) in lines {
        let row: Option<Vec<u64>> = line.split_ascii_whitespace().map(hex).collect();
        let row = row.filter(|row| row.len() == columns.len());
        rows.push(
            row.ok_or_else(|| ParseError::at(index, "a hexadecimal number per column", line))?,
        );
    }
    Ok(Table { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_a_row() {
        let table = parse("entries  allocs\n00000014 0000000a\n00000014 00000001\n").unwrap();
        assert_eq!(table.columns, ["entries", "allocs"]);
        assert_eq!(table.rows, [vec![20, 10], vec![20, 1]]);
        assert!(
            parse("entries allocs\n1\n").is_err()
                && parse("entries\nx\n").is_err()
                && parse("").is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
