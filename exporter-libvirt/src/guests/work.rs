//! One round of what guests are asked: who is due, what comes of it, and when it is tried again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asker::{AGENT, Answer, PERIOD, asker};
use super::{Agent, can_ask_agents};
use crate::changes::Changes;
use crate::config::GuestsConfig;
use crate::listing::Listing;
use crate::monitor::penalty::{Penalty, Turn};
use crate::monitor::{Pool, Question};

/// After a refusal nothing is tried for so long.
const TRY_AGAIN: Duration = Duration::from_secs(300);
/// Where libvirt gives its list and yet no connection that may write, it may just have been started anew; if there is none
/// after so long either, it gives none.
const TRY_SOON: Duration = Duration::from_secs(2);

/// What is known from round to round.
pub(super) struct Work {
    config: GuestsConfig,
    asks_agents: bool,
    changes: Changes,
    pool: Pool<Answer>,
    penalty: Penalty,
    /// When each agent was last asked.
    asked: HashMap<Arc<str>, Instant>,
    /// The processes whose balloon was told to report, by UUID and id.
    set: HashMap<Arc<str>, Option<u32>>,
    /// Nothing is tried before.
    not_before: Option<Instant>,
    /// Whether there was no connection when one was last tried.
    is_unreachable: bool,
    /// Whether a refusal was logged.
    was_refused: bool,
}

impl Work {
    pub(super) fn new(
        uri: &str,
        config: GuestsConfig,
        asks_agents: bool,
        changes: Changes,
    ) -> Work {
        let uri = uri.to_owned();
        Work {
            config,
            asks_agents: asks_agents && can_ask_agents(),
            changes,
            pool: Pool::new(config.concurrency, config.timeout, move || asker(&uri)),
            penalty: Penalty::default(),
            asked: HashMap::new(),
            set: HashMap::new(),
            not_before: None,
            is_unreachable: false,
            was_refused: false,
        }
    }

    /// Threads that hang, now and ever.
    pub(super) fn stuck(&self) -> (usize, u64) {
        (self.pool.stuck(), self.pool.left_behind())
    }

    /// Asks who is due, and books what they said in `agents`.
    pub(super) fn round(&mut self, listing: &Listing, agents: &mut HashMap<Arc<str>, Agent>) {
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
        if self.not_before.is_some_and(|time| now < time) {
            return;
        }
        self.not_before = None;
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
        let mut unanswered: HashSet<Arc<str>> = questions
            .iter()
            .flat_map(|question| question.domains.iter().cloned())
            .collect();
        // However many do not answer, the next list is looked at after a while.
        let round = self.pool.round(
            questions,
            now + self.config.interval.max(self.config.timeout),
        );
        for uuid in &round.suspects {
            self.penalty.failed(uuid);
            unanswered.remove(uuid);
            agents.entry(Arc::clone(uuid)).or_default().is_up = false;
        }
        for uuid in round.returned {
            self.penalty.returned(&uuid, Instant::now());
            unanswered.insert(uuid);
        }
        for (uuid, answer) in round.late {
            unanswered.remove(&uuid);
            self.book(&uuid, answer, agents);
        }
        for (uuid, answer) in round.in_time {
            unanswered.remove(&uuid);
            self.penalty.answered(&uuid);
            self.book(&uuid, answer, agents);
        }
        // Libvirt went away meanwhile, or there was no time.
        for uuid in unanswered {
            self.asked.remove(&uuid);
            self.set.remove(&uuid);
        }
    }

    fn book(&mut self, uuid: &Arc<str>, answer: Answer, agents: &mut HashMap<Arc<str>, Agent>) {
        match answer {
            Answer::Done { info, period_set } => {
                self.is_unreachable = false;
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
            Answer::Refused(error) => self.refused(uuid, &error),
            // A round has many questions, and in each of them it may be so.
            Answer::Unreachable(error) if self.is_unreachable && self.not_before.is_none() => {
                self.refused(uuid, &error);
            }
            Answer::Unreachable(_) => {
                self.is_unreachable = true;
                self.put_off(uuid, TRY_SOON);
            }
        }
    }

    fn refused(&mut self, uuid: &str, error: &str) {
        self.put_off(uuid, TRY_AGAIN);
        if !std::mem::replace(&mut self.was_refused, true) {
            tracing::warn!(
                error,
                "libvirt gives no connection that may write: guest agents are not asked, balloons that never report are left so"
            );
        }
    }

    /// What the domain was to be asked is asked later, as is everything else.
    fn put_off(&mut self, uuid: &str, wait: Duration) {
        let now = Instant::now();
        self.not_before = self.not_before.max(Some(now + wait));
        self.set.remove(uuid);
        self.asked.remove(uuid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "6695eb01-f6a4-8304-79aa-97f2502e193f";

    fn work() -> Work {
        let config = GuestsConfig {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            concurrency: 1,
            sets_period: true,
        };
        Work::new("test:///default", config, true, Changes::default())
    }

    /// Books the answer and tells how long everything is put off.
    fn put_off(work: &mut Work, answer: Answer) -> Option<Duration> {
        let (now, uuid) = (Instant::now(), Arc::from(UUID));
        work.asked.insert(Arc::clone(&uuid), now);
        work.set.insert(Arc::clone(&uuid), Some(1));
        work.book(&uuid, answer, &mut HashMap::new());
        assert_eq!(
            work.asked.is_empty() && work.set.is_empty(),
            work.not_before.is_some(),
            "what was not done is done later"
        );
        work.not_before
            .map(|time| time.saturating_duration_since(now))
    }

    fn unreachable() -> Answer {
        Answer::Unreachable("as a test".to_owned())
    }

    #[test]
    fn a_libvirt_that_starts_anew_is_tried_soon_and_one_that_lets_nobody_write_seldom() {
        let mut work = work();
        for _ in 0..2 {
            let wait = put_off(&mut work, unreachable()).unwrap();
            assert!(wait >= TRY_SOON && wait < TRY_AGAIN, "{wait:?}");
        }
        assert!(!work.was_refused);
        work.not_before = None;
        let done = Answer::Done {
            info: None,
            period_set: false,
        };
        assert_eq!(put_off(&mut work, done), None);
        let wait = put_off(&mut work, unreachable()).unwrap();
        assert!(wait < TRY_AGAIN, "it was there meanwhile: {wait:?}");
        work.not_before = None;
        assert!(put_off(&mut work, unreachable()).unwrap() >= TRY_AGAIN);
        assert!(work.was_refused);
        work.not_before = None;
        assert!(put_off(&mut work, Answer::Refused(String::new())).unwrap() >= TRY_AGAIN);
    }
}
