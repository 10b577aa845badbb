//! The registry: runs an exporter's collectors for a scrape and says how each fared. One runner thread walks the list,
//! for waking a thread per collector costs more than most collectors do; when one holds it for long another takes over
//! the rest. Scrapes that meet a collector at work wait for the same result. What an HTTP request may ask for is in
//! `scrape`, the book-keeping in `registry/state.rs`, the threads in `registry/runner.rs`.

mod memory;
mod runner;
mod slot;
mod state;
mod ticket;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use exposition::{Families, MetricType};

use crate::collector::NamedCollector;
use state::State;

/// How long a collector may hold a runner before another runner takes over the rest of the list.
const TAKEOVER: Duration = Duration::from_millis(50);

/// Runs collectors; clones share them.
#[derive(Clone)]
pub struct Registry {
    handle: Arc<Handle>,
}

/// The owner of the runners: they end when the last clone of the registry is gone.
struct Handle {
    shared: Arc<Shared>,
    duration: (String, String),
    success: (String, String),
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().close();
        self.shared.work.notify_all();
    }
}

/// What scrapes and runners share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Told when something is queued.
    work: Condvar,
    panics: AtomicU64,
    timeouts: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The collectors that a scrape asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection(Vec<usize>);

/// The registry's own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegistryStats {
    /// Collectors that ran past their deadline and have not come back.
    pub(crate) stuck: usize,
    /// Runner threads that exist.
    pub(crate) runners: usize,
    /// Collections that ended in a panic.
    pub(crate) panics: u64,
    /// Collections that were not finished when their scrape had to be answered.
    pub(crate) timeouts: u64,
}

impl Registry {
    /// A registry of these collectors, in their order. `prefix` begins the names of the series
    /// `{prefix}_scrape_collector_duration_seconds` and `{prefix}_scrape_collector_success`, as `node` does.
    pub fn new(prefix: &str, collectors: Vec<NamedCollector>) -> Self {
        let mut state = State::default();
        state.replace(collectors);
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            panics: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
        };
        let handle = Handle {
            shared: Arc::new(shared),
            duration: (
                format!("{prefix}_scrape_collector_duration_seconds"),
                format!("{prefix}_exporter: Duration of a collector scrape."),
            ),
            success: (
                format!("{prefix}_scrape_collector_success"),
                format!("{prefix}_exporter: Whether a collector succeeded."),
            ),
        };
        Self {
            handle: Arc::new(handle),
        }
    }

    /// Puts other collectors in the place of these, as a reload does. Collections that run are finished with the old
    /// ones; one that hangs keeps the new one of its name waiting until it comes back.
    pub fn replace(&self, collectors: Vec<NamedCollector>) {
        let discarded = self.handle.shared.lock().replace(collectors);
        drop(discarded);
    }

    /// The names of the collectors, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.handle.shared.lock().names()
    }

    /// All collectors.
    pub(crate) fn all(&self) -> Selection {
        Selection(self.handle.shared.lock().order().to_vec())
    }

    /// The collectors of these names, in the registry's order.
    ///
    /// # Errors
    /// The first name that no collector has.
    pub(crate) fn only<'n>(&self, names: &[&'n str]) -> Result<Selection, &'n str> {
        let state = self.handle.shared.lock();
        let known = state.names();
        match names.iter().find(|name| !known.contains(name)) {
            Some(unknown) => Err(unknown),
            None => Ok(Selection(state.positions(|name| names.contains(&name)))),
        }
    }

    /// All collectors but those of these names; names that no collector has are of no consequence.
    pub(crate) fn all_but(&self, names: &[&str]) -> Selection {
        Selection(
            self.handle
                .shared
                .lock()
                .positions(|name| !names.contains(&name)),
        )
    }

    /// Runs the selected collectors until all are done or the deadline is there, and adds to `out` what they found and
    /// how they fared.
    pub(crate) async fn collect(
        &self,
        selection: &Selection,
        deadline: Instant,
        out: &mut Families,
    ) {
        let Selection(slots) = selection;
        let shared = &self.handle.shared;
        if let [alone] = slots.as_slice() {
            shared.lock().lend(*alone, std::mem::take(out));
        }
        let ticket = shared.lock().enqueue(slots, deadline);
        runner::provide(shared);
        while !ticket.is_complete() {
            let tick = deadline.min(Instant::now() + TAKEOVER);
            let done = tokio::time::timeout_at(tick.into(), ticket.done())
                .await
                .is_ok();
            if !done && Instant::now() >= deadline {
                break;
            }
            if !done {
                runner::provide(shared);
            }
        }
        let (mut reports, late) = shared.lock().conclude(slots, &ticket);
        shared
            .timeouts
            .fetch_add(late.len() as u64, Ordering::Relaxed);
        for collector in late {
            tracing::warn!(
                collector,
                "collector missed the scrape's deadline, it is left out until it comes back"
            );
        }
        if let ([alone], [report]) = (slots.as_slice(), reports.as_mut_slice())
            && let Some(outcome) = report.outcome.take()
        {
            match shared.lock().take_back(*alone, outcome) {
                Ok(families) => *out = families,
                Err(shared) => report.outcome = Some(shared),
            }
        }
        for report in &reports {
            if let Some(outcome) = &report.outcome {
                out.append(&outcome.families);
            }
        }
        let (name, help) = &self.handle.duration;
        let mut family = out.family(name, help, MetricType::Gauge);
        for report in &reports {
            family.sample(&[("collector", report.name)], report.duration.as_secs_f64());
        }
        let (name, help) = &self.handle.success;
        let mut family = out.family(name, help, MetricType::Gauge);
        for report in &reports {
            family.sample(
                &[("collector", report.name)],
                f64::from(u8::from(report.success)),
            );
        }
    }

    /// The registry's own numbers now.
    pub(crate) fn stats(&self) -> RegistryStats {
        let shared = &self.handle.shared;
        let (stuck, runners) = shared.lock().counts(Instant::now());
        RegistryStats {
            stuck,
            runners,
            panics: shared.panics.load(Ordering::Relaxed),
            timeouts: shared.timeouts.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
