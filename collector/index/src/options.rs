//! How a catalogue is opened: what a new one starts with, how much it may keep in memory, and where the time comes
//! from.

use std::time::{Duration, SystemTime};

use collector_model::Timestamp;

/// What a new catalogue starts with. Asked only once in its life: what an operator deletes later stays deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Defaults {
    /// The archive policies of Gnocchi and Ceilometer, the rule that gives `low`, and Ceilometer's resource types.
    #[default]
    Full,
    /// Nothing but the resource type `generic`.
    Bare,
}

/// How a catalogue is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a new catalogue starts with.
    pub defaults: Defaults,
    /// Connections for readers, and as many for searches; there is always one more for the writer.
    pub readers: u32,
    /// How long a search or a list may take; then it ends with [`crate::IndexError::TimedOut`], also in the database.
    pub search_time: Duration,
    /// How many metrics and resources are kept in memory for `ensure` and for look-ups by id, about 300 bytes each.
    pub cached: usize,
    /// The clock that gives start times and revisions.
    pub clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            defaults: Defaults::Full,
            readers: 4,
            search_time: Duration::from_secs(30),
            cached: 1_000_000,
            clock: || Timestamp::from(SystemTime::now()),
        }
    }
}
