//! What a segment has at its end, the index of its blocks and the footer: read when it is opened, and made anew from
//! the blocks where they are damaged.

use std::path::Path;

use super::reader::Damage;
use super::writer::FOOTER_BYTES;
use super::{BLOCK_HEADER, KIND_BLOCK, KIND_FOOTER, KIND_INDEX, Meta, chunk, key};
use crate::StoreError;
use crate::codec::{CodecError, Cursor};
use crate::file::frame::{self, FrameReader, HEADER, Item};
use crate::file::{self, Disk, DiskReader};

/// Key of the first metric of each block, and the block's place; ends with the place where blocks end.
pub(super) type Index = Vec<(u64, u64)>;

/// What the end of the file says: what is in it and where; `None` if any of it is damaged.
pub(super) fn ends(file: &dyn DiskReader, bytes: u64) -> std::io::Result<Option<(Meta, Index)>> {
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
pub(super) fn scan(disk: &dyn Disk, path: &Path) -> Result<(Meta, Index, Vec<Damage>), StoreError> {
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
        let shape = chunk.shape(meta.granularity)?;
        if let Some((min, max)) = shape.ends {
            (meta.min, meta.max) = (meta.min.min(min), meta.max.max(max));
        }
        meta.metrics += 1;
        meta.rows += shape.rows as u64;
        meta.values += (shape.rows * shape.width) as u64;
    }
    first.ok_or(CodecError("block is empty"))
}
