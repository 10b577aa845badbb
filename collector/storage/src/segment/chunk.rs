//! A chunk: the windows of one metric in one segment, column by column, so that one aggregation is read without the
//! others. Starts are counted in windows and written as runs of equal steps: a regular series costs a few bytes.

use collector_model::MetricId;

use crate::codec::values::{self, Effort};
use crate::codec::{CodecError, Cursor, put_id, put_signed, put_varint};
use crate::head::rows::{ABSENT, Rows};

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
    put_starts(
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

fn put_starts(out: &mut Vec<u8>, starts: impl ExactSizeIterator<Item = i64>, granularity: i64) {
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

fn starts(cursor: &mut Cursor<'_>, granularity: i64) -> Result<Vec<i64>, CodecError> {
    let count = usize::try_from(cursor.varint()?)
        .ok()
        .filter(|count| *count <= MAX_ROWS)
        .ok_or(CodecError("chunk has too many windows"))?;
    let mut read = Vec::with_capacity(count);
    let mut last = 0_i64;
    while read.len() < count {
        let (step, run) = (cursor.signed()?, cursor.varint()?);
        if run == 0 || run > (count - read.len()) as u64 {
            return Err(CodecError("run of windows is empty or too long"));
        }
        for _ in 0..run {
            last = last.wrapping_add(step);
            read.push(last.wrapping_mul(granularity));
        }
    }
    match read.is_sorted_by(|a, b| a < b) {
        true => Ok(read),
        false => Err(CodecError("windows are not ascending")),
    }
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
    /// The values of one column with the starts of their windows.
    pub(crate) fn column(
        &self,
        granularity: i64,
        column: usize,
    ) -> Result<Vec<(i64, f64)>, CodecError> {
        let mut cursor = Cursor::new(self.body);
        let starts = starts(&mut cursor, granularity)?;
        let width = width(&mut cursor)?;
        for index in 0..width {
            let length = cursor.count(1)?;
            let body = cursor.bytes(length)?;
            if index == column {
                let values = present(body, starts.len())?;
                let values = starts.into_iter().zip(values);
                return Ok(values
                    .filter_map(|(start, value)| Some((start, value?)))
                    .collect());
            }
        }
        Err(CodecError("chunk has no such column"))
    }

    /// Starts of its windows and number of its columns.
    pub(crate) fn shape(&self, granularity: i64) -> Result<(Vec<i64>, usize), CodecError> {
        let mut cursor = Cursor::new(self.body);
        Ok((starts(&mut cursor, granularity)?, width(&mut cursor)?))
    }

    /// All of it, with the number of columns.
    pub(crate) fn rows(&self, granularity: i64) -> Result<(Rows, usize), CodecError> {
        let mut cursor = Cursor::new(self.body);
        let starts = starts(&mut cursor, granularity)?;
        let width = width(&mut cursor)?;
        let mut cells = vec![ABSENT; starts.len() * (width + 1)];
        for (row, start) in cells.chunks_exact_mut(width + 1).zip(&starts) {
            if let Some(first) = row.first_mut() {
                *first = *start as u64;
            }
        }
        for index in 1..=width {
            let length = cursor.count(1)?;
            let values = present(cursor.bytes(length)?, starts.len())?;
            for (row, value) in cells.chunks_exact_mut(width + 1).zip(values) {
                if let (Some(cell), Some(value)) = (row.get_mut(index), value) {
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

/// The values of a column, absent ones as `None`.
fn present(body: &[u8], rows: usize) -> Result<Vec<Option<f64>>, CodecError> {
    let mut cursor = Cursor::new(body);
    let count = usize::try_from(cursor.varint()?)
        .ok()
        .filter(|count| *count <= rows)
        .ok_or(CodecError("column has more values than windows"))?;
    let bitmap = match count > 0 && count < rows {
        true => Some(cursor.bytes(rows.div_ceil(8))?),
        false => None,
    };
    let mut values = values::read(&mut cursor, count)?.into_iter();
    cursor.finish()?;
    if count == 0 {
        return Ok(vec![None; rows]);
    }
    let is_present = |at: usize| {
        bitmap.is_none_or(|bitmap| {
            bitmap
                .get(at / 8)
                .is_some_and(|byte| byte >> (at % 8) & 1 == 1)
        })
    };
    Ok((0..rows)
        .map(|at| match is_present(at) {
            true => values.next(),
            false => None,
        })
        .collect())
}
