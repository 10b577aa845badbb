//! Doubles compressed, to the bit: a column of one metric's windows picks the smallest of four forms. Decimal numbers
//! become scaled integers with differences, others the bits that differ from the value before; long columns that are
//! written once and kept are given to pco, which is denser and ten times slower.

use std::ops::Range;

use pco::standalone::simple_decompress_into;

use super::{CodecError, Cursor, pages, put_signed};

const RAW: u8 = 0;
const CONSTANT: u8 = 1;
const DECIMAL: u8 = 2;
const XOR: u8 = 3;
/// Written by formats before 3, in one piece.
const PCO: u8 = 4;
const PCO_PAGES: u8 = 5;

/// Values from which on pco is worth its header.
const PCO_LEAST: usize = 128;
/// Powers of ten that decimals are tried with.
const SCALES: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Integers up to here are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For what is soon written again.
    Fast,
    /// For what stays.
    Dense,
}

/// Writes values; their number is the reader's to know.
pub(crate) fn put(out: &mut Vec<u8>, values: &[f64], effort: Effort) {
    let Some(first) = values.first() else { return };
    let begin = out.len();
    if values
        .iter()
        .all(|value| value.to_bits() == first.to_bits())
    {
        out.push(CONSTANT);
        super::put_f64(out, *first);
        return;
    }
    if effort == Effort::Dense && values.len() >= PCO_LEAST {
        out.push(PCO_PAGES);
        if pages::put(out, values) {
            return;
        }
        out.truncate(begin);
    }
    if put_decimals(out, values) {
        return;
    }
    out.truncate(begin);
    put_xor(out, values);
    if out.len() - begin > 1 + values.len() * 8 {
        out.truncate(begin);
        out.push(RAW);
        super::columns::put_values(out, values.iter().copied());
    }
}

/// Appends the wanted ones of `count` values. Reading ends behind the last of them: only who wants the end is at the
/// end afterwards.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    count: usize,
    wanted: &Range<usize>,
    out: &mut Vec<f64>,
) -> Result<(), CodecError> {
    if count == 0 {
        return Ok(());
    }
    let some = |values: &[f64], out: &mut Vec<f64>| {
        out.extend_from_slice(values.get(wanted.clone()).unwrap_or_default());
    };
    match cursor.byte()? {
        RAW => some(&super::columns::values(cursor, count)?, out),
        CONSTANT => {
            let value = cursor.f64()?;
            out.extend(std::iter::repeat_n(value, wanted.len()));
        }
        DECIMAL => decimals(cursor, wanted, out)?,
        XOR => xor(cursor, wanted, out)?,
        PCO => {
            let length = cursor.count(1)?;
            let bytes = cursor.bytes(length)?;
            let mut values = vec![0.0; count];
            let progress = simple_decompress_into(bytes, &mut values)
                .map_err(|_| CodecError("compressed values are damaged"))?;
            if progress.n_processed != count || !progress.finished {
                return Err(CodecError("compressed values are too few or too many"));
            }
            some(&values, out);
        }
        PCO_PAGES => pages::read(cursor, count, wanted, out)?,
        _ => return Err(CodecError("form of values is unknown")),
    }
    Ok(())
}

/// The value times the scale, if that is an integer which gives the value back.
fn scaled(value: f64, scale: f64) -> Option<i64> {
    let integer = (value * scale).round();
    let exact = integer.abs() < EXACT && (integer / scale).to_bits() == value.to_bits();
    exact.then_some(integer as i64)
}

/// Writes values as scaled integers; false, and only a part written, where they are not all decimals.
fn put_decimals(out: &mut Vec<u8>, values: &[f64]) -> bool {
    let mut exponent = 0;
    for value in values {
        let fitting = SCALES
            .iter()
            .enumerate()
            .skip(exponent)
            .find(|(_, scale)| scaled(*value, **scale).is_some());
        match fitting {
            Some((index, _)) => exponent = index,
            None => return false,
        }
    }
    let Some(scale) = SCALES.get(exponent) else {
        return false;
    };
    out.push(DECIMAL);
    out.push(exponent as u8);
    let mut last = 0_i64;
    for value in values {
        // A value that a smaller scale gave back may not be exact at a larger one.
        let Some(integer) = scaled(*value, *scale) else {
            return false;
        };
        put_signed(out, integer.wrapping_sub(last));
        last = integer;
    }
    true
}

fn decimals(
    cursor: &mut Cursor<'_>,
    wanted: &Range<usize>,
    out: &mut Vec<f64>,
) -> Result<(), CodecError> {
    let scale = SCALES
        .get(usize::from(cursor.byte()?))
        .ok_or(CodecError("scale is unknown"))?;
    let mut last = 0_i64;
    for _ in 0..wanted.start {
        last = last.wrapping_add(cursor.signed()?);
    }
    for _ in wanted.clone() {
        last = last.wrapping_add(cursor.signed()?);
        out.push(last as f64 / scale);
    }
    Ok(())
}

/// Writes each value as the bytes in which it differs from the one before: a byte says how many leading bytes are
/// equal and how many trailing ones are zero.
fn put_xor(out: &mut Vec<u8>, values: &[f64]) {
    out.push(XOR);
    let mut last = 0_u64;
    for value in values {
        let bits = value.to_bits();
        let difference = bits ^ last;
        last = bits;
        let leading = (difference.leading_zeros() / 8).min(8);
        let trailing = match difference {
            0 => 0,
            _ => difference.trailing_zeros() / 8,
        };
        out.push((leading << 4 | trailing) as u8);
        let bytes = difference.to_be_bytes();
        let middle = leading as usize..8 - trailing as usize;
        out.extend_from_slice(bytes.get(middle).unwrap_or_default());
    }
}

fn xor(
    cursor: &mut Cursor<'_>,
    wanted: &Range<usize>,
    out: &mut Vec<f64>,
) -> Result<(), CodecError> {
    let mut last = 0_u64;
    for at in 0..wanted.end {
        let control = cursor.byte()?;
        let (leading, trailing) = (usize::from(control >> 4), usize::from(control & 15));
        let length = 8_usize
            .checked_sub(leading + trailing)
            .ok_or(CodecError("value is longer than 64 bits"))?;
        let mut difference = 0_u64;
        for byte in cursor.bytes(length)? {
            difference = difference << 8 | u64::from(*byte);
        }
        last ^= difference << (8 * trailing).min(63);
        if at >= wanted.start {
            out.push(f64::from_bits(last));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    fn round_trip(values: &[f64], effort: Effort) -> usize {
        let mut out = Vec::new();
        put(&mut out, values, effort);
        let mut cursor = Cursor::new(&out);
        let mut back = Vec::new();
        read(&mut cursor, values.len(), &(0..values.len()), &mut back).unwrap();
        let bits = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&back), bits(values));
        assert_eq!(cursor.finish(), Ok(()));
        for (from, to) in [
            (0, 1),
            (values.len() / 3, values.len() / 2),
            (values.len() / 2, values.len()),
        ] {
            let (from, to) = (from.min(values.len()), to.min(values.len()));
            let mut some = vec![-1.0];
            read(&mut Cursor::new(&out), values.len(), &(from..to), &mut some).unwrap();
            assert_eq!(bits(&some[1..]), bits(&values[from..to]));
        }
        out.len()
    }

    proptest! {
        #[test]
        fn values_read_back_to_the_bit(bits in prop::collection::vec(any::<u64>(), 0..1_300), dense in any::<bool>()) {
            let values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            round_trip(&values, if dense { Effort::Dense } else { Effort::Fast });
        }

        #[test]
        fn decimals_read_back_to_the_bit(numbers in prop::collection::vec((-100_000_000_i64..100_000_000, 0..8_u32), 1..1_300), dense in any::<bool>()) {
            let values: Vec<f64> = numbers.into_iter().map(|(number, digits)| number as f64 / 10_f64.powi(digits as i32)).collect();
            round_trip(&values, if dense { Effort::Dense } else { Effort::Fast });
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..500_usize) {
            let _ = read(&mut Cursor::new(&bytes), count, &(count / 3..count), &mut Vec::new());
        }
    }

    #[test]
    fn a_constant_costs_nine_bytes_and_a_gauge_of_two_digits_two_each() {
        assert_eq!(round_trip(&[0.1; 1_000], Effort::Fast), 9);
        let gauge: Vec<f64> = (0..1_000)
            .map(|at| f64::from(at * 37 % 100) / 10.0)
            .collect();
        assert!(round_trip(&gauge, Effort::Fast) <= 2_002);
        assert!(round_trip(&gauge, Effort::Dense) < 1_200);
    }

    #[test]
    fn negative_zero_nan_and_infinities_are_kept() {
        for effort in [Effort::Fast, Effort::Dense] {
            round_trip(
                &[-0.0, 0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300],
                effort,
            );
        }
    }
}
