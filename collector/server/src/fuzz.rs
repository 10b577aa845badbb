//! Ways into what reads requests, for the fuzz targets in `fuzz/`; compiled for them alone.

use collector_model::MetricId;

pub use crate::api::gnocchi::fuzz::{filter, measures};
use crate::ingest::remote_write::{Buffers, Received, SeriesCache, decompressed_length};

/// Any bytes as a request of Prometheus' remote write, compressed and not: read or refused, and what is read goes to
/// metrics.
pub fn remote_write(bytes: &[u8]) {
    const LARGEST: usize = 1 << 16;
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
    let cache = SeriesCache::default();
    let sender = cache.sender("sender");
    let Ok(received) = Received::read(request, |labels| cache.key(sender, labels)) else {
        return;
    };
    let mut measures = 0;
    for (series, count) in received.series() {
        assert!(count > 0, "a series without measures");
        measures += count;
        if let Ok(labels) = series.labels() {
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
