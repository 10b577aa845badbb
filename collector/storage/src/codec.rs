//! Bytes and back: the small vocabulary (variable-length integers, doubles, texts, ids) that log entries and
//! snapshots are written in, and a cursor that refuses to read past the end. Checksums are `file::frame`'s.

use collector_model::MetricId;

pub(crate) mod columns;
mod pages;
pub(crate) mod policy;
pub(crate) mod values;

/// Why bytes with a right checksum cannot be understood: another version's, or a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CodecError(pub(crate) &'static str);

/// Seven bits per byte, least significant first, the high bit says that more follow.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed integer, small for small magnitudes of either sign.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// A double, bit by bit.
pub(crate) fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

/// A text with its length.
pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A metric's id.
pub(crate) fn put_id(out: &mut Vec<u8>, id: MetricId) {
    out.extend_from_slice(id.as_bytes());
}

/// Reads the vocabulary from the front of a slice.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not read yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(CodecError("record is too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(CodecError("record is too short"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError("integer is longer than 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, CodecError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// An unsigned integer of eight bytes.
    pub(crate) fn fixed(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, CodecError> {
        self.array()
            .map(|bytes| f64::from_bits(u64::from_le_bytes(bytes)))
    }

    /// A number of items that take at least `least` bytes each, so that a false one cannot ask for much memory.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, CodecError> {
        let count = self.varint()?;
        let fits = usize::try_from(count)
            .ok()
            .filter(|count| count.saturating_mul(least) <= self.rest.len());
        fits.ok_or(CodecError("record announces more items than it has"))
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, CodecError> {
        let length = self.count(1)?;
        str::from_utf8(self.bytes(length)?).map_err(|_| CodecError("text is not UTF-8"))
    }

    pub(crate) fn id(&mut self) -> Result<MetricId, CodecError> {
        self.array().map(MetricId::from_bytes)
    }

    /// Checks that everything was read.
    pub(crate) fn finish(&self) -> Result<(), CodecError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(CodecError("record is too long"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    proptest! {
        #[test]
        fn the_whole_vocabulary_reads_back(a in any::<u64>(), b in any::<i64>(), bits in any::<u64>(), text in any::<String>()) {
            let mut out = Vec::new();
            put_varint(&mut out, a);
            put_signed(&mut out, b);
            put_f64(&mut out, f64::from_bits(bits));
            put_str(&mut out, &text);
            put_id(&mut out, MetricId::from_u64_pair(a, bits));
            let mut cursor = Cursor::new(&out);
            assert_eq!(cursor.varint(), Ok(a));
            assert_eq!(cursor.signed(), Ok(b));
            assert_eq!(cursor.f64().map(f64::to_bits), Ok(bits));
            assert_eq!(cursor.str(), Ok(text.as_str()));
            assert_eq!(cursor.id(), Ok(MetricId::from_u64_pair(a, bits)));
            assert_eq!(cursor.finish(), Ok(()));
            for cut in 0..out.len() {
                let mut cursor = Cursor::new(&out[..cut]);
                let read = cursor.varint().and_then(|_| cursor.signed()).and_then(|_| cursor.f64());
                assert!(read.and_then(|_| cursor.str()).and_then(|_| cursor.id()).is_err());
            }
        }
    }

    #[test]
    fn integers_of_more_than_64_bits_are_refused() {
        let mut bytes = [0xff; 10];
        assert!(Cursor::new(&bytes).varint().is_err());
        bytes[9] = 0x02;
        assert!(Cursor::new(&bytes).varint().is_err());
        bytes[9] = 0x01;
        assert_eq!(Cursor::new(&bytes).varint(), Ok(u64::MAX));
    }

    #[test]
    fn a_count_beyond_the_record_is_refused() {
        let mut out = Vec::new();
        put_varint(&mut out, u64::MAX);
        assert!(Cursor::new(&out).count(1).is_err());
        assert!(Cursor::new(&out).str().is_err());
        assert_eq!(Cursor::new(&[2, 0, 0]).count(1), Ok(2));
        assert!(Cursor::new(&[2, 0, 0]).count(2).is_err());
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        assert_eq!(
            Cursor::new(&[1]).finish(),
            Err(CodecError("record is too long"))
        );
    }
}
