//! Where `/proc`, `/sys`, the root file system and udev's data are, and the only place of the program that opens
//! files. A file that is read on every scrape stays open and is read again from its start into the same buffer: the
//! kernel makes the text anew on each read, and an open costs more than the read of most of them.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runtime::CollectError;

mod file;

pub(crate) use file::{KernelFile, SharedFile};

/// The directories under which the host shows itself. In a container they are bind mounts of the host's own.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    /// Where procfs is mounted.
    pub(crate) procfs: PathBuf,
    /// Where sysfs is mounted.
    pub(crate) sysfs: PathBuf,
    /// The host's root directory.
    pub(crate) rootfs: PathBuf,
    /// Where udev keeps the properties of devices.
    pub(crate) udev: PathBuf,
}

impl Roots {
    /// A file of procfs, such as `loadavg`; it is opened at its first read.
    pub(crate) fn proc(&self, relative: &str) -> KernelFile {
        KernelFile::new(self.procfs.join(relative))
    }

    /// A file of procfs that more than one collector parses.
    pub(crate) fn shared_proc(&self, relative: &str) -> SharedFile {
        SharedFile::new(self.proc(relative))
    }

    /// A file of sysfs, such as `devices/system/cpu/isolated`; it is opened at its first read.
    pub(crate) fn sys(&self, relative: &str) -> KernelFile {
        KernelFile::new(self.sysfs.join(relative))
    }

    /// An attribute of sysfs: a file with one value.
    pub(crate) fn attribute(&self, relative: &str) -> KernelFile {
        KernelFile::attribute(self.sysfs.join(relative))
    }

    /// An attribute of sysfs that is opened at each read: there may be more such files than a process may have open.
    pub(crate) fn one_of_many(&self, relative: &str) -> KernelFile {
        KernelFile::one_of_many(self.sysfs.join(relative))
    }

    /// A file of procfs with one value, such as `sys/fs/file-nr`.
    pub(crate) fn proc_value(&self, relative: &str) -> KernelFile {
        KernelFile::attribute(self.procfs.join(relative))
    }

    /// A file of the host's root, such as `etc/os-release`.
    pub(crate) fn host_file(&self, relative: &str) -> KernelFile {
        KernelFile::new(self.rootfs.join(relative))
    }

    /// The names in a directory of sysfs, sorted.
    pub(crate) fn sys_names(&self, relative: &str) -> Result<Vec<String>, CollectError> {
        names(&self.sysfs.join(relative))
    }

    /// The names in a directory of procfs, sorted.
    pub(crate) fn proc_names(&self, relative: &str) -> Result<Vec<String>, CollectError> {
        names(&self.procfs.join(relative))
    }

    /// A small file of sysfs that is read once, such as a topology attribute.
    pub(crate) fn sys_once(&self, relative: &str) -> io::Result<String> {
        std::fs::read_to_string(self.sysfs.join(relative)).map(|text| text.trim_end().to_owned())
    }

    /// A file of procfs that is read once; `None` if it cannot be read.
    pub(crate) fn proc_once(&self, relative: &str) -> Option<String> {
        read_lossy(&self.procfs.join(relative)).ok()
    }

    /// A small file of the host's root that is read once; `None` if it cannot be read.
    pub(crate) fn host_once(&self, relative: &str) -> Option<String> {
        read_lossy(&self.rootfs.join(relative)).ok()
    }

    /// Where a link of sysfs leads to, such as that of a device to its place in the tree of buses.
    pub(crate) fn sys_link(&self, relative: &str) -> io::Result<PathBuf> {
        std::fs::read_link(self.sysfs.join(relative))
    }

    /// The file in which udev keeps what it knows of a block device.
    pub(crate) fn udev_block(&self, major: u32, minor: u32) -> PathBuf {
        self.udev.join(format!("b{major}:{minor}"))
    }

    /// The time zone file of this process, which is not looked for under the host's root.
    pub(crate) fn zone(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    /// A mount point as the host sees it: without the directory under which its root is mounted here.
    pub(crate) fn without_root<'a>(&self, mount_point: &'a str) -> &'a str {
        let root = self
            .rootfs
            .to_str()
            .unwrap_or_default()
            .trim_end_matches('/');
        match mount_point.strip_prefix(root) {
            Some("") => "/",
            Some(inside) if inside.starts_with('/') => inside,
            _ => mount_point,
        }
    }

    /// The path under which a mount point of the host is reached from here.
    pub(crate) fn on_host(&self, mount_point: &CStr) -> CString {
        let root = self.rootfs.as_os_str().as_bytes();
        let root = root.strip_suffix(b"/").unwrap_or(root);
        let point = mount_point.to_bytes();
        let inside = match point.strip_prefix(root) {
            Some(inside) if inside.is_empty() || inside.starts_with(b"/") => inside,
            _ => point,
        };
        let path = [root, if inside.is_empty() { b"/" } else { inside }].concat();
        // Neither part can have a NUL in it; the answer to an empty path would be an error.
        CString::new(path).unwrap_or_default()
    }
}

/// What tells one state of a small file from the next, for files that are replaced as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    inode: u64,
    length: u64,
}

impl Stamp {
    /// When the file was last written, in whole seconds since the Unix epoch.
    pub(crate) fn modified_seconds(self) -> f64 {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs() as f64
    }
}

/// The stamp of a file, or `None` if it is not there.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok()?,
        inode: metadata.ino(),
        length: metadata.len(),
    })
}

/// The bytes of a small file.
pub(crate) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// The whole of a small file, bytes that are not UTF-8 replaced.
pub(crate) fn read_lossy(path: &Path) -> io::Result<String> {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The names in a directory, sorted.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, CollectError> {
    let read = |path: &Path| -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    };
    read(path).map_err(|source| CollectError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
