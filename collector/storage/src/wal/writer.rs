//! Appends to the log. A group of entries is one write and one fdatasync; what fails leaves the log as it was, or
//! says that it cannot tell.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{SEGMENT_BYTES, segment_path};
use crate::StoreError;
use crate::file::{self, Disk, DiskFile, frame, is_full};

/// How far ahead of what is written space is reserved.
const RESERVE_BYTES: u64 = 8 << 20;
/// A buffer beyond this is given back after use.
const BUFFER_BYTES: usize = 4 << 20;

/// Why a group was not written.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// No space. The log is as before; the next try may succeed.
    Full(PathBuf),
    /// What is on disk is unknown.
    Unknown(String),
}

/// The end of the log.
pub(crate) struct WalWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment: Segment,
    next_seq: u64,
    buffer: Vec<u8>,
    /// First entries of the finished segments that are still on disk, and their bytes.
    finished: Vec<(u64, u64)>,
    failed_rotation: bool,
}

struct Segment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    first: u64,
    len: u64,
    reserved: u64,
}

impl WalWriter {
    /// Begins a new segment with the entry `next_seq`; `finished` are those that are there already.
    pub(crate) fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        next_seq: u64,
        finished: Vec<(u64, u64)>,
    ) -> Result<Self, StoreError> {
        let segment = Segment::create(&*disk, dir, next_seq)?;
        let dir = dir.to_owned();
        Ok(Self {
            disk,
            dir,
            segment,
            next_seq,
            buffer: Vec::new(),
            finished,
            failed_rotation: false,
        })
    }

    /// Number of the last entry, 0 before the first.
    pub(crate) fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.finished.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.segment.len
    }

    /// Number of segments.
    pub(crate) fn segments(&self) -> u64 {
        self.finished.len() as u64 + 1
    }

    /// Writes payloads as entries with consecutive numbers and returns the first number and the time of the fsync,
    /// when all are on stable storage.
    pub(crate) fn append<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(u64, Duration), AppendError> {
        let first = self.next_seq;
        self.buffer.clear();
        let mut seq = first;
        for payload in payloads {
            if !frame::write(&mut self.buffer, seq, payload) {
                return Err(AppendError::Unknown(format!(
                    "entry of {} bytes is too long",
                    payload.len()
                )));
            }
            seq += 1;
        }
        let written = self.segment.write(&self.buffer);
        if self.buffer.capacity() > BUFFER_BYTES {
            self.buffer = Vec::new();
        }
        let duration = written?;
        self.next_seq = seq;
        if self.segment.len >= SEGMENT_BYTES {
            self.rotate_if_possible();
        }
        Ok((first, duration))
    }

    /// Goes on in a new segment, unless the current one has no entries.
    pub(crate) fn rotate(&mut self) -> Result<(), StoreError> {
        if self.segment.len == 0 {
            return Ok(());
        }
        let next = Segment::create(&*self.disk, &self.dir, self.next_seq)?;
        let last = std::mem::replace(&mut self.segment, next);
        self.finished.push((last.first, last.len));
        Ok(())
    }

    /// A segment may grow beyond its size where a new one cannot be made; it is tried again after each group.
    fn rotate_if_possible(&mut self) {
        match self.rotate() {
            Ok(()) => self.failed_rotation = false,
            Err(error) if !self.failed_rotation => {
                self.failed_rotation = true;
                tracing::warn!(%error, "cannot begin a new log segment");
            }
            Err(_) => {}
        }
    }

    /// Forgets the segments whose entries are all numbered at most `seq`, and returns their paths for removal.
    pub(crate) fn forget(&mut self, seq: u64) -> Vec<PathBuf> {
        let ends = self
            .finished
            .iter()
            .skip(1)
            .map(|(first, _)| *first)
            .chain([self.segment.first]);
        let covered = self
            .finished
            .iter()
            .zip(ends)
            .take_while(|(_, end)| *end <= seq.saturating_add(1));
        let covered = covered.count();
        let forgotten = self.finished.drain(..covered);
        forgotten
            .map(|(first, _)| segment_path(&self.dir, first))
            .collect()
    }
}

impl Segment {
    fn create(disk: &dyn Disk, dir: &Path, first: u64) -> Result<Self, StoreError> {
        let path = segment_path(dir, first);
        let mut file = disk.create(&path).map_err(file::failed("create", &path))?;
        // Without space the store opens all the same, for its readers; the first write finds out.
        let reserved = match file.reserve(RESERVE_BYTES) {
            Ok(()) => RESERVE_BYTES,
            Err(error) if is_full(&error) => 0,
            Err(error) => return Err(file::failed("reserve space for", &path)(error)),
        };
        disk.sync_dir(dir).map_err(file::failed("sync", dir))?;
        Ok(Self {
            path,
            file,
            first,
            len: 0,
            reserved,
        })
    }

    /// Appends and syncs; returns how long the sync took.
    fn write(&mut self, bytes: &[u8]) -> Result<Duration, AppendError> {
        let end = self.len + bytes.len() as u64;
        self.reserve(end)?;
        if let Err(error) = self.file.write_at(bytes, self.len) {
            // Some of it may be there: cut it off, so that nothing torn stands before the next group.
            let cut = self.file.set_len(self.len);
            self.reserved = 0;
            return match cut {
                Ok(()) if is_full(&error) => Err(AppendError::Full(self.path.clone())),
                Ok(()) => Err(self.unknown("write", &error)),
                Err(cut) => Err(self.unknown("undo a failed write to", &cut)),
            };
        }
        let begin = Instant::now();
        // After a failed sync the kernel may have dropped the pages and say nothing the next time.
        let synced = self.file.sync();
        synced.map_err(|error| self.unknown("sync", &error))?;
        self.len = end;
        Ok(begin.elapsed())
    }

    /// Makes sure of space up to `end`, and of some more where there is.
    fn reserve(&mut self, end: u64) -> Result<(), AppendError> {
        for wanted in [end + RESERVE_BYTES, end] {
            if end <= self.reserved {
                break;
            }
            match self.file.reserve(wanted) {
                Ok(()) => self.reserved = wanted,
                Err(error) if is_full(&error) && wanted > end => {}
                Err(error) if is_full(&error) => return Err(AppendError::Full(self.path.clone())),
                Err(error) => return Err(self.unknown("reserve space for", &error)),
            }
        }
        Ok(())
    }

    fn unknown(&self, action: &str, error: &io::Error) -> AppendError {
        AppendError::Unknown(format!("cannot {action} {}: {error}", self.path.display()))
    }
}
