//! A disk for tests whose calls fail when told so; otherwise the real one.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Disk, DiskFile, DiskReader, System};

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Reserve,
    Write,
    Sync,
    SetLen,
    Truncate,
    Rename,
    Remove,
    SyncDir,
    Open,
    Read,
}

/// Decides about a call: `Some` makes it fail so.
type Plan = Box<dyn FnMut(Kind, &Path) -> Option<io::Error> + Send>;

/// A real disk with a plan of failures.
#[derive(Clone, Default)]
pub(crate) struct Faulty {
    plan: Arc<Mutex<Option<Plan>>>,
}

impl Faulty {
    /// From now on calls fail as `plan` says.
    pub(crate) fn fail(&self, plan: impl FnMut(Kind, &Path) -> Option<io::Error> + Send + 'static) {
        *self.plan.lock().unwrap() = Some(Box::new(plan));
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        *self.plan.lock().unwrap() = None;
    }

    fn check(&self, kind: Kind, path: &Path) -> io::Result<()> {
        match self
            .plan
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|plan| plan(kind, path))
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

struct FaultyFile {
    disk: Faulty,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl DiskFile for FaultyFile {
    fn reserve(&mut self, len: u64) -> io::Result<()> {
        let _ = len;
        // Space is not really reserved: on a file system in memory that writes all of it.
        self.disk.check(Kind::Reserve, &self.path)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let checked = self.disk.check(Kind::Write, &self.path);
        if checked.is_err() {
            // A failed write leaves a part behind.
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
        }
        checked?;
        self.file.write_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.check(Kind::Sync, &self.path)?;
        self.file.sync()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.disk.check(Kind::SetLen, &self.path)?;
        self.file.set_len(len)
    }
}

struct FaultyReader {
    disk: Faulty,
    path: PathBuf,
    file: Box<dyn DiskReader>,
}

impl DiskReader for FaultyReader {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.check(Kind::Read, &self.path)?;
        self.file.read_at(bytes, offset)
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.check(Kind::Create, path)?;
        let file = System.create(path)?;
        Ok(Box::new(FaultyFile {
            disk: self.clone(),
            path: path.to_owned(),
            file,
        }))
    }

    fn open(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read>> {
        self.check(Kind::Open, path)?;
        System.open(path, offset)
    }

    fn open_at(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        self.check(Kind::Open, path)?;
        Ok(Box::new(FaultyReader {
            disk: self.clone(),
            path: path.to_owned(),
            file: System.open_at(path)?,
        }))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.check(Kind::Truncate, path)?;
        System.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Kind::Rename, from)?;
        System.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Kind::Remove, path)?;
        System.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.check(Kind::SyncDir, path)?;
        System.sync_dir(path)
    }
}
