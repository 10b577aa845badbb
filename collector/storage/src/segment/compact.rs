//! Compaction: segments that follow each other become one, without what has expired or belongs to deleted metrics.
//! Here is what is merged when and how; when the result counts is the engine's business.

use std::path::Path;
use std::sync::Arc;

use collector_model::MetricId;

use super::reader::{Block, Damage, Segment};
use super::writer::SegmentWriter;
use crate::StoreError;
use crate::codec::values::Effort;
use crate::file::Disk;
use crate::head::rows::Rows;
use crate::head::{Head, shard_of};

/// Fewest segments that are merged.
const FEWEST: usize = 4;
/// Most windows that a merged segment spans in time, so that whole segments expire.
const MOST_WINDOWS: i64 = 2_048;
/// Most bytes of segments merged into one.
const MOST_BYTES: u64 = 4 << 30;
/// Windows of a merged segment from which on it is written densely: it will hardly be merged again.
const DENSE_WINDOWS: i64 = 256;

/// The next segments to merge, as a stretch of the list of one granularity: the newest ones, and older ones as long as
/// those have at most twice the windows of all newer ones together, so that each window is written a few times only.
pub(crate) fn choose(segments: &[Arc<Segment>]) -> Option<std::ops::Range<usize>> {
    if let Some(at) = segments.iter().position(|segment| segment.rebuilt) {
        return Some(at..at + 1);
    }
    let mut end = segments.len();
    while end >= FEWEST {
        let newest = segments.get(end - 1)?;
        let (mut begin, mut bytes, mut rows) = (end, 0, 0);
        while let Some(segment) = begin.checked_sub(1).and_then(|at| segments.get(at)) {
            let larger = begin < end && segment.meta.rows > 2 * rows;
            let span = newest.meta.max.saturating_sub(segment.meta.min) / segment.meta.granularity;
            if larger || span > MOST_WINDOWS || bytes + segment.bytes > MOST_BYTES {
                break;
            }
            bytes += segment.bytes;
            rows += segment.meta.rows;
            begin -= 1;
        }
        if end - begin >= FEWEST {
            return Some(begin..end);
        }
        // What cannot be joined to older ones stays; perhaps those before it can be joined.
        end = if begin < end - 1 { begin } else { end - 1 };
    }
    None
}

/// What a merge came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Merged {
    /// The new segment; none if nothing was left.
    pub(crate) id: Option<u64>,
    /// Windows read and written.
    pub(crate) rows: (u64, u64),
}

/// Writes one segment of several that follow each other in the manifest. `stop` ends it early, with nothing done.
pub(crate) fn merge(
    disk: &dyn Disk,
    store: &Path,
    head: &Head,
    inputs: &[Arc<Segment>],
    id: u64,
    stop: &dyn Fn() -> bool,
) -> Result<Merged, StoreError> {
    let Some(first) = inputs.first() else {
        return Ok(Merged::default());
    };
    let granularity = first.meta.granularity;
    let min = inputs.iter().map(|segment| segment.meta.min).min();
    let max = inputs.iter().map(|segment| segment.meta.max).max();
    let span = max.unwrap_or(0).saturating_sub(min.unwrap_or(0)) / granularity;
    let effort = match span >= DENSE_WINDOWS {
        true => Effort::Dense,
        false => Effort::Fast,
    };
    let mut writer = SegmentWriter::create(disk, store, id, granularity)?;
    let mut sources: Vec<Source> = inputs.iter().map(Source::new).collect();
    for source in &mut sources {
        source.advance()?;
    }
    let mut merged = Merged::default();
    // Deletions up to here are known now, later ones the reader has to mind.
    let seen = head.done();
    while let Some(metric) = sources.iter().filter_map(Source::metric).min() {
        if stop() {
            return Err(StoreError::Closed);
        }
        let deleted = head
            .shard(shard_of(metric))
            .and_then(|shard| shard.tombstones.get(&metric).copied())
            .unwrap_or(0);
        let mut rows: Option<(Rows, usize)> = None;
        for source in &mut sources {
            while source.metric() == Some(metric) {
                if let Some((more, width)) = source.rows(granularity) {
                    merged.rows.0 += more.len(width) as u64;
                    if source.seq() >= deleted {
                        rows = Some(join(rows, (more, width)));
                    }
                }
                source.advance()?;
            }
        }
        let Some((mut rows, width)) = rows else {
            continue;
        };
        expire(head, metric, granularity, &mut rows, width);
        if rows.len(width) > 0 {
            merged.rows.1 += rows.len(width) as u64;
            writer.add(seen, metric, rows.cells(), width, effort)?;
        }
    }
    merged.id = writer.publish()?;
    Ok(merged)
}

/// Puts later rows after earlier ones. Of another width they are another metric's, and the newer ones stay.
fn join(earlier: Option<(Rows, usize)>, (later, width): (Rows, usize)) -> (Rows, usize) {
    let Some((mut rows, of_earlier)) = earlier.filter(|(_, of_earlier)| *of_earlier == width)
    else {
        return (later, width);
    };
    if !rows.append(later.clone(), of_earlier) {
        // Only after damage to a snapshot: what was lost may have come again.
        for row in later.cells().chunks_exact(width + 1) {
            rows.put(row, width);
        }
    }
    (rows, width)
}

/// Drops what the metric's policy no longer keeps; of a metric that is not known nothing.
fn expire(head: &Head, metric: MetricId, granularity: i64, rows: &mut Rows, width: usize) {
    let Some(shard) = head.shard(shard_of(metric)) else {
        return;
    };
    let Some(series) = shard.metrics.get(&metric) else {
        return;
    };
    let plan = series.plan();
    let mut levels = plan.levels().iter().zip(series.levels());
    let level = levels.find(|(level, _)| level.granularity.nanos() == granularity);
    if let Some((level, newer)) = level.filter(|_| plan.width() == width) {
        rows.expire(width, level.timespan, |column| newer.newest(width, column));
    }
}

/// Reads a segment chunk by chunk. Damaged blocks are reported and passed over.
struct Source {
    segment: Arc<Segment>,
    next_block: usize,
    block: Option<Block>,
    /// The next chunk's metric and place in the block, and the place after it.
    next: Option<(MetricId, usize, usize)>,
}

impl Source {
    fn new(segment: &Arc<Segment>) -> Self {
        Self {
            segment: Arc::clone(segment),
            next_block: 0,
            block: None,
            next: None,
        }
    }

    fn metric(&self) -> Option<MetricId> {
        self.next.map(|(metric, ..)| metric)
    }

    fn seq(&self) -> u64 {
        self.block.as_ref().map_or(0, |block| block.seq)
    }

    /// Goes on behind the current chunk, reading blocks as need be.
    fn advance(&mut self) -> Result<(), StoreError> {
        let mut at = self.next.take().map_or(0, |(.., end)| end);
        loop {
            match self.block.as_ref().and_then(|block| block.chunk(at)) {
                Some(Ok((chunk, end))) => {
                    self.next = Some((chunk.metric, at, end));
                    return Ok(());
                }
                Some(Err(error)) => self.segment.report(&Damage {
                    range: 0..0,
                    reason: error.0,
                }),
                None => {}
            }
            at = 0;
            self.block = None;
            if self.next_block >= self.segment.blocks() {
                return Ok(());
            }
            match self.segment.block(self.next_block)? {
                Ok(block) => self.block = Some(block),
                Err(damage) => self.segment.report(&damage),
            }
            self.next_block += 1;
        }
    }

    /// The rows of the current chunk.
    fn rows(&self, granularity: i64) -> Option<(Rows, usize)> {
        let (_, at, _) = self.next?;
        let (chunk, _) = self.block.as_ref()?.chunk(at)?.ok()?;
        chunk.rows(granularity).ok()
    }
}
