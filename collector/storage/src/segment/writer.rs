//! Writes a segment: chunks in ascending order of metrics into blocks, the index of the blocks, the footer. The file
//! is synced and has a temporary name until `publish`.

use std::path::PathBuf;

use collector_model::MetricId;

use super::{KIND_BLOCK, KIND_FOOTER, KIND_INDEX, Meta, chunk, key, segment_path};
use crate::StoreError;
use crate::codec::put_varint;
use crate::codec::values::Effort;
use crate::file::{self, Disk, DiskFile, frame};

/// A block is closed when it has this many bytes: what one flipped bit can cost.
const BLOCK_BYTES: usize = 32 << 10;
/// The file is written and synced every so often, so that a sync of the log has little to wait for.
const WRITE_BYTES: usize = 256 << 10;
const SYNC_BYTES: u64 = 4 << 20;
/// Places of blocks in one frame of the index.
const INDEX_ENTRIES: usize = 16 << 10;
/// Bytes of the footer's payload.
pub(super) const FOOTER_BYTES: usize = 1 + 8 * 9;

/// A segment in the making.
pub(crate) struct SegmentWriter<'a> {
    disk: &'a dyn Disk,
    id: u64,
    temporary: PathBuf,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    written: u64,
    synced: u64,
    block: Vec<u8>,
    block_key: u64,
    block_seq: u64,
    scratch: Vec<u8>,
    index: Vec<(u64, u64)>,
    meta: Meta,
    published: bool,
}

impl<'a> SegmentWriter<'a> {
    pub(crate) fn create(
        disk: &'a dyn Disk,
        store: &std::path::Path,
        id: u64,
        granularity: i64,
    ) -> Result<Self, StoreError> {
        let path = segment_path(store, id);
        let temporary = path.with_extension("tmp");
        let file = disk
            .create(&temporary)
            .map_err(file::failed("create", &temporary))?;
        Ok(Self {
            disk,
            id,
            temporary,
            path,
            file,
            buffer: Vec::new(),
            written: 0,
            synced: 0,
            block: Vec::new(),
            block_key: 0,
            block_seq: 0,
            scratch: Vec::new(),
            index: Vec::new(),
            meta: Meta::empty(granularity),
            published: false,
        })
    }

    /// Adds the windows of a metric, which comes after all before it. `seq` is the last log entry whose deletions
    /// they have seen; a block has one.
    pub(crate) fn add(
        &mut self,
        seq: u64,
        metric: MetricId,
        cells: &[u64],
        width: usize,
        effort: Effort,
    ) -> Result<(), StoreError> {
        let stride = width + 1;
        for cells in cells.chunks(chunk::MAX_ROWS * stride) {
            if self.block.len() >= BLOCK_BYTES || (seq != self.block_seq && !self.block.is_empty())
            {
                self.close_block()?;
            }
            if self.block.is_empty() {
                self.block.push(KIND_BLOCK);
                self.block
                    .extend_from_slice(&self.meta.granularity.to_le_bytes());
                (self.block_key, self.block_seq) = (key(metric), seq);
            }
            let granularity = self.meta.granularity;
            chunk::put(
                &mut self.block,
                &mut self.scratch,
                metric,
                granularity,
                (cells, width),
                effort,
            );
            let starts = [cells.first(), cells.get(cells.len().saturating_sub(stride))];
            if let [Some(first), Some(last)] = starts {
                self.meta.min = self.meta.min.min(*first as i64);
                self.meta.max = self.meta.max.max(*last as i64);
            }
            let rows = (cells.len() / stride) as u64;
            self.meta.metrics += 1;
            self.meta.rows += rows;
            self.meta.values += rows * width as u64;
            self.meta.seq = self.meta.seq.min(seq);
        }
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn close_block(&mut self) -> Result<(), StoreError> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.index.push((self.block_key, self.bytes()));
        let block = std::mem::take(&mut self.block);
        self.frame(self.block_seq, &block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn frame(&mut self, seq: u64, payload: &[u8]) -> Result<(), StoreError> {
        if !frame::write(&mut self.buffer, seq, payload) {
            let source = std::io::Error::other("a chunk is longer than a frame may be");
            return Err(file::failed("write", &self.temporary)(source));
        }
        match self.buffer.len() >= WRITE_BYTES {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let written = self.file.write_at(&self.buffer, self.written);
        written.map_err(file::failed("write", &self.temporary))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.written - self.synced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = self.written;
        self.file
            .sync()
            .map_err(file::failed("sync", &self.temporary))
    }

    /// Writes index and footer, syncs, and gives the file its name; the directory's sync makes that durable, and the
    /// manifest makes it count. `None` if there was nothing to write.
    pub(crate) fn publish(mut self) -> Result<Option<u64>, StoreError> {
        self.close_block()?;
        if self.index.is_empty() {
            return Ok(None);
        }
        let index_at = self.bytes();
        let index = std::mem::take(&mut self.index);
        for places in index.chunks(INDEX_ENTRIES) {
            let mut payload = vec![KIND_INDEX];
            put_varint(&mut payload, places.len() as u64);
            for (key, offset) in places {
                payload.extend_from_slice(&key.to_le_bytes());
                payload.extend_from_slice(&offset.to_le_bytes());
            }
            self.frame(self.meta.seq, &payload)?;
        }
        let meta = self.meta;
        let mut footer = vec![KIND_FOOTER];
        let signed = [meta.granularity, meta.min, meta.max].map(i64::to_le_bytes);
        let unsigned = [
            meta.metrics,
            meta.rows,
            meta.values,
            meta.seq,
            index_at,
            index.len() as u64,
        ]
        .map(u64::to_le_bytes);
        footer.extend(signed.iter().chain(&unsigned).flatten());
        self.frame(meta.seq, &footer)?;
        self.write()?;
        self.sync()?;
        self.disk
            .rename(&self.temporary, &self.path)
            .map_err(file::failed("rename", &self.temporary))?;
        self.published = true;
        Ok(Some(self.id))
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed when the store is opened.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}
