//! Segments: immutable files with the closed windows of one granularity, which leave memory when the head has grown.
//! Sorted by metric; blocks of some 32 KiB with a CRC32C each, a sparse index of them at the end. Segments of one
//! granularity follow each other in time for every metric; which of them count is the manifest's to say.

use std::path::{Path, PathBuf};

pub(crate) mod chunk;
pub(crate) mod compact;
pub(crate) mod flush;
pub(crate) mod index;
pub(crate) mod lookup;
pub(crate) mod reader;
pub(crate) mod set;
pub(crate) mod writer;

#[cfg(test)]
mod tests;

/// Folder of segments in a store's directory.
pub(crate) const SEGMENT_DIR: &str = "segment";

/// First byte of a frame with chunks of metrics.
const KIND_BLOCK: u8 = 1;
/// First byte of a frame with places of blocks.
const KIND_INDEX: u8 = 2;
/// First byte of the frame at the end.
const KIND_FOOTER: u8 = 3;

/// Bytes of a block before its chunks: the kind, and the granularity, which shall not be lost with the footer.
const BLOCK_HEADER: usize = 1 + 8;

/// Path of a segment.
pub(crate) fn segment_path(store: &Path, id: u64) -> PathBuf {
    store.join(SEGMENT_DIR).join(format!("{id:020}.seg"))
}

/// Number of the segment of that file name; `None` for a name that is no segment's.
pub(crate) fn segment_id(name: &str) -> Option<u64> {
    let digits = name
        .strip_suffix(".seg")
        .filter(|digits| digits.len() == 20)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Length of its windows, nanoseconds.
    pub(crate) granularity: i64,
    /// Start of its first window.
    pub(crate) min: i64,
    /// Start of its last window.
    pub(crate) max: i64,
    /// Chunks in it, one per metric.
    pub(crate) metrics: u64,
    /// Windows in them.
    pub(crate) rows: u64,
    /// Values in them.
    pub(crate) values: u64,
    /// All deletions up to this log entry have been applied to all its blocks.
    pub(crate) seq: u64,
}

impl Meta {
    /// Of a segment without anything.
    pub(crate) fn empty(granularity: i64) -> Self {
        Self {
            granularity,
            min: i64::MAX,
            max: i64::MIN,
            metrics: 0,
            rows: 0,
            values: 0,
            seq: u64::MAX,
        }
    }
}

/// The order of blocks: by the first half of the id.
pub(crate) fn key(metric: collector_model::MetricId) -> u64 {
    metric.as_u64_pair().0
}
