//! The bounded queue before the commit thread: by number of calls and by the measures in them. Measures that wait
//! together are taken together, so that one fsync serves them all; every other call is taken alone, in its turn.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use collector_model::{ArchivePolicy, MetricId};

use crate::batch::SortedBatch;
use crate::sync::mpsc::SyncSender;
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::{Ack, Completion, StoreError};

/// Most calls that wait; few where a test looks for what goes wrong when it is full.
pub const QUEUE_CALLS: usize = if cfg!(feature = "schedules") { 2 } else { 1024 };
/// Most measures in the calls that wait, unless a single one has more.
pub const QUEUE_MEASURES: usize = 2_000_000;
/// Measures after which no further call joins a group.
const GROUP_MEASURES: usize = 250_000;

/// What the caller of an administrative call gets.
pub(crate) type Reply<T> = SyncSender<Result<T, StoreError>>;

/// A call to the commit thread.
pub(crate) enum Call {
    /// Measures, with their log entry and the caller's completion.
    Write(WriteCall),
    /// Register metrics or change their policy.
    SetPolicy(ArchivePolicy, Vec<MetricId>, Reply<()>),
    /// Delete metrics.
    Delete(Vec<MetricId>, Reply<()>),
    /// Begin a new log segment and say which entry was the last one folded.
    Rotate(Reply<u64>),
    /// Forget log segments up to an entry and return their paths.
    Forget(u64, Reply<Vec<PathBuf>>),
}

/// Measures on their way.
pub(crate) struct WriteCall {
    pub(crate) batch: Arc<SortedBatch>,
    pub(crate) payload: Vec<u8>,
    /// Number of deletions at which all metrics of the batch were known.
    pub(crate) known_at: u64,
    pub(crate) done: Completion,
    /// What became of it, once it is folded in.
    pub(crate) ack: Ack,
}

/// What the commit thread does next.
pub(crate) enum Work {
    /// Measures of one or more calls.
    Writes(Vec<WriteCall>),
    /// A call that is no write.
    Other(Call),
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
}

#[derive(Default)]
struct State {
    calls: VecDeque<Call>,
    measures: usize,
    closed: bool,
}

impl Call {
    fn measures(&self) -> usize {
        match self {
            Self::Write(call) => call.batch.len(),
            _ => 0,
        }
    }
}

impl State {
    fn has_room(&self, measures: usize) -> bool {
        let few = self.measures == 0 || self.measures + measures <= QUEUE_MEASURES;
        self.calls.len() < QUEUE_CALLS && few
    }
}

impl Queue {
    /// Adds a call, waiting for room.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub(crate) fn push(&self, call: Call) -> Result<(), StoreError> {
        let mut state = self.lock();
        while !state.closed && !state.has_room(call.measures()) {
            state = self
                .drained
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.add(state, call)
    }

    /// Adds a call if there is room.
    ///
    /// # Errors
    /// [`StoreError::Busy`] without room, [`StoreError::Closed`].
    pub(crate) fn try_push(&self, call: Call) -> Result<(), StoreError> {
        let state = self.lock();
        if !state.closed && !state.has_room(call.measures()) {
            return Err(StoreError::Busy);
        }
        self.add(state, call)
    }

    fn add(&self, mut state: MutexGuard<'_, State>, call: Call) -> Result<(), StoreError> {
        if state.closed {
            return Err(StoreError::Closed);
        }
        state.measures += call.measures();
        state.calls.push_back(call);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for work; `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Work> {
        let mut state = self.lock();
        while state.calls.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut writes = Vec::new();
        let mut measures = 0;
        while measures < GROUP_MEASURES {
            match state.calls.pop_front() {
                Some(Call::Write(call)) => {
                    measures += call.batch.len();
                    writes.push(call);
                }
                Some(other) if writes.is_empty() => {
                    self.drained.notify_all();
                    return Some(Work::Other(other));
                }
                Some(other) => {
                    state.calls.push_front(other);
                    break;
                }
                None => break,
            }
        }
        state.measures -= measures;
        self.drained.notify_all();
        Some(Work::Writes(writes))
    }

    /// Refuses further calls; what waits is still taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Calls and measures that wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let state = self.lock();
        (state.calls.len(), state.measures)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::sync::mpsc::sync_channel;

    use collector_model::{Measure, Timestamp};

    use super::*;

    fn write(measures: usize) -> Call {
        let points = (0..measures)
            .map(|at| Measure::new(Timestamp(at as i64), 0.0))
            .collect();
        let batch = SortedBatch::new(vec![(MetricId::nil(), points)]).unwrap();
        Call::Write(WriteCall {
            batch: Arc::new(batch),
            payload: Vec::new(),
            known_at: 0,
            done: Box::new(|_| ()),
            ack: Ack::default(),
        })
    }

    fn other() -> Call {
        Call::Rotate(sync_channel(1).0)
    }

    fn taken(queue: &Queue) -> usize {
        match queue.take() {
            Some(Work::Writes(calls)) => calls.len(),
            Some(Work::Other(_)) => 0,
            None => usize::MAX,
        }
    }

    #[test]
    fn waiting_measures_are_taken_together_and_other_calls_alone_in_their_turn() {
        let queue = Queue::default();
        for call in [write(1), write(2), other(), other(), write(3)] {
            queue.push(call).unwrap();
        }
        assert_eq!(queue.depth(), (5, 6));
        queue.close();
        assert!(matches!(queue.try_push(write(1)), Err(StoreError::Closed)));
        assert!(matches!(queue.push(write(1)), Err(StoreError::Closed)));
        let order: Vec<usize> = (0..5).map(|_| taken(&queue)).collect();
        assert_eq!(order, [2, 0, 0, 1, usize::MAX]);
        assert_eq!(queue.depth(), (0, 0));
    }

    #[test]
    fn a_full_queue_refuses_until_something_is_taken() {
        let queue = Queue::default();
        for _ in 0..QUEUE_CALLS {
            queue.try_push(write(1)).unwrap();
        }
        assert!(matches!(queue.try_push(write(1)), Err(StoreError::Busy)));
        assert_eq!(taken(&queue), QUEUE_CALLS);
        queue.try_push(write(1)).unwrap();
    }

    #[test]
    fn measures_are_bounded_too_and_a_group_ends_when_it_is_large() {
        let queue = Queue::default();
        for _ in 0..2 {
            queue.try_push(write(1_000_000)).unwrap();
        }
        assert!(matches!(queue.try_push(write(1)), Err(StoreError::Busy)));
        queue.try_push(other()).unwrap();
        assert_eq!(taken(&queue), 1);
        queue.try_push(write(1)).unwrap();
    }

    #[test]
    fn a_waiting_caller_goes_on_when_there_is_room() {
        let queue = Queue::default();
        for _ in 0..QUEUE_CALLS {
            queue.try_push(write(1)).unwrap();
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.push(write(1)));
            assert_eq!(taken(&queue), QUEUE_CALLS);
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(queue.depth().0, 1);
    }
}
