//! How long writes have waited for the shards that others had locked, by what those did. A shard may be locked for longer
//! than anybody waits for it: the scheduler takes the processor away from who has it, and the commit thread goes on with
//! the other shards.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::{Head, Shard};
use crate::Pauses;
use crate::sync::{RwLockReadGuard, RwLockWriteGuard};

/// Why a shard is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It is copied for a snapshot.
    Snapshot,
    /// Its closed windows are copied for segments.
    Flush,
    /// What is in segments leaves it.
    Release,
    /// Somebody reads it.
    Read,
}

/// What a checkpoint does now, and the longest waits.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// With which shard; a checkpoint does one thing at a time.
    at_work: Mutex<Option<(usize, Cause)>>,
    longest: Mutex<Pauses>,
}

/// What is in there is replaced as a whole.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waits {
    /// Says what a checkpoint does with which shard.
    pub(super) fn begins(&self, index: usize, cause: Cause) {
        *lock(&self.at_work) = Some((index, cause));
    }

    /// Says that it does nothing with any.
    pub(super) fn ends(&self) {
        *lock(&self.at_work) = None;
    }

    fn cause(&self, index: usize) -> Cause {
        let at_work = lock(&self.at_work).filter(|(at, _)| *at == index);
        at_work.map_or(Cause::Read, |(_, cause)| cause)
    }

    fn note(&self, cause: Cause, time: Duration) {
        let mut longest = lock(&self.longest);
        let of_cause = match cause {
            Cause::Snapshot => &mut longest.snapshot,
            Cause::Flush => &mut longest.flush,
            Cause::Release => &mut longest.release,
            Cause::Read => &mut longest.read,
        };
        *of_cause = time.max(*of_cause);
    }
}

impl Head {
    /// The longest waits since the last call.
    pub(crate) fn take_waits(&self) -> Pauses {
        std::mem::take(&mut *lock(&self.waits.longest))
    }

    /// Locks a shard for a write, if nobody has it.
    pub(super) fn try_shard_mut(&self, index: usize) -> Option<RwLockWriteGuard<'_, Shard>> {
        match self.shards.get(index)?.try_write() {
            Ok(shard) => Some(shard),
            Err(TryLockError::Poisoned(shard)) => Some(shard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Locks a shard for a write, and notes how long that had to wait; `None` beyond the last one.
    pub(super) fn shard_for_write(&self, index: usize) -> Option<RwLockWriteGuard<'_, Shard>> {
        if let Some(shard) = self.try_shard_mut(index) {
            return Some(shard);
        }
        let (cause, begin) = (self.waits.cause(index), Instant::now());
        let shard = self.shard_mut(index);
        self.waits.note(cause, begin.elapsed());
        shard
    }

    /// Locks a shard to look a write's metrics up; `None` beyond the last one. What waits for a write is no pause.
    pub(super) fn shard_to_look_up(&self, index: usize) -> Option<RwLockReadGuard<'_, Shard>> {
        match self.shards.get(index)?.try_read() {
            Ok(shard) => return Some(shard),
            Err(TryLockError::Poisoned(shard)) => return Some(shard.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        let (cause, begin) = (self.waits.cause(index), Instant::now());
        let shard = self.shard(index);
        if cause != Cause::Read {
            self.waits.note(cause, begin.elapsed());
        }
        shard
    }
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use collector_model::{ArchivePolicy, Measure, MetricId, Timestamp};

    use super::*;
    use crate::batch::SortedBatch;
    use crate::rollup::Scratch;

    fn metric(shard: u8) -> MetricId {
        let mut bytes = [1; 16];
        bytes[0] = shard;
        MetricId::from_bytes(bytes)
    }

    #[test]
    fn a_write_goes_on_with_other_shards_and_its_wait_for_the_locked_one_is_noted() {
        let head = Head::new(0);
        let metrics = [metric(3), metric(7)];
        let plan = head.plan(&ArchivePolicy::defaults()[0]).unwrap();
        head.set_plan(1, &metrics, &plan);
        assert_eq!(head.take_waits(), Pauses::default());
        let measures = |at: u64| vec![Measure::new(Timestamp(at as i64), 1.0)];
        // The writer may come to its wait when that is over.
        for seq in 2..1_000 {
            let batch = metrics.map(|metric| (metric, measures(seq))).to_vec();
            let batch = SortedBatch::new(batch).unwrap();
            head.waits.begins(3, Cause::Flush);
            let locked = head.shard(3).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| head.fold(seq, &batch, &mut Scratch::default()));
                while head.shard(7).unwrap().applied < seq {
                    std::thread::yield_now();
                }
                assert_eq!(locked.applied, seq - 1);
                std::thread::sleep(Duration::from_millis(1));
                drop(locked);
            });
            head.waits.ends();
            assert_eq!(head.shard(3).unwrap().applied, seq);
            let waits = head.take_waits();
            let flush = waits.flush;
            assert_eq!(
                waits,
                Pauses {
                    flush,
                    ..Pauses::default()
                }
            );
            if flush > Duration::ZERO {
                return;
            }
        }
        panic!("no wait was noted");
    }

    #[test]
    fn a_wait_is_of_what_the_checkpoint_does_with_that_shard_and_else_of_readers() {
        let waits = Waits::default();
        assert_eq!(waits.cause(0), Cause::Read);
        for cause in [Cause::Snapshot, Cause::Flush, Cause::Release] {
            waits.begins(255, cause);
            assert_eq!((waits.cause(255), waits.cause(0)), (cause, Cause::Read));
        }
        waits.begins(0, Cause::Snapshot);
        assert_eq!(waits.cause(0), Cause::Snapshot);
        waits.ends();
        assert_eq!(waits.cause(0), Cause::Read);
    }
}
