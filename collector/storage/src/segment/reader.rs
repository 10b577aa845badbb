//! An open segment: its index in memory, its blocks read from the disk when asked for and checked each time. Damage
//! costs the block.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::{self, Index};
use super::{BLOCK_HEADER, KIND_BLOCK, Meta, chunk, segment_path};
use crate::StoreError;
use crate::codec::CodecError;
use crate::file::frame::{self, HEADER};
use crate::file::{self, Disk, DiskReader};

/// A segment that may be read.
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) path: PathBuf,
    pub(crate) meta: Meta,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    file: Box<dyn DiskReader>,
    /// Ends with the place where blocks end.
    index: Index,
    /// Places of the damaged blocks met so far, so that each is reported once.
    damaged: Mutex<BTreeSet<u64>>,
    /// Whether index or footer were damaged: then it is to be written anew.
    pub(crate) rebuilt: bool,
}

/// A damaged stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) range: Range<u64>,
    pub(crate) reason: &'static str,
}

/// A block that was read and checked: its chunks, and the log entry up to which deletions were applied to it.
pub(crate) struct Block {
    pub(crate) seq: u64,
    bytes: Vec<u8>,
    end: usize,
}

impl Block {
    /// The chunk at a place among the chunks, and the place after it; `None` behind the last.
    pub(crate) fn chunk(&self, at: usize) -> Option<Result<(chunk::Chunk<'_>, usize), CodecError>> {
        let first = chunk::first(self.content().get(at..)?)?;
        Some(first.map(|(chunk, length)| (chunk, at + length)))
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = Result<chunk::Chunk<'_>, CodecError>> {
        chunk::chunks(self.content())
    }

    fn content(&self) -> &[u8] {
        let content = self.bytes.get(HEADER + BLOCK_HEADER..self.end);
        content.unwrap_or_default()
    }

    /// Its memory, to read another block into.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

impl Segment {
    /// Opens a segment. What is damaged in index and footer is told.
    pub(crate) fn open(
        disk: &dyn Disk,
        store: &Path,
        id: u64,
    ) -> Result<(Self, Vec<Damage>), StoreError> {
        let path = segment_path(store, id);
        let file = disk.open_at(&path).map_err(file::failed("open", &path))?;
        let bytes = file.len().map_err(file::failed("measure", &path))?;
        let ends = index::ends(&*file, bytes).map_err(file::failed("read", &path))?;
        let rebuilt = ends.is_none();
        let (meta, index, damage) = match ends {
            Some((meta, index)) => (meta, index, Vec::new()),
            None => index::scan(disk, &path)?,
        };
        let segment = Self {
            id,
            path,
            meta,
            bytes,
            file,
            index,
            damaged: Mutex::default(),
            rebuilt,
        };
        Ok((segment, damage))
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.index.len().saturating_sub(1)
    }

    /// Damaged blocks met so far.
    pub(crate) fn damaged(&self) -> u64 {
        self.places_of_damage().len() as u64
    }

    pub(crate) fn place(&self, block: usize) -> Option<Range<u64>> {
        Some(self.index.get(block)?.1..self.index.get(block + 1)?.1)
    }

    /// Reads and checks a block; the inner error is damage.
    pub(crate) fn block(&self, block: usize) -> Result<Result<Block, Damage>, StoreError> {
        self.block_into(block, Vec::new())
    }

    /// Reads and checks a block, using memory again.
    pub(crate) fn block_into(
        &self,
        block: usize,
        mut bytes: Vec<u8>,
    ) -> Result<Result<Block, Damage>, StoreError> {
        let Some(range) = self.place(block) else {
            let reason = "there is no such block";
            return Ok(Err(Damage {
                range: 0..0,
                reason,
            }));
        };
        let damage = |reason| Damage {
            range: range.clone(),
            reason,
        };
        let Some(length) = usize::try_from(range.end - range.start)
            .ok()
            .filter(|length| *length <= frame::MAX_PAYLOAD + HEADER)
        else {
            return Ok(Err(damage("block is longer than a frame may be")));
        };
        bytes.resize(length, 0);
        match self.file.read_at(&mut bytes, range.start) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(Err(damage("block is cut off")));
            }
            Err(error) => return Err(file::failed("read", &self.path)(error)),
        }
        Ok(match frame::check(&bytes) {
            Ok((seq, end)) if bytes.get(HEADER) == Some(&KIND_BLOCK) => {
                Ok(Block { seq, bytes, end })
            }
            Ok(_) => Err(damage("frame is no block")),
            Err(reason) => Err(damage(reason)),
        })
    }

    /// Reads a block and understands all of it; the inner error is damage.
    pub(crate) fn verify(&self, block: usize) -> Result<Result<(), Damage>, StoreError> {
        let content = match self.block(block)? {
            Ok(content) => content,
            Err(damage) => return Ok(Err(damage)),
        };
        let rows = |chunk: Result<chunk::Chunk<'_>, CodecError>| {
            chunk?.rows(self.meta.granularity).map(drop)
        };
        Ok(content.chunks().try_for_each(rows).map_err(|error| Damage {
            range: self.place(block).unwrap_or_default(),
            reason: error.0,
        }))
    }

    fn places_of_damage(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes damage met while reading, in the log once per block.
    pub(crate) fn report(&self, damage: &Damage) {
        if self.places_of_damage().insert(damage.range.start) {
            tracing::error!(
                path = %self.path.display(), offset = damage.range.start, bytes = damage.range.end - damage.range.start,
                reason = damage.reason, "damaged block in a segment, the rest is served"
            );
        }
    }

    /// The first block that may have a metric of this key.
    pub(crate) fn first_block(&self, key: u64) -> usize {
        let behind = self.index.partition_point(|(first, _)| *first < key);
        behind.saturating_sub(1)
    }

    /// Whether a block begins beyond a key, or is none.
    pub(crate) fn is_beyond(&self, block: usize, key: u64) -> bool {
        block >= self.blocks() || self.index.get(block).is_none_or(|(first, _)| *first > key)
    }
}
