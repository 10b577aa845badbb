//! The entries of the registry's books: a collector's place, a run of it, and what passes between the books and the
//! runners. What is done with them is `state.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exposition::Families;

use crate::collector::{CollectError, Collector};
use crate::registry::ticket::{Outcome, Ticket};

/// A collector's place.
pub(crate) struct Slot {
    /// The collector's name.
    pub(crate) name: &'static str,
    /// Away while it runs.
    pub(crate) collector: Option<Box<dyn Collector>>,
    /// Takes the collector's place when that comes back from a run.
    pub(crate) successor: Option<Box<dyn Collector>>,
    pub(crate) flight: Option<Flight>,
    /// An outcome that has been used, whose memory the next run uses again.
    pub(crate) spare: Option<Arc<Outcome>>,
    /// How the last run failed, so that only changes are logged.
    pub(crate) failing: Option<String>,
}

/// One run of a collector, queued or going on.
pub(crate) struct Flight {
    pub(crate) deadline: Instant,
    pub(crate) started: Option<Instant>,
    /// Whether a scrape was answered without it, which is said once.
    pub(crate) missed: bool,
    /// Who waits, and at which place of the ticket.
    pub(crate) tickets: Vec<(Arc<Ticket>, usize)>,
}

/// What a runner is to do.
pub(crate) struct Job {
    pub(crate) slot: usize,
    pub(crate) collector: Box<dyn Collector>,
    /// To be cleared and filled.
    pub(crate) families: Families,
    pub(crate) deadline: Instant,
}

/// What a runner has done.
pub(crate) struct Finished {
    pub(crate) slot: usize,
    pub(crate) collector: Box<dyn Collector>,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<CollectError>,
}

/// A collector that fares otherwise than the time before.
pub(crate) struct Change {
    pub(crate) collector: &'static str,
    pub(crate) error: Option<CollectError>,
}

/// What is left of a run: what to log and what to drop.
#[derive(Default)]
pub(crate) struct Aftermath {
    pub(crate) change: Option<Change>,
    pub(crate) discarded: Option<Box<dyn Collector>>,
}

/// How one collector of a scrape fared.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    /// `None` when it was not done in time.
    pub(crate) outcome: Option<Arc<Outcome>>,
    /// Whether it was done in time, and content.
    pub(crate) success: bool,
    pub(crate) duration: Duration,
}

/// What is to be done so that the queue is worked off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Provision {
    Nothing,
    Wake,
    Spawn,
}

impl Flight {
    /// Whether it goes on after its deadline.
    pub(crate) fn is_stuck(&self, now: Instant) -> bool {
        self.started.is_some() && now >= self.deadline
    }
}
