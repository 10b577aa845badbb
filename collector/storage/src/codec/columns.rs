//! Columns of timestamps and values, as snapshots keep them: timestamps as differences of differences (a regular
//! series costs a byte each), values as they are.

use super::{CodecError, Cursor, put_f64, put_signed, put_varint};

/// Writes timestamps in the order given.
pub(crate) fn put_timestamps(out: &mut Vec<u8>, timestamps: impl ExactSizeIterator<Item = i64>) {
    put_varint(out, timestamps.len() as u64);
    let (mut last, mut step) = (0_i64, 0_i64);
    for timestamp in timestamps {
        let next = timestamp.wrapping_sub(last);
        put_signed(out, next.wrapping_sub(step));
        (last, step) = (timestamp, next);
    }
}

/// Reads what [`put_timestamps`] wrote.
pub(crate) fn timestamps(cursor: &mut Cursor<'_>) -> Result<Vec<i64>, CodecError> {
    let count = cursor.count(1)?;
    let (mut last, mut step) = (0_i64, 0_i64);
    let mut read = Vec::with_capacity(count);
    for _ in 0..count {
        step = step.wrapping_add(cursor.signed()?);
        last = last.wrapping_add(step);
        read.push(last);
    }
    Ok(read)
}

/// Writes values; their number is the reader's to know.
pub(crate) fn put_values(out: &mut Vec<u8>, values: impl Iterator<Item = f64>) {
    values.for_each(|value| put_f64(out, value));
}

/// Reads `count` values.
pub(crate) fn values(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<f64>, CodecError> {
    let size = count
        .checked_mul(8)
        .ok_or(CodecError("record is too short"))?;
    let mut bytes = Cursor::new(cursor.bytes(size)?);
    (0..count).map(|_| bytes.f64()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    proptest! {
        #[test]
        fn columns_read_back_as_written(
            points in prop::collection::vec((any::<i64>(), any::<u64>()), 0..50),
        ) {
            let mut out = Vec::new();
            put_timestamps(&mut out, points.iter().map(|(timestamp, _)| *timestamp));
            put_values(&mut out, points.iter().map(|(_, bits)| f64::from_bits(*bits)));
            let mut cursor = Cursor::new(&out);
            let stamps = timestamps(&mut cursor).unwrap();
            let values = values(&mut cursor, stamps.len()).unwrap();
            assert_eq!(cursor.finish(), Ok(()));
            let read: Vec<(i64, u64)> = stamps.into_iter().zip(values.into_iter().map(f64::to_bits)).collect();
            assert_eq!(read, points);
        }
    }

    #[test]
    fn a_regular_series_costs_a_byte_per_timestamp() {
        let mut out = Vec::new();
        let minute = 60_000_000_000;
        put_timestamps(
            &mut out,
            (0..1000_u16).map(|index| 1_767_225_600_000_000_000 + i64::from(index) * minute),
        );
        assert!(out.len() < 1030, "{}", out.len());
    }

    #[test]
    fn a_cut_column_is_an_error() {
        let mut out = Vec::new();
        put_values(&mut out, [1.0, 2.0].into_iter());
        assert!(values(&mut Cursor::new(&out), 3).is_err());
        assert!(values(&mut Cursor::new(&out), usize::MAX).is_err());
        assert!(timestamps(&mut Cursor::new(&[5, 0, 0])).is_err());
    }
}
