//! What is remembered of each domain from round to round: the last good answer of its hypervisor, and whether it is in
//! the penalty box. From that follows what it is asked this time, and what stands in for an answer that did not come.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connect;
use crate::domain::{Domain, Numbers};
use crate::kernel::Seen;
use crate::listing::{Listed, Listing};
use crate::monitor::Round;
use crate::monitor::asker::Answer;
use crate::monitor::penalty::{Penalty, Turn};
use crate::plan::{self, Asked};
use crate::stats::DomainStats;

/// Most jobs have a thread that the kernel shows, a backup has none. So domains are asked for their jobs in turns: each
/// once in so many rounds…
const JOB_TURNS: usize = 8;
/// …and at least so many in each round.
const JOBS_A_ROUND: usize = 8;

/// Everything that is remembered.
#[derive(Default)]
pub(super) struct Memory {
    penalty: Penalty,
    /// The last good answer of each domain's hypervisor.
    kept: HashMap<Arc<str>, Kept>,
    /// Counts rounds.
    round: usize,
}

/// A hypervisor's answer.
struct Kept {
    /// The domain's id then: another one is another process, whose counters begin anew.
    id: Option<u32>,
    stats: DomainStats,
    at: Instant,
}

impl Memory {
    /// Questions of which the thread had been left behind have come back.
    pub(super) fn returned(&mut self, uuids: &[Arc<str>], now: Instant) {
        for uuid in uuids {
            self.penalty.returned(uuid, now);
        }
    }

    /// What each domain has to be asked of what is wanted.
    pub(super) fn asked(
        &mut self,
        domains: &[(&Listed, Option<Seen>)],
        wanted: u32,
        now: Instant,
    ) -> Vec<Asked> {
        self.round = self.round.wrapping_add(1);
        let job_turns = (domains.len() / JOBS_A_ROUND).clamp(1, JOB_TURNS);
        let domains = domains
            .iter()
            .enumerate()
            .filter_map(|(place, (listed, seen))| {
                let kept = self.kept.get(&listed.uuid);
                // One that has just ended is asked for once more, so that it is not left running.
                let had_job = match kept.map(|kept| kept.stats.job.as_ref()) {
                    Some(Some(job)) => job.kind != 0,
                    _ => true,
                };
                let asks_job = had_job || place.wrapping_add(self.round) % job_turns == 0;
                let turn = match seen {
                    Some(seen) if seen.is_stopped => Turn::Never,
                    _ => self.penalty.turn(&listed.uuid, now),
                };
                let what = plan::wanted_of(listed, seen.as_ref(), asks_job, wanted);
                (what != 0 && turn != Turn::Never).then(|| Asked {
                    uuid: Arc::clone(&listed.uuid),
                    what,
                    is_apart: turn == Turn::Apart,
                    last: kept.map(|kept| kept.at),
                })
            });
        domains.collect()
    }

    /// Books who answered and who did not; returns the answers by UUID.
    pub(super) fn book(
        &mut self,
        round: Round<Answer>,
        asked: &HashMap<Arc<str>, u32>,
        listing: &Listing,
    ) -> HashMap<Arc<str>, Answer> {
        let now = Instant::now();
        let mut fresh = HashMap::with_capacity(round.in_time.len());
        fresh.extend(round.late);
        for (uuid, answer) in round.in_time {
            // Beside a question that hangs, a domain that answers "busy" is the one that it hangs on.
            let hangs = round.suspects.contains(&uuid)
                && matches!(&answer, Answer::Stats(stats) if lacks(stats, asked.get(&uuid)));
            if !hangs {
                self.penalty.answered(&uuid);
            }
            fresh.insert(uuid, answer);
        }
        for uuid in round.suspects {
            let answered = match fresh.get(&uuid) {
                Some(Answer::Stats(stats)) => !lacks(stats, asked.get(&uuid)),
                Some(Answer::Gone) => true,
                None => false,
            };
            if !answered {
                self.penalty.failed(&uuid);
                let name = listing.domains.iter().find(|listed| listed.uuid == uuid);
                let name = name.map(|listed| &*listed.name);
                tracing::warn!(
                    domain = name,
                    uuid = &*uuid,
                    "a domain does not answer, its last numbers are kept"
                );
            }
        }
        // After those that failed: a question may have been given up and come back in the same round.
        self.returned(&round.returned, now);
        fresh
    }

    /// The domain as it is now: what came, what is remembered where nothing came, and what the kernel saw.
    pub(super) fn join(
        &mut self,
        listed: &Listed,
        seen: Option<Seen>,
        asked: Option<u32>,
        answer: Option<Answer>,
        now: Instant,
    ) -> Domain {
        let is_stopped = seen.as_ref().is_some_and(|seen| seen.is_stopped);
        let is_stuck = is_stopped || self.penalty.holds(&listed.uuid);
        let is_answered = matches!(answer, Some(Answer::Stats(_)));
        let mut is_skipped = false;
        if let (Some(Answer::Stats(mut stats)), Some(asked)) = (answer, asked) {
            is_skipped =
                listed.id.is_some() && listed.description.is_qemu() && lacks(&stats, Some(&asked));
            if !is_skipped || !self.kept.contains_key(&listed.uuid) {
                let before = self.kept.remove(&listed.uuid);
                if stats.job.is_none() {
                    stats.job = before.and_then(|before| before.stats.job);
                }
                let kept = Kept {
                    id: listed.id,
                    stats: *stats,
                    at: now,
                };
                self.kept.insert(Arc::clone(&listed.uuid), kept);
            }
        }
        let needs_answer = asked.is_some() || is_stuck;
        let known = self.kept.get(&listed.uuid);
        // A domain of which the kernel tells all but its job.
        let mut stats = DomainStats {
            job: known.and_then(|known| known.stats.job.clone()),
            ..DomainStats::default()
        };
        let kept = known.filter(|_| needs_answer);
        let is_fresh = !is_skipped && is_answered;
        let age = match kept {
            Some(_) if is_fresh => Some(Duration::ZERO),
            Some(kept) => Some(now.saturating_duration_since(kept.at)),
            None => None,
        };
        if let Some(kept) = kept {
            stats = kept.stats.clone();
        }
        let numbers = Numbers {
            stats,
            age,
            is_skipped: is_skipped || is_stuck || (asked.is_some() && !is_fresh),
            is_stuck,
        };
        Domain::join(listed, seen, numbers)
    }

    /// Forgets domains that are gone, and the numbers of processes that have ended.
    pub(super) fn forget_all_but(&mut self, listing: &Listing) {
        let ids: HashMap<&str, Option<u32>> = listing
            .domains
            .iter()
            .map(|it| (&*it.uuid, it.id))
            .collect();
        self.kept
            .retain(|uuid, kept| ids.get(&**uuid) == Some(&kept.id));
        let exist: HashSet<&str> = ids.keys().copied().collect();
        self.penalty.keep(|uuid| exist.contains(uuid));
    }
}

/// Whether an answer lacks what was asked of the hypervisor.
fn lacks(stats: &DomainStats, asked: Option<&u32>) -> bool {
    stats.lacks_hypervisor_numbers(asked.is_some_and(|what| what & connect::BALLOON != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::JOB;
    use crate::stats::{Cpu, Job, Vcpu};
    use crate::xml::Description;

    /// Running domains of which the kernel tells all but their jobs.
    fn domains(count: usize) -> Vec<Listed> {
        let description = Description::parse("<domain type='kvm'><memory>1</memory></domain>");
        let description = Arc::new(description.unwrap());
        let domain = |number: usize| Listed {
            id: Some(1),
            description: Arc::clone(&description),
            ..Listed::named("vm", &number.to_string())
        };
        (0..count).map(domain).collect()
    }

    /// A round in which the domains in `busy` have a job; who was asked, and who is shown with one.
    fn round(memory: &mut Memory, domains: &[Listed], busy: &[&str]) -> (Vec<String>, Vec<String>) {
        let seen = || Seen {
            cpu: Some(Cpu::default()),
            vcpus: vec![Vcpu::default()],
            interfaces: Some(Vec::new()),
            ..Seen::default()
        };
        let now = Instant::now();
        let looked_at: Vec<_> = domains.iter().map(|it| (it, Some(seen()))).collect();
        let asked = memory.asked(&looked_at, JOB, now);
        let asked: Vec<String> = asked.iter().map(|it| it.uuid.to_string()).collect();
        let mut shown = Vec::new();
        for domain in domains {
            let is_asked = asked.contains(&domain.uuid.to_string());
            let kind = if busy.contains(&&*domain.uuid) { 2 } else { 0 };
            let stats = DomainStats {
                job: Some(Job {
                    kind,
                    ..Job::default()
                }),
                ..DomainStats::default()
            };
            let answer = is_asked.then(|| Answer::Stats(Box::new(stats)));
            let joined = memory.join(domain, Some(seen()), is_asked.then_some(JOB), answer, now);
            let job = joined.stats.job.expect("once asked, always told");
            if job.kind != 0 {
                shown.push(domain.uuid.to_string());
            }
            assert!(!joined.is_skipped);
        }
        (asked, shown)
    }

    #[test]
    fn domains_are_asked_for_their_jobs_in_turns_and_in_each_round_while_there_is_one() {
        let (mut memory, domains) = (Memory::default(), domains(100));
        assert_eq!(
            round(&mut memory, &domains, &[]).0.len(),
            100,
            "all at first"
        );
        let mut asked = HashSet::new();
        for _ in 0..JOB_TURNS {
            let (now, shown) = round(&mut memory, &domains, &[]);
            assert!(now.len() <= 13 && shown.is_empty(), "{now:?}");
            asked.extend(now);
        }
        assert_eq!(asked.len(), 100);
        let until_shown =
            (0..JOB_TURNS).find(|_| round(&mut memory, &domains, &["42"]).1 == ["42"]);
        assert!(until_shown.is_some());
        for _ in 0..JOB_TURNS {
            let (asked, shown) = round(&mut memory, &domains, &["42"]);
            assert!(asked.contains(&"42".to_owned()) && shown == ["42"]);
        }
        assert_eq!(round(&mut memory, &domains, &[]).1, Vec::<String>::new());
    }

    #[test]
    fn few_domains_are_asked_for_their_jobs_in_each_round() {
        let (mut memory, domains) = (Memory::default(), domains(9));
        for _ in 0..3 {
            assert_eq!(round(&mut memory, &domains, &[]).0.len(), 9);
        }
    }
}
