//! What is asked of the guests themselves, in the background: their agents (file systems, operating system, users,
//! load), and balloons that never report are told to. Both need a connection that may write; where libvirt gives none,
//! that is said once and the rest goes on. Nothing here delays a scrape: it takes what is there, with its age.

mod asker;
mod guest_info_ffi;
pub(crate) mod info;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::config::GuestsConfig;
use crate::listing::Listing;
use crate::monitor::penalty::{Penalty, Turn};
use crate::monitor::{Pool, Question};
use asker::{AGENT, Answer, PERIOD, asker};
pub(crate) use guest_info_ffi::is_there as can_ask_agents;
use info::GuestInfo;

/// Seconds between two reports of a balloon that is told to report; what Nova sets.
const PERIOD_SECONDS: i32 = 10;
/// After a refusal nothing is tried for so long.
const TRY_AGAIN: Duration = Duration::from_secs(300);

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
        let uri = uri.to_owned();
        let work = Work {
            config,
            asks_agents: asks_agents && can_ask_agents(),
            changes,
            pool: Pool::new(config.concurrency, config.timeout, move || asker(&uri)),
            penalty: Penalty::default(),
            asked: HashMap::new(),
            set: HashMap::new(),
            refused: None,
            was_refused: false,
        };
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

/// What the thread knows.
struct Work {
    config: GuestsConfig,
    asks_agents: bool,
    changes: Changes,
    pool: Pool<Answer>,
    penalty: Penalty,
    /// When each agent was last asked.
    asked: HashMap<Arc<str>, Instant>,
    /// The processes whose balloon was told to report, by UUID and id.
    set: HashMap<Arc<str>, Option<u32>>,
    /// When libvirt last refused.
    refused: Option<Instant>,
    was_refused: bool,
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
        state.stuck = work.pool.stuck();
        state.left_behind = work.pool.left_behind();
    }
}

impl Work {
    fn round(&mut self, listing: &Listing, agents: &mut HashMap<Arc<str>, Agent>) {
        let now = Instant::now();
        let domains: HashMap<&Arc<str>, _> =
            listing.domains.iter().map(|it| (&it.uuid, it)).collect();
        let has_agent = |uuid: &Arc<str>| {
            domains
                .get(uuid)
                .is_some_and(|it| it.id.is_some() && it.description.agent.is_some())
        };
        agents.retain(|uuid, _| has_agent(uuid));
        self.asked.retain(|uuid, _| has_agent(uuid));
        self.set
            .retain(|uuid, id| domains.get(uuid).is_some_and(|it| it.id == *id));
        self.penalty
            .keep(|uuid| domains.contains_key(&Arc::from(uuid)));
        if self
            .refused
            .is_some_and(|at| now.saturating_duration_since(at) < TRY_AGAIN)
        {
            return;
        }
        let mut questions = Vec::new();
        for domain in listing.domains.iter().filter(|domain| domain.id.is_some()) {
            let description = &domain.description;
            let is_due = self
                .asked
                .get(&domain.uuid)
                .is_none_or(|at| now.saturating_duration_since(*at) >= self.config.interval);
            let mut what = 0;
            match description.agent {
                Some(true) if self.asks_agents && is_due => what |= AGENT,
                // The channel is there and nobody listens in the guest.
                Some(false) if self.asks_agents => {
                    agents.entry(Arc::clone(&domain.uuid)).or_default().is_up = false;
                }
                _ => {}
            }
            let is_silent = description.has_balloon
                && description.is_qemu()
                && description.balloon_period.is_none();
            if self.config.sets_period && is_silent && !self.set.contains_key(&domain.uuid) {
                what |= PERIOD;
            }
            if what == 0 || self.penalty.turn(&domain.uuid, now) == Turn::Never {
                continue;
            }
            if what & AGENT != 0 {
                self.asked.insert(Arc::clone(&domain.uuid), now);
            }
            if what & PERIOD != 0 {
                self.set.insert(Arc::clone(&domain.uuid), domain.id);
            }
            questions.push(Question {
                domains: vec![Arc::clone(&domain.uuid)],
                what,
                is_optional: false,
            });
        }
        // However many do not answer, the next list is looked at after a while.
        let round = self.pool.round(
            questions,
            now + self.config.interval.max(self.config.timeout),
        );
        for uuid in &round.suspects {
            self.penalty.failed(uuid);
            agents.entry(Arc::clone(uuid)).or_default().is_up = false;
        }
        for (uuid, answer) in round.late {
            self.penalty.returned(&uuid, Instant::now());
            self.book(&uuid, answer, agents);
        }
        for (uuid, answer) in round.in_time {
            self.penalty.answered(&uuid);
            self.book(&uuid, answer, agents);
        }
    }

    fn book(&mut self, uuid: &Arc<str>, answer: Answer, agents: &mut HashMap<Arc<str>, Agent>) {
        match answer {
            Answer::Done { info, period_set } => {
                self.refused = None;
                if period_set {
                    self.changes.tell(uuid);
                }
                if let Some(info) = info {
                    let agent = agents.entry(Arc::clone(uuid)).or_default();
                    agent.is_up = info.is_ok();
                    match info {
                        Ok((latency, info)) => {
                            agent.latency = Some(latency);
                            agent.answer = Some((Instant::now(), Arc::new(info)));
                        }
                        Err(error) => {
                            tracing::debug!(uuid = &**uuid, error, "a guest agent does not answer");
                        }
                    }
                }
            }
            Answer::Refused(error) => {
                self.refused = Some(Instant::now());
                self.set.remove(uuid);
                self.asked.remove(uuid);
                if !std::mem::replace(&mut self.was_refused, true) {
                    tracing::warn!(
                        error,
                        "libvirt gives no connection that may write: guest agents are not asked, balloons that never report are left so"
                    );
                }
            }
        }
    }
}
