//! Block devices: the disks of the host, what is made of them (partitions, LVM, encryption, RAID, multipath) and the file
//! systems at the end. Sources: `/sys/block`, udev's data, `/proc/1/mountinfo` and `/proc/swaps`. Ram disks, and devices
//! of no size such as loops that nobody uses, are left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::filesystems::{FileSystem, Mounted};
use super::host::filled;
use crate::roots::Roots;
use crate::sources::udev::{self, Properties};
use crate::text::pci_address;

const BLOCK: &str = "block";

/// The kernel counts in sectors of this size whatever the device has.
const SECTOR: u64 = 512;

/// A block device with a directory of its own in `/sys/block`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Disk {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The name under which device mapper shows it, or its LVM name.
    pub(crate) mapper_name: Option<String>,
    /// `lvm`, `crypt`, `mpath` and the like for device mapper, `raid1` and the like for RAID.
    pub(crate) layer: Option<String>,
    pub(crate) size_bytes: u64,
    pub(crate) logical_block_bytes: Option<u64>,
    pub(crate) vendor: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) wwn: Option<String>,
    pub(crate) firmware: Option<String>,
    /// `None` where the kernel does not say.
    pub(crate) is_rotational: Option<bool>,
    pub(crate) is_removable: Option<bool>,
    pub(crate) is_read_only: Option<bool>,
    /// `nvme`, `virtio`, `sas`, `ata`, `usb`, `iscsi`, `fc`, `scsi`, `mmc`, from its place among the buses.
    pub(crate) transport: Option<&'static str>,
    /// The PCI device that it hangs on.
    pub(crate) pci_address: Option<String>,
    pub(crate) partitions: Vec<Partition>,
    /// The devices that this one is made of, and those that are made of it or of its partitions.
    pub(crate) made_of: Vec<String>,
    pub(crate) used_by: Vec<String>,
    /// The file systems and swap areas on it, also those on what is made of it.
    pub(crate) file_systems: Vec<FileSystem>,
}

/// A part of a disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Partition {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
    /// What is on it, mounted or not, such as `ext4` or `LVM2_member`, if udev knows.
    pub(crate) content: Option<String>,
    /// Its UUID.
    pub(crate) content_uuid: Option<String>,
    pub(crate) used_by: Vec<String>,
}

/// What a block device is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A device on a bus, virtio's and network block devices with a driver of their own among them.
    #[default]
    Disk,
    /// A reader of CDs and DVDs.
    Optical,
    /// Made by device mapper.
    DeviceMapper,
    /// Made by the RAID driver.
    Raid,
    /// A file as a device.
    Loop,
    /// Any other without a device behind it, such as `zram`, `nbd`, `rbd` or `drbd`.
    Virtual,
}

impl Kind {
    /// The name in JSON and labels.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Optical => "optical",
            Self::DeviceMapper => "device_mapper",
            Self::Raid => "raid",
            Self::Loop => "loop",
            Self::Virtual => "virtual",
        }
    }
}

/// All block devices, by name.
pub(crate) fn read(roots: &Roots) -> Vec<Disk> {
    let names = roots.sys_names(BLOCK).unwrap_or_default();
    let names = names.iter().filter(|name| !name.starts_with("ram"));
    let mut disks: Vec<Disk> = names.filter_map(|name| disk(roots, name)).collect();
    let mounted = Mounted::read(roots);
    let mut own: BTreeMap<String, Vec<FileSystem>> = BTreeMap::new();
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for disk in &disks {
        let parts = disk
            .partitions
            .iter()
            .map(|part| (&part.name, &part.used_by));
        for (name, used_by) in parts.chain([(&disk.name, &disk.used_by)]) {
            let alias = disk.mapper_name.as_deref().filter(|_| *name == disk.name);
            let number = roots.sys_once(&format!("class/block/{name}/dev"));
            let number = number.or_else(|_| roots.sys_once(&format!("{BLOCK}/{name}/dev")));
            own.insert(
                name.clone(),
                mounted.on(name, alias, &number.unwrap_or_default()),
            );
            users.insert(name.clone(), used_by.clone());
        }
    }
    for disk in &mut disks {
        let mut todo = vec![disk.name.clone()];
        todo.extend(disk.partitions.iter().map(|part| part.name.clone()));
        // What was visited: devices may be made of several parts of one disk.
        let mut done: Vec<String> = Vec::new();
        while let Some(name) = todo.pop() {
            if done.contains(&name) {
                continue;
            }
            disk.file_systems
                .extend(own.get(&name).into_iter().flatten().cloned());
            todo.extend(users.get(&name).into_iter().flatten().cloned());
            done.push(name);
        }
        disk.file_systems.sort();
        for part in &disk.partitions {
            disk.used_by.extend(part.used_by.iter().cloned());
        }
        disk.used_by.sort_unstable();
        disk.used_by.dedup();
    }
    disks
}

/// `None` if it is of no size or goes away while it is read.
fn disk(roots: &Roots, name: &str) -> Option<Disk> {
    let dir = format!("{BLOCK}/{name}");
    let text = |file: &str| roots.sys_once(&format!("{dir}/{file}")).ok();
    let number = |file: &str| text(file)?.trim().parse::<u64>().ok();
    let word = |file: &str| filled(&text(file)?);
    let is_set = |file: &str| Some(number(file)? != 0);
    let size_bytes = number("size")
        .filter(|size| *size > 0)?
        .saturating_mul(SECTOR);
    let place = roots.sys_link(&dir).unwrap_or_default();
    let udev = properties(roots, &text("dev").unwrap_or_default());
    let of_udev = |field: &str| filled(&field.replace('_', " "));
    let [dm_name, dm_uuid, ..] = &udev.dm;
    let dm_uuid = word("dm/uuid").or_else(|| filled(dm_uuid));
    let layer = dm_uuid
        .map(|uuid| layer(&uuid))
        .or_else(|| word("md/level"));
    Some(Disk {
        kind: kind(
            name,
            |file| roots.sys_names(&format!("{dir}/{file}")).is_ok(),
            number("device/type"),
        ),
        mapper_name: word("dm/name").or_else(|| filled(dm_name)),
        layer,
        size_bytes,
        logical_block_bytes: number("queue/logical_block_size"),
        vendor: word("device/vendor").filter(|vendor| !vendor.starts_with("0x")),
        model: word("device/model").or_else(|| of_udev(&udev.model)),
        serial: word("device/serial")
            .or_else(|| word("serial"))
            .or_else(|| filled(&udev.serial)),
        wwn: word("wwid")
            .or_else(|| word("device/wwid"))
            .or_else(|| filled(&udev.wwn)),
        firmware: word("device/firmware_rev")
            .or_else(|| word("device/rev"))
            .or_else(|| filled(&udev.revision)),
        is_rotational: is_set("queue/rotational"),
        is_removable: is_set("removable"),
        is_read_only: is_set("ro"),
        transport: transport(name, &place),
        pci_address: pci_address(&place),
        partitions: partitions(roots, name),
        made_of: roots
            .sys_names(&format!("{dir}/slaves"))
            .unwrap_or_default(),
        used_by: roots
            .sys_names(&format!("{dir}/holders"))
            .unwrap_or_default(),
        file_systems: Vec::new(),
        name: name.to_owned(),
    })
}

fn partitions(roots: &Roots, disk: &str) -> Vec<Partition> {
    let names = roots
        .sys_names(&format!("{BLOCK}/{disk}"))
        .unwrap_or_default();
    let parts = names
        .into_iter()
        .filter(|name| name.starts_with(disk))
        .filter_map(|name| {
            let text = |file: &str| {
                roots
                    .sys_once(&format!("{BLOCK}/{disk}/{name}/{file}"))
                    .ok()
            };
            text("partition")?;
            let udev = properties(roots, &text("dev").unwrap_or_default());
            let [content, _, uuid, _] = &udev.fs;
            let size: u64 = text("size")?.trim().parse().ok()?;
            Some(Partition {
                size_bytes: size.saturating_mul(SECTOR),
                content: filled(content),
                content_uuid: filled(uuid),
                used_by: roots
                    .sys_names(&format!("{BLOCK}/{disk}/{name}/holders"))
                    .unwrap_or_default(),
                name,
            })
        });
    parts.collect()
}

/// What udev knows of the device with this number, such as `8:0`.
fn properties(roots: &Roots, number: &str) -> Properties {
    let parse = || {
        let (major, minor) = number.trim().split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let known =
        parse().map(|(major, minor)| udev::Device::new(roots, major, minor).properties().clone());
    known.unwrap_or_default()
}

fn kind(name: &str, has: impl Fn(&str) -> bool, scsi_type: Option<u64>) -> Kind {
    // SCSI's peripheral device type of readers of CDs and DVDs.
    const ROM: u64 = 5;
    if has("dm") {
        Kind::DeviceMapper
    } else if has("md") {
        Kind::Raid
    } else if name.starts_with("loop") {
        Kind::Loop
    } else if scsi_type == Some(ROM) {
        Kind::Optical
    } else if has("device") {
        Kind::Disk
    } else {
        Kind::Virtual
    }
}

/// The first word of a device mapper's UUID says who made the device: `LVM-…`, `CRYPT-LUKS2-…`, `mpath-…`, `part1-…`.
fn layer(uuid: &str) -> String {
    uuid.split('-').next().unwrap_or_default().to_lowercase()
}

/// The buses on the way to a disk tell how it is reached; the first that is there counts.
fn transport(name: &str, place: &Path) -> Option<&'static str> {
    const MARKS: [(&str, &str); 9] = [
        ("usb", "usb"),
        ("session", "iscsi"),
        ("rport-", "fc"),
        ("ata", "ata"),
        ("end_device-", "sas"),
        ("virtio", "virtio"),
        ("mmc", "mmc"),
        ("nvme", "nvme"),
        ("host", "scsi"),
    ];
    if name.starts_with("nvme") {
        return Some("nvme");
    }
    let mut parts = place.iter().filter_map(|part| part.to_str());
    let has = |mark: &str| {
        parts.clone().any(|part| {
            let rest = part.strip_prefix(mark);
            rest.is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
        })
    };
    let found = MARKS
        .iter()
        .find(|(mark, _)| has(mark))
        .map(|(_, name)| *name);
    found.filter(|_| !parts.any(|part| part == "virtual"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_disk_tells_how_it_is_reached() {
        let cases = [
            (
                "vda",
                "../devices/pci0000:00/0000:00:02.0/virtio1/block/vda",
                Some("virtio"),
            ),
            (
                "sda",
                "../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda",
                Some("ata"),
            ),
            (
                "sdb",
                "../devices/pci0000:74/0000:74:02.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sdb",
                Some("sas"),
            ),
            (
                "sdc",
                "../devices/platform/host9/session1/target9:0:0/9:0:0:1/block/sdc",
                Some("iscsi"),
            ),
            (
                "nvme0n1",
                "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
                Some("nvme"),
            ),
            ("dm-0", "../devices/virtual/block/dm-0", None),
        ];
        for (name, place, expected) in cases {
            assert_eq!(transport(name, Path::new(place)), expected, "{name}");
        }
    }

    #[test]
    fn who_made_a_mapped_device_is_the_first_word_of_its_uuid() {
        assert_eq!(layer("LVM-abc"), "lvm");
        assert_eq!(layer("mpath-3600"), "mpath");
    }

    #[test]
    fn what_a_device_is_follows_from_its_directories() {
        assert_eq!(kind("dm-0", |name| name == "dm", None), Kind::DeviceMapper);
        assert_eq!(kind("sr0", |name| name == "device", Some(5)), Kind::Optical);
        assert_eq!(kind("sda", |name| name == "device", Some(0)), Kind::Disk);
        assert_eq!(kind("zram0", |_| false, None), Kind::Virtual);
    }
}
