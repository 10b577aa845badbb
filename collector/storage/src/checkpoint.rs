//! Checkpoints: a snapshot of all metrics, the manifest that makes it the valid one, then the removal of the log that
//! it covers. They run on a thread of their own, when the log has grown or when asked for.
//!
//! A checkpoint writes the whole head. Writers wait only for the shard whose bytes are being made, of which there are
//! 256; `StoreStats::pauses` says how long that was.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::file::{self, Disk};
use crate::sync::mpsc::SyncSender;
use crate::sync::{Condvar, Mutex, MutexGuard};

pub(crate) mod load;
pub(crate) mod snapshot;

/// Folder of snapshots in a store's directory.
pub(crate) const SNAPSHOT_DIR: &str = "snapshot";
/// How long after a failed checkpoint the growing log asks in vain for the next one.
const RETRY: Duration = Duration::from_secs(10);

const ITEM_POLICY: u8 = 1;
const ITEM_METRIC: u8 = 2;
const ITEM_RAW: u8 = 3;
const ITEM_ROWS: u8 = 4;
const ITEM_END: u8 = 5;
const ITEM_SHARD: u8 = 6;
/// A metric that segments have windows of, since format 2; else it is `ITEM_METRIC`.
const ITEM_FLUSHED: u8 = 7;
/// A deleted metric that segments have windows of, since format 2.
const ITEM_TOMBSTONE: u8 = 8;

/// Path of the snapshot that is sure to hold all entries up to `base`.
pub(crate) fn snapshot_path(store: &Path, base: u64) -> PathBuf {
    store.join(SNAPSHOT_DIR).join(format!("{base:020}.snap"))
}

/// Removes every file but the valid snapshot.
pub(crate) fn remove_others(disk: &dyn Disk, store: &Path, base: u64) -> Result<(), StoreError> {
    let dir = store.join(SNAPSHOT_DIR);
    let valid = snapshot_path(store, base);
    for name in file::list(&dir)? {
        let path = dir.join(name);
        if path != valid {
            disk.remove(&path).map_err(file::failed("remove", &path))?;
        }
    }
    Ok(())
}

/// What a waiting caller of `flush` gets.
pub(crate) type Outcome = Result<(), StoreError>;

/// What the checkpoint thread waits for.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    running: bool,
    not_before: Option<Instant>,
    waiting: Vec<SyncSender<Outcome>>,
    closed: bool,
}

impl Requests {
    /// Asks for a checkpoint because the log has grown. That has no effect while one is made, and for a while after
    /// one has failed.
    pub(crate) fn log_has_grown(&self) {
        let mut state = self.lock();
        if !state.wanted
            && !state.running
            && state
                .not_before
                .is_none_or(|moment| Instant::now() >= moment)
        {
            state.wanted = true;
            self.changed.notify_all();
        }
    }

    /// Asks for a checkpoint and for its outcome.
    pub(crate) fn ask(&self, outcome: SyncSender<Outcome>) {
        let mut state = self.lock();
        if !state.closed {
            state.waiting.push(outcome);
            self.changed.notify_all();
        }
    }

    /// Waits for a request; `None` when there will be no more.
    pub(crate) fn next(&self) -> Option<Vec<SyncSender<Outcome>>> {
        let mut state = self.lock();
        while !state.wanted && state.waiting.is_empty() && !state.closed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return None;
        }
        (state.wanted, state.running) = (false, true);
        Some(std::mem::take(&mut state.waiting))
    }

    /// Notes how a checkpoint ended.
    pub(crate) fn done(&self, succeeded: bool) {
        let mut state = self.lock();
        state.running = false;
        state.not_before = (!succeeded).then(|| Instant::now() + RETRY);
    }

    /// Refuses further requests; callers still waiting learn that by their channel's end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
