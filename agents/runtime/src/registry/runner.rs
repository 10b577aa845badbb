//! The threads that run collectors: how many there are, what one does, and what is logged of it. There is one idle
//! runner at most; each further one exists because a collector holds another, so there are never more than collectors
//! and one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::collector::{CollectError, Scrape};
use crate::registry::Shared;
use crate::registry::slot::{Aftermath, Change, Finished, Job, Provision};
use crate::registry::ticket::Outcome;

/// Sees to it that a runner takes what is queued.
pub(crate) fn provide(shared: &Arc<Shared>) {
    let provision = shared.lock().provision(Instant::now());
    match provision {
        Provision::Nothing => {}
        Provision::Wake => shared.work.notify_one(),
        Provision::Spawn => spawn(shared),
    }
}

fn spawn(shared: &Arc<Shared>) {
    let runner = Arc::clone(shared);
    let spawned = std::thread::Builder::new()
        .name("collector".to_owned())
        .spawn(move || run(&runner));
    if let Err(error) = spawned {
        shared.lock().runner_ended();
        tracing::error!(%error, "cannot start a thread for collectors");
    }
}

/// Runs what is queued until the registry is gone or another runner is idle already.
fn run(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        if let Some(job) = state.take() {
            drop(state);
            let finished = execute(shared, job);
            state = shared.lock();
            let Aftermath { change, discarded } = state.finish(finished);
            if change.is_some() || discarded.is_some() {
                drop(state);
                change.iter().for_each(tell);
                drop(discarded);
                state = shared.lock();
            }
        } else if state.may_idle() {
            state = shared
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idled();
        } else {
            state.runner_ended();
            return;
        }
    }
}

fn execute(shared: &Shared, job: Job) -> Finished {
    let Job {
        slot,
        mut collector,
        mut families,
        deadline,
    } = job;
    families.clear();
    let scrape = Scrape::new(deadline);
    let started = Instant::now();
    // The output of a collector that panicked is dropped, and what the collector itself holds is only its own.
    let result = catch_unwind(AssertUnwindSafe(|| {
        collector.update(&scrape, &mut families)
    }));
    let duration = started.elapsed();
    let error = match result {
        Ok(result) => result.err(),
        Err(panic) => {
            shared.panics.fetch_add(1, Ordering::Relaxed);
            families.clear();
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Some(CollectError::Other(format!("panicked: {text}")))
        }
    };
    let outcome = Outcome {
        families,
        duration,
        success: error.is_none(),
    };
    Finished {
        slot,
        collector,
        outcome,
        error,
    }
}

/// Logs that a collector began to fail, fails otherwise than before, or works again.
fn tell(change: &Change) {
    let collector = change.collector;
    match &change.error {
        Some(CollectError::NoData(reason)) => {
            tracing::debug!(collector, reason, "collector has no data");
        }
        Some(error) => tracing::warn!(collector, %error, "collector failed"),
        None => tracing::info!(collector, "collector works again"),
    }
}
