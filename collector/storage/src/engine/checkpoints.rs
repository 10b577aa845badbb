//! The checkpoint thread: waits for requests, writes a snapshot beside the running commit thread, makes it the valid
//! one and removes the log that it covers. A failure keeps the log and is told to all who asked.

use std::time::Instant;

use super::Shared;
use crate::StoreError;
use crate::checkpoint::{self, Requests};
use crate::file;
use crate::manifest::Manifest;
use crate::queue::Call;

/// Refuses checkpoints when dropped.
struct Closing<'a>(&'a Requests);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    /// Works until the store closes.
    pub(super) fn make_checkpoints(&self) {
        // Also should this thread end by a panic, nobody waits for it any more.
        let _closing = Closing(&self.checkpoints);
        while let Some(waiting) = self.checkpoints.next() {
            let outcome = self.checkpoint();
            self.checkpoints.done(outcome.is_ok());
            // Closing in the middle is no failure: the log is there for the next opening.
            let failed = outcome
                .as_ref()
                .err()
                .filter(|error| !matches!(error, StoreError::Closed));
            if let Some(error) = failed {
                self.counters.checkpoint(None);
                tracing::error!(%error, "checkpoint failed, the log is kept");
            }
            for caller in waiting {
                let outcome = outcome.as_ref().copied().map_err(StoreError::again);
                let _ = caller.try_send(outcome);
            }
        }
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        let begin = Instant::now();
        let base = self.call(Call::Rotate)?;
        if base > 0 && Manifest::read(&*self.disk, &self.dir)? != Some(Manifest { base }) {
            let written = checkpoint::snapshot::write(&*self.disk, &self.dir, &self.head, base)?;
            checkpoint::adopt(&*self.disk, &self.dir, base)?;
            self.counters.checkpoint(Some((written, begin.elapsed())));
        }
        for path in self.call(|reply| Call::Forget(base, reply))? {
            self.disk
                .remove(&path)
                .map_err(file::failed("remove", &path))?;
        }
        Ok(())
    }
}
