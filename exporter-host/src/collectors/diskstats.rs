//! What block devices read, wrote, discarded and flushed, and what they are. Source: `/proc/diskstats` (the kernel's
//! iostats), and udev's properties for models, serial numbers, file systems and device mapper names.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::roots::{KernelFile, Roots};
use crate::sources::udev::{self, Properties};
use crate::text::ParseError;

mod columns;

use columns::COLUMNS;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "diskstats",
    default_on: true,
    help: "disk I/O from /proc/diskstats, disk properties from udev",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(DiskstatsCollector {
        file: config.roots.proc("diskstats"),
        devices: config.disk_devices.clone(),
        roots: config.roots.clone(),
        known: Vec::new(),
    }))
}

struct DiskstatsCollector {
    file: KernelFile,
    devices: Filter,
    roots: Roots,
    known: Vec<Known>,
}

/// What is kept of a device between scrapes.
struct Known {
    name: String,
    number: (u32, u32),
    /// The number's parts as labels.
    major: String,
    minor: String,
    /// `queue/rotational` in `/sys/block`; partitions have none and count as not rotating.
    rotational: String,
    udev: udev::Device,
}

impl Collector for DiskstatsCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let Self {
            file,
            devices,
            roots,
            known,
        } = self;
        let mut disks = file.parse(parse)?;
        disks.retain(|disk| !devices.ignores(disk.name));
        for (index, column) in COLUMNS.iter().enumerate() {
            let mut family = out.family(column.name, column.help, column.kind);
            for disk in disks.iter().filter(|disk| index < disk.count) {
                let value = disk.stats.get(index).copied().unwrap_or_default();
                family.sample(&[("device", disk.name)], column.unit.value(value));
            }
        }
        remember(known, &disks, roots);
        emit_properties(known, out);
        Ok(())
    }
}

/// Makes `known` the list of the devices of this scrape.
fn remember(known: &mut Vec<Known>, disks: &[Disk<'_>], roots: &Roots) {
    for (position, disk) in disks.iter().enumerate() {
        let is_here = |known: &Known| known.name == disk.name && known.number == disk.number;
        if known.get(position).is_some_and(is_here) {
            continue;
        }
        // A device came or went before this one: move it here if it is known from elsewhere.
        let found = known.iter().skip(position).position(is_here);
        let entry = match found {
            Some(offset) => known.remove(position + offset),
            None => Known::new(disk, roots),
        };
        known.insert(position, entry);
    }
    known.truncate(disks.len());
}

impl Known {
    fn new(disk: &Disk<'_>, roots: &Roots) -> Self {
        let (major, minor) = disk.number;
        Self {
            name: disk.name.to_owned(),
            number: disk.number,
            major: major.to_string(),
            minor: minor.to_string(),
            rotational: roots
                .sys_once(&format!("block/{}/queue/rotational", disk.name))
                .unwrap_or_else(|_| "0".to_owned()),
            udev: udev::Device::new(roots, major, minor),
        }
    }
}

fn emit_properties(known: &mut [Known], out: &mut Families) {
    for Known {
        name,
        major,
        minor,
        rotational,
        udev,
        ..
    } in known
    {
        let Properties {
            path,
            wwn,
            model,
            revision,
            serial,
            fs,
            dm,
            ata,
        } = udev.properties();
        let labels = [
            ("device", name.as_str()),
            ("major", major),
            ("minor", minor),
            ("model", model),
            ("path", path),
            ("revision", revision),
            ("rotational", rotational),
            ("serial", serial),
            ("wwn", wwn),
        ];
        out.family(
            "node_disk_info",
            "Info of /sys/block/<block_device>.",
            MetricType::Gauge,
        )
        .sample(&labels, 1.0);
        let [fs_type, usage, uuid, version] = fs;
        if !fs_type.is_empty() {
            let labels = [
                ("device", name.as_str()),
                ("type", fs_type),
                ("usage", usage),
                ("uuid", uuid),
                ("version", version),
            ];
            out.family(
                "node_disk_filesystem_info",
                "Info about disk filesystem.",
                MetricType::Gauge,
            )
            .sample(&labels, 1.0);
        }
        let [dm_name, uuid, vg_name, lv_name, lv_layer] = dm;
        if !dm_name.is_empty() {
            let labels = [
                ("device", name.as_str()),
                ("lv_layer", lv_layer),
                ("lv_name", lv_name),
                ("name", dm_name),
                ("uuid", uuid),
                ("vg_name", vg_name),
            ];
            out.family(
                "node_disk_device_mapper_info",
                "Info about disk device mapper.",
                MetricType::Gauge,
            )
            .sample(&labels, 1.0);
        }
        for ((metric, help), value) in columns::ATA.into_iter().zip(ata) {
            if let Some(value) = value {
                out.family(metric, help, MetricType::Gauge)
                    .sample(&[("device", name)], *value);
            }
        }
    }
}

/// One line of `/proc/diskstats`.
#[derive(Debug, PartialEq)]
struct Disk<'a> {
    number: (u32, u32),
    name: &'a str,
    /// As [`COLUMNS`] describes them.
    stats: [u64; COLUMNS.len()],
    /// How many of them this kernel has: 11, since 4.18 15, since 5.5 17.
    count: usize,
}

/// A line with fewer counters is a partition of a kernel before 2.6.25, which had only four for them.
const FEWEST: usize = 11;

/// All devices in the kernel's order.
fn parse(text: &str) -> Result<Vec<Disk<'_>>, ParseError> {
    const EXPECTED: &str = "`major minor name` and counters";
    let mut disks = Vec::with_capacity(32);
    for (index, line) in text.lines().enumerate() {
        let disk = parse_line(line).ok_or_else(|| ParseError::at(index, EXPECTED, line))?;
        if disk.count >= FEWEST {
            disks.push(disk);
        }
    }
    Ok(disks)
}

fn parse_line(line: &str) -> Option<Disk<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let number = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let name = fields.next()?;
    let mut disk = Disk {
        number,
        name,
        stats: [0; COLUMNS.len()],
        count: 0,
    };
    for (stat, field) in disk.stats.iter_mut().zip(fields) {
        *stat = field.parse().ok()?;
        disk.count += 1;
    }
    Some(disk)
}

#[cfg(test)]
mod tests;
