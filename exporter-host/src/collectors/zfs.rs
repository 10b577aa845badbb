//! What ZFS counts: its caches, its pools and its data sets. Source: `/proc/spl/kstat/zfs`, tables of name, type and
//! value; the numbers have no type of their own.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::text::{MetricName, NameCache, ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "zfs",
    default_on: true,
    help: "ZFS statistics from /proc/spl/kstat/zfs",
    build,
};

const DIR: &str = "spl/kstat/zfs";

/// What follows `node_` in the name, and the file.
const FILES: [(&str, &str); 11] = [
    ("zfs_abd", "abdstats"),
    ("zfs_arc", "arcstats"),
    ("zfs_dbuf", "dbufstats"),
    ("zfs_dmu_tx", "dmu_tx"),
    ("zfs_dnode", "dnodestats"),
    ("zfs_fm", "fm"),
    ("zfs_vdev_cache", "vdev_cache_stats"),
    ("zfs_vdev_mirror", "vdev_mirror_stats"),
    ("zfs_xuio", "xuio_stats"),
    ("zfs_zfetch", "zfetchstats"),
    ("zfs_zil", "zil"),
];

const STATES: [&str; 7] = [
    "online",
    "degraded",
    "faulted",
    "offline",
    "removed",
    "unavail",
    "suspended",
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Zfs {
        roots: config.roots.clone(),
        tables: FILES.map(|(_, file)| {
            (
                config.roots.proc(&format!("{DIR}/{file}")),
                NameCache::default(),
            )
        }),
        pool_names: NameCache::default(),
        set_names: NameCache::default(),
    }))
}

struct Zfs {
    roots: Roots,
    tables: [(KernelFile, NameCache); FILES.len()],
    pool_names: NameCache,
    set_names: NameCache,
}

impl Collector for Zfs {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Ok(names) = self.roots.proc_names(DIR) else {
            return Err(CollectError::NoData("there is no ZFS".to_owned()));
        };
        for ((prefix, name), (file, known)) in FILES.into_iter().zip(&mut self.tables) {
            if file.exists() {
                let rows = file.parse(parse)?;
                emit(&rows, known, prefix, name, &[], out);
            }
        }
        for pool in &names {
            self.pool(pool, out)?;
        }
        Ok(())
    }
}

impl Zfs {
    /// A pool is a directory; files among the names have no files in them.
    fn pool(&mut self, pool: &str, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            roots,
            pool_names,
            set_names,
            ..
        } = self;
        for name in roots
            .proc_names(&format!("{DIR}/{pool}"))
            .unwrap_or_default()
        {
            let mut file = roots.proc(&format!("{DIR}/{pool}/{name}"));
            match name.as_str() {
                "io" => {
                    let rows = file.parse(parse_columns)?;
                    emit(
                        &rows,
                        pool_names,
                        "zfs_zpool",
                        "io",
                        &[("zpool", pool)],
                        out,
                    );
                }
                "state" => {
                    let state = file.value().unwrap_or_default().to_ascii_lowercase();
                    let mut family = out.family(
                        "node_zfs_zpool_state",
                        "kstat.zfs.misc.state",
                        MetricType::Gauge,
                    );
                    for known in STATES {
                        let value = f64::from(u8::from(known == state));
                        family.sample(&[("state", known), ("zpool", pool)], value);
                    }
                }
                _ if name.starts_with("objset-") => {
                    let rows = file.parse(parse)?;
                    let set = rows
                        .iter()
                        .find(|row| row.0 == "dataset_name")
                        .map_or("", |row| row.1);
                    let labels = [("dataset", set), ("zpool", pool)];
                    emit(
                        &rows,
                        set_names,
                        "zfs_zpool_dataset",
                        "objset",
                        &labels,
                        out,
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A row of a table: name and value; the value is shown if the type is that of a number.
type Row<'a> = (&'a str, &'a str, bool);

fn emit(
    rows: &[Row<'_>],
    names: &mut NameCache,
    prefix: &str,
    file: &str,
    labels: &[(&str, &str)],
    out: &mut Families,
) {
    for (position, (key, value, is_number)) in rows.iter().enumerate() {
        let name = names.get(position, key, |key| {
            is_number.then(|| MetricName {
                name: format!("node_{prefix}_{}", key.replace('-', "_")),
                help: format!("kstat.zfs.misc.{file}.{key}"),
            })
        });
        if let (Some(MetricName { name, help }), Some(value)) = (name, number(value)) {
            out.family(name, help, MetricType::Untyped)
                .sample(labels, value);
        }
    }
}

/// The rows after the heading `name type data`; types 3 and 4 are 64-bit numbers.
fn parse(text: &str) -> Result<Vec<Row<'_>>, ParseError> {
    let mut lines = text.lines();
    if !lines
        .by_ref()
        .any(|line| line.split_ascii_whitespace().eq(["name", "type", "data"]))
    {
        return Err(ParseError::Missing(
            "a table with the heading `name type data`",
        ));
    }
    Ok(lines.filter_map(row).collect())
}

/// `name type data`, of which the last may have spaces in it: the name of a data set.
fn row(line: &str) -> Option<Row<'_>> {
    let (name, rest) = line.trim_start().split_once(char::is_whitespace)?;
    let (kind, value) = rest.trim_start().split_once(char::is_whitespace)?;
    Some((name, value.trim(), kind == "3" || kind == "4"))
}

/// A line of names, which begins with `nread`, and one of numbers.
fn parse_columns(text: &str) -> Result<Vec<Row<'_>>, ParseError> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("nread"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        // Since ZFS 2.0 there is no such line.
        return Ok(Vec::new());
    };
    let pairs = names
        .split_ascii_whitespace()
        .zip(values.split_ascii_whitespace());
    Ok(pairs.map(|(name, value)| (name, value, true)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_their_heading() {
        let text = "6 1 0x01 91 4368 5266997922 97951858082072\nname type data\nhits 4 8772612\nset 7 pool/a  b\n";
        assert_eq!(
            parse(text).unwrap(),
            [("hits", "8772612", true), ("set", "pool/a  b", false)]
        );
        assert!(parse("hits 4 8772612\n").is_err());
    }

    #[test]
    fn columns_are_paired_with_their_names() {
        let text =
            "12 3 0x00 1 80 79205351707403 395818011156865\nnread nwritten\n1884160 3206144\n";
        let rows = parse_columns(text).unwrap();
        assert_eq!(
            rows,
            [("nread", "1884160", true), ("nwritten", "3206144", true)]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
            let _ = parse_columns(&text);
        }
    }
}
