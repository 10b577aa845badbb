//! A disk for tests that notes every change and every sync in order, and can say what a power cut at any moment may
//! leave: what was synced for sure, of the rest whatever the dice say: nothing, all, or some sectors, in any order.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Disk, DiskFile, DiskReader, System};

/// What a power cut leaves whole.
const SECTOR: usize = 512;

/// A change or a sync. Files are numbered, for a name may come to stand for another file.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Create(PathBuf, usize),
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Sync(usize),
    Truncate(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncDir(PathBuf),
}

impl Step {
    /// Whether something is promised to be on stable storage afterwards.
    pub(crate) fn is_boundary(&self) -> bool {
        matches!(self, Self::Sync(_) | Self::SyncDir(_) | Self::Truncate(..))
    }
}

/// The disk.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Recorder {
    /// How many steps there were.
    pub(crate) fn len(&self) -> usize {
        self.steps.lock().unwrap().len()
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone()
    }

    /// Does something and notes it as one, so that the order of notes is the order of doing.
    fn note<T>(
        &self,
        step: impl FnOnce(usize) -> Step,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut steps = self.steps.lock().unwrap();
        let done = act()?;
        let number = steps.len();
        steps.push(step(number));
        Ok(done)
    }
}

struct RecordedFile {
    disk: Recorder,
    number: usize,
    file: Box<dyn DiskFile>,
}

impl DiskFile for RecordedFile {
    fn reserve(&mut self, _len: u64) -> io::Result<()> {
        // Changes nothing that a power cut could show.
        Ok(())
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let number = self.number;
        let file = &mut self.file;
        self.disk.note(
            |_| Step::Write(number, offset, bytes.to_vec()),
            || file.write_at(bytes, offset),
        )
    }

    fn sync(&mut self) -> io::Result<()> {
        // Files that only the recording needs are not synced: that would take most of the test's time.
        let number = self.number;
        self.disk.note(|_| Step::Sync(number), || Ok(()))
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let number = self.number;
        let file = &mut self.file;
        self.disk
            .note(|_| Step::SetLen(number, len), || file.set_len(len))
    }
}

impl Disk for Recorder {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut number = 0;
        let file = self.note(
            |step| {
                number = step;
                Step::Create(path.to_owned(), step)
            },
            || System.create(path),
        )?;
        Ok(Box::new(RecordedFile {
            disk: self.clone(),
            number,
            file,
        }))
    }

    fn open(&self, path: &Path, offset: u64) -> io::Result<Box<dyn Read>> {
        System.open(path, offset)
    }

    fn open_at(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        System.open_at(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.note(
            |_| Step::Truncate(path.to_owned(), len),
            || System.truncate(path, len),
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(
            |_| Step::Rename(from.to_owned(), to.to_owned()),
            || System.rename(from, to),
        )
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note(|_| Step::Remove(path.to_owned()), || System.remove(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note(|_| Step::SyncDir(path.to_owned()), || Ok(()))
    }
}

/// A change of a file that was not synced yet.
#[derive(Debug, Clone)]
enum Pending {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

/// A change of a directory that was not synced yet.
#[derive(Debug, Clone)]
enum Entry {
    Set(PathBuf, usize),
    Clear(PathBuf),
    Move(PathBuf, PathBuf, usize),
}

/// What is on stable storage, and what is on its way there.
#[derive(Debug, Default, Clone)]
pub(crate) struct Platter {
    files: BTreeMap<usize, (Vec<u8>, Vec<Pending>)>,
    /// Names that are stable, and those that programs see.
    names: BTreeMap<PathBuf, usize>,
    seen: BTreeMap<PathBuf, usize>,
    entries: Vec<Entry>,
}

impl Platter {
    /// The next step happens.
    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Create(path, number) => {
                self.files.insert(*number, (Vec::new(), Vec::new()));
                self.seen.insert(path.clone(), *number);
                self.entries.push(Entry::Set(path.clone(), *number));
            }
            Step::Write(number, offset, bytes) => {
                self.pending(*number, Pending::Write(*offset, bytes.clone()));
            }
            Step::SetLen(number, len) => self.pending(*number, Pending::SetLen(*len)),
            Step::Sync(number) => self.sync(*number),
            Step::Truncate(path, len) => {
                if let Some(number) = self.seen.get(path).copied() {
                    self.pending(number, Pending::SetLen(*len));
                    self.sync(number);
                }
            }
            Step::Rename(from, to) => {
                if let Some(number) = self.seen.remove(from) {
                    self.seen.insert(to.clone(), number);
                    self.entries
                        .push(Entry::Move(from.clone(), to.clone(), number));
                }
            }
            Step::Remove(path) => {
                self.seen.remove(path);
                self.entries.push(Entry::Clear(path.clone()));
            }
            Step::SyncDir(dir) => {
                let of_dir = |entry: &Entry| {
                    let (Entry::Set(path, _) | Entry::Clear(path) | Entry::Move(path, ..)) = entry;
                    path.parent() == Some(dir)
                };
                let (stable, rest) = std::mem::take(&mut self.entries)
                    .into_iter()
                    .partition(of_dir);
                self.entries = rest;
                let stable: Vec<Entry> = stable;
                stable
                    .iter()
                    .for_each(|entry| apply_entry(&mut self.names, entry));
            }
        }
    }

    fn pending(&mut self, number: usize, change: Pending) {
        if let Some((_, pending)) = self.files.get_mut(&number) {
            pending.push(change);
        }
    }

    fn sync(&mut self, number: usize) {
        if let Some((bytes, pending)) = self.files.get_mut(&number) {
            for change in pending.drain(..) {
                apply(bytes, &change, &mut |_| true);
            }
        }
    }

    /// What may be found after a power cut now: of what was not synced whatever `dice` says, each time it is asked.
    pub(crate) fn cut(&self, dice: &mut dyn FnMut(u64) -> u64) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = self.names.clone();
        // All, nothing, or some of it, so that the clean cases come often too.
        let mode = dice(3);
        for entry in &self.entries {
            if mode == 0 || (mode == 1 && dice(2) == 0) {
                apply_entry(&mut names, entry);
            }
        }
        let mut left = BTreeMap::new();
        for (path, number) in names {
            let Some((stable, pending)) = self.files.get(&number) else {
                continue;
            };
            let mut bytes = stable.clone();
            let mode = dice(3);
            for change in pending {
                if mode == 0 {
                    apply(&mut bytes, change, &mut |_| true);
                } else if mode == 1 && dice(4) > 0 {
                    // Sectors reach the disk in any order: some did, some did not.
                    apply(&mut bytes, change, &mut |_| dice(2) == 0);
                }
            }
            left.insert(path, bytes);
        }
        left
    }
}

fn apply_entry(names: &mut BTreeMap<PathBuf, usize>, entry: &Entry) {
    match entry {
        Entry::Set(path, number) => drop(names.insert(path.clone(), *number)),
        Entry::Clear(path) => drop(names.remove(path)),
        Entry::Move(from, to, number) => {
            if names.get(from) == Some(number) {
                names.remove(from);
            }
            names.insert(to.clone(), *number);
        }
    }
}

/// Applies a change to a file's bytes; of a write those sectors that `reached` says.
fn apply(bytes: &mut Vec<u8>, change: &Pending, reached: &mut dyn FnMut(usize) -> bool) {
    match change {
        Pending::SetLen(len) => bytes.resize(*len as usize, 0),
        Pending::Write(offset, written) => {
            let mut at = *offset as usize;
            let mut rest = written.as_slice();
            while !rest.is_empty() {
                let length = (SECTOR - at % SECTOR).min(rest.len());
                let (sector, later) = rest.split_at(length);
                if reached(at / SECTOR) {
                    let end = bytes.len().max(at + length);
                    bytes.resize(end, 0);
                    bytes[at..at + length].copy_from_slice(sector);
                }
                at += length;
                rest = later;
            }
        }
    }
}
