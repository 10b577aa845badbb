//! The state of the software RAID arrays: their disks, and how far a rebuild is. Source: `/proc/mdstat`; whether an
//! array is degraded is in its `md` directory in `/sys/block`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::sources::board::{Board, Items, Metric};
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "mdadm",
    default_on: true,
    help: "software RAID from /proc/mdstat",
    build,
};

/// The states of an array, as the label says them and as the parser knows them.
const STATES: [(&str, Activity); 5] = [
    ("active", Activity::Active),
    ("inactive", Activity::Inactive),
    ("recovering", Activity::Recovering),
    ("resync", Activity::Resync),
    ("check", Activity::Check),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Mdadm {
        file: config.roots.proc("mdstat"),
        roots: config.roots.clone(),
        board: Board::default(),
    }))
}

struct Mdadm {
    file: KernelFile,
    roots: Roots,
    board: Board,
}

impl Collector for Mdadm {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.file.exists() {
            return Err(CollectError::NoData(
                "the kernel has no software RAID".to_owned(),
            ));
        }
        let arrays = self.file.parse(parse)?;
        for array in &arrays {
            emit(array, out);
        }
        let Self { roots, board, .. } = self;
        // Arrays that are being assembled are here before they are in the file.
        let mut names = roots.sys_names("block").unwrap_or_default();
        names.retain(|name| name.starts_with("md"));
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
}

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for device in names {
        let file = |name: &str| roots.attribute(&format!("block/{device}/md/{name}"));
        let metric = Metric::gauge("node_md_raid_disks", "Number of raid disks on device.");
        items.number(file("raid_disks"), metric, &[("device", device)]);
        let metric = Metric::gauge("node_md_degraded", "Number of degraded disks on device.");
        if file("raid_disks").exists() {
            // Arrays without redundancy have no such file.
            items.number_or_zero(file("degraded"), metric, &[("device", device)]);
        }
    }
}

fn emit(array: &Array<'_>, out: &mut Families) {
    let device = ("device", array.name);
    let mut disks = out.family(
        "node_md_disks",
        "Number of active/failed/spare disks of device.",
        MetricType::Gauge,
    );
    for (state, count) in [
        ("active", array.active),
        ("failed", array.failed),
        ("spare", array.spare),
    ] {
        disks.sample(&[device, ("state", state)], count as f64);
    }
    for (name, help, value) in [
        (
            "node_md_disks_required",
            "Total number of disks of device.",
            array.total,
        ),
        (
            "node_md_blocks",
            "Total number of blocks on device.",
            array.blocks,
        ),
        (
            "node_md_blocks_synced",
            "Number of blocks synced on device.",
            array.synced,
        ),
    ] {
        out.family(name, help, MetricType::Gauge)
            .sample(&[device], value as f64);
    }
    let mut states = out.family(
        "node_md_state",
        "Indicates the state of md-device.",
        MetricType::Gauge,
    );
    for (state, activity) in STATES {
        let value = f64::from(u8::from(array.activity == activity));
        states.sample(&[device, ("state", state)], value);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Activity {
    Active,
    Inactive,
    Recovering,
    Resync,
    Check,
    Reshape,
}

#[derive(Debug, PartialEq)]
struct Array<'a> {
    name: &'a str,
    activity: Activity,
    active: u64,
    total: u64,
    failed: u64,
    spare: u64,
    blocks: u64,
    synced: u64,
}

/// The paragraphs of the file: a line of devices, a line of sizes, perhaps one of progress.
fn parse(text: &str) -> Result<Vec<Array<'_>>, ParseError> {
    let mut arrays: Vec<Array<'_>> = Vec::new();
    // How many devices the array has if the line of sizes does not say, while that line is awaited.
    let mut awaited = None;
    for (index, line) in text.lines().enumerate() {
        let is_heading = !line.starts_with(char::is_whitespace);
        if line.trim().is_empty() || line.starts_with("Personalities") || line.starts_with("unused")
        {
            continue;
        }
        if is_heading {
            let (array, devices) = heading(line)
                .ok_or_else(|| ParseError::at(index, "`name : state devices`", line))?;
            arrays.push(array);
            awaited = Some(devices);
            continue;
        }
        let Some(array) = arrays.last_mut() else {
            continue;
        };
        match awaited.take() {
            Some(devices) => sizes(line, devices, array)
                .ok_or_else(|| ParseError::at(index, "`number blocks` of an array", line))?,
            None => progress(line, array).ok_or_else(|| {
                ParseError::at(index, "progress such as (16775552/5855772)", line)
            })?,
        }
    }
    Ok(arrays)
}

fn heading(line: &str) -> Option<(Array<'_>, u64)> {
    let (name, rest) = line.split_once(" : ")?;
    let activity = match rest.split_ascii_whitespace().next()? {
        "active" => Activity::Active,
        _ => Activity::Inactive,
    };
    let devices = rest
        .split_ascii_whitespace()
        .filter(|word| word.contains('['));
    let marked = |mark: &str| devices.clone().filter(|word| word.contains(mark)).count() as u64;
    let array = Array {
        name,
        activity,
        active: 0,
        total: 0,
        failed: marked("(F)"),
        spare: marked("(S)"),
        blocks: 0,
        synced: 0,
    };
    Some((array, devices.clone().count() as u64))
}

/// `248896 blocks level 5 [4/3] [UU_U]`; without the brackets all devices are needed and at work.
fn sizes(line: &str, devices: u64, array: &mut Array<'_>) -> Option<()> {
    let mut words = line.split_ascii_whitespace();
    array.blocks = words.next()?.parse().ok()?;
    array.synced = array.blocks;
    if array.activity == Activity::Inactive {
        return Some(());
    }
    let counts = words.find_map(|word| {
        let (total, active) = word.strip_prefix('[')?.strip_suffix(']')?.split_once('/')?;
        Some((total.parse().ok()?, active.parse().ok()?))
    });
    (array.total, array.active) = counts.unwrap_or((devices, devices));
    Some(())
}

/// `[=>...]  recovery =  8.5% (16775552/195310144) finish=17.0min`, or `resync=DELAYED`.
fn progress(line: &str, array: &mut Array<'_>) -> Option<()> {
    let found = [
        ("recovery", Activity::Recovering),
        ("reshape", Activity::Reshape),
        ("resync", Activity::Resync),
        ("check", Activity::Check),
    ]
    .into_iter()
    .find(|(word, _)| line.contains(word));
    let Some((_, activity)) = found else {
        return Some(());
    };
    array.activity = activity;
    array.synced =
        if line.contains("PENDING") || line.contains("DELAYED") || line.contains("REMOTE") {
            0
        } else {
            line.split_once('(')?.1.split_once('/')?.0.parse().ok()?
        };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Personalities : [raid1] [raid6]\n\
        md3 : active raid6 sda1[8] sdh1[7](F) sdg1[6](S)\n      \
        5853468288 blocks super 1.2 level 6, 64k chunk [8/7] [UUUUUUU_]\n      \
        [==>..]  recovery =  8.5% (16775552/195310144) finish=17.0min\n\n\
        md9 : active raid0 sdb2[1] sda2[0]\n      522 blocks 64k chunks\n\n\
        md4 : inactive sda3[0](F)\n      4883648 blocks\n\nunused devices: <none>\n";

    #[test]
    fn arrays_have_disks_sizes_and_progress() {
        let arrays = parse(TEXT).unwrap();
        assert_eq!(arrays.len(), 3);
        let array = &arrays[0];
        assert_eq!(
            (array.total, array.active, array.failed, array.spare),
            (8, 7, 1, 1)
        );
        assert_eq!(
            (array.activity, array.synced),
            (Activity::Recovering, 16_775_552)
        );
        assert_eq!((arrays[1].total, arrays[1].active), (2, 2));
        assert_eq!(
            (arrays[2].activity, arrays[2].blocks),
            (Activity::Inactive, 4_883_648)
        );
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        assert!(parse("md3 active\n").is_err());
        assert!(parse("md3 : active raid1 sda[0]\n  many blocks\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
