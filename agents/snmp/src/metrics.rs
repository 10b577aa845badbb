//! What the agent tells about itself on its telemetry path, under snmp_exporter's names where it has them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exposition::{Families, MetricType, Suffix};

use crate::walk::Shared;

/// Counts over the agent's life.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Requests for `/snmp` that could not be served.
    pub(crate) request_errors: AtomicU64,
    /// Requests for targets outside of the allowed networks.
    pub(crate) refused: AtomicU64,
    /// Packets sent to devices, tries included.
    pub(crate) packets: AtomicU64,
    /// Further tries.
    pub(crate) retries: AtomicU64,
    /// Gets and subtrees that were not found whole.
    pub(crate) failed_parts: AtomicU64,
    /// Samples left out because they were there already or not valid.
    pub(crate) dropped: AtomicU64,
    /// Walks that could do without walking the lookup columns.
    pub(crate) lookups_remembered: AtomicU64,
    /// Scrapes that go on now.
    pub(crate) in_flight: AtomicU64,
}

/// The upper bounds of the latency's buckets in seconds: snmp_exporter's, from 0.1 ms on each twice the one before.
const BOUNDS: usize = 15;

/// A histogram of times.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    buckets: [AtomicU64; BOUNDS + 1],
    nanoseconds: AtomicU64,
}

impl Latency {
    /// Counts one.
    pub(crate) fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let at = (0..BOUNDS)
            .find(|&at| seconds <= bound(at))
            .unwrap_or(BOUNDS);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn collect(&self, name: &str, help: &str, out: &mut Families) {
        let mut family = out.family(name, help, MetricType::Histogram);
        let mut sum = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            sum += bucket.load(Ordering::Relaxed);
            let le = if at < BOUNDS {
                bound(at).to_string()
            } else {
                "+Inf".to_owned()
            };
            family.suffixed(Suffix::Bucket, &[("le", &le)], sum as f64);
        }
        let seconds = self.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9;
        family.suffixed(Suffix::Sum, &[], seconds);
        family.suffixed(Suffix::Count, &[], sum as f64);
    }
}

fn bound(at: usize) -> f64 {
    (1_u64 << at) as f64 / 10_000.0
}

impl Stats {
    /// Adds to a count.
    pub(crate) fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// Writes the counts as they are now, and those of the wire.
    pub(crate) fn collect(&self, shared: &Shared, out: &mut Families) {
        let help = "Current number of SNMP scrapes being requested.";
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f64;
        out.gauge("snmp_request_in_flight", help, in_flight);
        let help = "A histogram of latencies for SNMP packets.";
        shared
            .wire
            .latency
            .collect("snmp_packet_duration_seconds", help, out);
        let discarded = shared.sockets.discarded();
        let help = "Answers thrown away: unexpected ones had a wrong request id, source or community, or came late or \
                    twice; malformed ones were no SNMP messages; rejected ones could not be read or were not signed as \
                    they should be.";
        let mut family = out.family(
            "nephoscope_snmp_discarded_answers_total",
            help,
            MetricType::Counter,
        );
        for (reason, count) in [
            ("malformed", discarded.malformed),
            ("rejected", shared.wire.rejected.load(Ordering::Relaxed)),
            ("unexpected", discarded.unexpected),
        ] {
            family.sample(&[("reason", reason)], count as f64);
        }
        for (name, help, counter) in [
            (
                "snmp_request_errors_total",
                "Errors in requests to the SNMP exporter",
                &self.request_errors,
            ),
            (
                "snmp_packets_total",
                "Number of SNMP packet sent, including retries.",
                &self.packets,
            ),
            (
                "snmp_packet_retries_total",
                "Number of SNMP packet retries.",
                &self.retries,
            ),
            (
                "nephoscope_snmp_targets_refused_total",
                "Requests for targets outside of the allowed networks.",
                &self.refused,
            ),
            (
                "nephoscope_snmp_failed_parts_total",
                "Gets and subtrees that were not found whole.",
                &self.failed_parts,
            ),
            (
                "nephoscope_snmp_lookups_remembered_total",
                "Walks of modules that did without walking the columns that only give labels.",
                &self.lookups_remembered,
            ),
            (
                "nephoscope_snmp_dropped_samples_total",
                "Samples left out because they were there already or not valid.",
                &self.dropped,
            ),
        ] {
            out.counter(name, help, counter.load(Ordering::Relaxed) as f64);
        }
    }
}
