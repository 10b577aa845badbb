//! One round of collection: the list of domains, then what the kernel knows of each, then what only the hypervisors
//! know. Each source has threads of its own and a deadline, the last good numbers of a domain stand in for those that
//! did not come, and the end is a [`Snapshot`].

mod memory;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::changes::Changes;
use crate::config::{GuestsConfig, LibvirtConfig};
use crate::connect::{self, LibvirtError};
use crate::domain::Snapshot;
use crate::guests::Guests;
use crate::kernel::{Kernel, Seen, Wanted};
use crate::listing::{Listed, Lister, Listing};
use crate::monitor::Pool;
use crate::monitor::asker::{Answer, asker};
use crate::plan;
use crate::pools::{self, StoragePool};
use crate::worker::Worker;
use memory::Memory;

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
    changes: Changes,
    memory: Memory,
    /// The storage pools that were there when libvirt last told of them.
    pools: Vec<Arc<str>>,
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
            changes,
            memory: Memory::default(),
            pools: Vec::new(),
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
        self.memory.forget_all_but(&listing);

        let now = Instant::now();
        // Who has come back may be asked at once, and is whole in this scrape.
        self.memory.returned(&self.pool.returned(), now);
        let to_ask = self.memory.asked(&domains, self.wanted, now);
        let asked: HashMap<_, _> = to_ask
            .iter()
            .map(|it| (Arc::clone(&it.uuid), it.what))
            .collect();
        let round = self
            .pool
            .round(plan::questions(to_ask, self.width), deadline);
        let mut fresh = self.memory.book(round, &asked, &listing);

        let pools = self.storage_pools(deadline.min(Instant::now() + SIDE_PATIENCE));
        let mut snapshot = Snapshot {
            taken_at: listing.taken_at,
            versions: listing.versions,
            pools,
            domains: Vec::with_capacity(domains.len()),
        };
        let mut agents = HashMap::new();
        if let Some(guests) = &self.guests {
            agents = guests.agents();
            guests.tell(&listing);
        }
        let now = Instant::now();
        for (listed, seen) in domains.drain(..) {
            let answer = fresh.remove(&listed.uuid);
            // It vanished while it was asked.
            if matches!(answer, Some(Answer::Gone)) {
                continue;
            }
            let what = asked.get(&listed.uuid).copied();
            let mut domain = self.memory.join(listed, seen, what, answer, now);
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

    /// The storage pools, where they are wanted; without state and sizes where libvirt does not tell in time.
    fn storage_pools(&mut self, deadline: Instant) -> Vec<StoragePool> {
        let Some(storage) = &mut self.storage else {
            return Vec::new();
        };
        match storage.ask((), deadline) {
            Ok(Some(pools)) => {
                self.pools = pools.iter().map(|pool| Arc::clone(&pool.name)).collect();
                pools
            }
            Ok(None) | Err(_) => {
                let known = self.pools.iter().map(Arc::clone);
                known.map(StoragePool::unknown).collect()
            }
        }
    }
}
