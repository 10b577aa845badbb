//! The write-ahead log: what is acknowledged stands here first. Segments of frames, one frame per call, numbered
//! without gaps; a segment is named by the first number that it may hold.

use std::path::{Path, PathBuf};

pub(crate) mod entry;
pub(crate) mod reader;
pub(crate) mod recovery;
pub(crate) mod writer;

/// Folder of the log's segments in a store's directory.
pub(crate) const WAL_DIR: &str = "wal";
/// A segment is followed by a new one when it has this many bytes.
pub(crate) const SEGMENT_BYTES: u64 = 64 << 20;

/// Name of the segment whose first entry is `first`.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.wal"))
}

/// First entry of the segment of that name; `None` for a name that is no segment's.
pub(crate) fn segment_first(name: &str) -> Option<u64> {
    let digits = name
        .strip_suffix(".wal")
        .filter(|digits| digits.len() == 20)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}
