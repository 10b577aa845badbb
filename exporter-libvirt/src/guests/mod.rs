//! What is asked of the guests themselves, in the background: their agents (file systems, operating system, users,
//! load), and balloons that never report are told to. Both need a connection that may write; where libvirt gives none,
//! that is said once and the rest goes on. Nothing here delays a scrape: it takes what is there, with its age.

mod asker;
mod guest_info_ffi;
pub(crate) mod info;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::config::GuestsConfig;
use crate::listing::Listing;
pub(crate) use guest_info_ffi::is_there as can_ask_agents;
use info::GuestInfo;
use work::Work;

/// What is known of one guest's agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agent {
    /// Whether it answered when it was last asked.
    pub(crate) is_up: bool,
    /// How long its last answer took.
    pub(crate) latency: Option<Duration>,
    /// When it last answered, and what.
    pub(crate) answer: Option<(Instant, Arc<GuestInfo>)>,
}

/// The background work; it ends when this is dropped.
pub(crate) struct Guests(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when there is a new list, or no more will come.
    told: Condvar,
}

#[derive(Default)]
struct State {
    listing: Option<Arc<Listing>>,
    agents: HashMap<Arc<str>, Agent>,
    stuck: usize,
    left_behind: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    /// Starts the work, which waits for a list of domains. `asks_agents`: whether agents are asked at all.
    pub(crate) fn start(
        uri: &str,
        config: GuestsConfig,
        asks_agents: bool,
        changes: Changes,
    ) -> Guests {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            told: Condvar::new(),
        });
        let work = Work::new(uri, config, asks_agents, changes);
        let theirs = Arc::clone(&shared);
        let spawned = thread::Builder::new()
            .name("guests".into())
            .spawn(move || run(&theirs, work));
        if let Err(error) = spawned {
            tracing::error!(%error, "cannot start a thread for the guests, their agents are not asked");
        }
        Guests(shared)
    }

    /// Tells which domains there are now.
    pub(crate) fn tell(&self, listing: &Arc<Listing>) {
        self.0.lock().listing = Some(Arc::clone(listing));
        self.0.told.notify_all();
    }

    /// What is known of the agents, by UUID.
    pub(crate) fn agents(&self) -> HashMap<Arc<str>, Agent> {
        self.0.lock().agents.clone()
    }

    /// Threads that hang, now and ever.
    pub(crate) fn stuck(&self) -> (usize, u64) {
        let state = self.0.lock();
        (state.stuck, state.left_behind)
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.told.notify_all();
    }
}

fn run(shared: &Shared, mut work: Work) {
    loop {
        let mut state = shared.lock();
        let listing = loop {
            if state.closed {
                return;
            }
            match state.listing.take() {
                Some(listing) => break listing,
                None => {
                    state = shared
                        .told
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        // Scrapes see the old answers until the new ones are there.
        let mut agents = state.agents.clone();
        drop(state);
        work.round(&listing, &mut agents);
        let mut state = shared.lock();
        state.agents = agents;
        (state.stuck, state.left_behind) = work.stuck();
    }
}
