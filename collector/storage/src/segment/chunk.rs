//! A chunk: the windows of one metric in one segment, column by column, so that one aggregation is read without the
//! others. Starts are counted in windows and written as runs of equal steps: a regular series costs a few bytes.

use std::ops::Range;

use collector_model::MetricId;

use crate::codec::values::{self, Effort};
use crate::codec::{CodecError, Cursor, put_id, put_varint};
use crate::head::rows::{ABSENT, Rows};

mod starts;

use starts::Run;

/// Most windows in a chunk: bounds what one chunk may ask for in memory, and so what false bytes may.
pub(crate) const MAX_ROWS: usize = 1 << 16;
/// Most columns: every statistic and percentile, and the rate of each.
const MAX_WIDTH: usize = 216;

/// Appends a chunk of rows as `Rows` has them: start, then the value of each column.
pub(crate) fn put(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    metric: MetricId,
    granularity: i64,
    (cells, width): (&[u64], usize),
    effort: Effort,
) {
    scratch.clear();
    let rows = cells.chunks_exact(width + 1);
    starts::put(
        scratch,
        rows.clone()
            .map(|row| row.first().map_or(0, |start| *start as i64)),
        granularity,
    );
    put_varint(scratch, width as u64);
    let mut column = Vec::with_capacity(rows.len());
    let mut body = Vec::new();
    for index in 1..=width {
        column.clear();
        body.clear();
        let of_column = rows.clone().filter_map(|row| row.get(index));
        column.extend(
            of_column
                .clone()
                .filter(|bits| **bits != ABSENT)
                .map(|bits| f64::from_bits(*bits)),
        );
        put_varint(&mut body, column.len() as u64);
        if !column.is_empty() && column.len() < rows.len() {
            let mut byte = 0_u8;
            for (at, bits) in of_column.enumerate() {
                byte |= u8::from(*bits != ABSENT) << (at % 8);
                if at % 8 == 7 || at + 1 == rows.len() {
                    body.push(byte);
                    byte = 0;
                }
            }
        }
        values::put(&mut body, &column, effort);
        put_varint(scratch, body.len() as u64);
        scratch.extend_from_slice(&body);
    }
    put_id(out, metric);
    put_varint(out, scratch.len() as u64);
    out.extend_from_slice(scratch);
}

/// What is wanted of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Select {
    pub(crate) column: usize,
    /// Windows that begin in `[from, to)`.
    pub(crate) range: (i64, i64),
    /// The first so many values; those found in chunks before count.
    pub(crate) most: usize,
}

/// What reading chunks uses again and again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    runs: Vec<Run>,
    values: Vec<f64>,
}

/// How much a chunk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Starts of its first and last window; none of an empty one.
    pub(crate) ends: Option<(i64, i64)>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

/// A chunk's place in a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) metric: MetricId,
    body: &'a [u8],
}

/// The chunk at the beginning of these bytes and its length; `None` at the end of the block.
pub(crate) fn first(bytes: &[u8]) -> Option<Result<(Chunk<'_>, usize), CodecError>> {
    let mut cursor = Cursor::new(bytes);
    if cursor.is_empty() {
        return None;
    }
    let mut read = || {
        let metric = cursor.id()?;
        let length = cursor.count(1)?;
        let body = cursor.bytes(length)?;
        Ok((Chunk { metric, body }, bytes.len() - cursor.left()))
    };
    Some(read())
}

/// Splits the content of a block into its chunks, up to the first that is none.
pub(crate) fn chunks(block: &[u8]) -> impl Iterator<Item = Result<Chunk<'_>, CodecError>> {
    let mut rest = Some(block);
    std::iter::from_fn(move || match first(rest?)? {
        Ok((chunk, length)) => {
            rest = rest.and_then(|bytes| bytes.get(length..));
            Some(Ok(chunk))
        }
        Err(error) => {
            rest = None;
            Some(Err(error))
        }
    })
}

impl Chunk<'_> {
    /// Appends the selected values with the starts of their windows. Nothing is unpacked of a chunk without such
    /// windows, and little more than what is wanted of others.
    pub(crate) fn column(
        &self,
        granularity: i64,
        select: &Select,
        scratch: &mut Scratch,
        out: &mut Vec<(i64, f64)>,
    ) -> Result<(), CodecError> {
        let mut cursor = Cursor::new(self.body);
        let count = starts::read(&mut cursor, granularity, &mut scratch.runs)?;
        let before = |bound| scratch.runs.iter().map(|run| run.before(bound)).sum();
        let rows: Range<usize> = before(select.range.0)..before(select.range.1);
        let most = select.most.saturating_sub(out.len());
        if rows.is_empty() || most == 0 {
            return Ok(());
        }
        let width = width(&mut cursor)?;
        for index in 0..width {
            let length = cursor.count(1)?;
            let body = cursor.bytes(length)?;
            if index == select.column {
                scratch.values.clear();
                let present = present(body, count, (&rows, most), &mut scratch.values)?;
                let mut values = scratch.values.iter();
                let starts = starts::of(&scratch.runs, &rows);
                match present {
                    Present::All => out.extend(starts.zip(values.copied())),
                    Present::Some(bitmap) => {
                        let there = rows
                            .clone()
                            .zip(starts)
                            .filter(|(row, _)| bit(bitmap, *row));
                        out.extend(there.map_while(|(_, start)| Some((start, *values.next()?))));
                    }
                }
                return Ok(());
            }
        }
        Err(CodecError("chunk has no such column"))
    }

    /// How many windows and columns it has, and of which time.
    pub(crate) fn shape(&self, granularity: i64) -> Result<Shape, CodecError> {
        let mut cursor = Cursor::new(self.body);
        let mut found = Vec::new();
        let rows = starts::read(&mut cursor, granularity, &mut found)?;
        let last = |run: &Run| run.first + run.step * (run.rows as i64 - 1);
        let ends = found.first().zip(found.last());
        Ok(Shape {
            ends: ends.map(|(first_run, last_run)| (first_run.first, last(last_run))),
            rows,
            width: width(&mut cursor)?,
        })
    }

    /// All of it, with the number of columns.
    pub(crate) fn rows(&self, granularity: i64) -> Result<(Rows, usize), CodecError> {
        let mut cursor = Cursor::new(self.body);
        let Scratch {
            mut runs,
            mut values,
        } = Scratch::default();
        let count = starts::read(&mut cursor, granularity, &mut runs)?;
        let width = width(&mut cursor)?;
        let stride = width + 1;
        let mut cells = vec![ABSENT; count * stride];
        for (row, start) in cells
            .chunks_exact_mut(stride)
            .zip(starts::of(&runs, &(0..count)))
        {
            if let Some(first) = row.first_mut() {
                *first = start as u64;
            }
        }
        for index in 1..=width {
            let length = cursor.count(1)?;
            values.clear();
            let all = (&(0..count), count);
            let present = present(cursor.bytes(length)?, count, all, &mut values)?;
            let mut values = values.iter();
            for (at, row) in cells.chunks_exact_mut(stride).enumerate() {
                let there = match present {
                    Present::All => true,
                    Present::Some(bitmap) => bit(bitmap, at),
                };
                if let (true, Some(cell)) = (there, row.get_mut(index)) {
                    let Some(value) = values.next() else { break };
                    *cell = value.to_bits();
                }
            }
        }
        cursor.finish()?;
        Ok((Rows::from_cells(cells), width))
    }
}

fn width(cursor: &mut Cursor<'_>) -> Result<usize, CodecError> {
    usize::try_from(cursor.varint()?)
        .ok()
        .filter(|width| *width <= MAX_WIDTH)
        .ok_or(CodecError("chunk has too many columns"))
}

/// Which windows have a value of a column.
#[derive(Clone, Copy)]
enum Present<'a> {
    All,
    /// Those whose bit is set.
    Some(&'a [u8]),
}

fn bit(bitmap: &[u8], row: usize) -> bool {
    bitmap
        .get(row / 8)
        .is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// How many of the first rows have a value.
fn rank(bitmap: &[u8], rows: usize) -> usize {
    let whole = bitmap.iter().take(rows / 8);
    let whole: u32 = whole.map(|byte| byte.count_ones()).sum();
    let rest = bitmap
        .get(rows / 8)
        .map_or(0, |byte| byte & ((1 << (rows % 8)) - 1));
    (whole + rest.count_ones()) as usize
}

/// Appends the values that a column has in some of its windows, the first so many.
fn present<'a>(
    body: &'a [u8],
    count: usize,
    (rows, most): (&Range<usize>, usize),
    out: &mut Vec<f64>,
) -> Result<Present<'a>, CodecError> {
    let mut cursor = Cursor::new(body);
    let there = usize::try_from(cursor.varint()?)
        .ok()
        .filter(|there| *there <= count)
        .ok_or(CodecError("column has more values than windows"))?;
    let (present, mut wanted) = if there == count {
        (Present::All, rows.clone())
    } else if there == 0 {
        (Present::Some(&[]), 0..0)
    } else {
        let bitmap = cursor.bytes(count.div_ceil(8))?;
        let at = |row| rank(bitmap, row).min(there);
        (Present::Some(bitmap), at(rows.start)..at(rows.end))
    };
    wanted.end = wanted.end.min(wanted.start.saturating_add(most));
    let all = wanted.end == there;
    if there > 0 {
        values::read(&mut cursor, there, &wanted, out)?;
    }
    if all {
        cursor.finish()?;
    }
    Ok(present)
}
