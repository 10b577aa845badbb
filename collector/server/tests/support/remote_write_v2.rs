//! Requests of Prometheus' remote write 2.0, as a sender encodes them.

use super::remote_write::{bytes, varint};

/// A series of version 2.0.
#[derive(Default)]
pub(crate) struct Series<'s> {
    pub(crate) labels: &'s [(&'s str, &'s str)],
    /// Values with their milliseconds.
    pub(crate) samples: &'s [(f64, i64)],
    pub(crate) histograms: usize,
    pub(crate) exemplars: usize,
}

/// A request of version 2.0, before it is compressed: each series has metadata and each sample the moment of its
/// counter's start.
pub(crate) fn request(series: &[Series<'_>]) -> Vec<u8> {
    let mut symbols = vec![""];
    let mut all = Vec::new();
    for one in series {
        let (mut message, mut part) = (Vec::new(), Vec::new());
        for text in one.labels.iter().flat_map(|(name, value)| [*name, *value]) {
            let known = symbols.iter().position(|symbol| *symbol == text);
            let place = known.unwrap_or(symbols.len());
            if known.is_none() {
                symbols.push(text);
            }
            varint(&mut part, place as u64);
        }
        bytes(&mut message, 1, &part);
        for (value, millis) in one.samples {
            part.clear();
            part.push(1 << 3 | 1);
            part.extend_from_slice(&value.to_le_bytes());
            for (field, millis) in [(2, *millis), (3, 1_000)] {
                part.push(field << 3);
                varint(&mut part, millis.cast_unsigned());
            }
            bytes(&mut message, 2, &part);
        }
        for _ in 0..one.histograms {
            bytes(&mut message, 3, b"");
        }
        for _ in 0..one.exemplars {
            bytes(&mut message, 4, b"");
        }
        bytes(&mut message, 5, &[1 << 3, 2]);
        bytes(&mut all, 5, &message);
    }
    let mut request = Vec::new();
    for symbol in symbols {
        bytes(&mut request, 4, symbol.as_bytes());
    }
    request.extend(all);
    request
}

/// The same as it goes over the wire.
pub(crate) fn compress(request: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(request).unwrap()
}
