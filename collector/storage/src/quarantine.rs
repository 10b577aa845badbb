//! Where damaged stretches of files go: copied to `quarantine/` for the operator to look at, and reported, while
//! everything else is served.

use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::file::{self, Disk};
use crate::{ReplayReport, StoreError};

/// Folder in a store's directory.
const QUARANTINE_DIR: &str = "quarantine";
/// Of a longer stretch the rest is left out.
const MAX_COPY: u64 = 64 << 20;

/// Sets damaged bytes aside.
pub(crate) struct Quarantine<'a> {
    disk: &'a dyn Disk,
    store: &'a Path,
}

impl<'a> Quarantine<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, store: &'a Path) -> Self {
        Self { disk, store }
    }

    /// Copies a stretch of a file and notes it in the report.
    pub(crate) fn take(
        &self,
        path: &Path,
        range: &Range<u64>,
        reason: &str,
        report: &mut ReplayReport,
    ) -> Result<(), StoreError> {
        let bytes = range.end - range.start;
        let copy = self.copy_path(path, range.start);
        // A full disk shall not keep the store from opening.
        match self.copy(path, range.start, bytes, &copy) {
            Err(StoreError::DiskFull(_)) => tracing::error!("no space to set damaged bytes aside"),
            outcome => outcome?,
        }
        tracing::error!(
            path = %path.display(), offset = range.start, bytes, reason, copy = %copy.display(), "damaged bytes found"
        );
        report.damaged_bytes += bytes;
        report.damaged.push(format!(
            "{} at byte {}: {reason}",
            path.display(),
            range.start
        ));
        Ok(())
    }

    fn copy(&self, path: &Path, offset: u64, bytes: u64, copy: &Path) -> Result<(), StoreError> {
        let source = self
            .disk
            .open(path, offset)
            .map_err(file::failed("open", path))?;
        let mut damaged = Vec::new();
        let read = source.take(bytes.min(MAX_COPY)).read_to_end(&mut damaged);
        read.map_err(file::failed("read", path))?;
        file::create_dir(self.disk, &self.store.join(QUARANTINE_DIR))?;
        file::replace(self.disk, copy, &damaged)
    }

    fn copy_path(&self, path: &Path, offset: u64) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.store
            .join(QUARANTINE_DIR)
            .join(format!("{name}-{offset}"))
    }
}
