//! What counts on disk: the manifest as it was last written, with its segments open. Checkpoints add segments and
//! merges replace some, each by writing the manifest first and showing the new list to readers then.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use crate::checkpoint::{self, SNAPSHOT_DIR};
use crate::file::{self, Disk};
use crate::manifest::Manifest;
use crate::quarantine::Quarantine;
use crate::segment::reader::Segment;
use crate::segment::set::Segments;
use crate::segment::{SEGMENT_DIR, segment_id, segment_path};
use crate::sync::{Mutex, MutexGuard};
use crate::wal::WAL_DIR;
use crate::{ReplayReport, StoreError};

/// The manifest and its segments.
pub(super) struct Live {
    manifest: Mutex<Manifest>,
    pub(super) segments: Segments,
    next_id: AtomicU64,
}

impl Live {
    /// Opens the segments of a manifest and removes the files that it does not name. A segment that is missing or
    /// damaged is reported, and what of it can be read counts.
    pub(super) fn open(
        disk: &dyn Disk,
        store: &Path,
        mut manifest: Manifest,
        report: &mut ReplayReport,
    ) -> Result<Self, StoreError> {
        let dir = store.join(SEGMENT_DIR);
        file::create_dir(disk, &dir)?;
        let mut next_id = 1;
        for name in file::list(&dir)? {
            let id = segment_id(&name);
            next_id = next_id.max(id.unwrap_or(0).saturating_add(1));
            if id.is_none_or(|id| !manifest.segments.contains(&id)) {
                let path = dir.join(name);
                disk.remove(&path).map_err(file::failed("remove", &path))?;
            }
        }
        let quarantine = Quarantine::new(disk, store);
        let mut segments = Vec::new();
        let mut missing = Vec::new();
        for id in &manifest.segments {
            next_id = next_id.max(id.saturating_add(1));
            match Segment::open(disk, store, *id) {
                Ok((segment, damage)) => {
                    for damage in damage {
                        quarantine.take(&segment.path, &damage.range, damage.reason, report)?;
                    }
                    segments.push(Arc::new(segment));
                }
                Err(StoreError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound =>
                {
                    let path = segment_path(store, *id);
                    tracing::error!(path = %path.display(), "a segment is missing");
                    report
                        .damaged
                        .push(format!("{}: it is missing", path.display()));
                    missing.push(*id);
                }
                Err(error) => return Err(error),
            }
        }
        manifest.segments.retain(|id| !missing.contains(id));
        Ok(Self {
            manifest: Mutex::new(manifest),
            segments: Segments::new(segments),
            next_id: AtomicU64::new(next_id),
        })
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Last log entry that the valid snapshot is sure to hold.
    pub(super) fn base(&self) -> u64 {
        self.manifest().base
    }

    /// Where numbers for new segments come from; none is used twice.
    pub(super) fn ids(&self) -> &AtomicU64 {
        &self.next_id
    }

    /// A number for a new segment.
    pub(super) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Log entry up to which all segments have seen all deletions.
    pub(super) fn seen(&self) -> u64 {
        let list = self.segments.list();
        list.iter()
            .map(|segment| segment.meta.seq)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Makes a written snapshot the valid one, with the new segments behind all others.
    pub(super) fn adopt_checkpoint(
        &self,
        disk: &dyn Disk,
        store: &Path,
        base: u64,
        new: &[u64],
    ) -> Result<(), StoreError> {
        let mut manifest = self.manifest();
        let mut next = manifest.clone();
        next.base = base;
        next.segments.extend(new);
        let mut segments = self.segments.list().to_vec();
        for id in new {
            segments.push(Arc::new(Segment::open(disk, store, *id)?.0));
        }
        if !new.is_empty() {
            let dir = store.join(SEGMENT_DIR);
            disk.sync_dir(&dir).map_err(file::failed("sync", &dir))?;
        }
        next.write(disk, store)?;
        *manifest = next;
        self.segments.replace(segments);
        drop(manifest);
        checkpoint::remove_others(disk, store, base)
    }

    /// Puts a merged segment, or nothing, in the place of those that it was made of, and removes them.
    pub(super) fn adopt_merge(
        &self,
        disk: &dyn Disk,
        store: &Path,
        inputs: &[Arc<Segment>],
        output: Option<u64>,
    ) -> Result<(), StoreError> {
        let mut manifest = self.manifest();
        let replaced = |id: u64| inputs.iter().any(|input| input.id == id);
        let mut output_segment = None;
        if let Some(id) = output {
            let dir = store.join(SEGMENT_DIR);
            disk.sync_dir(&dir).map_err(file::failed("sync", &dir))?;
            output_segment = Some(Arc::new(Segment::open(disk, store, id)?.0));
        }
        let mut segments = Vec::new();
        for segment in self.segments.list().iter() {
            if !replaced(segment.id) {
                segments.push(Arc::clone(segment));
            } else if let Some(output) = output_segment.take() {
                segments.push(output);
            }
        }
        let next = Manifest {
            format: manifest.format,
            base: manifest.base,
            segments: segments.iter().map(|segment| segment.id).collect(),
        };
        next.write(disk, store)?;
        *manifest = next;
        self.segments.replace(segments);
        drop(manifest);
        for input in inputs {
            disk.remove(&input.path)
                .map_err(file::failed("remove", &input.path))?;
        }
        Ok(())
    }
}

/// The manifest, of a new store a new one, and the directories.
pub(super) fn prepare(disk: &dyn Disk, dir: &Path) -> Result<Manifest, StoreError> {
    let (wal, snapshots) = (dir.join(WAL_DIR), dir.join(SNAPSHOT_DIR));
    let manifest = match Manifest::read(disk, dir)? {
        Some(manifest) => manifest,
        None if wal.exists() || snapshots.exists() => {
            let reason = "there is a log or a snapshot, but no manifest".to_owned();
            return Err(StoreError::Corrupt {
                path: dir.to_owned(),
                offset: 0,
                reason,
            });
        }
        None => {
            let manifest = Manifest::default();
            manifest.write(disk, dir)?;
            manifest
        }
    };
    file::create_dir(disk, &wal)?;
    file::create_dir(disk, &snapshots)?;
    Ok(manifest)
}
