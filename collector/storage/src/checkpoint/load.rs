//! Reads a snapshot into an empty head. A damaged frame costs the metrics in it; it is set aside and reported, the
//! rest is served.

use std::path::Path;

use collector_model::{Measure, MetricId, Timestamp};

use super::{
    ITEM_END, ITEM_FLUSHED, ITEM_METRIC, ITEM_POLICY, ITEM_RAW, ITEM_ROWS, ITEM_SHARD,
    ITEM_TOMBSTONE, snapshot_path,
};
use crate::codec::{self, CodecError, Cursor, columns};
use crate::file::frame::{FrameReader, HEADER, Item};
use crate::file::{self, Disk};
use crate::head::rows::Rows;
use crate::head::series::Series;
use crate::head::{Head, Shard, shard_of};
use crate::quarantine::Quarantine;
use crate::{ReplayReport, StoreError};

/// Loads the snapshot of `base`.
pub(crate) fn load(
    disk: &dyn Disk,
    store: &Path,
    base: u64,
    report: &mut ReplayReport,
) -> Result<Head, StoreError> {
    let head = Head::new(base);
    let path = snapshot_path(store, base);
    let quarantine = Quarantine::new(disk, store);
    let source = disk.open(&path, 0).map_err(file::failed("open", &path))?;
    let mut frames = FrameReader::new(source);
    let mut announced = None;
    while let Some(item) = frames.next().map_err(file::failed("read", &path))? {
        let (range, reason) = match item {
            Item::Damage { range, reason } | Item::Tail { range, reason } => (range, reason),
            Item::Frame {
                seq,
                offset,
                payload,
            } => match frame(&head, seq, payload) {
                Ok(end) => {
                    announced = announced.or(end);
                    continue;
                }
                Err(error) => (offset..offset + (HEADER + payload.len()) as u64, error.0),
            },
        };
        quarantine.take(&path, &range, reason, report)?;
    }
    report.snapshot_metrics = head.len() as u64;
    if report.damaged.is_empty() && announced != Some(report.snapshot_metrics) {
        let reason = format!(
            "it announces {announced:?} metrics and holds {}",
            report.snapshot_metrics
        );
        tracing::error!(path = %path.display(), reason, "the snapshot is incomplete");
        report.damaged.push(format!("{}: {reason}", path.display()));
    }
    Ok(head)
}

/// Takes the items of one frame over; returns what the last one of the file announces.
fn frame(head: &Head, seq: u64, payload: &[u8]) -> Result<Option<u64>, CodecError> {
    let mut cursor = Cursor::new(payload);
    let mut plans = Vec::new();
    let mut announced = None;
    while !cursor.is_empty() {
        match cursor.byte()? {
            ITEM_SHARD => {
                let shard = usize::try_from(cursor.varint()?)
                    .ok()
                    .and_then(|index| head.shard_mut(index));
                shard.ok_or(CodecError("there is no such shard"))?.applied = seq;
            }
            ITEM_POLICY => {
                let policy = codec::policy::read(&mut cursor)?;
                plans.push(
                    head.plan(&policy)
                        .ok_or(CodecError("archive policy is empty"))?,
                );
            }
            kind @ (ITEM_METRIC | ITEM_FLUSHED) => {
                let metric = cursor.id()?;
                let plan = usize::try_from(cursor.varint()?)
                    .ok()
                    .and_then(|index| plans.get(index));
                let plan = plan.ok_or(CodecError("archive policy is not in the frame"))?;
                let mut series = Box::new(Series::new(plan.clone()));
                if kind == ITEM_FLUSHED {
                    series.set_in_segments();
                }
                with_shard(head, metric, |shard| shard.metrics.insert(metric, series));
            }
            ITEM_TOMBSTONE => {
                let (metric, deleted) = (cursor.id()?, cursor.varint()?);
                with_shard(head, metric, |shard| {
                    shard.tombstones.insert(metric, deleted)
                });
            }
            ITEM_RAW => {
                let metric = cursor.id()?;
                let timestamps = columns::timestamps(&mut cursor)?;
                let values = columns::values(&mut cursor, timestamps.len())?;
                let points = timestamps.into_iter().zip(values);
                let measures = points.map(|(at, value)| Measure::new(Timestamp(at), value));
                with_series(head, metric, |series| series.append_raw(measures))?;
            }
            ITEM_ROWS => {
                let (metric, level) = (cursor.id()?, cursor.varint()?);
                let starts = columns::timestamps(&mut cursor)?;
                with_series(head, metric, |series| {
                    let width = series.plan().width();
                    let count = starts.len().checked_mul(width);
                    let values = count.and_then(|count| columns::values(&mut cursor, count).ok());
                    let rows = values.and_then(|values| Rows::from_parts(&starts, &values, width));
                    rows.is_some_and(|rows| {
                        usize::try_from(level).is_ok_and(|level| series.append_rows(level, rows))
                    })
                })?;
            }
            ITEM_END => announced = Some(cursor.varint()?),
            _ => return Err(CodecError("kind of item is unknown")),
        }
    }
    Ok(announced)
}

fn with_shard<T>(head: &Head, metric: MetricId, change: impl FnOnce(&mut Shard) -> T) -> Option<T> {
    head.shard_mut(shard_of(metric))
        .map(|mut shard| change(&mut shard))
}

/// Adds to a metric that an earlier item registered.
fn with_series(
    head: &Head,
    metric: MetricId,
    add: impl FnOnce(&mut Series) -> bool,
) -> Result<(), CodecError> {
    let added = with_shard(head, metric, |shard| {
        shard.metrics.get_mut(&metric).map(|series| add(series))
    })
    .flatten();
    match added {
        Some(true) => Ok(()),
        Some(false) => Err(CodecError("points do not fit their metric")),
        None => Err(CodecError("points belong to a metric that is damaged")),
    }
}
