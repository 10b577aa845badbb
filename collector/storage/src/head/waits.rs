//! How long writes have waited for the shards that others had locked, by what those did. A shard may be locked for longer
//! than anybody waits for it: the scheduler takes the processor away from who has it, and the commit thread goes on with
//! the other shards.

use std::sync::TryLockError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

impl Cause {
    /// Those of a checkpoint, which does one thing at a time.
    const OF_CHECKPOINT: [Self; 3] = [Self::Snapshot, Self::Flush, Self::Release];
}

/// What a checkpoint does now, and the longest waits.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Four times the shard, and the place of the cause in [`Cause::OF_CHECKPOINT`] from 1 on; 0 is none.
    at_work: AtomicUsize,
    /// Nanoseconds by cause.
    longest: [AtomicU64; 4],
}

impl Waits {
    /// Says what a checkpoint does with which shard.
    pub(super) fn begins(&self, index: usize, cause: Cause) {
        let place = Cause::OF_CHECKPOINT.iter().position(|of| *of == cause);
        let code = place.map_or(0, |place| (index << 2) + place + 1);
        self.at_work.store(code, Ordering::Relaxed);
    }

    /// Says that it does nothing with any.
    pub(super) fn ends(&self) {
        self.at_work.store(0, Ordering::Relaxed);
    }

    fn cause(&self, index: usize) -> Cause {
        let code = self.at_work.load(Ordering::Relaxed);
        let place = (code & 3).checked_sub(1).filter(|_| code >> 2 == index);
        let cause = place.and_then(|place| Cause::OF_CHECKPOINT.get(place));
        cause.copied().unwrap_or(Cause::Read)
    }

    fn note(&self, cause: Cause, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if let Some(longest) = self.longest.get(cause as usize) {
            longest.fetch_max(nanos, Ordering::Relaxed);
        }
    }
}

impl Head {
    /// The longest waits since the last call.
    pub(crate) fn take_waits(&self) -> Pauses {
        let take = |cause: Cause| {
            let longest = self.waits.longest.get(cause as usize);
            let nanos = longest.map_or(0, |longest| longest.swap(0, Ordering::Relaxed));
            Duration::from_nanos(nanos)
        };
        Pauses {
            snapshot: take(Cause::Snapshot),
            flush: take(Cause::Flush),
            release: take(Cause::Release),
            read: take(Cause::Read),
            rotate: Duration::ZERO,
        }
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
        for cause in Cause::OF_CHECKPOINT {
            waits.begins(255, cause);
            assert_eq!((waits.cause(255), waits.cause(0)), (cause, Cause::Read));
        }
        waits.begins(0, Cause::Snapshot);
        assert_eq!(waits.cause(0), Cause::Snapshot);
        waits.ends();
        assert_eq!(waits.cause(0), Cause::Read);
    }
}
