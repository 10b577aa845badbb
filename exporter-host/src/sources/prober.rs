//! Asks mounted file systems for their space without being stopped by one that does not answer. statfs(2) on a dead
//! NFS server or FUSE daemon blocks for ever and cannot be cancelled, so it is called on threads of our own: one in
//! normal times, one more for each mount that is silent, never more than [`MOST_THREADS`].

use std::ffi::{CStr, CString};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many mounts are asked at once, or are silent at once. The last thread asks no remote file system, so that dead
/// servers never hide local disks.
pub(crate) const MOST_THREADS: usize = 16;

/// A mount that takes longer than this gets its thread for itself, and another thread asks the rest.
const PATIENCE: Duration = Duration::from_millis(50);

/// The answer of statfs(2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Space {
    /// Bytes per block, `f_bsize`.
    pub(crate) block_size: f64,
    /// Blocks in all, `f_blocks`.
    pub(crate) blocks: f64,
    /// Free blocks, `f_bfree`.
    pub(crate) free: f64,
    /// Blocks that users without privileges may still take, `f_bavail`.
    pub(crate) available: f64,
    /// Inodes in all, `f_files`.
    pub(crate) files: f64,
    /// Free inodes, `f_ffree`.
    pub(crate) files_free: f64,
}

/// What is known of a mount: `None` if it answered with an error or not in time.
pub(crate) type Answer = Option<Space>;

/// How a mount is asked; `None` is an error of the file system.
type Ask = Box<dyn Fn(&CStr) -> Answer + Send + Sync>;

/// What is asked in one round, no path twice.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Paths {
    /// Mount points of file systems on this host, then those that depend on a server or a daemon.
    pub(crate) all: Vec<CString>,
    /// How many of them are local.
    pub(crate) local: usize,
}

/// The threads and what they work on.
pub(crate) struct Prober(Arc<Shared>);

struct Shared {
    ask: Ask,
    state: Mutex<State>,
    /// There is something to ask.
    work: Condvar,
    /// Something was answered.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// Tells the answers of this round from those that come too late.
    round: u64,
    paths: Arc<Paths>,
    /// The next path that nobody has asked yet.
    next: usize,
    /// Paths of this round that are neither answered nor given up.
    pending: usize,
    answers: Vec<Answer>,
    /// Who is asking what, and since which round.
    busy: Vec<(u64, CString)>,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// One path to ask.
struct Job {
    round: u64,
    index: usize,
    path: CString,
}

impl State {
    /// The next path to ask. A mount that an earlier round still waits for is not asked a second time.
    fn take(&mut self) -> Option<Job> {
        while let Some(path) = self.paths.all.get(self.next) {
            let index = self.next;
            self.next += 1;
            let is_asked = self.busy.iter().any(|(_, busy)| busy == path);
            let is_last_thread = self.busy.len() + 1 >= MOST_THREADS;
            if is_asked || (is_last_thread && index >= self.paths.local) {
                self.pending -= 1;
                continue;
            }
            let path = path.clone();
            self.busy.push((self.round, path.clone()));
            return Some(Job {
                round: self.round,
                index,
                path,
            });
        }
        None
    }

    fn put(&mut self, job: &Job, answer: Answer) {
        self.busy.retain(|(_, busy)| *busy != job.path);
        if job.round == self.round
            && let Some(slot) = self.answers.get_mut(job.index)
        {
            *slot = answer;
            self.pending -= 1;
        }
    }

    /// Whether no thread will ever come to what is left: all of them hang since earlier rounds.
    fn is_hopeless(&self) -> bool {
        let hanging = self
            .busy
            .iter()
            .filter(|(round, _)| *round != self.round)
            .count();
        hanging >= MOST_THREADS
    }
}

impl Prober {
    /// Asks with statfs(2).
    pub(crate) fn new() -> Self {
        Self::with(Box::new(statfs))
    }

    fn with(ask: Ask) -> Self {
        Self(Arc::new(Shared {
            ask,
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        }))
    }

    /// Asks all paths; the answers are in their order. Returns at the deadline at the latest.
    pub(crate) fn ask(&self, paths: &Arc<Paths>, deadline: Instant) -> Vec<Answer> {
        let mut state = self.0.lock();
        state.round += 1;
        state.paths = Arc::clone(paths);
        state.next = 0;
        state.pending = paths.all.len();
        let mut answers = std::mem::take(&mut state.answers);
        answers.clear();
        answers.resize(paths.all.len(), None);
        state.answers = answers;
        if state.idle == 0 {
            self.add_thread(&mut state);
        }
        self.0.work.notify_one();
        while state.pending > 0 && !state.is_hopeless() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let before = (state.next, state.pending);
            let waited = self.0.done.wait_timeout(state, left.min(PATIENCE));
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            let stands_still = timeout.timed_out() && before == (state.next, state.pending);
            if stands_still && state.next < paths.all.len() {
                self.add_thread(&mut state);
            }
        }
        // Answers from here on belong to no round.
        state.round += 1;
        state.paths = Arc::default();
        std::mem::take(&mut state.answers)
    }

    /// Gives an allocation back for the next round.
    pub(crate) fn recycle(&self, answers: Vec<Answer>) {
        self.0.lock().answers = answers;
    }

    fn add_thread(&self, state: &mut State) {
        if state.threads >= MOST_THREADS {
            return;
        }
        let shared = Arc::clone(&self.0);
        let spawned = std::thread::Builder::new()
            .name("statfs".to_owned())
            // The default of 2 MiB is only address space, but there may be many of these.
            .stack_size(64 << 10)
            .spawn(move || shared.work());
        if spawned.is_ok() {
            state.threads += 1;
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does until it is not needed any more.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take() {
                drop(state);
                let answer = (self.ask)(&job.path);
                state = self.lock();
                state.put(&job, answer);
            } else if state.closed || state.idle > 0 {
                // One thread waits for the next round; those that were stuck are done.
                state.threads -= 1;
                self.done.notify_one();
                return;
            } else {
                self.done.notify_one();
                state.idle += 1;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

fn statfs(path: &CStr) -> Answer {
    let space = rustix::fs::statfs(path).ok()?;
    Some(Space {
        block_size: space.f_bsize as f64,
        blocks: space.f_blocks as f64,
        free: space.f_bfree as f64,
        available: space.f_bavail as f64,
        files: space.f_files as f64,
        files_free: space.f_ffree as f64,
    })
}

#[cfg(test)]
#[path = "prober_tests.rs"]
mod tests;
