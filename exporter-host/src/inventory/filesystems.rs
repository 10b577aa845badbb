//! What is mounted and swapped on: the file systems that block devices have. Sources: `/proc/1/mountinfo` (else
//! `/proc/self/mountinfo`) and `/proc/swaps`.

use serde::Serialize;

use crate::roots::Roots;
use crate::sources::mountinfo::{self, Mount};

/// A file system or a swap area on a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct FileSystem {
    /// The device that it is on, by its name in `/sys/block` or that of the partition.
    pub(crate) device: String,
    /// Where it is mounted on the host; `None` for swap.
    pub(crate) mount_point: Option<String>,
    /// The kernel's type, or `swap`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) is_read_only: bool,
}

/// All that is mounted, and all swap areas.
pub(crate) struct Mounted<'a> {
    roots: &'a Roots,
    mounts: Vec<Mount>,
    swaps: Vec<String>,
}

impl<'a> Mounted<'a> {
    /// Reads both tables.
    pub(crate) fn read(roots: &'a Roots) -> Self {
        let table = |file| roots.proc_once(file);
        let table = table("1/mountinfo").or_else(|| table("self/mountinfo"));
        let swaps = roots.proc_once("swaps").unwrap_or_default();
        Self {
            roots,
            mounts: mountinfo::parse(table.unwrap_or_default().as_bytes()).unwrap_or_default(),
            swaps: swaps
                .lines()
                .skip(1)
                .filter_map(|line| line.split_ascii_whitespace().next().map(str::to_owned))
                .collect(),
        }
    }

    /// What is on a device, which is told by its number, and by its name where the file system has a number of its own,
    /// as those of btrfs have. Of a file system that is mounted at several places the first is named.
    pub(crate) fn on(&self, name: &str, alias: Option<&str>, number: &str) -> Vec<FileSystem> {
        let is_path = |path: &str| {
            path.strip_prefix("/dev/").is_some_and(|device| {
                device == name
                    || alias.is_some_and(|alias| device.strip_prefix("mapper/") == Some(alias))
            })
        };
        let is_here = |mount: &&Mount| {
            let numbers = number.trim().split_once(':');
            numbers == Some((mount.major.as_str(), mount.minor.as_str())) || is_path(&mount.device)
        };
        let mount = self.mounts.iter().find(is_here).map(|mount| FileSystem {
            device: name.to_owned(),
            mount_point: Some(self.roots.without_root(&mount.mount_point).to_owned()),
            kind: mount.fs_type.clone(),
            is_read_only: mount.read_only,
        });
        let swap = self
            .swaps
            .iter()
            .find(|path| is_path(path))
            .map(|_| FileSystem {
                device: name.to_owned(),
                mount_point: None,
                kind: "swap".to_owned(),
                is_read_only: false,
            });
        mount.into_iter().chain(swap).collect()
    }
}
