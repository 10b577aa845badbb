//! Collectors that obey the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use exposition::Families;

use crate::collector::{CollectError, Collector, Scrape};

/// Counts its updates and gives a gauge.
struct Counting(Arc<AtomicUsize>, &'static str);

impl Collector for Counting {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        out.gauge(self.1, "Updates.", count as f64);
        Ok(())
    }
}

/// Says that it was entered and waits until the test lets it go on.
struct Waiting {
    entered: SyncSender<()>,
    go_on: Receiver<()>,
    updates: Arc<AtomicUsize>,
}

impl Collector for Waiting {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        self.updates.fetch_add(1, Ordering::SeqCst);
        self.entered.send(()).unwrap();
        let _ = self.go_on.recv();
        out.gauge("waited", "It waited.", 1.0);
        Ok(())
    }
}

/// The test's side of a collector that waits.
pub(super) struct Gate {
    /// Tells each begin of an update.
    pub(super) entered: Receiver<()>,
    /// Lets one update go on.
    pub(super) go_on: SyncSender<()>,
    /// Updates that were begun.
    pub(super) updates: Arc<AtomicUsize>,
}

/// A collector that waits for the test.
pub(super) fn waiting() -> (Gate, Box<dyn Collector>) {
    let (entered, was_entered) = sync_channel(8);
    let (let_go, go_on) = sync_channel(8);
    let updates = Arc::new(AtomicUsize::new(0));
    let collector = Waiting {
        entered,
        go_on,
        updates: Arc::clone(&updates),
    };
    (
        Gate {
            entered: was_entered,
            go_on: let_go,
            updates,
        },
        Box::new(collector),
    )
}

/// A collector that counts its updates in a gauge of this name.
pub(super) fn counting(name: &'static str) -> (Arc<AtomicUsize>, Box<dyn Collector>) {
    let count = Arc::new(AtomicUsize::new(0));
    (Arc::clone(&count), Box::new(Counting(count, name)))
}
