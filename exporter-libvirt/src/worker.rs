//! A thread that may hang. Calls into libvirt's C library cannot be cancelled, so they run on a thread of their own,
//! and whoever waits for the answer waits until a deadline. A thread that missed it is left behind with all that it
//! holds and a new one takes its place; it is never joined, and how many may be left behind is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// At most so many threads hang at a time. One more would help nobody: if four connections are stuck, so is libvirt.
pub(crate) const MAX_STUCK: usize = 4;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The deadline passed; the thread was left behind.
    #[error("no answer in time")]
    Late,
    /// [`MAX_STUCK`] threads are already left behind.
    #[error("no answer to any of {MAX_STUCK} earlier questions")]
    TooManyStuck,
    /// The thread could not be started, or it panicked.
    #[error("the asking thread died, no answer")]
    Died,
}

/// Something that can be asked, perhaps for ever. It is made on the thread that it runs on.
pub(crate) type Ask<Q, A> = Box<dyn FnMut(Q) -> A>;

/// Asks on a thread of its own, one question at a time.
pub(crate) struct Worker<Q, A> {
    make: Arc<dyn Fn() -> Ask<Q, A> + Send + Sync>,
    current: Option<Current<Q, A>>,
    stuck: Arc<AtomicUsize>,
    left_behind: u64,
}

/// The thread that is asked at present.
struct Current<Q, A> {
    /// Each question with the place for its answer.
    questions: SyncSender<(Q, SyncSender<A>)>,
    left_behind: Arc<AtomicBool>,
}

impl<Q: Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// A worker that makes what it asks by `make`, on each thread anew.
    pub(crate) fn new(make: impl Fn() -> Ask<Q, A> + Send + Sync + 'static) -> Worker<Q, A> {
        Worker {
            make: Arc::new(make),
            current: None,
            stuck: Arc::new(AtomicUsize::new(0)),
            left_behind: 0,
        }
    }

    /// How many threads hang now.
    pub(crate) fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Acquire)
    }

    /// How many threads were ever left behind.
    pub(crate) fn left_behind(&self) -> u64 {
        self.left_behind
    }

    /// Asks, and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// See [`NoAnswer`]. After each of them the next question is put to a new thread.
    pub(crate) fn ask(&mut self, question: Q, deadline: Instant) -> Result<A, NoAnswer> {
        let current = match self.current.take() {
            Some(current) => current,
            None if self.stuck() >= MAX_STUCK => return Err(NoAnswer::TooManyStuck),
            None => self.start()?,
        };
        let (answer_to, answers) = sync_channel(1);
        if current.questions.send((question, answer_to)).is_err() {
            return Err(NoAnswer::Died);
        }
        let wait = deadline.saturating_duration_since(Instant::now());
        match answers.recv_timeout(wait) {
            Ok(answer) => {
                self.current = Some(current);
                Ok(answer)
            }
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer::Died),
            Err(RecvTimeoutError::Timeout) => {
                // Counted before `current` is dropped: only then can the thread see that nobody asks any more, and
                // take itself off the count.
                self.stuck.fetch_add(1, Ordering::AcqRel);
                self.left_behind += 1;
                current.left_behind.store(true, Ordering::Release);
                Err(NoAnswer::Late)
            }
        }
    }

    fn start(&self) -> Result<Current<Q, A>, NoAnswer> {
        let (questions, to_answer) = sync_channel(1);
        let left_behind = Arc::new(AtomicBool::new(false));
        let guard = OffTheCount {
            left_behind: Arc::clone(&left_behind),
            stuck: Arc::clone(&self.stuck),
        };
        let make = Arc::clone(&self.make);
        thread::Builder::new()
            .name("libvirt".into())
            .spawn(move || {
                let _guard = guard;
                answer_all(make(), &to_answer);
            })
            .map_err(|_| NoAnswer::Died)?;
        Ok(Current {
            questions,
            left_behind,
        })
    }
}

/// Answers until nobody asks any more.
fn answer_all<Q, A>(mut ask: Ask<Q, A>, questions: &Receiver<(Q, SyncSender<A>)>) {
    while let Ok((question, answer_to)) = questions.recv() {
        // An answer that nobody waits for any more is dropped.
        let _ = answer_to.send(ask(question));
    }
}

/// Takes a thread that was left behind off the count when it ends after all.
struct OffTheCount {
    left_behind: Arc<AtomicBool>,
    stuck: Arc<AtomicUsize>,
}

impl Drop for OffTheCount {
    fn drop(&mut self) {
        if self.left_behind.load(Ordering::Acquire) {
            self.stuck.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    /// A door that threads wait at.
    #[derive(Default)]
    struct Door {
        open: Mutex<bool>,
        moved: Condvar,
    }

    impl Door {
        fn pass(&self) {
            let _open = self
                .moved
                .wait_while(self.open.lock().unwrap(), |open| !*open)
                .unwrap();
        }

        fn open(&self) {
            *self.open.lock().unwrap() = true;
            self.moved.notify_all();
        }
    }

    fn until_nobody_is_stuck(worker: &Worker<(), u32>) {
        while worker.stuck() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn questions_are_answered_by_one_thread_that_remembers() {
        let mut worker = Worker::new(|| {
            let mut asked = 0;
            Box::new(move |()| {
                asked += 1;
                asked
            })
        });
        let deadline = Instant::now() + LONG;
        assert_eq!(worker.ask((), deadline), Ok(1));
        assert_eq!(worker.ask((), deadline), Ok(2));
        assert_eq!((worker.stuck(), worker.left_behind()), (0, 0));
    }

    #[test]
    fn a_thread_that_hangs_is_left_behind_and_the_next_question_has_a_new_one() {
        let door = Arc::new(Door::default());
        let made = Arc::new(AtomicUsize::new(0));
        let mut worker: Worker<(), u32> = Worker::new({
            let door = Arc::clone(&door);
            move || {
                let first = made.fetch_add(1, Ordering::Relaxed) == 0;
                let door = Arc::clone(&door);
                Box::new(move |()| {
                    if first {
                        door.pass();
                    }
                    7
                })
            }
        });
        assert_eq!(worker.ask((), Instant::now() + SOON), Err(NoAnswer::Late));
        assert_eq!((worker.stuck(), worker.left_behind()), (1, 1));
        assert_eq!(worker.ask((), Instant::now() + LONG), Ok(7));
        door.open();
        until_nobody_is_stuck(&worker);
        assert_eq!(
            worker.left_behind(),
            1,
            "it counts what happened, not what is"
        );
    }

    #[test]
    fn no_more_threads_are_started_when_too_many_hang_until_one_comes_back() {
        let door = Arc::new(Door::default());
        let mut worker: Worker<(), u32> = Worker::new({
            let door = Arc::clone(&door);
            move || {
                let door = Arc::clone(&door);
                Box::new(move |()| {
                    door.pass();
                    7
                })
            }
        });
        for _ in 0..MAX_STUCK {
            assert_eq!(worker.ask((), Instant::now() + SOON), Err(NoAnswer::Late));
        }
        assert_eq!(
            worker.ask((), Instant::now() + LONG),
            Err(NoAnswer::TooManyStuck)
        );
        door.open();
        until_nobody_is_stuck(&worker);
        assert_eq!(worker.ask((), Instant::now() + LONG), Ok(7));
    }

    #[test]
    fn a_thread_that_panics_is_an_error_and_the_next_question_has_a_new_one() {
        let made = Arc::new(AtomicUsize::new(0));
        let mut worker: Worker<(), u32> = Worker::new(move || {
            let first = made.fetch_add(1, Ordering::Relaxed) == 0;
            Box::new(move |()| if first { panic!("as a test") } else { 7 })
        });
        assert_eq!(worker.ask((), Instant::now() + LONG), Err(NoAnswer::Died));
        assert_eq!(worker.ask((), Instant::now() + LONG), Ok(7));
        assert_eq!(worker.stuck(), 0);
    }
}
