//! Questions that may hang: asked over a few connections at once, each with its own deadline. A thread that misses it
//! is left behind with its connection and its domains, and another takes over its work, so that one hypervisor that
//! hangs delays nobody else; how many may be left behind is bounded. Which domain is to be asked how is `penalty`'s
//! business, how hypervisors are asked `asker`'s, and `state` keeps the books.

pub(crate) mod asker;
pub(crate) mod penalty;
mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use state::{Busy, State};

/// At most so many threads hang at a time. Each holds a worker of libvirtd too, which has 20 of them.
pub(crate) const MAX_STUCK: usize = 8;

/// What some domains are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The domains, by UUID. When one of them hangs, the others are asked again one by one.
    pub(crate) domains: Vec<Arc<str>>,
    /// What is asked, as bits; to hypervisors `VIR_DOMAIN_STATS_*`.
    pub(crate) what: u32,
    /// Whether the round may end without an answer.
    pub(crate) is_optional: bool,
}

/// Something that can be asked, perhaps for ever; made on the thread that it runs on. Domains that it has no answer for
/// are left out.
pub(crate) type Asker<A> = Box<dyn FnMut(&Question) -> Answers<A>>;

/// Answers by UUID.
pub(crate) type Answers<A> = Vec<(Arc<str>, A)>;

/// What happened in a round.
#[derive(Debug)]
pub(crate) struct Round<A> {
    /// Answers that came in time.
    pub(crate) in_time: Answers<A>,
    /// Answers to questions of which the thread had been left behind.
    pub(crate) late: Answers<A>,
    /// As [`Pool::returned`], at the end of the round.
    pub(crate) returned: Vec<Arc<str>>,
    /// Domains of questions that were given up in this round. Those that have an answer in time all the same were
    /// asked together with one that hangs.
    pub(crate) suspects: Vec<Arc<str>>,
}

/// The threads and their questions.
pub(crate) struct Pool<A> {
    shared: Arc<Shared<A>>,
    /// How many threads work at a time.
    width: usize,
    /// How long a question about one domain may take; one about several has half of it.
    patience: Duration,
    left_behind: u64,
}

struct Shared<A> {
    make: Box<dyn Fn() -> Asker<A> + Send + Sync>,
    state: Mutex<State<A>>,
    /// Told when there is a question, or no more will come.
    asked: Condvar,
    /// Told when there is an answer.
    answered: Condvar,
}

impl<A> Shared<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Send + 'static> Pool<A> {
    /// Up to `width` threads that ask what `make` makes, on each thread anew. A question about one domain may take as
    /// long as `patience`.
    pub(crate) fn new(
        width: usize,
        patience: Duration,
        make: impl Fn() -> Asker<A> + Send + Sync + 'static,
    ) -> Pool<A> {
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

    /// The domains of questions that had been given up and have come back since this was last told, with an answer or,
    /// as when libvirt went away meanwhile, without. What they answered is dropped, for nobody knows how old it is.
    pub(crate) fn returned(&mut self) -> Vec<Arc<str>> {
        let mut state = self.shared.lock();
        state.drop_late();
        state.returned()
    }

    /// Asks all questions and waits for the answers until each has come or missed its own deadline, at most until
    /// `deadline`. Optional ones are asked last, and waited for a quarter of the patience when the others are done.
    /// What was not asked by then is not asked.
    pub(crate) fn round(&mut self, questions: Vec<Question>, deadline: Instant) -> Round<A> {
        let mut suspects = Vec::new();
        let mut state = self.shared.lock();
        state.add(questions);
        let mut may_leave = None;
        loop {
            let now = Instant::now();
            self.left_behind += state.leave_behind(now, self.patience, &mut suspects);
            while state.wants_threads(self.width) {
                if let Err(error) = start(&self.shared, &mut state) {
                    tracing::error!(%error, "cannot start a thread for libvirt");
                    break;
                }
            }
            self.shared.asked.notify_all();
            if state.is_waited_for(|question| !question.is_optional) {
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
            let next_miss = state.next_miss(self.patience);
            let wake = next_miss.unwrap_or(now + self.patience / 2).min(end);
            let wait = wake.saturating_duration_since(now);
            let waited = self.shared.answered.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.finish(suspects)
    }
}

impl<A> Drop for Pool<A> {
    fn drop(&mut self) {
        self.shared.lock().close();
        self.shared.asked.notify_all();
    }
}

fn start<A: Send + 'static>(shared: &Arc<Shared<A>>, state: &mut State<A>) -> std::io::Result<()> {
    let number = state.next_number();
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("libvirt-ask".into())
        .spawn(move || answer_all(&shared, number))?;
    state.threads += 1;
    Ok(())
}

/// Answers until nobody will ask any more, or until the thread was left behind.
fn answer_all<A>(shared: &Shared<A>, number: u64) {
    let mut asker: Option<Asker<A>> = None;
    let mut state = shared.lock();
    loop {
        let Some(question) = state.take() else {
            if state.closed {
                return;
            }
            state = shared
                .asked
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        state.busy.insert(number, Busy::new(question.clone()));
        drop(state);
        let mut booking = Booking {
            shared,
            number,
            answers: None,
        };
        let asker = asker.get_or_insert_with(|| (shared.make)());
        booking.answers = Some(asker(&question));
        // Before the lock is taken again: the booking takes it too.
        if booking.close() {
            return;
        }
        state = shared.lock();
    }
}

/// Books the end of a question, also when the thread panics.
struct Booking<'s, A> {
    shared: &'s Shared<A>,
    number: u64,
    answers: Option<Answers<A>>,
}

impl<A> Booking<'_, A> {
    /// Returns whether the thread was left behind meanwhile.
    fn close(mut self) -> bool {
        self.book()
    }

    fn book(&mut self) -> bool {
        let is_left_behind = self.shared.lock().booked(self.number, self.answers.take());
        self.shared.answered.notify_all();
        is_left_behind
    }
}

impl<A> Drop for Booking<'_, A> {
    fn drop(&mut self) {
        self.book();
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
