//! The checkpoint thread: waits for requests, writes a snapshot beside the running commit thread, and segments when the
//! closed windows in memory have become many, makes both count and removes the log that it covers. A failure keeps the
//! log and is told to all who asked.

use std::time::Instant;

use super::Shared;
use crate::StoreError;
use crate::checkpoint::{Requests, snapshot};
use crate::file;
use crate::queue::Call;
use crate::segment::flush::{Flush, GOOD_ROWS, WORTH_ROWS};

/// Good chunks leave memory when they take this part of what closed windows may take: less is not worth a file.
const GOOD_PART: u64 = 32;

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
        // A snapshot is never replaced by one of the same name: without new entries there is nothing new.
        if base > self.live.base() {
            let (disk, dir) = (&*self.disk, self.dir.as_path());
            let mut flush = self
                .rows_worth_a_flush()
                .map(|rows| Flush::new(disk, dir, self.live.ids(), rows));
            let written = snapshot::write(disk, dir, &self.head, base, flush.as_mut())?;
            let new = flush.map_or(Ok(Vec::new()), Flush::publish)?;
            self.live.adopt_checkpoint(disk, dir, base, &new)?;
            if !new.is_empty() {
                self.head.drop_flushed();
                self.compactions.ask();
            }
            let tombstones = self.head.forget_tombstones(self.live.seen());
            self.counters.set_tombstones(tombstones);
            self.publish_segments();
            self.counters.checkpoint(Some((written, begin.elapsed())));
        }
        for path in self.call(|reply| Call::Forget(base, reply))? {
            self.disk
                .remove(&path)
                .map_err(file::failed("remove", &path))?;
        }
        Ok(())
    }

    /// How many closed windows an archive must have for a flush, if memory is to be freed now.
    fn rows_worth_a_flush(&self) -> Option<usize> {
        let limit = self.options.head_bytes;
        let [all, worth, good] = self.head.closed_bytes([1, WORTH_ROWS, GOOD_ROWS]);
        if all > limit.saturating_mul(2) {
            Some(1)
        } else if worth > limit {
            Some(WORTH_ROWS)
        } else {
            (good > limit / GOOD_PART).then_some(GOOD_ROWS)
        }
    }
}
