//! Where `/proc`, `/sys`, the root file system and udev's data are, and the only place of the program that opens
//! files. A file that is read on every scrape stays open and is read again from its start into the same buffer: the
//! kernel makes the text anew on each read, and an open costs more than the read of most of them.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use runtime::{CollectError, Scrape};

use crate::text::ParseError;

/// No kernel text is longer; what is longer is no kernel text.
const LONGEST: usize = 64 << 20;

/// The first size of a file's buffer: most kernel texts fit, so that one read gets them.
const FIRST_BUFFER: usize = 8 << 10;

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
        let shared = Shared {
            file: self.proc(relative),
            read_for: None,
        };
        SharedFile(Arc::new(Mutex::new(shared)))
    }

    /// A file of sysfs, such as `devices/system/cpu/isolated`; it is opened at its first read.
    pub(crate) fn sys(&self, relative: &str) -> KernelFile {
        KernelFile::new(self.sysfs.join(relative))
    }

    /// The names in a directory of sysfs, sorted.
    pub(crate) fn sys_names(&self, relative: &str) -> Result<Vec<String>, CollectError> {
        let path = self.sysfs.join(relative);
        let read = |path: &Path| -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(path)? {
                names.extend(entry?.file_name().into_string());
            }
            names.sort_unstable();
            Ok(names)
        };
        read(&path).map_err(|source| CollectError::Read { path, source })
    }

    /// A small file of sysfs that is read once, such as a topology attribute.
    pub(crate) fn sys_once(&self, relative: &str) -> io::Result<String> {
        std::fs::read_to_string(self.sysfs.join(relative)).map(|text| text.trim_end().to_owned())
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

/// The whole of a small file, bytes that are not UTF-8 replaced.
pub(crate) fn read_lossy(path: &Path) -> io::Result<String> {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A kernel file that stays open between scrapes.
#[derive(Debug)]
pub(crate) struct KernelFile {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    length: usize,
}

impl KernelFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            buffer: Vec::new(),
            length: 0,
        }
    }

    /// Whether the file can be opened now.
    pub(crate) fn exists(&mut self) -> bool {
        self.open().is_ok()
    }

    /// Reads the file and gives its bytes.
    pub(crate) fn bytes(&mut self) -> Result<&[u8], CollectError> {
        self.read()?;
        Ok(self.buffer.get(..self.length).unwrap_or_default())
    }

    /// Reads the file and parses it; errors name the file.
    pub(crate) fn parse<'a, T>(
        &'a mut self,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        self.read()?;
        self.parse_again(parse)
    }

    /// Parses what was read last.
    fn parse_again<'a, T>(
        &'a self,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        let malformed = |reason: String| CollectError::Parse {
            path: self.path.clone(),
            reason,
        };
        let bytes = self.buffer.get(..self.length).unwrap_or_default();
        let text = std::str::from_utf8(bytes)
            .map_err(|error| malformed(format!("expected UTF-8 text, {error}")))?;
        parse(text).map_err(|error| malformed(error.to_string()))
    }

    /// The error of this file when what was read of it is not what it should be.
    pub(crate) fn malformed(&self, error: &ParseError) -> CollectError {
        CollectError::Parse {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    fn open(&mut self) -> io::Result<&File> {
        match self.file {
            Some(ref file) => Ok(file),
            None => Ok(self.file.insert(File::open(&self.path)?)),
        }
    }

    fn read(&mut self) -> Result<(), CollectError> {
        let was_open = self.file.is_some();
        let mut result = self.try_read();
        if result.is_err() && was_open {
            // The open file may belong to a device that went away and came back.
            self.file = None;
            result = self.try_read();
        }
        result.map_err(|source| {
            self.file = None;
            CollectError::Read {
                path: self.path.clone(),
                source,
            }
        })
    }

    fn try_read(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.open().and_then(|file| read_whole(file, &mut buffer));
        self.buffer = buffer;
        self.length = result?;
        Ok(())
    }
}

/// A file that is read once per scrape for all collectors that parse it. `/proc/stat` is worth it: the kernel adds up
/// every interrupt of every CPU for it, which takes a millisecond on a large host.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    file: KernelFile,
    /// The deadline of the scrape for which the file was read, which tells scrapes apart.
    read_for: Option<Instant>,
}

impl SharedFile {
    /// Parses the file as it is in this scrape; errors name the file.
    pub(crate) fn parse<T>(
        &self,
        scrape: &Scrape,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Result<T, CollectError> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared { file, read_for } = &mut *shared;
        if *read_for != Some(scrape.deadline) {
            *read_for = None;
            file.read()?;
            *read_for = Some(scrape.deadline);
        }
        file.parse_again(parse)
    }
}

/// Reads from the start to the end of the file; the buffer only ever grows.
fn read_whole(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    if buffer.is_empty() {
        buffer.resize(FIRST_BUFFER, 0);
    }
    let mut length = 0;
    loop {
        if length == buffer.len() {
            if length >= LONGEST {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "file has no end",
                ));
            }
            buffer.resize(length * 2, 0);
        }
        let rest = buffer.get_mut(length..).unwrap_or_default();
        match file.read_at(rest, length as u64) {
            Ok(0) => return Ok(length),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
