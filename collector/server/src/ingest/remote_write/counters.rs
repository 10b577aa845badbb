//! Counts requests of remote write by version, and what came with them that no measure is made of. Native histograms, stale
//! markers and what else is a sample and no measure are counted as rejected measures.

use std::sync::atomic::{AtomicU64, Ordering};

use exposition::{Families, MetricType};

use super::Version;
use super::v1::Unused;

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    first: AtomicU64,
    second: AtomicU64,
    exemplars: AtomicU64,
    metadata: AtomicU64,
}

impl Counters {
    /// Counts a request that could be read.
    pub(crate) fn request(&self, version: Version, unused: &Unused) {
        let requests = match version {
            Version::V1 => &self.first,
            Version::V2 => &self.second,
        };
        requests.fetch_add(1, Ordering::Relaxed);
        self.exemplars
            .fetch_add(unused.exemplars as u64, Ordering::Relaxed);
        self.metadata
            .fetch_add(unused.metadata as u64, Ordering::Relaxed);
    }

    /// Writes all families.
    pub(crate) fn collect(&self, out: &mut Families) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        out.family(
            "nephoscope_collector_remote_write_requests_total",
            "Requests of Prometheus' remote write that could be read, by version.",
            MetricType::Counter,
        )
        .sample(&[("version", "1.0")], load(&self.first))
        .sample(&[("version", "2.0")], load(&self.second));
        out.family(
            "nephoscope_collector_remote_write_ignored_total",
            "What came by remote write and is no sample, by kind.",
            MetricType::Counter,
        )
        .sample(&[("kind", "exemplar")], load(&self.exemplars))
        .sample(&[("kind", "metadata")], load(&self.metadata));
    }
}
