//! How the kernel accounts the memory: every line of `/proc/meminfo` under its own name. Lines with the unit kB
//! (which are KiB) become bytes and get `_bytes`; the counts of huge pages have no unit and stay as they are.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{MetricName, NameCache, ParseError};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "meminfo",
    default_on: true,
    help: "memory accounting from /proc/meminfo",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(MemInfo {
        file: config.roots.proc("meminfo"),
        names: NameCache::default(),
    }))
}

struct MemInfo {
    file: KernelFile,
    names: NameCache,
}

impl Collector for MemInfo {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        for (position, entry) in self.file.parse(parse)?.into_iter().enumerate() {
            let name = self
                .names
                .get(position, entry.key, |key| Some(name(key, entry.in_bytes)));
            if let Some(MetricName { name, help }) = name {
                out.family(name, help, MetricType::Gauge)
                    .sample(&[], entry.value);
            }
        }
        Ok(())
    }
}

/// One line: `Active(anon):   1580 kB`.
#[derive(Debug, PartialEq)]
struct Entry<'a> {
    key: &'a str,
    /// Bytes, or a count of pages if the line has no unit.
    value: f64,
    in_bytes: bool,
}

/// All lines in the kernel's order.
fn parse(text: &str) -> Result<Vec<Entry<'_>>, ParseError> {
    const EXPECTED: &str = "`Name: number kB`";
    // 55 lines today; room for those of tomorrow.
    let mut entries = Vec::with_capacity(64);
    for (index, line) in text.lines().enumerate() {
        let malformed = || ParseError::at(index, EXPECTED, line);
        let (key, rest) = line.split_once(':').ok_or_else(malformed)?;
        let mut fields = rest.split_ascii_whitespace();
        let number: f64 = fields
            .next()
            .and_then(|field| field.parse::<u64>().ok())
            .map(|number| number as f64)
            .ok_or_else(malformed)?;
        let in_bytes = match (fields.next(), fields.next()) {
            (None, _) => false,
            (Some("kB"), None) => true,
            _ => return Err(malformed()),
        };
        let value = if in_bytes { number * 1024.0 } else { number };
        entries.push(Entry {
            key,
            value,
            in_bytes,
        });
    }
    if entries.is_empty() {
        return Err(ParseError::Missing(EXPECTED));
    }
    Ok(entries)
}

/// `Active(anon)` is `node_memory_Active_anon_bytes`.
fn name(key: &str, in_bytes: bool) -> MetricName {
    let mut field = key.replace('(', "_").replace(')', "");
    if in_bytes {
        field.push_str("_bytes");
    }
    MetricName {
        name: format!("node_memory_{field}"),
        help: format!("Memory information field {field}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_become_bytes_and_counts_stay() {
        let entries = parse("MemTotal:  16 kB\nHugePages_Total:   3\n").unwrap();
        assert_eq!(
            entries,
            [
                Entry {
                    key: "MemTotal",
                    value: 16384.0,
                    in_bytes: true
                },
                Entry {
                    key: "HugePages_Total",
                    value: 3.0,
                    in_bytes: false
                },
            ]
        );
    }

    #[test]
    fn parentheses_in_a_name_become_an_underscore() {
        assert_eq!(
            name("Active(anon)", true).name,
            "node_memory_Active_anon_bytes"
        );
        assert_eq!(
            name("HugePages_Free", false).help,
            "Memory information field HugePages_Free."
        );
    }

    #[test]
    fn lines_of_another_form_are_refused_by_number() {
        for text in [
            "MemTotal 16 kB",
            "A: 1 kB\nB: much kB",
            "A: 1 kB\nB: 1 MB",
            "A: 1 kB\n\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let error = parse("A: 1 kB\nB: -4 kB").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: expected `Name: number kB`, found \"B: -4 kB\""
        );
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*", key in "\\PC*") {
            let _ = parse(&text);
            let _ = parse(&format!("{key}: 1 kB"));
            let _ = name(&key, true);
        }
    }
}
