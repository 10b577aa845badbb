//! How bcachefs file systems use their devices, what they compress, and what went wrong in them. Source:
//! `/sys/fs/bcachefs/UUID`, where sizes are rounded and have a unit: `2.05G`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::text::number;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "bcachefs",
    default_on: true,
    help: "bcachefs file systems from /sys/fs/bcachefs",
    build,
};

const DIR: &str = "fs/bcachefs";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Bcachefs(config.roots.clone())))
}

struct Bcachefs(Roots);

impl Collector for Bcachefs {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let systems = self.0.sys_names(DIR).unwrap_or_default();
        if systems.is_empty() {
            return Err(CollectError::NoData("no bcachefs file system".to_owned()));
        }
        for uuid in &systems {
            let mut system = FileSystem {
                roots: &self.0,
                path: format!("{DIR}/{uuid}"),
                uuid,
                out: &mut *out,
            };
            system.emit();
        }
        Ok(())
    }
}

use MetricType::{Counter, Gauge};

/// One file system; a file that is not there or says something else than expected costs its own series.
struct FileSystem<'a> {
    roots: &'a Roots,
    path: String,
    uuid: &'a str,
    out: &'a mut Families,
}

impl FileSystem<'_> {
    /// The text of a file. None stays open: a file system has over a hundred of them.
    fn read(&self, name: &str) -> Option<String> {
        let mut file = self.roots.one_of_many(&format!("{}/{name}", self.path));
        file.value().map(str::to_owned)
    }

    fn sample(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        // The labels of a file system sort before `uuid`, all of them.
        let mut all: Vec<(&str, &str)> = labels.to_vec();
        all.push(("uuid", self.uuid));
        self.out
            .family(&format!("node_bcachefs_{name}"), help, kind)
            .sample(&all, value);
    }

    fn emit(&mut self) {
        self.sample("info", "Filesystem information.", Gauge, &[], 1.0);
        if let Some(size) = self.read("btree_cache_size").and_then(|text| size(&text)) {
            const HELP: &str = "Btree cache memory usage in bytes.";
            self.sample("btree_cache_size_bytes", HELP, Gauge, &[], size);
        }
        for (algorithm, [compressed, plain]) in rows(&self.read("compression_stats")) {
            let labels = [("algorithm", algorithm)];
            const COMPRESSED: &str = "Compressed size by algorithm.";
            const PLAIN: &str = "Uncompressed size by algorithm.";
            self.sample(
                "compression_compressed_bytes",
                COMPRESSED,
                Gauge,
                &labels,
                compressed,
            );
            self.sample(
                "compression_uncompressed_bytes",
                PLAIN,
                Gauge,
                &labels,
                plain,
            );
        }
        for (error, count) in errors(&self.read("errors")) {
            const HELP: &str = "Error count by error type.";
            self.sample(
                "errors_total",
                HELP,
                Counter,
                &[("error_type", error)],
                count,
            );
        }
        for (kind, [count, size]) in rows(&self.read("btree_write_stats")) {
            let labels = [("type", kind)];
            const COUNT: &str = "Number of btree writes by type.";
            const SIZE: &str = "Average btree write size by type.";
            self.sample("btree_writes_total", COUNT, Counter, &labels, count);
            self.sample("btree_write_average_size_bytes", SIZE, Gauge, &labels, size);
        }
        self.counters();
        let devices = self.roots.sys_names(&self.path).unwrap_or_default();
        for device in devices.iter().filter_map(|name| name.strip_prefix("dev-")) {
            self.device(device);
        }
    }

    fn counters(&mut self) {
        let names = self.roots.sys_names(&format!("{}/counters", self.path));
        for name in names.unwrap_or_default() {
            let text = self.read(&format!("counters/{name}"));
            let Some(count) = text.as_deref().and_then(since_creation) else {
                continue;
            };
            let help = format!("Bcachefs counter {name} since filesystem creation.");
            let metric = format!("{}_total", name.replace(|char| !is_plain(char), "_"));
            self.sample(&metric, &help, Counter, &[], count);
        }
    }

    fn device(&mut self, device: &str) {
        let read = |name: &str| self.read(&format!("dev-{device}/{name}"));
        let (label, state) = (read("label"), read("state"));
        let numbers = [
            ("bucket_size", "bucket_size_bytes", "Bucket size in bytes."),
            ("nbuckets", "buckets", "Total number of buckets."),
            ("durability", "durability", "Device durability setting."),
        ]
        .map(|(file, name, help)| (name, help, read(file).and_then(|text| size(&text))));
        let (done, errors) = (read("io_done"), read("io_errors"));
        let labels = [
            ("device", device),
            ("label", label.as_deref().unwrap_or_default()),
            ("state", state.as_deref().unwrap_or_default()),
        ];
        self.sample("device_info", "Device information.", Gauge, &labels, 1.0);
        for (name, help, value) in numbers {
            if let Some(value) = value {
                self.sample(
                    &format!("device_{name}"),
                    help,
                    Gauge,
                    &[("device", device)],
                    value,
                );
            }
        }
        for (operation, kind, bytes) in io_done(done.as_deref().unwrap_or_default()) {
            const HELP: &str = "IO bytes by operation type and data type.";
            let labels = [
                ("data_type", kind),
                ("device", device),
                ("operation", operation),
            ];
            self.sample("device_io_done_bytes_total", HELP, Counter, &labels, bytes);
        }
        for (kind, count) in io_errors(errors.as_deref().unwrap_or_default()) {
            const HELP: &str = "IO errors by error type.";
            let labels = [("device", device), ("type", kind)];
            self.sample("device_io_errors_total", HELP, Counter, &labels, count);
        }
    }
}

fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// `2.05G`, `28.2k` or `697`; the fraction that is left of a byte is cut off.
fn size(text: &str) -> Option<f64> {
    let text = text.trim();
    let power = text.chars().last().and_then(|unit| "kMGTPE".find(unit));
    match power.and_then(|power| i32::try_from(power).ok()) {
        None => number(text),
        Some(power) => {
            let digits = text.get(..text.len() - 1)?;
            Some((number(digits)? * 1024_f64.powi(power + 1)).trunc())
        }
    }
}

/// Rows of a word and at least two sizes, such as `lz4  48.9G  71.2G  62.5k` and `initial:  3298401  100k`. A heading
/// has no sizes and is no row.
fn rows(text: &Option<String>) -> impl Iterator<Item = (&str, [f64; 2])> {
    text.iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?.trim_end_matches(':');
            Some((name, [size(words.next()?)?, size(words.next()?)?]))
        })
}

/// Rows of a word and a count, such as `bset_bad_csum  2  1767112063`; newer kernels add when it happened last.
fn errors(text: &Option<String>) -> impl Iterator<Item = (&str, f64)> {
    let lines = text.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?, size(words.next()?)?))
    })
}

/// The count on the line `since filesystem creation:     44105502`.
fn since_creation(text: &str) -> Option<f64> {
    let start = "since filesystem creation:";
    size(text.lines().find_map(|line| line.strip_prefix(start))?)
}

/// Lines `TYPE  :  BYTES` under the headings `read:` and `write:`.
fn io_done(text: &str) -> impl Iterator<Item = (&str, &str, f64)> {
    let mut operation = "";
    text.lines().filter_map(move |line| {
        let (word, bytes) = line.split_once(':')?;
        if bytes.trim().is_empty() {
            operation = word.trim();
            return None;
        }
        Some((operation, word.trim(), size(bytes)?)).filter(|_| !operation.is_empty())
    })
}

/// Lines `TYPE: COUNT` under the heading that says that they count since the file system was made.
fn io_errors(text: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("IO errors since filesystem creation"));
    let lines = lines
        .skip(1)
        .take_while(|line| !line.starts_with("IO errors"));
    lines.filter_map(|line| {
        let (kind, count) = line.split_once(':')?;
        Some((kind.trim(), size(count)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_bytes() {
        assert_eq!(size("2.05G\n"), Some(2_201_170_739.0));
        assert_eq!(size("28.2k"), Some(28_876.0));
        assert_eq!(size("697"), Some(697.0));
        assert_eq!(size("k"), None);
        assert_eq!(size("compressed"), None);
    }

    #[test]
    fn rows_are_told_from_their_heading() {
        let text = Some(
            "typetype compressed uncompressed\nlz4 1k 2k 3k\ninitial: 7 1M\nhalf 1\n".to_owned(),
        );
        let found: Vec<_> = rows(&text).collect();
        let expected = [("lz4", [1024.0, 2048.0]), ("initial", [7.0, 1_048_576.0])];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_error_has_a_count_and_perhaps_a_time() {
        let text =
            Some("bset_bad_csum   2  1767112063\nextent_io_opts_not_set 3\nnone\n".to_owned());
        let found: Vec<_> = errors(&text).collect();
        assert_eq!(
            found,
            [("bset_bad_csum", 2.0), ("extent_io_opts_not_set", 3.0)]
        );
    }

    #[test]
    fn counters_are_those_since_the_file_system_was_made() {
        let text = "since mount:                   3\nsince filesystem creation:     5\n";
        assert_eq!(since_creation(text), Some(5.0));
        assert_eq!(since_creation("since mount: 3\n"), None);
    }

    #[test]
    fn transfers_belong_to_the_heading_above_them() {
        let text = "lost: 1\nread:\nsb          :       86016\nwrite:\nuser        :102313054208\n";
        let found: Vec<_> = io_done(text).collect();
        assert_eq!(
            found,
            [
                ("read", "sb", 86_016.0),
                ("write", "user", 102_313_054_208.0)
            ]
        );
    }

    #[test]
    fn errors_since_a_reset_are_not_counted_twice() {
        let text = "IO errors since filesystem creation\n  read:    7\n  checksum:0\nIO errors since 8 y ago\n  read:    2\n";
        let found: Vec<_> = io_errors(text).collect();
        assert_eq!(found, [("read", 7.0), ("checksum", 0.0)]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_values_or_none(text in "(.|\n)*|(read:\n)?([a-z]+ *:? *[0-9.]*[kMGé]?\n)*") {
            let _ = (size(&text), since_creation(&text));
            let (done, failed) = (io_done(&text).count(), io_errors(&text).count());
            let lines = text.lines().count();
            proptest::prop_assert!(done <= lines && failed <= lines);
            let text = Some(text);
            proptest::prop_assert!(rows(&text).count() <= lines && errors(&text).count() <= lines);
        }
    }
}
