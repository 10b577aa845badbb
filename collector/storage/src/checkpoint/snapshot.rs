//! A snapshot of all metrics in one file, written shard by shard while writes go on: a shard is locked only while it is
//! copied, and carries the number of the last log entry that it holds. Loading is in `load`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use collector_model::MetricId;

use super::{
    ITEM_END, ITEM_FLUSHED, ITEM_METRIC, ITEM_POLICY, ITEM_RAW, ITEM_ROWS, ITEM_SHARD,
    ITEM_TOMBSTONE, snapshot_path,
};
use crate::StoreError;
use crate::codec::{self, columns, put_id, put_varint};
use crate::file::{self, Disk, DiskFile, frame};
use crate::head::copy::{SeriesCopy, ShardCopy};
use crate::head::plan::Plan;
use crate::head::{Head, SHARDS};
use crate::segment::flush::Flush;

/// A frame is closed when it has this many bytes: what one flipped bit can cost.
const FRAME_BYTES: usize = 256 << 10;
/// Cells or measures per item, so that no frame comes near its limit.
const ITEM_CELLS: usize = 16 << 10;
/// The file is synced every so often, so that a sync of the log has little to wait for.
const SYNC_BYTES: u64 = 4 << 20;

/// Writes and publishes the snapshot of a head that has folded every entry up to `base`; returns its bytes. With a flush,
/// closed windows go there instead.
pub(crate) fn write(
    disk: &dyn Disk,
    store: &Path,
    head: &Head,
    base: u64,
    flush: Option<&mut Flush<'_>>,
) -> Result<u64, StoreError> {
    let path = snapshot_path(store, base);
    let temporary = path.with_extension("tmp");
    let written =
        write_file(disk, &temporary, head, flush).inspect_err(|_| drop(disk.remove(&temporary)))?;
    file::publish(disk, &temporary, &path)?;
    Ok(written)
}

fn write_file(
    disk: &dyn Disk,
    path: &PathBuf,
    head: &Head,
    mut flush: Option<&mut Flush<'_>>,
) -> Result<u64, StoreError> {
    let file = disk.create(path).map_err(file::failed("create", path))?;
    let mut output = Output {
        file,
        path,
        bytes: 0,
        synced: 0,
    };
    let mut metrics = 0;
    let mut frames = Vec::new();
    let mut copy = ShardCopy::default();
    for index in 0..SHARDS {
        if let Some(flush) = flush.as_mut() {
            flush.take(head, index)?;
        }
        copy.take(head, index, flush.is_some());
        let mut encoder = Encoder::new(&mut frames, index, copy.applied());
        encoder.open();
        copy.series().for_each(|series| encoder.series(&series));
        copy.tombstones()
            .for_each(|(metric, deleted)| encoder.tombstone(metric, deleted));
        encoder.close();
        if encoder.overflow {
            let source = io::Error::other("an item is longer than a frame may be");
            return Err(StoreError::Io {
                action: "write",
                path: path.clone(),
                source,
            });
        }
        metrics += copy.len() as u64;
        output.append(&frames)?;
        frames.clear();
    }
    let mut encoder = Encoder::new(&mut frames, SHARDS, 0);
    encoder.end(metrics);
    output.append(&frames)?;
    output.finish()?;
    Ok(output.bytes)
}

struct Output<'a> {
    file: Box<dyn DiskFile>,
    path: &'a PathBuf,
    bytes: u64,
    synced: u64,
}

impl Output<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_at(bytes, self.bytes)
            .map_err(file::failed("write", self.path))?;
        self.bytes += bytes.len() as u64;
        if self.bytes - self.synced >= SYNC_BYTES {
            self.finish()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.synced = self.bytes;
        self.file.sync().map_err(file::failed("sync", self.path))
    }
}

/// Makes frames of items. Each frame stands alone: it has the policies that its items refer to.
struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    shard: usize,
    applied: u64,
    payload: Vec<u8>,
    policies: Vec<Arc<Plan>>,
    /// Whether something did not fit into a frame; the snapshot is then no good.
    overflow: bool,
}

impl<'a> Encoder<'a> {
    fn new(out: &'a mut Vec<u8>, shard: usize, applied: u64) -> Self {
        Self {
            out,
            shard,
            applied,
            payload: Vec::new(),
            policies: Vec::new(),
            overflow: false,
        }
    }

    /// Begins a frame; also a shard without metrics has one, for the number of its last entry.
    fn open(&mut self) {
        if self.payload.is_empty() {
            self.payload.push(ITEM_SHARD);
            put_varint(&mut self.payload, self.shard as u64);
        }
    }

    fn series(&mut self, series: &SeriesCopy<'_>) {
        self.open();
        let (metric, policy) = (series.metric, self.policy(series.plan));
        self.payload.push(match series.in_segments {
            true => ITEM_FLUSHED,
            false => ITEM_METRIC,
        });
        put_id(&mut self.payload, metric);
        put_varint(&mut self.payload, policy);
        for raw in series.raw.chunks(ITEM_CELLS) {
            self.open();
            self.payload.push(ITEM_RAW);
            put_id(&mut self.payload, metric);
            columns::put_timestamps(
                &mut self.payload,
                raw.iter().map(|measure| measure.timestamp.0),
            );
            columns::put_values(&mut self.payload, raw.iter().map(|measure| measure.value));
            self.close_if_full();
        }
        let width = series.plan.width();
        for (level, cells) in (0..).zip(series.levels()) {
            self.rows(metric, level, cells, width);
        }
    }

    fn tombstone(&mut self, metric: MetricId, deleted: u64) {
        self.open();
        self.payload.push(ITEM_TOMBSTONE);
        put_id(&mut self.payload, metric);
        put_varint(&mut self.payload, deleted);
        self.close_if_full();
    }

    fn rows(&mut self, metric: MetricId, level: u64, cells: &[u64], width: usize) {
        if width == 0 {
            return;
        }
        let stride = width + 1;
        for cells in cells.chunks((ITEM_CELLS / width).max(1) * stride) {
            self.open();
            self.payload.push(ITEM_ROWS);
            put_id(&mut self.payload, metric);
            put_varint(&mut self.payload, level);
            let rows = cells.chunks_exact(stride);
            let starts = rows
                .clone()
                .map(|row| row.first().map_or(0, |start| *start as i64));
            columns::put_timestamps(&mut self.payload, starts);
            let values = rows.flat_map(|row| row.iter().skip(1));
            columns::put_values(&mut self.payload, values.map(|bits| f64::from_bits(*bits)));
            self.close_if_full();
        }
    }

    /// Index of a policy in this frame.
    fn policy(&mut self, plan: &Arc<Plan>) -> u64 {
        let known = self
            .policies
            .iter()
            .position(|known| Arc::ptr_eq(known, plan));
        let index = known.unwrap_or_else(|| {
            self.payload.push(ITEM_POLICY);
            codec::policy::put(&mut self.payload, plan.policy());
            self.policies.push(Arc::clone(plan));
            self.policies.len() - 1
        });
        index as u64
    }

    fn end(&mut self, metrics: u64) {
        self.payload.push(ITEM_END);
        put_varint(&mut self.payload, metrics);
        self.close();
    }

    fn close_if_full(&mut self) {
        if self.payload.len() >= FRAME_BYTES {
            self.close();
        }
    }

    fn close(&mut self) {
        if !self.payload.is_empty() {
            self.overflow |= !frame::write(self.out, self.applied, &self.payload);
            self.payload.clear();
            self.policies.clear();
        }
    }
}
