//! Prometheus' remote write as it comes over the wire: snappy-compressed protobuf, read without a copy. `wire` takes
//! protobuf apart, `v1` knows the messages of version 1.0; what becomes of the series is for those who receive them.

mod v1;
mod wire;

#[cfg(test)]
pub(crate) use v1::Sample;
pub(crate) use v1::{Series, read};
pub(crate) use wire::WireError;

/// The value by which Prometheus marks that a series has ended: a NaN of these bits. It is no measure.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Whether the value only says that the series has ended.
pub(crate) fn is_stale(value: f64) -> bool {
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

/// Decompresses a snappy block whose length has been found small enough.
pub(crate) fn decompress(body: &[u8]) -> Result<Vec<u8>, SnappyError> {
    let decompressed = snap::raw::Decoder::new().decompress_vec(body);
    decompressed.map_err(|error| SnappyError::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_would_grow_too_large_is_refused_by_its_head() {
        let compressed = snap::raw::Encoder::new().compress_vec(&[7; 1000]).unwrap();
        assert_eq!(decompressed_length(&compressed, 1000), Ok(1000));
        assert_eq!(decompress(&compressed), Ok(vec![7; 1000]));
        let refused = decompressed_length(&compressed, 999);
        assert_eq!(refused, Err(SnappyError::TooLarge { limit: 999 }));
        assert!(decompressed_length(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1 << 20).is_err());
        assert!(matches!(
            decompress(b"not snappy"),
            Err(SnappyError::Invalid(_))
        ));
    }

    #[test]
    fn only_the_one_nan_is_the_end_of_a_series() {
        assert!(is_stale(f64::from_bits(STALE)));
        assert!(!is_stale(f64::NAN) && !is_stale(0.0));
    }
}
