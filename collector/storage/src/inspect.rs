//! A stopped store looked at from outside: every file read and every checksum verified, what is in which segment, and
//! the repair of what is damaged. Nothing here is changed but by `repair`.

use std::fmt;
use std::path::{Path, PathBuf};

use collector_model::Timestamp;

use crate::checkpoint::{SNAPSHOT_DIR, snapshot_path};
use crate::file::frame::{FrameReader, Item};
use crate::file::{self, DirLock, Disk, System};
use crate::manifest::Manifest;
use crate::segment::reader::Segment;
use crate::segment::{SEGMENT_DIR, segment_path};
use crate::wal::reader::{Found, SegmentReader};
use crate::wal::{WAL_DIR, segment_first};
use crate::{Engine, Options, Store as _, StoreError};

/// A damaged stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            offset,
            reason,
        } = self;
        write!(f, "{} at byte {offset}: {reason}", path.display())
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Files read.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Log entries, snapshot frames and segment blocks whose checksum is right and whose content is understood.
    pub records: u64,
    /// Bytes of an unfinished write at the end of the log: never acknowledged, the next start cuts them off.
    pub unfinished_bytes: u64,
    /// What is damaged; an empty list is a sound store.
    pub findings: Vec<Finding>,
}

/// A segment's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentStats {
    /// Its file.
    pub path: PathBuf,
    /// Length of its windows in seconds.
    pub granularity: f64,
    /// Start of its first window.
    pub first: Timestamp,
    /// Start of its last window.
    pub last: Timestamp,
    /// Metrics in it.
    pub metrics: u64,
    /// Windows in it, of all metrics.
    pub windows: u64,
    /// Values in it: windows times the aggregation methods of their metric.
    pub values: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A store's figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InspectStats {
    /// The format's version.
    pub format: u64,
    /// Last log entry that the snapshot is sure to hold.
    pub snapshot_entry: u64,
    /// Bytes of the snapshot.
    pub snapshot_bytes: u64,
    /// Files of the log and bytes in them.
    pub log: (u64, u64),
    /// Segments, in the order in which they hold each metric's windows.
    pub segments: Vec<SegmentStats>,
}

/// The manifest of a stopped store, with the right to be alone with it.
fn stopped(dir: &Path) -> Result<(Manifest, DirLock), StoreError> {
    let missing = |reason: &str| StoreError::Corrupt {
        path: dir.to_owned(),
        offset: 0,
        reason: reason.to_owned(),
    };
    if Manifest::read(&System, dir)?.is_none() {
        return Err(missing("this is no store, it has no manifest"));
    }
    let lock = DirLock::acquire(dir)?;
    // Read again: until now it may have been another's.
    let manifest = Manifest::read(&System, dir)?;
    Ok((
        manifest.ok_or_else(|| missing("the manifest is gone"))?,
        lock,
    ))
}

/// Reads every file of a stopped store that counts.
///
/// # Errors
/// [`StoreError::Locked`] while it runs, [`StoreError::Corrupt`] where it is no store or the manifest is damaged,
/// [`StoreError::Io`].
pub fn check(dir: &Path) -> Result<CheckReport, StoreError> {
    let (manifest, _lock) = stopped(dir)?;
    let mut report = CheckReport::default();
    if manifest.base > 0 {
        report.snapshot(&snapshot_path(dir, manifest.base))?;
    }
    let wal = dir.join(WAL_DIR);
    let logs: Vec<String> = file::list(&wal)?
        .into_iter()
        .filter(|name| segment_first(name).is_some())
        .collect();
    for (index, name) in logs.iter().enumerate() {
        report.log(&wal.join(name), index + 1 == logs.len())?;
    }
    for id in &manifest.segments {
        report.segment(dir, *id)?;
    }
    Ok(report)
}

impl CheckReport {
    fn file(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    fn found(&mut self, path: &Path, offset: u64, reason: &str) {
        self.findings.push(Finding {
            path: path.to_owned(),
            offset,
            reason: reason.to_owned(),
        });
    }

    /// Opens a file; one that is missing is a finding.
    fn open(&mut self, path: &Path) -> Result<Option<Box<dyn std::io::Read>>, StoreError> {
        match System.open(path, 0) {
            Ok(source) => Ok(Some(source)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.found(path, 0, "it is missing");
                Ok(None)
            }
            Err(error) => Err(file::failed("open", path)(error)),
        }
    }

    fn snapshot(&mut self, path: &Path) -> Result<(), StoreError> {
        let Some(source) = self.open(path)? else {
            return Ok(());
        };
        let mut frames = FrameReader::new(source);
        while let Some(item) = frames.next().map_err(file::failed("read", path))? {
            match item {
                Item::Frame { .. } => self.records += 1,
                Item::Damage { range, reason } | Item::Tail { range, reason } => {
                    self.found(path, range.start, reason);
                }
            }
        }
        self.file(frames.position());
        Ok(())
    }

    fn log(&mut self, path: &Path, last: bool) -> Result<(), StoreError> {
        let Some(source) = self.open(path)? else {
            return Ok(());
        };
        let mut entries = SegmentReader::new(source);
        while let Some(found) = entries.next().map_err(file::failed("read", path))? {
            match found {
                Found::Entry { .. } => self.records += 1,
                Found::Tail { range, .. } if last => {
                    self.unfinished_bytes += range.end - range.start;
                }
                Found::Damage { range, reason } | Found::Tail { range, reason } => {
                    self.found(path, range.start, reason);
                }
            }
        }
        self.file(entries.position());
        Ok(())
    }

    fn segment(&mut self, dir: &Path, id: u64) -> Result<(), StoreError> {
        let path = segment_path(dir, id);
        if self.open(&path)?.is_none() {
            return Ok(());
        }
        let (segment, damage) = Segment::open(&System, dir, id)?;
        for damage in damage {
            self.found(&path, damage.range.start, damage.reason);
        }
        for block in 0..segment.blocks() {
            match segment.verify(block)? {
                Ok(()) => self.records += 1,
                Err(damage) => self.found(&path, damage.range.start, damage.reason),
            }
        }
        self.file(segment.bytes);
        Ok(())
    }
}

/// What is where in a stopped store.
///
/// # Errors
/// As [`check`].
pub fn stats(dir: &Path) -> Result<InspectStats, StoreError> {
    let (manifest, _lock) = stopped(dir)?;
    let bytes_of = |folder: &str, path: &Path| {
        let meta = std::fs::metadata(path);
        meta.map(|meta| meta.len())
            .map_err(file::failed("read", &dir.join(folder)))
    };
    let mut stats = InspectStats {
        format: manifest.format,
        snapshot_entry: manifest.base,
        ..InspectStats::default()
    };
    if manifest.base > 0 {
        stats.snapshot_bytes = bytes_of(SNAPSHOT_DIR, &snapshot_path(dir, manifest.base))?;
    }
    for name in file::list(&dir.join(WAL_DIR))? {
        stats.log.0 += 1;
        stats.log.1 += bytes_of(WAL_DIR, &dir.join(WAL_DIR).join(name))?;
    }
    for id in &manifest.segments {
        let (segment, _) = Segment::open(&System, dir, *id)?;
        let meta = segment.meta;
        stats.segments.push(SegmentStats {
            path: Path::new(SEGMENT_DIR).join(segment.path.file_name().unwrap_or_default()),
            granularity: meta.granularity as f64 / 1e9,
            first: Timestamp(meta.min),
            last: Timestamp(meta.max),
            metrics: meta.metrics,
            windows: meta.rows,
            values: meta.values,
            bytes: segment.bytes,
        });
    }
    Ok(stats)
}

/// Sets what is damaged aside in `quarantine/`, keeps all the rest and makes a store that [`check`] finds sound. The
/// report is of the check afterwards, the list of what was damaged before.
///
/// # Errors
/// As [`check`].
pub fn repair(dir: &Path) -> Result<(Vec<Finding>, CheckReport), StoreError> {
    let before = check(dir)?;
    let engine = Engine::open(dir, Options::default())?;
    engine.rewrite_damaged_segments()?;
    engine.flush()?;
    drop(engine);
    Ok((before.findings, check(dir)?))
}
