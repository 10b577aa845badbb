//! Counts what came in by statsd and what of it was lost and why.

use std::sync::atomic::{AtomicU64, Ordering};

use exposition::{Families, MetricType};

use super::line::LineError;

/// Why a line is no measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its datagram is not UTF-8; counted once for the whole datagram.
    Encoding,
    /// The line is not well formed.
    Malformed,
    /// It has a type that gnocchi-statsd does not know either.
    Kind,
    /// There were too many names since the last flush.
    TooMany,
    /// Catalogue or store did not take the flushed measure.
    Refused,
}

impl From<LineError> for Loss {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Kind => Self::Kind,
            LineError::Shape | LineError::Name | LineError::Value | LineError::Rate => {
                Self::Malformed
            }
        }
    }
}

const LOSSES: [(Loss, &str); 5] = [
    (Loss::Encoding, "encoding"),
    (Loss::Malformed, "malformed"),
    (Loss::Kind, "unknown_type"),
    (Loss::TooMany, "too_many_names"),
    (Loss::Refused, "refused"),
];

/// Counters since the start; not shown where there is no statsd.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    datagrams: AtomicU64,
    lines: AtomicU64,
    lost: [AtomicU64; LOSSES.len()],
    kernel_drops: AtomicU64,
    listening: AtomicU64,
}

impl Counters {
    /// There is a socket now.
    pub(super) fn listens(&self) {
        self.listening.store(1, Ordering::Relaxed);
    }

    /// Counts a datagram.
    pub(super) fn datagram(&self) {
        self.datagrams.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a line that was taken.
    pub(super) fn line(&self) {
        self.lines.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what was lost.
    pub(super) fn lost(&self, loss: Loss, count: usize) {
        let mut counters = LOSSES.iter().zip(&self.lost);
        if let Some((_, counter)) = counters.find(|((known, _), _)| *known == loss) {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Datagrams that the kernel dropped since the socket is there.
    pub(super) fn set_kernel_drops(&self, drops: u64) {
        self.kernel_drops.store(drops, Ordering::Relaxed);
    }

    /// Writes all families.
    pub(crate) fn collect(&self, out: &mut Families) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        if load(&self.listening) == 0.0 {
            return;
        }
        out.counter(
            "nephoscope_collector_statsd_datagrams_total",
            "Datagrams of statsd that were read.",
            load(&self.datagrams),
        );
        out.counter(
            "nephoscope_collector_statsd_lines_total",
            "Lines of statsd that were taken; several of one name become one measure.",
            load(&self.lines),
        );
        let mut family = out.family(
            "nephoscope_collector_statsd_lost_total",
            "Lines, undecodable datagrams and measures of statsd that were lost, by reason.",
            MetricType::Counter,
        );
        for ((_, reason), counter) in LOSSES.iter().zip(&self.lost) {
            family.sample(&[("reason", reason)], load(counter));
        }
        out.counter(
            "nephoscope_collector_statsd_kernel_drops_total",
            "Datagrams of statsd that the kernel dropped because they were not read in time.",
            load(&self.kernel_drops),
        );
    }
}
