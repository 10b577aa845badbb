//! Counts what came in by statsd, and says why some of it was lost; how much is counted with the other inputs.

use std::sync::atomic::{AtomicU64, Ordering};

use exposition::Families;

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
    /// The catalogue did not take the metric of a flushed measure.
    Resource,
    /// The kernel dropped the datagram because nobody read it in time.
    Kernel,
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

impl Loss {
    /// It as the value of a label.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Malformed => "malformed",
            Self::Kind => "unknown_type",
            Self::TooMany => "too_many_names",
            Self::Resource => "resource",
            Self::Kernel => "dropped_by_kernel",
        }
    }
}

/// Counters since the start; not shown where there is no statsd.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    datagrams: AtomicU64,
    lines: AtomicU64,
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

    /// Takes the number of datagrams that the kernel dropped since the socket is there, and gives how many of them are
    /// new.
    pub(super) fn new_kernel_drops(&self, drops: u64) -> u64 {
        drops.saturating_sub(self.kernel_drops.swap(drops, Ordering::Relaxed))
    }

    /// Whether there is a socket.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed) != 0
    }

    /// Writes all families.
    pub(crate) fn collect(&self, out: &mut Families) {
        if !self.is_listening() {
            return;
        }
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
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
    }
}
