//! What a scrape waits with: a place for the outcome of each collector that it asked for, filled by the runners.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exposition::Families;
use tokio::sync::Notify;

/// How one collection ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What was found.
    pub(crate) families: Families,
    /// How long it took.
    pub(crate) duration: Duration,
    /// Whether the collector was content.
    pub(crate) success: bool,
}

/// A scrape's places for outcomes.
#[derive(Debug)]
pub(crate) struct Ticket {
    places: Mutex<Places>,
    complete: Notify,
}

#[derive(Debug)]
struct Places {
    outcomes: Vec<Option<Arc<Outcome>>>,
    /// Places that somebody is still going to fill.
    awaited: usize,
}

impl Ticket {
    /// A ticket with so many empty places, of which none is awaited yet.
    pub(crate) fn new(places: usize) -> Self {
        let places = Places {
            outcomes: vec![None; places],
            awaited: 0,
        };
        Self {
            places: Mutex::new(places),
            complete: Notify::new(),
        }
    }

    /// One more place is going to be filled.
    pub(crate) fn expect(&self) {
        self.with(|places| places.awaited += 1);
    }

    /// Fills a place; the last one wakes the scrape.
    pub(crate) fn fill(&self, place: usize, outcome: Arc<Outcome>) {
        let last = self.with(|places| {
            if let Some(slot) = places.outcomes.get_mut(place) {
                *slot = Some(outcome);
            }
            places.awaited = places.awaited.saturating_sub(1);
            places.awaited == 0
        });
        if last {
            self.complete.notify_one();
        }
    }

    /// Whether no place is awaited.
    pub(crate) fn is_complete(&self) -> bool {
        self.with(|places| places.awaited == 0)
    }

    /// Waits for the last awaited place.
    pub(crate) async fn done(&self) {
        self.complete.notified().await;
    }

    /// Takes what is there.
    pub(crate) fn take(&self) -> Vec<Option<Arc<Outcome>>> {
        self.with(|places| std::mem::take(&mut places.outcomes))
    }

    fn with<R>(&self, act: impl FnOnce(&mut Places) -> R) -> R {
        act(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
