//! Ways into what reads requests, for the fuzz targets in `fuzz/`; compiled for them alone.

use collector_model::MetricId;

pub use crate::api::gnocchi::fuzz::{filter, measures};
use crate::ingest::remote_write::{Buffers, Received, SeriesCache, Version, decompressed_length};

/// Bytes of a request after decompression, and of the labels of one of version 2.0.
const LARGEST: usize = 1 << 16;

/// Any bytes as a request of Prometheus' remote write in either version, compressed and not: read or refused, and what is
/// read goes to metrics.
pub fn remote_write(bytes: &[u8]) {
    decoded(bytes);
    if let Ok(length) = decompressed_length(bytes, LARGEST) {
        let buffers = Buffers::default();
        if let Ok(request) = buffers.decompress(bytes, length) {
            assert_eq!(request.len(), length);
            decoded(&request);
        }
    }
}

fn decoded(request: &[u8]) {
    for version in [Version::V1, Version::V2] {
        decoded_as(version, request);
    }
}

fn decoded_as(version: Version, request: &[u8]) {
    let cache = SeriesCache::default();
    let sender = cache.sender("sender");
    let key = |labels: &[u8]| cache.key(sender, labels);
    let Ok(received) = Received::read(version, request, LARGEST, key) else {
        return;
    };
    let mut measures = 0;
    for (series, count) in received.series() {
        assert!(count > 0, "a series without measures");
        measures += count;
        if let Ok(labels) = series.read() {
            let _ = labels.get("__name__");
        }
    }
    // As if every second series were known, and all of them the same metric.
    let metrics: Vec<Option<MetricId>> = received
        .keys()
        .enumerate()
        .map(|(at, _)| (at % 2 == 0).then_some(MetricId::from_u128(7)))
        .collect();
    if let Ok((batch, dropped)) = received.batch(&metrics) {
        assert!(batch.received() + dropped <= measures);
    }
}
