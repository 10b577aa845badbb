//! The pool's books, kept under one lock and free of threads and waiting: what is to be asked, what each thread is at
//! and since when, and what was answered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Answers, MAX_STUCK, Question, Round};

/// The books.
pub(super) struct State<A> {
    queue: VecDeque<Question>,
    /// What each busy thread is at, by the thread's number.
    pub(super) busy: HashMap<u64, Busy>,
    /// Threads that take questions, busy or not.
    pub(super) threads: usize,
    next_thread: u64,
    in_time: Answers<A>,
    late: Answers<A>,
    /// The domains of questions that came back after they had been given up.
    returned: Vec<Arc<str>>,
    /// Nobody will ask any more.
    pub(super) closed: bool,
}

impl<A> Default for State<A> {
    fn default() -> Self {
        State {
            queue: VecDeque::new(),
            busy: HashMap::new(),
            threads: 0,
            next_thread: 0,
            in_time: Vec::new(),
            late: Vec::new(),
            returned: Vec::new(),
            closed: false,
        }
    }
}

/// What a thread is at.
pub(super) struct Busy {
    question: Question,
    since: Instant,
    /// Nobody waits for it any more: its thread ends when it comes back.
    is_left_behind: bool,
}

impl Busy {
    pub(super) fn new(question: Question) -> Busy {
        Busy {
            question,
            since: Instant::now(),
            is_left_behind: false,
        }
    }

    /// When it will have taken too long. A question about several domains has half the patience, for each of them may
    /// have to be asked again alone.
    fn end(&self, patience: Duration) -> Instant {
        let is_alone = self.question.domains.len() == 1;
        self.since + if is_alone { patience } else { patience / 2 }
    }
}

impl<A> State<A> {
    /// Queues questions, the optional ones last.
    pub(super) fn add(&mut self, questions: Vec<Question>) {
        let (optional, needed): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .partition(|question| question.is_optional);
        self.queue.extend(needed);
        self.queue.extend(optional);
    }

    pub(super) fn take(&mut self) -> Option<Question> {
        self.queue.pop_front()
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.next_thread = self.next_thread.wrapping_add(1);
        self.next_thread
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.queue.clear();
    }

    pub(super) fn stuck(&self) -> usize {
        let busy = self.busy.values();
        busy.filter(|busy| busy.is_left_behind).count()
    }

    /// Leaves behind the threads that have been at a question for too long; returns how many. Questions about several
    /// domains are asked again about each of them.
    pub(super) fn leave_behind(
        &mut self,
        now: Instant,
        patience: Duration,
        suspects: &mut Vec<Arc<str>>,
    ) -> u64 {
        let mut count = 0;
        for busy in self.busy.values_mut() {
            if busy.is_left_behind || now < busy.end(patience) {
                continue;
            }
            busy.is_left_behind = true;
            count += 1;
            self.threads = self.threads.saturating_sub(1);
            suspects.extend(busy.question.domains.iter().cloned());
            if busy.question.domains.len() > 1 {
                for domain in &busy.question.domains {
                    self.queue.push_front(Question {
                        domains: vec![Arc::clone(domain)],
                        ..busy.question.clone()
                    });
                }
            }
        }
        count
    }

    /// Whether another thread would have work, and may be.
    pub(super) fn wants_threads(&self, width: usize) -> bool {
        let stuck = self.stuck();
        let busy = self.busy.len().saturating_sub(stuck);
        let idle = self.threads.saturating_sub(busy);
        !self.queue.is_empty()
            && idle < self.queue.len()
            && self.threads < width
            && stuck < MAX_STUCK
    }

    /// Whether a question that counts is queued or being asked.
    pub(super) fn is_waited_for(&self, counts: impl Fn(&Question) -> bool) -> bool {
        let at_work = self.at_work().map(|busy| &busy.question);
        self.queue.iter().chain(at_work).any(counts)
    }

    /// When the next thread will have taken too long.
    pub(super) fn next_miss(&self, patience: Duration) -> Option<Instant> {
        self.at_work().map(|busy| busy.end(patience)).min()
    }

    fn at_work(&self) -> impl Iterator<Item = &Busy> {
        let busy = self.busy.values();
        busy.filter(|busy| !busy.is_left_behind)
    }

    /// Books what a thread found, `None` if it panicked. Returns whether it was left behind meanwhile.
    pub(super) fn booked(&mut self, number: u64, answers: Option<Answers<A>>) -> bool {
        let Some(busy) = self.busy.remove(&number) else {
            return false;
        };
        if answers.is_none() && !busy.is_left_behind {
            self.threads = self.threads.saturating_sub(1);
        }
        let place = if busy.is_left_behind {
            &mut self.late
        } else {
            &mut self.in_time
        };
        place.extend(answers.into_iter().flatten());
        if busy.is_left_behind {
            self.returned.extend(busy.question.domains);
        }
        busy.is_left_behind
    }

    pub(super) fn drop_late(&mut self) {
        self.late.clear();
    }

    /// The domains that have come back. One that another question still hangs on is told when that comes back.
    pub(super) fn returned(&mut self) -> Vec<Arc<str>> {
        let mut returned = std::mem::take(&mut self.returned);
        returned.retain(|uuid| !self.hangs(uuid));
        returned
    }

    fn hangs(&self, uuid: &Arc<str>) -> bool {
        let mut left_behind = self.busy.values().filter(|busy| busy.is_left_behind);
        left_behind.any(|busy| busy.question.domains.contains(uuid))
    }

    /// Ends a round.
    pub(super) fn finish(&mut self, suspects: Vec<Arc<str>>) -> Round<A> {
        self.queue.clear();
        Round {
            in_time: std::mem::take(&mut self.in_time),
            late: std::mem::take(&mut self.late),
            returned: self.returned(),
            suspects,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    #[test]
    fn domains_that_are_asked_together_have_half_the_time_and_are_asked_again_alone() {
        let mut state = State::<()>::default();
        let question = |domains: &[&str]| Question {
            domains: domains.iter().map(|it| Arc::from(*it)).collect(),
            what: 1,
            is_optional: false,
        };
        state.busy.insert(1, Busy::new(question(&["a", "b"])));
        state.busy.insert(2, Busy::new(question(&["c"])));
        let (now, mut suspects) = (Instant::now(), Vec::new());
        let half = now + PATIENCE / 2;
        assert!(state.next_miss(PATIENCE).is_some_and(|miss| miss <= half));
        assert_eq!(state.leave_behind(half, PATIENCE, &mut suspects), 1);
        assert_eq!(suspects, [Arc::from("a"), Arc::from("b")]);
        let again: Vec<_> = std::iter::from_fn(|| state.take()).collect();
        assert_eq!(again, [question(&["b"]), question(&["a"])]);
        assert_eq!(
            state.leave_behind(now + PATIENCE, PATIENCE, &mut suspects),
            1
        );
        assert_eq!(suspects.last(), Some(&Arc::from("c")));
        assert_eq!(state.stuck(), 2);
    }
}
