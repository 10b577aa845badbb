//! The only place that touches the disk: creating, appending, syncing, renaming, locking. Everything above goes
//! through [`Disk`], so that tests can make any of these calls fail. What the bytes mean is decided elsewhere.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::StoreError;

pub(crate) mod frame;

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
pub(crate) mod recorder;

/// Name of the lock file in a store's directory.
const LOCK_FILE: &str = "LOCK";

/// The calls of the operating system that the store's durability rests on.
pub(crate) trait Disk: Send + Sync {
    /// Creates a file for writing; what was there under the name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading from `offset` on.
    fn open(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read>>;
    /// Opens a file for reading at any place.
    fn open_at(&self, path: &Path) -> io::Result<Box<dyn DiskReader>>;
    /// Cuts a file and makes the cut durable.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// Renames within one directory, replacing what was there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// A file open for writing. Positions are the caller's: a failed write leaves no hidden state.
pub(crate) trait DiskFile: Send {
    /// Asks for space up to `len` without growing the file, so that later writes cannot run out of it.
    fn reserve(&mut self, len: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when all written bytes are on stable storage.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts or extends to `len`.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

/// A file open for reading at any place, also after it has been removed.
pub(crate) trait DiskReader: Send + Sync {
    /// Bytes of the file.
    fn len(&self) -> io::Result<u64>;
    /// Fills `bytes` from `offset` on.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl DiskReader for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }
}

/// The real disk.
pub(crate) struct System;

impl Disk for System {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }

    fn open_at(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        Ok(Box::new(File::open(path)?))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for File {
    fn reserve(&mut self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&*self, rustix::fs::FallocateFlags::KEEP_SIZE, 0, len) {
            // A file system without reservations finds out when it is written to.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }
}

/// Whether an error says that there is no space (or quota) left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Turns an error of a file operation into the store's, keeping a full disk apart.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match is_full(&source) {
        true => StoreError::DiskFull(path),
        false => StoreError::Io {
            action,
            path,
            source,
        },
    }
}

/// Replaces a file by one with `bytes`: after a crash either the old or the new one is there, whole.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("tmp");
    let write = || {
        let mut file = disk.create(&temporary)?;
        file.write_at(bytes, 0)?;
        file.sync()
    };
    write().map_err(failed("write", &temporary))?;
    publish(disk, &temporary, path)
}

/// Gives a written and synced file its final name, durably.
pub(crate) fn publish(disk: &dyn Disk, temporary: &Path, path: &Path) -> Result<(), StoreError> {
    disk.rename(temporary, path)
        .map_err(failed("rename", temporary))?;
    let parent = path.parent().unwrap_or(Path::new("."));
    disk.sync_dir(parent).map_err(failed("sync", parent))
}

/// The right to be the only process in a store's directory; given back when dropped or when the process ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    pub(crate) fn acquire(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }
}

/// Names of the plain files in a directory, sorted.
pub(crate) fn list(dir: &Path) -> Result<Vec<String>, StoreError> {
    let read = || {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    };
    read().map_err(failed("list", dir))
}

/// Creates a directory with its parents; the name is durable.
pub(crate) fn create_dir(disk: &dyn Disk, dir: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(dir).map_err(failed("create", dir))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            disk.sync_dir(parent).map_err(failed("sync", parent))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_on_a_directory_is_refused_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(dir.path()).unwrap();
        let error = DirLock::acquire(dir.path()).unwrap_err();
        let expected = format!(
            "store {} is in use by another process",
            dir.path().display()
        );
        assert_eq!(error.to_string(), expected);
        drop(first);
        DirLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for bytes in [&b"a longer first version"[..], b"second"] {
            replace(&System, &path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(list(dir.path()).unwrap(), ["file"]);
    }

    #[test]
    fn a_failure_names_what_was_tried_and_where() {
        let error = replace(&System, Path::new("/nonexistent/file"), b"").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot write /nonexistent/file.tmp: No such file"),
            "{error}"
        );
    }

    #[test]
    fn reserved_space_does_not_change_the_length_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut file = System.create(&path).unwrap();
        file.reserve(1 << 20).unwrap();
        file.write_at(b"abc", 0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 3);
    }
}
