//! Prometheus' remote write as it comes over the wire: snappy-compressed protobuf, read without a copy. `wire` takes
//! protobuf apart, `v1` and `v2` know the messages of the versions 1.0 and 2.0, `received` makes measures of them,
//! `series_cache` remembers which metric a series goes to; what becomes of series that it does not know is for those who
//! receive them.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

mod counters;
mod received;
mod series_cache;
mod v1;
mod v2;
mod wire;

pub(crate) use counters::Counters;
pub(crate) use received::Received;
pub(crate) use series_cache::{SeriesCache, SeriesKey};
pub(crate) use v1::Labels;
pub(crate) use wire::WireError;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 1.0, `prometheus.WriteRequest`.
    V1,
    /// 2.0, `io.prometheus.write.v2.Request`.
    V2,
}

/// The value by which Prometheus marks that a series has ended: a NaN of these bits. It is no measure.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Whether the value only says that the series has ended.
fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE
}

/// Why a body could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SnappyError {
    /// It is no snappy block.
    #[error("body is not snappy-compressed: {0}")]
    Invalid(String),
    /// It would be larger than it may be.
    #[error("body is larger than {limit} bytes after decompression")]
    TooLarge {
        /// The bound, bytes.
        limit: usize,
    },
}

/// Bytes of a snappy block after decompression, as its head says; refused where they are more than `limit`.
pub(crate) fn decompressed_length(body: &[u8], limit: usize) -> Result<usize, SnappyError> {
    let length = snap::raw::decompress_len(body);
    let length = length.map_err(|error| SnappyError::Invalid(error.to_string()))?;
    if length > limit {
        return Err(SnappyError::TooLarge { limit });
    }
    Ok(length)
}

/// Memory for decompressed requests, used again: to clear a new piece for each takes as long as to fill it.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
}

/// A decompressed request, whose memory goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Decompressed<'b> {
    buffers: &'b Buffers,
    bytes: Vec<u8>,
    length: usize,
}

impl Buffers {
    /// Buffers that are kept.
    const MOST: usize = 8;
    /// Bytes of the largest that is kept.
    const LARGEST: usize = 4 << 20;

    /// Decompresses a snappy block of that length, which has been found small enough.
    pub(crate) fn decompress(
        &self,
        body: &[u8],
        length: usize,
    ) -> Result<Decompressed<'_>, SnappyError> {
        let bytes = self.lock().pop().unwrap_or_default();
        let mut decompressed = Decompressed {
            buffers: self,
            bytes,
            length,
        };
        let bytes = &mut decompressed.bytes;
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        let target = bytes.get_mut(..length).unwrap_or_default();
        let written = snap::raw::Decoder::new().decompress(body, target);
        written.map_err(|error| SnappyError::Invalid(error.to_string()))?;
        Ok(decompressed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Decompressed<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Decompressed<'_> {
    fn drop(&mut self) {
        let mut free = self.buffers.lock();
        if free.len() < Buffers::MOST && self.bytes.capacity() <= Buffers::LARGEST {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_would_grow_too_large_is_refused_by_its_head() {
        let compressed = snap::raw::Encoder::new().compress_vec(&[7; 1000]).unwrap();
        assert_eq!(decompressed_length(&compressed, 1000), Ok(1000));
        let buffers = Buffers::default();
        for _ in 0..2 {
            let decompressed = buffers.decompress(&compressed, 1000).unwrap();
            assert_eq!(*decompressed, [7; 1000]);
        }
        let refused = decompressed_length(&compressed, 999);
        assert_eq!(refused, Err(SnappyError::TooLarge { limit: 999 }));
        assert!(decompressed_length(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1 << 20).is_err());
        assert!(matches!(
            buffers.decompress(b"not snappy", 110),
            Err(SnappyError::Invalid(_))
        ));
    }

    #[test]
    fn a_shorter_request_has_nothing_of_the_longer_one_before() {
        let buffers = Buffers::default();
        let compress = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).unwrap();
        drop(buffers.decompress(&compress(&[7; 1000]), 1000));
        let short = buffers.decompress(&compress(b"ab"), 2).unwrap();
        assert_eq!((&*short, buffers.lock().len()), (b"ab".as_slice(), 0));
        drop(short);
        assert_eq!(buffers.lock().len(), 1);
    }

    #[test]
    fn only_the_one_nan_is_the_end_of_a_series() {
        assert!(is_stale(f64::from_bits(STALE)));
        assert!(!is_stale(f64::NAN) && !is_stale(0.0));
    }
}
