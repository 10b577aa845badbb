//! The starts of a chunk's windows, as runs of equal steps: a regular series costs a few bytes for all of them, and which
//! windows a stretch of time has is computed without unpacking any.

use std::ops::Range;

use super::MAX_ROWS;
use crate::codec::{CodecError, Cursor, put_signed, put_varint};

/// Writes the starts of windows in ascending order.
pub(super) fn put(out: &mut Vec<u8>, starts: impl ExactSizeIterator<Item = i64>, granularity: i64) {
    put_varint(out, starts.len() as u64);
    let (mut last, mut step, mut run) = (0_i64, 0_i64, 0_u64);
    for start in starts {
        let window = start.div_euclid(granularity.max(1));
        let next = window.wrapping_sub(last);
        last = window;
        if next == step {
            run += 1;
        } else {
            if run > 0 {
                put_signed(out, step);
                put_varint(out, run);
            }
            (step, run) = (next, 1);
        }
    }
    if run > 0 {
        put_signed(out, step);
        put_varint(out, run);
    }
}

/// Windows that follow each other in equal steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) first: i64,
    pub(super) step: i64,
    pub(super) rows: usize,
}

impl Run {
    /// How many of its windows begin before a moment.
    pub(super) fn before(&self, bound: i64) -> usize {
        match bound.saturating_sub(self.first) {
            ..=0 => 0,
            ahead => usize::try_from((ahead - 1) / self.step.max(1) + 1)
                .map_or(self.rows, |rows| rows.min(self.rows)),
        }
    }
}

/// The runs of a chunk and how many windows they have.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    granularity: i64,
    runs: &mut Vec<Run>,
) -> Result<usize, CodecError> {
    let count = usize::try_from(cursor.varint()?)
        .ok()
        .filter(|count| *count <= MAX_ROWS)
        .ok_or(CodecError("chunk has too many windows"))?;
    runs.clear();
    let (mut read, mut last) = (0, 0_i64);
    while read < count {
        let (step, rows) = (cursor.signed()?, cursor.varint()?);
        if rows == 0 || rows > (count - read) as u64 {
            return Err(CodecError("run of windows is empty or too long"));
        }
        // Only the very first step may be none, or one back to before the epoch.
        if step <= 0 && (read > 0 || rows > 1) {
            return Err(CodecError("windows are not ascending"));
        }
        let start = |windows: Option<i64>| {
            windows
                .and_then(|window| window.checked_mul(granularity))
                .ok_or(CodecError("window is beyond the end of time"))
        };
        let (first, end) = (last.checked_add(step), step.checked_mul(rows as i64));
        let run = Run {
            first: start(first)?,
            step: start(Some(step))?,
            rows: rows as usize,
        };
        last = end
            .and_then(|end| last.checked_add(end))
            .ok_or(CodecError("window is beyond the end of time"))?;
        start(Some(last))?;
        read += run.rows;
        runs.push(run);
    }
    Ok(count)
}

/// Starts of the windows of runs, of those rows.
pub(super) fn of(runs: &[Run], rows: &Range<usize>) -> impl Iterator<Item = i64> {
    let mut skip = rows.start;
    let starts = runs.iter().flat_map(move |run| {
        let skipped = skip.min(run.rows);
        skip -= skipped;
        (skipped..run.rows).map(|row| run.first + run.step * row as i64)
    });
    starts.take(rows.len())
}
