//! One round of collection: the list of domains, then what the kernel knows of each, then what only the hypervisors
//! know. Each source has threads of its own and a deadline, the last good numbers of a domain stand in for those that
//! did not come, and the end is a [`Snapshot`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::config::{GuestsConfig, LibvirtConfig};
use crate::connect::{self, LibvirtError};
use crate::domain::{Domain, Numbers, Snapshot};
use crate::guests::Guests;
use crate::kernel::{Kernel, Seen, Wanted};
use crate::listing::{Listed, Lister, Listing};
use crate::monitor::asker::{Answer, asker};
use crate::monitor::penalty::{Penalty, Turn};
use crate::monitor::{Pool, Round};
use crate::plan::{self, Asked};
use crate::pools::{self, StoragePool};
use crate::stats::DomainStats;
use crate::worker::Worker;

/// How long the kernel may take to show its files, and libvirt to tell of its storage pools: both answer at once,
/// unless something is stuck in them.
const SIDE_PATIENCE: Duration = Duration::from_secs(1);

/// All sources, with what they remember.
pub(crate) struct Gatherer {
    uri: String,
    /// The groups of statistics that are wanted, `VIR_DOMAIN_STATS_*`.
    wanted: u32,
    lister: Worker<(), Result<Listing, LibvirtError>>,
    kernel: Worker<Arc<Listing>, Vec<Option<Seen>>>,
    storage: Option<Worker<(), Option<Vec<StoragePool>>>>,
    pool: Pool<Answer>,
    /// How many domains may be asked at the same time.
    width: usize,
    guests: Option<Guests>,
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
        let looked_at = Wanted {
            cpu: wanted & connect::CPU_TOTAL != 0,
            vcpus: wanted & connect::VCPU != 0,
            interfaces: wanted & connect::INTERFACE != 0,
            jobs: wanted & connect::JOB != 0,
            pss: config.groups.iter().any(|group| group.name == "pss"),
        };
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
                let mut kernel = Kernel::new(&procfs, &sysfs, looked_at);
                Box::new(move |listing: Arc<Listing>| kernel.look(&listing, Instant::now()))
            }
        });
        let has_storage = config
            .groups
            .iter()
            .any(|group| group.name == "storage_pool");
        let storage = has_storage.then(|| {
            let uri = config.uri.clone();
            Worker::new(move || pools::lister(&uri))
        });
        let asks_agents = config
            .groups
            .iter()
            .any(|group| group.name == "guest_agent");
        let sets_period = config.guests.sets_period && wanted & connect::BALLOON != 0;
        let guests = (asks_agents || sets_period).then(|| {
            let guests = GuestsConfig {
                sets_period,
                ..config.guests
            };
            Guests::start(&config.uri, guests, asks_agents, changes.clone())
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
            storage,
            pool,
            width: config.connections,
            guests,
            penalty: Penalty::default(),
            changes,
            kept: HashMap::new(),
        }
    }

    /// Threads that hang in a call.
    pub(crate) fn stuck(&self) -> Stuck {
        let storage = self.storage.as_ref();
        let guests = self.guests.as_ref().map_or((0, 0), Guests::stuck);
        Stuck {
            now: self.lister.stuck()
                + self.kernel.stuck()
                + self.pool.stuck()
                + storage.map_or(0, Worker::stuck)
                + guests.0,
            ever: self.lister.left_behind()
                + self.kernel.left_behind()
                + self.pool.left_behind()
                + storage.map_or(0, Worker::left_behind)
                + guests.1,
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
        let patience = deadline.min(Instant::now() + SIDE_PATIENCE);
        let seen = self
            .kernel
            .ask(Arc::clone(&listing), patience)
            .unwrap_or_default();
        let seen = seen.into_iter().chain(std::iter::repeat_with(|| None));
        let mut domains: Vec<(&Listed, Option<Seen>)> = listing.domains.iter().zip(seen).collect();
        self.forget_all_but(&listing);

        let now = Instant::now();
        // Who has come back may be asked at once, and is whole in this scrape.
        for (uuid, _) in self.pool.late() {
            self.penalty.returned(&uuid, now);
        }
        let to_ask = self.asked(&domains, now);
        let asked: HashMap<_, _> = to_ask
            .iter()
            .map(|it| (Arc::clone(&it.uuid), it.what))
            .collect();
        let round = self
            .pool
            .round(plan::questions(to_ask, self.width), deadline);
        let fresh = self.book(round, &asked, &listing);

        let patience = deadline.min(Instant::now() + SIDE_PATIENCE);
        let storage = self.storage.as_mut();
        let pools = storage.and_then(|storage| storage.ask((), patience).ok().flatten());
        let mut snapshot = Snapshot {
            taken_at: listing.taken_at,
            versions: listing.versions,
            pools: pools.unwrap_or_default(),
            domains: Vec::with_capacity(domains.len()),
        };
        let mut agents = HashMap::new();
        if let Some(guests) = &self.guests {
            agents = guests.agents();
            guests.tell(&listing);
        }
        let now = Instant::now();
        for (listed, seen) in domains.drain(..) {
            // It vanished while it was asked.
            if matches!(fresh.get(&listed.uuid), Some(Answer::Gone)) {
                continue;
            }
            let stats = asked.get(&listed.uuid).copied();
            let mut domain = self.join(listed, seen, stats, fresh.get(&listed.uuid), now);
            domain.agent = agents.remove(&listed.uuid);
            let answer = domain
                .agent
                .as_ref()
                .and_then(|agent| agent.answer.as_ref());
            domain.agent_age = answer.map(|(at, _)| now.saturating_duration_since(*at));
            if domain.has_other_disks_than_described() {
                self.changes.tell(&listed.uuid);
            }
            snapshot.domains.push(domain);
        }
        Ok(snapshot)
    }

    /// What each domain has to be asked.
    fn asked(&self, domains: &[(&Listed, Option<Seen>)], now: Instant) -> Vec<Asked> {
        let domains = domains.iter().filter_map(|(listed, seen)| {
            let kept = self.kept.get(&listed.uuid);
            let had_job = kept
                .and_then(|kept| kept.stats.job.as_ref())
                .is_some_and(|job| job.kind != 0);
            let turn = match seen {
                Some(seen) if seen.is_stopped => Turn::Never,
                _ => self.penalty.turn(&listed.uuid, now),
            };
            let what = plan::wanted_of(listed, seen.as_ref(), had_job, self.wanted);
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
    fn book(
        &mut self,
        round: Round<Answer>,
        asked: &HashMap<Arc<str>, u32>,
        listing: &Listing,
    ) -> HashMap<Arc<str>, Answer> {
        let now = Instant::now();
        let mut fresh = HashMap::with_capacity(round.in_time.len());
        for (uuid, answer) in round.late {
            self.penalty.returned(&uuid, now);
            fresh.insert(uuid, answer);
        }
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
            is_skipped =
                listed.id.is_some() && listed.description.is_qemu() && lacks(stats, Some(&asked));
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

/// Whether an answer lacks what was asked of the hypervisor.
fn lacks(stats: &DomainStats, asked: Option<&u32>) -> bool {
    stats.lacks_hypervisor_numbers(asked.is_some_and(|what| what & connect::BALLOON != 0))
}
