//! Every file of the fixtures in turn is made something that the kernel never showed: gone, empty, cut off, random bytes,
//! numbers beyond all bounds, bytes that are no text, a directory, a file whose reads fail with EIO. No collector may
//! panic or write what is no exposition, and no more than those few that read the file may show something else.
//!
//! The files and what is made of them are drawn from a fixed seed; `NEPHOSCOPE_GARBAGE_SEED` sets another, with other files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use exposition::{Families, Format, encode, parse_families};
use runtime::{NamedCollector, Scrape};

use crate::collectors::COLLECTORS;
use crate::config::HostConfig;
use crate::flags;

/// Collectors that are off by default and read files.
const DEFAULT_OFF: [&str; 20] = [
    "buddyinfo",
    "cgroups",
    "cpu.info",
    "cpu_vulnerabilities",
    "daemons",
    "dmmultipath",
    "drbd",
    "drm",
    "interrupts",
    "ksmd",
    "lnstat",
    "meminfo_numa",
    "pcidevice",
    "processes",
    "slabinfo",
    "softirqs",
    "swap",
    "sysctl",
    "xfrm",
    "zoneinfo",
];

/// Families whose values move by themselves.
const MOVING: [&str; 2] = ["node_time_seconds", "node_textfile_mtime_seconds"];

/// The collectors that may read one file. What many read is read for nothing many times.
const MOST_READERS: usize = 4;

/// One of so many files is tried, for the sake of time.
const EACH: usize = 5;

/// Series that a collector may make of a single file beside those that it had.
const MOST_SERIES: usize = 20_000;

/// What a file can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Missing,
    Empty,
    Cut,
    Random,
    Huge,
    Negative,
    NoText,
    Doubled,
    LongLine,
    Directory,
    /// Reads fail with EIO, as the memory at address 0 of a process does.
    IoError,
}

const ALL: [Damage; 11] = [
    Damage::Missing,
    Damage::Empty,
    Damage::Cut,
    Damage::Random,
    Damage::Huge,
    Damage::Negative,
    Damage::NoText,
    Damage::Doubled,
    Damage::LongLine,
    Damage::Directory,
    Damage::IoError,
];

/// A small generator (SplitMix64), so that a seed says all.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// The content after the damage; `None` where it is more than another content.
fn content(damage: Damage, before: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let each_number = |by: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut after = Vec::new();
        for part in before.chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit()) {
            let is_number = part.first().is_some_and(u8::is_ascii_digit);
            after.extend(if is_number { by(part) } else { part.to_vec() });
        }
        after
    };
    Some(match damage {
        Damage::Empty => Vec::new(),
        Damage::Cut => before[..dice.below(before.len())].to_vec(),
        Damage::Random => (0..1 + dice.below(4096))
            .map(|_| dice.next().to_le_bytes()[0])
            .collect(),
        Damage::Huge => {
            let numbers = [
                "18446744073709551615",
                "99999999999999999999999999",
                "4294967295",
                "1048576",
            ];
            let number = numbers[dice.below(numbers.len())];
            each_number(&|_| number.as_bytes().to_vec())
        }
        Damage::Negative => each_number(&|number| [b"-", number].concat()),
        Damage::NoText => {
            let mut after = before.to_vec();
            for _ in 0..1 + dice.below(4) {
                after.insert(dice.below(after.len() + 1), 0xff);
            }
            after
        }
        Damage::Doubled => [before, before].concat(),
        Damage::LongLine => [before, &vec![b'x'; 100_000]].concat(),
        Damage::Missing | Damage::Directory | Damage::IoError => return None,
    })
}

fn damage(path: &Path, damage: Damage, dice: &mut Dice) {
    let before = std::fs::read(path).unwrap();
    if let Some(after) = content(damage, &before, dice) {
        std::fs::write(path, after).unwrap();
        return;
    }
    std::fs::remove_file(path).unwrap();
    match damage {
        Damage::Directory => std::fs::create_dir(path).unwrap(),
        Damage::IoError => std::os::unix::fs::symlink("/proc/self/mem", path).unwrap(),
        _ => {}
    }
}

fn mend(path: &Path, before: &[u8]) {
    let _ = std::fs::remove_dir(path);
    let _ = std::fs::remove_file(path);
    std::fs::write(path, before).unwrap();
}

/// All files and none of the links below a directory.
fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), into);
        } else if kind.is_file() {
            into.push(entry.path());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What makes collectors that read nothing but the tree.
struct Builder(HostConfig, Vec<&'static runtime::Spec<HostConfig>>);

impl Builder {
    fn new(tree: &Path) -> Self {
        let tree = tree.display();
        let mut args = vec![
            format!("--path.procfs={tree}/proc"),
            format!("--path.sysfs={tree}/sys"),
            format!("--path.udev.data={tree}/udev"),
            format!("--path.rootfs={tree}/no-root"),
            format!("--collector.textfile.directory={tree}/textfile"),
            "--no-collector.netdev.netlink".to_owned(),
            // It asks the kernel of this machine.
            "--no-collector.timex".to_owned(),
            "--collector.daemons.names=nova-compute,libvirtd".to_owned(),
            "--collector.sysctl.include=fs.file-nr:total,current,max".to_owned(),
            "--collector.bcache.priorityStats".to_owned(),
        ];
        args.extend(DEFAULT_OFF.map(|name| format!("--collector.{name}")));
        let command = clap::Command::new("test").no_binary_name(true);
        let command = flags::add(runtime::collector_flags(command, COLLECTORS), |_| None);
        let matches = command.try_get_matches_from(args).unwrap();
        let config = HostConfig::new(&matches, |_| None).unwrap();
        Self(config, runtime::enabled(&matches, COLLECTORS))
    }

    /// New collectors, all or those of these names.
    fn build(&self, names: Option<&[&str]>) -> Vec<NamedCollector> {
        let is_wanted = |name: &str| names.is_none_or(|names| names.contains(&name));
        let specs: Vec<_> = self
            .1
            .iter()
            .copied()
            .filter(|spec| is_wanted(spec.name))
            .collect();
        runtime::build(&specs, &self.0).unwrap()
    }
}

/// What a collector shows: its success and its series.
type Shown = BTreeMap<&'static str, (bool, Vec<String>)>;

/// One scrape; a panic names what it happened with.
fn scrape(collectors: &mut [NamedCollector], what: &str) -> Shown {
    let scrape = Scrape::new(Instant::now() + Duration::from_secs(60));
    let mut shown = Shown::new();
    for (name, collector) in collectors {
        let mut out = Families::new();
        let updated = catch_unwind(AssertUnwindSafe(|| {
            collector.update(&scrape, &mut out).is_ok()
        }));
        let is_ok = updated.unwrap_or_else(|_| panic!("{name} panicked with {what}"));
        let mut text = String::new();
        encode(&out, Format::Text, &mut text);
        let parsed = parse_families(&text, Format::Text);
        assert!(
            parsed.is_ok(),
            "{name} writes no exposition with {what}: {:?}",
            parsed.err()
        );
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let fixed = lines.filter(|line| !MOVING.iter().any(|name| line.starts_with(name)));
        shown.insert(name, (is_ok, fixed.map(str::to_owned).collect()));
    }
    shown
}

fn changed(before: &Shown, after: &Shown) -> Vec<&'static str> {
    let after = after
        .iter()
        .filter(|(name, shown)| before.get(*name) != Some(shown));
    after.map(|(name, _)| *name).collect()
}

#[test]
fn whatever_becomes_of_a_kernel_file_costs_only_the_series_that_it_tells() {
    let seed = std::env::var("NEPHOSCOPE_GARBAGE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut dice = Dice(seed.unwrap_or(1));
    let tree = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
        tree.path(),
    );
    let builder = Builder::new(tree.path());
    let whole = scrape(&mut builder.build(None), "nothing");
    assert_eq!(
        changed(&whole, &scrape(&mut builder.build(None), "nothing")),
        [""; 0],
        "these move by themselves"
    );
    assert!(whole.values().filter(|(is_ok, _)| *is_ok).count() > 50);

    let mut all = Vec::new();
    files(tree.path(), &mut all);
    assert!(all.len() > 500, "{} files", all.len());
    let mut read = 0;
    let all: Vec<_> = all.into_iter().filter(|_| dice.below(EACH) == 0).collect();
    for file in &all {
        let name = file
            .strip_prefix(tree.path())
            .unwrap()
            .display()
            .to_string();
        let before = std::fs::read(file).unwrap();
        let mut readers: Vec<&'static str> = Vec::new();
        for kind in ALL {
            let what = format!("{name} {kind:?}");
            // Those that read it are also shown the damage while they run.
            let mut old = builder.build(Some(&readers));
            let _ = scrape(&mut old, &what);
            damage(file, kind, &mut dice);
            let shown = scrape(&mut builder.build(None), &what);
            for (name, (_, series)) in shown.iter().chain(&scrape(&mut old, &what)) {
                let had = whole[name].1.len();
                let count = series.len();
                assert!(
                    count <= had + MOST_SERIES,
                    "{name} makes {count} series of {what}"
                );
            }
            mend(file, &before);
            readers.extend(changed(&whole, &shown));
            readers.sort_unstable();
            readers.dedup();
        }
        assert!(
            readers.len() <= MOST_READERS,
            "{name} changes what {readers:?} show"
        );
        read += usize::from(!readers.is_empty());
    }
    let seen = all.len();
    assert!(
        read * 3 > seen * 2,
        "only {read} of {seen} files are read by anybody"
    );
}
