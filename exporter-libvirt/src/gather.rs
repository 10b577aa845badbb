//! One round of collection: the list of domains, then what the kernel knows of each, then what only the hypervisors
//! know. Each source has threads of its own and a deadline, the last good numbers of a domain stand in for those that
//! did not come, and the end is a [`Snapshot`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::config::LibvirtConfig;
use crate::connect::{self, LibvirtError};
use crate::domain::{Domain, Numbers, Snapshot};
use crate::kernel::{Kernel, Seen};
use crate::listing::{Listed, Lister, Listing};
use crate::monitor::asker::asker;
use crate::monitor::penalty::{Penalty, Turn};
use crate::monitor::{Answer, Pool, Question, Round};
use crate::stats::DomainStats;
use crate::worker::Worker;

/// How long the kernel may take to show its files: it answers at once, unless a process is stuck in it.
const KERNEL_PATIENCE: Duration = Duration::from_secs(1);

/// All sources, with what they remember.
pub(crate) struct Gatherer {
    uri: String,
    /// The groups of statistics that are wanted, `VIR_DOMAIN_STATS_*`.
    wanted: u32,
    lister: Worker<(), Result<Listing, LibvirtError>>,
    kernel: Worker<Arc<Listing>, Vec<Option<Seen>>>,
    pool: Pool,
    penalty: Penalty,
    changes: Changes,
    /// The last good answer of each domain's hypervisor.
    kept: HashMap<Arc<str>, Kept>,
}

/// A hypervisor's answer.
struct Kept {
    /// The domain's id then: another one is another process, whose counters begin anew.
    id: Option<u32>,
    stats: DomainStats,
    at: Instant,
}

/// Threads that hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stuck {
    /// Now.
    pub(crate) now: usize,
    /// Ever.
    pub(crate) ever: u64,
}

impl Gatherer {
    /// Nothing is asked yet.
    pub(crate) fn new(config: &LibvirtConfig) -> Gatherer {
        let changes = Changes::default();
        let wanted = config
            .groups
            .iter()
            .fold(0, |stats, group| stats | group.stats);
        let with_pss = config.groups.iter().any(|group| group.name == "pss");
        let lister = Worker::new({
            let (uri, changes) = (config.uri.clone(), changes.clone());
            move || {
                let mut lister = Lister::new(&uri, changes.clone());
                Box::new(move |()| lister.list())
            }
        });
        let kernel = Worker::new({
            let (procfs, sysfs) = (config.procfs.clone(), config.sysfs.clone());
            move || {
                let mut kernel = Kernel::new(&procfs, &sysfs, with_pss);
                Box::new(move |listing: Arc<Listing>| kernel.look(&listing, Instant::now()))
            }
        });
        let uri = config.uri.clone();
        let pool = Pool::new(config.connections, config.domain_timeout, move || {
            asker(&uri)
        });
        Gatherer {
            uri: config.uri.clone(),
            wanted,
            lister,
            kernel,
            pool,
            penalty: Penalty::default(),
            changes,
            kept: HashMap::new(),
        }
    }

    /// Threads that hang in a call.
    pub(crate) fn stuck(&self) -> Stuck {
        Stuck {
            now: self.lister.stuck() + self.kernel.stuck() + self.pool.stuck(),
            ever: self.lister.left_behind() + self.kernel.left_behind() + self.pool.left_behind(),
        }
    }

    /// Gathers everything until `deadline`.
    ///
    /// # Errors
    /// Why there is no list of domains. Whatever else is missing is missing in the snapshot.
    pub(crate) fn gather(&mut self, deadline: Instant) -> Result<Snapshot, String> {
        let listing = match self.lister.ask((), deadline) {
            Ok(answer) => Arc::new(answer.map_err(|error| error.to_string())?),
            Err(missing) => return Err(format!("{missing} from {}", self.uri)),
        };
        let patience = deadline.min(Instant::now() + KERNEL_PATIENCE);
        let seen = self
            .kernel
            .ask(Arc::clone(&listing), patience)
            .unwrap_or_default();
        let seen = seen.into_iter().chain(std::iter::repeat_with(|| None));
        let mut domains: Vec<(&Listed, Option<Seen>)> = listing.domains.iter().zip(seen).collect();
        self.forget_all_but(&listing);

        let now = Instant::now();
        let questions = self.questions(&domains, now);
        let asked: HashMap<Arc<str>, u32> = questions
            .iter()
            .map(|it| (Arc::clone(&it.uuid), it.stats))
            .collect();
        let round = self.pool.round(questions, deadline);
        let fresh = self.book(round, &listing);

        let mut snapshot = Snapshot {
            taken_at: listing.taken_at,
            versions: listing.versions,
            domains: Vec::with_capacity(domains.len()),
        };
        let now = Instant::now();
        for (listed, seen) in domains.drain(..) {
            // It vanished while it was asked.
            if matches!(fresh.get(&listed.uuid), Some(Answer::Gone)) {
                continue;
            }
            let stats = asked.get(&listed.uuid).copied();
            let domain = self.join(listed, seen, stats, fresh.get(&listed.uuid), now);
            if domain.has_other_disks_than_described() {
                self.changes.tell(&listed.uuid);
            }
            snapshot.domains.push(domain);
        }
        Ok(snapshot)
    }

    /// What each domain has to be asked, those first that have waited longest.
    fn questions(&self, domains: &[(&Listed, Option<Seen>)], now: Instant) -> Vec<Question> {
        let mut questions = Vec::with_capacity(domains.len());
        for (listed, seen) in domains {
            let stats = wanted_of(listed, seen.as_ref(), self.wanted);
            let turn = match seen {
                Some(seen) if seen.is_stopped => Turn::Never,
                _ => self.penalty.turn(&listed.uuid, now),
            };
            if stats == 0 || turn == Turn::Never {
                continue;
            }
            let at = self.kept.get(&listed.uuid).map(|kept| kept.at);
            questions.push((
                at,
                Question {
                    uuid: Arc::clone(&listed.uuid),
                    stats,
                    is_optional: turn == Turn::Apart,
                },
            ));
        }
        questions.sort_by_key(|(at, _)| *at);
        questions
            .into_iter()
            .map(|(_, question)| question)
            .collect()
    }

    /// Books who answered and who did not; returns the answers by UUID.
    fn book(&mut self, round: Round, listing: &Listing) -> HashMap<Arc<str>, Answer> {
        let now = Instant::now();
        for uuid in &round.stuck {
            self.penalty.failed(uuid);
        }
        let mut fresh = HashMap::with_capacity(round.in_time.len());
        for (uuid, answer) in round.late {
            self.penalty.returned(&uuid, now);
            fresh.insert(uuid, answer);
        }
        for (uuid, answer) in round.in_time {
            self.penalty.answered(&uuid);
            fresh.insert(uuid, answer);
        }
        let names = || {
            listing
                .domains
                .iter()
                .map(|listed| (&listed.uuid, &listed.name))
        };
        for uuid in &round.stuck {
            let name = names()
                .find(|(known, _)| *known == uuid)
                .map(|(_, name)| &**name);
            tracing::warn!(
                domain = name,
                uuid = &**uuid,
                "a domain does not answer, its last numbers are kept"
            );
        }
        fresh
    }

    fn join(
        &mut self,
        listed: &Listed,
        seen: Option<Seen>,
        asked: Option<u32>,
        answer: Option<&Answer>,
        now: Instant,
    ) -> Domain {
        let is_stopped = seen.as_ref().is_some_and(|seen| seen.is_stopped);
        let is_stuck = is_stopped || self.penalty.holds(&listed.uuid);
        let mut is_skipped = false;
        if let (Some(Answer::Stats(stats)), Some(asked)) = (answer, asked) {
            is_skipped = listed.id.is_some()
                && listed.description.is_qemu()
                && stats.lacks_hypervisor_numbers(asked & connect::BALLOON != 0);
            if !is_skipped || !self.kept.contains_key(&listed.uuid) {
                let kept = Kept {
                    id: listed.id,
                    stats: (**stats).clone(),
                    at: now,
                };
                self.kept.insert(Arc::clone(&listed.uuid), kept);
            }
        }
        let needs_answer = asked.is_some() || is_stuck;
        let kept = self.kept.get(&listed.uuid).filter(|_| needs_answer);
        let is_fresh = !is_skipped && matches!(answer, Some(Answer::Stats(_)));
        let age = match kept {
            Some(_) if is_fresh => Some(Duration::ZERO),
            Some(kept) => Some(now.saturating_duration_since(kept.at)),
            None => None,
        };
        let numbers = Numbers {
            stats: kept.map(|kept| kept.stats.clone()).unwrap_or_default(),
            age,
            is_skipped: is_skipped || is_stuck || (asked.is_some() && !is_fresh),
            is_stuck,
        };
        Domain::join(listed, seen, numbers)
    }

    /// Forgets domains that are gone, and the numbers of processes that have ended.
    fn forget_all_but(&mut self, listing: &Listing) {
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

/// The groups of statistics that libvirt has to be asked for, for this domain: those that are wanted and that nothing
/// else tells.
fn wanted_of(listed: &Listed, seen: Option<&Seen>, wanted: u32) -> u32 {
    let description = &listed.description;
    let mut stats = wanted & !connect::STATE;
    if description.is_qemu() && description.disks.is_empty() {
        stats &= !connect::BLOCK;
    }
    if listed.id.is_none() {
        // The sizes of its images; all else is in its XML, or needs a hypervisor.
        return stats & connect::BLOCK;
    }
    let Some(seen) = seen else {
        return stats;
    };
    if seen.cpu.is_some() {
        stats &= !connect::CPU_TOTAL;
    }
    if !seen.vcpus.is_empty() {
        stats &= !connect::VCPU;
    }
    if seen.interfaces.is_some() {
        stats &= !connect::INTERFACE;
    }
    if !description.has_balloon && description.memory_maximum.is_some() {
        stats &= !connect::BALLOON;
    }
    stats
}
