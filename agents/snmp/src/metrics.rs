//! What the agent tells about itself on its telemetry path, under snmp_exporter's names where it has them.

use std::sync::atomic::{AtomicU64, Ordering};

use exposition::Families;

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
}

impl Stats {
    /// Adds to a count.
    pub(crate) fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// Writes the counts as they are now.
    pub(crate) fn collect(&self, out: &mut Families) {
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
                "nephoscope_snmp_dropped_samples_total",
                "Samples left out because they were there already or not valid.",
                &self.dropped,
            ),
        ] {
            out.counter(name, help, counter.load(Ordering::Relaxed) as f64);
        }
    }
}
