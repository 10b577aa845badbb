//! Questions that reach the hypervisors: what only a QEMU's monitor can tell, asked domain by domain over a few
//! connections at once. Each question has its own deadline. A thread that misses it is left behind with its connection
//! and its domain, and another takes over its work, so that one QEMU that hangs delays nobody else; how many may be
//! left behind is bounded. Which domain is to be asked how is `penalty`'s business, how it is asked `asker`'s.

pub(crate) mod asker;
pub(crate) mod penalty;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::stats::DomainStats;

/// At most so many threads hang at a time. Each holds a worker of libvirtd too, which has 20 of them.
pub(crate) const MAX_STUCK: usize = 8;

/// What a domain is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The domain.
    pub(crate) uuid: Arc<str>,
    /// The groups of statistics, `VIR_DOMAIN_STATS_*`.
    pub(crate) stats: u32,
    /// Whether the round may end without an answer.
    pub(crate) is_optional: bool,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Libvirt answered, perhaps without the numbers of a domain that is busy.
    Stats(Box<DomainStats>),
    /// There is no such domain any more.
    Gone,
    /// The connection failed, or libvirt refused.
    Failed(String),
}

/// Something that can be asked, perhaps for ever; made on the thread that it runs on.
pub(crate) type Asker = Box<dyn FnMut(&Question) -> Answer>;

/// What happened in a round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Answers that came in time.
    pub(crate) in_time: Vec<(Arc<str>, Answer)>,
    /// Answers to questions of earlier rounds.
    pub(crate) late: Vec<(Arc<str>, Answer)>,
    /// Domains whose question was given up in this round.
    pub(crate) stuck: Vec<Arc<str>>,
}

/// The threads and their questions.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// How many threads work at a time.
    width: usize,
    /// How long a domain may take.
    patience: Duration,
    left_behind: u64,
}

struct Shared {
    make: Box<dyn Fn() -> Asker + Send + Sync>,
    state: Mutex<State>,
    /// Told when there is a question, or no more will come.
    asked: Condvar,
    /// Told when there is an answer.
    answered: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Question>,
    /// What each busy thread is at, by the thread's number.
    busy: HashMap<u64, Busy>,
    /// Threads that take questions, busy or not.
    threads: usize,
    next_thread: u64,
    in_time: Vec<(Arc<str>, Answer)>,
    late: Vec<(Arc<str>, Answer)>,
    closed: bool,
}

struct Busy {
    question: Question,
    since: Instant,
    /// Nobody waits for it any more: its thread ends when it comes back.
    is_left_behind: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Up to `width` threads that ask what `make` makes, on each thread anew. A domain may take as long as `patience`.
    pub(crate) fn new(
        width: usize,
        patience: Duration,
        make: impl Fn() -> Asker + Send + Sync + 'static,
    ) -> Pool {
        let shared = Shared {
            make: Box::new(make),
            state: Mutex::default(),
            asked: Condvar::new(),
            answered: Condvar::new(),
        };
        Pool {
            shared: Arc::new(shared),
            width: width.max(1),
            patience,
            left_behind: 0,
        }
    }

    /// How many threads hang now.
    pub(crate) fn stuck(&self) -> usize {
        self.shared.lock().stuck()
    }

    /// How many threads were ever left behind.
    pub(crate) fn left_behind(&self) -> u64 {
        self.left_behind
    }

    /// Asks all questions and waits for the answers until each has come or missed its own deadline, at most until
    /// `deadline`. Optional ones are asked last, and waited for a quarter of the patience when the others are done.
    /// What was not asked by then is not asked.
    pub(crate) fn round(&mut self, questions: Vec<Question>, deadline: Instant) -> Round {
        let mut round = Round::default();
        let mut state = self.shared.lock();
        let (optional, needed): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .partition(|question| question.is_optional);
        state.queue.extend(needed);
        state.queue.extend(optional);
        let mut may_leave = None;
        loop {
            let now = Instant::now();
            self.left_behind += state.leave_behind(now, self.patience, &mut round.stuck);
            while state.wants_threads(self.width) {
                if let Err(error) = start(&self.shared, &mut state) {
                    tracing::error!(%error, "cannot start a thread for libvirt");
                    break;
                }
            }
            self.shared.asked.notify_all();
            let waits_for_needed = state.is_waited_for(|question| !question.is_optional);
            if waits_for_needed {
                may_leave = None;
            } else if may_leave.is_none() {
                may_leave = Some(now + self.patience / 4);
            }
            let is_done = !state.is_waited_for(|_| true);
            let end = may_leave.map_or(deadline, |leave| leave.min(deadline));
            if is_done || now >= end || state.threads == 0 {
                break;
            }
            // A thread that has only just begun is looked at again after its patience.
            let next_miss = state
                .next_miss(self.patience)
                .unwrap_or(now + self.patience)
                .min(end);
            let wait = next_miss.saturating_duration_since(now);
            state = self
                .shared
                .answered
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.queue.clear();
        round.in_time = std::mem::take(&mut state.in_time);
        round.late = std::mem::take(&mut state.late);
        round
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.queue.clear();
        drop(state);
        self.shared.asked.notify_all();
    }
}

impl State {
    fn stuck(&self) -> usize {
        self.busy
            .values()
            .filter(|busy| busy.is_left_behind)
            .count()
    }

    /// Leaves behind the threads that have been at a question for too long; returns how many.
    fn leave_behind(&mut self, now: Instant, patience: Duration, stuck: &mut Vec<Arc<str>>) -> u64 {
        let mut count = 0;
        for busy in self.busy.values_mut() {
            if !busy.is_left_behind && now.saturating_duration_since(busy.since) >= patience {
                busy.is_left_behind = true;
                stuck.push(Arc::clone(&busy.question.uuid));
                count += 1;
                self.threads = self.threads.saturating_sub(1);
            }
        }
        count
    }

    /// Whether another thread would have work, and may be.
    fn wants_threads(&self, width: usize) -> bool {
        let busy = self.busy.len().saturating_sub(self.stuck());
        let idle = self.threads.saturating_sub(busy);
        !self.queue.is_empty()
            && idle < self.queue.len()
            && self.threads < width
            && self.stuck() < MAX_STUCK
    }

    fn is_waited_for(&self, counts: impl Fn(&Question) -> bool) -> bool {
        let at_work = self
            .busy
            .values()
            .filter(|busy| !busy.is_left_behind)
            .map(|busy| &busy.question);
        self.queue.iter().chain(at_work).any(counts)
    }

    /// When the next thread will have taken too long.
    fn next_miss(&self, patience: Duration) -> Option<Instant> {
        let at_work = self.busy.values().filter(|busy| !busy.is_left_behind);
        at_work.map(|busy| busy.since + patience).min()
    }
}

fn start(shared: &Arc<Shared>, state: &mut State) -> std::io::Result<()> {
    let number = state.next_thread;
    state.next_thread = number.wrapping_add(1);
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("libvirt-ask".into())
        .spawn(move || answer_all(&shared, number))?;
    state.threads += 1;
    Ok(())
}

/// Answers until nobody will ask any more, or until the thread was left behind.
fn answer_all(shared: &Shared, number: u64) {
    let mut asker: Option<Asker> = None;
    let mut state = shared.lock();
    loop {
        let Some(question) = state.queue.pop_front() else {
            if state.closed {
                return;
            }
            state = shared
                .asked
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        state.busy.insert(
            number,
            Busy {
                question: question.clone(),
                since: Instant::now(),
                is_left_behind: false,
            },
        );
        drop(state);
        let mut booking = Booking {
            shared,
            number,
            answer: None,
        };
        let asker = asker.get_or_insert_with(|| (shared.make)());
        booking.answer = Some(asker(&question));
        if booking.close() {
            return;
        }
        state = shared.lock();
    }
}

/// Books the end of a question, also when the thread panics.
struct Booking<'s> {
    shared: &'s Shared,
    number: u64,
    answer: Option<Answer>,
}

impl Booking<'_> {
    /// Returns whether the thread was left behind meanwhile.
    fn close(mut self) -> bool {
        self.book()
    }

    fn book(&mut self) -> bool {
        let mut state = self.shared.lock();
        let Some(busy) = state.busy.remove(&self.number) else {
            return false;
        };
        let panicked = self.answer.is_none();
        let answer = self
            .answer
            .take()
            .unwrap_or_else(|| Answer::Failed("the asking thread died".to_owned()));
        if panicked && !busy.is_left_behind {
            state.threads = state.threads.saturating_sub(1);
        }
        let place = if busy.is_left_behind {
            &mut state.late
        } else {
            &mut state.in_time
        };
        place.push((busy.question.uuid, answer));
        drop(state);
        self.shared.answered.notify_all();
        busy.is_left_behind
    }
}

impl Drop for Booking<'_> {
    fn drop(&mut self) {
        self.book();
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
