//! An open segment: its index in memory, its blocks read from the disk when asked for and checked each time. Damage
//! costs the block; a footer or index that is damaged is made anew from the blocks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use collector_model::MetricId;

use super::writer::FOOTER_BYTES;
use super::{BLOCK_HEADER, KIND_BLOCK, KIND_FOOTER, KIND_INDEX, Meta, chunk, key, segment_path};
use crate::StoreError;
use crate::codec::{CodecError, Cursor};
use crate::file::frame::{self, FrameReader, HEADER, Item};
use crate::file::{self, Disk, DiskReader};

/// Key of the first metric of each block, and the block's place.
type Index = Vec<(u64, u64)>;

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
    payload: Vec<u8>,
}

impl Block {
    /// The chunk at a place among the chunks, and the place after it; `None` behind the last.
    pub(crate) fn chunk(&self, at: usize) -> Option<Result<(chunk::Chunk<'_>, usize), CodecError>> {
        let chunks = self.payload.get(BLOCK_HEADER..)?;
        let first = chunk::first(chunks.get(at..)?)?;
        Some(first.map(|(chunk, length)| (chunk, at + length)))
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = Result<chunk::Chunk<'_>, CodecError>> {
        chunk::chunks(self.payload.get(BLOCK_HEADER..).unwrap_or_default())
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
        let ends = ends(&*file, bytes).map_err(file::failed("read", &path))?;
        let rebuilt = ends.is_none();
        let (meta, index, damage) = match ends {
            Some((meta, index)) => (meta, index, Vec::new()),
            None => scan(disk, &path)?,
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

    fn place(&self, block: usize) -> Option<Range<u64>> {
        Some(self.index.get(block)?.1..self.index.get(block + 1)?.1)
    }

    /// Reads and checks a block; the inner error is damage.
    pub(crate) fn block(&self, block: usize) -> Result<Result<Block, Damage>, StoreError> {
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
        let mut bytes = vec![0; length];
        match self.file.read_at(&mut bytes, range.start) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(Err(damage("block is cut off")));
            }
            Err(error) => return Err(file::failed("read", &self.path)(error)),
        }
        Ok(match frame::check(&bytes) {
            Ok((seq, end)) if bytes.get(HEADER) == Some(&KIND_BLOCK) => {
                bytes.truncate(end);
                bytes.drain(..HEADER);
                Ok(Block {
                    seq,
                    payload: bytes,
                })
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

    /// The values of a column of a metric with the starts of their windows, of blocks that have seen all deletions up
    /// to `since`. Damaged blocks are reported and passed over.
    pub(crate) fn column(
        &self,
        metric: MetricId,
        column: usize,
        since: u64,
    ) -> Result<Vec<(i64, f64)>, StoreError> {
        let wanted = key(metric);
        let first = self
            .index
            .partition_point(|(first, _)| *first < wanted)
            .saturating_sub(1);
        let mut found = Vec::new();
        for block in first..self.blocks() {
            if self
                .index
                .get(block)
                .is_none_or(|(first, _)| *first > wanted)
            {
                break;
            }
            match self.block(block)? {
                Err(damage) => self.report(&damage),
                Ok(content) if content.seq < since => {}
                Ok(content) => {
                    let granularity = self.meta.granularity;
                    for chunk in content.chunks() {
                        let values = match chunk {
                            Ok(chunk) if chunk.metric > metric => break,
                            Ok(chunk) if chunk.metric < metric => continue,
                            Ok(chunk) => chunk.column(granularity, column),
                            Err(error) => Err(error),
                        };
                        match values {
                            Ok(values) => found.extend(values),
                            Err(error) => {
                                let range = self.place(block).unwrap_or_default();
                                self.report(&Damage {
                                    range,
                                    reason: error.0,
                                });
                                break;
                            }
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}

/// What the end of the file says: what is in it and where; `None` if any of it is damaged.
fn ends(file: &dyn DiskReader, bytes: u64) -> std::io::Result<Option<(Meta, Index)>> {
    let size = (HEADER + FOOTER_BYTES) as u64;
    let Some(footer_at) = bytes.checked_sub(size) else {
        return Ok(None);
    };
    let mut footer = vec![0; HEADER + FOOTER_BYTES];
    file.read_at(&mut footer, footer_at)?;
    let Some((meta, index_at, count)) = parse_footer(&footer) else {
        return Ok(None);
    };
    let Some(length) = footer_at
        .checked_sub(index_at)
        .and_then(|length| usize::try_from(length).ok())
    else {
        return Ok(None);
    };
    if count.checked_mul(16).is_none_or(|least| least > length) {
        return Ok(None);
    }
    let mut frames = vec![0; length];
    file.read_at(&mut frames, index_at)?;
    let mut reader = FrameReader::new(frames.as_slice());
    let mut index = Vec::with_capacity(count + 1);
    while let Some(item) = reader.next()? {
        let Item::Frame { payload, .. } = item else {
            return Ok(None);
        };
        let Ok(()) = places(payload, &mut index) else {
            return Ok(None);
        };
    }
    let sound = index.len() == count
        && index
            .iter()
            .zip(index.iter().skip(1))
            .all(|(a, b)| a.0 <= b.0 && a.1 < b.1)
        && index.last().is_none_or(|(_, offset)| *offset < index_at);
    index.push((u64::MAX, index_at));
    Ok(sound.then_some((meta, index)))
}

fn parse_footer(bytes: &[u8]) -> Option<(Meta, u64, usize)> {
    frame::check(bytes).ok()?;
    let mut cursor = Cursor::new(bytes.get(HEADER..)?);
    if cursor.byte().ok()? != KIND_FOOTER {
        return None;
    }
    let mut next = || cursor.fixed().ok();
    let meta = Meta {
        granularity: next()?.cast_signed(),
        min: next()?.cast_signed(),
        max: next()?.cast_signed(),
        metrics: next()?,
        rows: next()?,
        values: next()?,
        seq: next()?,
    };
    let (index_at, count) = (next()?, next()?);
    (meta.granularity > 0).then_some((meta, index_at, usize::try_from(count).ok()?))
}

fn places(payload: &[u8], index: &mut Index) -> Result<(), CodecError> {
    let mut cursor = Cursor::new(payload);
    if cursor.byte()? != KIND_INDEX {
        return Err(CodecError("frame is no index"));
    }
    for _ in 0..cursor.count(16)? {
        index.push((cursor.fixed()?, cursor.fixed()?));
    }
    cursor.finish()
}

/// Any bytes as a footer, an index and a block, for the fuzz targets.
#[cfg(fuzzing)]
pub(crate) fn survey_bytes(bytes: &[u8]) {
    let _ = parse_footer(bytes);
    let mut framed = Vec::new();
    if frame::write(&mut framed, 1, bytes) {
        let _ = parse_footer(&framed);
    }
    let _ = places(bytes, &mut Index::new());
    let _ = survey(bytes, &mut Meta::empty(1));
}

/// Makes index and footer anew from all blocks that can be read.
fn scan(disk: &dyn Disk, path: &Path) -> Result<(Meta, Index, Vec<Damage>), StoreError> {
    let source = disk.open(path, 0).map_err(file::failed("open", path))?;
    let mut frames = FrameReader::new(source);
    let (mut index, mut damage) = (Vec::new(), Vec::new());
    let mut meta = Meta::empty(1);
    let mut blocks_end = 0;
    while let Some(item) = frames.next().map_err(file::failed("read", path))? {
        let (range, reason) = match item {
            Item::Damage { range, reason } | Item::Tail { range, reason } => (range, reason),
            Item::Frame {
                seq,
                offset,
                payload,
            } => {
                let end = offset + (HEADER + payload.len()) as u64;
                if payload.first() != Some(&KIND_BLOCK) {
                    continue;
                }
                blocks_end = end;
                meta.seq = meta.seq.min(seq);
                match survey(payload, &mut meta) {
                    Ok(first) => {
                        index.push((first, offset));
                        continue;
                    }
                    Err(error) => (offset..end, error.0),
                }
            }
        };
        damage.push(Damage { range, reason });
    }
    index.push((u64::MAX, blocks_end));
    if damage.is_empty() {
        let range = blocks_end..blocks_end;
        let reason = "index and footer do not fit each other";
        damage.push(Damage { range, reason });
    }
    Ok((meta, index, damage))
}

/// Adds what is in a block to what is known of its segment; returns the key of its first metric.
fn survey(payload: &[u8], meta: &mut Meta) -> Result<u64, CodecError> {
    let granularity = Cursor::new(payload.get(1..).unwrap_or_default()).fixed()?;
    meta.granularity = granularity.cast_signed().max(1);
    let mut first = None;
    for chunk in chunk::chunks(payload.get(BLOCK_HEADER..).unwrap_or_default()) {
        let chunk = chunk?;
        first = first.or(Some(key(chunk.metric)));
        let (starts, width) = chunk.shape(meta.granularity)?;
        if let (Some(min), Some(max)) = (starts.first(), starts.last()) {
            (meta.min, meta.max) = (meta.min.min(*min), meta.max.max(*max));
        }
        meta.metrics += 1;
        meta.rows += starts.len() as u64;
        meta.values += (starts.len() * width) as u64;
    }
    first.ok_or(CodecError("block is empty"))
}
