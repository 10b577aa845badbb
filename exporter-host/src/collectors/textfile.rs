//! Metrics that other programs leave in files: all `*.prom` files in the directories of
//! `--collector.textfile.directory`. A file is parsed again only when it has changed.

use exposition::{Families, Format, MetricType, parse_families};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{Stamp, names, read_lossy, stamp};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "textfile",
    default_on: true,
    help: "metrics from *.prom files of --collector.textfile.directory",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Textfile {
        directories: config
            .options
            .values("collector.textfile.directory")
            .into_iter()
            .filter(|directory| !directory.is_empty())
            .map(PathBuf::from)
            .collect(),
        files: BTreeMap::new(),
    }))
}

struct Textfile {
    directories: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Known>,
}

/// A file as it was when it was parsed.
struct Known {
    stamp: Stamp,
    /// What it says, or `None` if it says nothing that can be shown.
    families: Option<Families>,
}

impl Collector for Textfile {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut failed = false;
        let mut present = Vec::new();
        for directory in &self.directories {
            match names(directory) {
                Ok(names) => present.extend(names.into_iter().map(|name| directory.join(name))),
                Err(_) => failed = true,
            }
        }
        present.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "prom")
        });
        self.files.retain(|path, _| present.contains(path));
        for path in present {
            failed |= self.file(path, out).is_none();
        }
        out.gauge(
            "node_textfile_scrape_error",
            "1 if there was an error opening or reading a file, 0 otherwise",
            f64::from(u8::from(failed)),
        );
        Ok(())
    }
}

impl Textfile {
    /// Shows a file; `None` if it cannot be read or is not what it should be.
    fn file(&mut self, path: PathBuf, out: &mut Families) -> Option<()> {
        let now = stamp(&path)?;
        if self.files.get(&path).is_none_or(|known| known.stamp != now) {
            let families = read_lossy(&path)
                .ok()
                .and_then(|text| parse(&text, &path.to_string_lossy()));
            self.files.insert(
                path.clone(),
                Known {
                    stamp: now,
                    families,
                },
            );
        }
        let families = self.files.get(&path)?.families.as_ref()?;
        out.append(families);
        out.family(
            "node_textfile_mtime_seconds",
            "Unixtime mtime of textfiles successfully read.",
            MetricType::Gauge,
        )
        .sample(&[("file", &path.to_string_lossy())], now.modified_seconds());
        Some(())
    }
}

/// The families of a file. Samples with a time of their own are refused: they would be those of another scrape.
fn parse(text: &str, path: &str) -> Option<Families> {
    let parsed = parse_families(text, Format::Text).ok()?;
    if parsed
        .iter()
        .any(|family| family.samples().any(|sample| sample.timestamp.is_some()))
    {
        return None;
    }
    // A family without HELP says where it is from.
    let mut families = Families::new();
    for family in parsed.iter().filter(|family| family.help().is_empty()) {
        families.family(
            family.name(),
            &format!("Metric read from {path}"),
            family.kind(),
        );
    }
    families.append(&parsed);
    Some(families)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_without_help_say_where_they_are_from() {
        let families = parse("# TYPE a counter\na 1\nb{x=\"y\"} 2\n", "/d/f.prom").unwrap();
        assert_eq!(families.sample_count(), 2);
        assert_eq!(
            families.get("a").unwrap().help(),
            "Metric read from /d/f.prom"
        );
        assert_eq!(families.get("a").unwrap().kind(), MetricType::Counter);
    }

    #[test]
    fn times_of_their_own_and_garbage_are_refused() {
        assert!(parse("a 1 1500000000000\n", "f").is_none());
        assert!(parse("a b c\n", "f").is_none());
    }
}
