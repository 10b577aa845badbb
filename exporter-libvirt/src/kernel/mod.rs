//! What the host's kernel knows of each running domain, without asking libvirt or the hypervisor: CPU time, the vCPU
//! threads, resident memory, taps. These are the files that libvirt reads itself, so the numbers are the same; they
//! cost microseconds instead of a round trip. What is not to be seen here (another PID namespace, another driver) is
//! `None`, and libvirt is asked for it.

mod cgroup;
mod net_dev;
mod process;
mod stat;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::listing::{Listed, Listing};
use crate::stats::{Cpu, Interface, Vcpu};
use crate::xml::Nic;
use process::Process;

/// A domain whose process was not found is looked for again after this time.
const SEARCH_AGAIN: Duration = Duration::from_secs(10);

/// What the kernel says of one domain's hypervisor process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// It was stopped, by a signal or a debugger: it will not answer anybody.
    pub(crate) is_stopped: bool,
    /// CPU time; `None` if it is accounted where we cannot read.
    pub(crate) cpu: Option<Cpu>,
    /// A migration or a dump is going on: the hypervisor has a thread for it.
    pub(crate) has_job: bool,
    /// The vCPU threads in the order of their numbers; empty if the hypervisor has none or names them otherwise.
    pub(crate) vcpus: Vec<Vcpu>,
    /// Resident memory, KiB.
    pub(crate) rss: u64,
    /// Proportional share of memory, KiB; only where it was asked for.
    pub(crate) pss: Option<u64>,
    /// The domain's taps; `None` if one of its interfaces is no tap or is not to be seen.
    pub(crate) interfaces: Option<Vec<Interface>>,
}

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// CPU time of the domain.
    pub(crate) cpu: bool,
    /// The vCPU threads.
    pub(crate) vcpus: bool,
    /// The taps.
    pub(crate) interfaces: bool,
    /// Whether a thread works on a job.
    pub(crate) jobs: bool,
    /// Proportional share of memory; the kernel walks all pages of a process for it.
    pub(crate) pss: bool,
}

/// The reader, with what it has found out about processes.
pub(crate) struct Kernel {
    procfs: PathBuf,
    sysfs: PathBuf,
    wanted: Wanted,
    known: HashMap<Arc<str>, Process>,
    /// Domains that were looked for in vain.
    missing: HashMap<Arc<str>, (Option<u32>, Instant)>,
    ticks_per_second: u64,
    page_size: u64,
    /// What files are read into, lent to one process after the other.
    buffer: String,
}

impl Kernel {
    /// A reader of the kernel's files below these roots.
    pub(crate) fn new(procfs: &Path, sysfs: &Path, wanted: Wanted) -> Kernel {
        Kernel {
            procfs: procfs.to_owned(),
            sysfs: sysfs.to_owned(),
            wanted,
            known: HashMap::new(),
            missing: HashMap::new(),
            ticks_per_second: rustix::param::clock_ticks_per_second(),
            page_size: rustix::param::page_size() as u64,
            buffer: String::new(),
        }
    }

    /// Looks at every domain of the listing; the answers are in its order, `None` where there is no process to see.
    pub(crate) fn look(&mut self, listing: &Listing, now: Instant) -> Vec<Option<Seen>> {
        self.find(listing, now);
        let counts_waits = std::fs::read_to_string(self.procfs.join("sys/kernel/sched_schedstats"));
        let counts_waits = counts_waits.is_ok_and(|text| text.trim() == "1");
        let mut namespaces: HashMap<u64, HashMap<String, Interface>> = HashMap::new();
        let domains = listing.domains.iter();
        domains
            .map(|domain| self.seen(domain, counts_waits, &mut namespaces))
            .collect()
    }

    fn seen(
        &mut self,
        domain: &Listed,
        counts_waits: bool,
        namespaces: &mut HashMap<u64, HashMap<String, Interface>>,
    ) -> Option<Seen> {
        let mut process = self.known.remove(&domain.uuid)?;
        process.lend(&mut self.buffer);
        let seen = self.look_at(&mut process, domain, counts_waits, namespaces);
        process.lend(&mut self.buffer);
        if seen.is_some() {
            self.known.insert(Arc::clone(&domain.uuid), process);
        }
        seen
    }

    /// `None` when it has ended.
    fn look_at(
        &self,
        process: &mut Process,
        domain: &Listed,
        counts_waits: bool,
        namespaces: &mut HashMap<u64, HashMap<String, Interface>>,
    ) -> Option<Seen> {
        let stat = process.stat()?;
        let wanted = self.wanted;
        let cpu = wanted
            .cpu
            .then(|| process.cpu(&stat, self.ticks_per_second));
        let nics = &domain.description.nics;
        let interfaces = (wanted.interfaces && nics.iter().all(Nic::is_tap)).then(|| {
            let taps = namespaces
                .entry(process.network_namespace())
                .or_insert_with(|| net_dev::taps(process.net_dev()));
            nics.iter()
                .map(|nic| taps.remove(&nic.target))
                .collect::<Option<Vec<_>>>()
        });
        let (vcpus, has_job) = if wanted.vcpus || wanted.jobs {
            process.threads(counts_waits)
        } else {
            (Vec::new(), false)
        };
        Some(Seen {
            is_stopped: stat.is_stopped(),
            has_job,
            cpu: cpu.flatten(),
            vcpus,
            rss: stat.resident_pages.saturating_mul(self.page_size) / 1024,
            pss: wanted.pss.then(|| process.pss()).flatten(),
            interfaces: interfaces.flatten(),
        })
    }

    /// Finds the processes of domains that are new, and forgets those of domains that are gone.
    fn find(&mut self, listing: &Listing, now: Instant) {
        let active: HashMap<&Arc<str>, &Listed> = listing
            .domains
            .iter()
            .filter(|domain| domain.id.is_some() && domain.description.is_qemu())
            .map(|domain| (&domain.uuid, domain))
            .collect();
        let is_current = |uuid: &Arc<str>, id: Option<u32>| {
            active.get(uuid).is_some_and(|domain| domain.id == id)
        };
        self.known
            .retain(|uuid, process| is_current(uuid, process.domain_id));
        self.missing.retain(|uuid, (id, tried)| {
            is_current(uuid, *id) && now.saturating_duration_since(*tried) < SEARCH_AGAIN
        });
        let mut wanted: HashMap<&str, &Listed> = active
            .iter()
            .filter(|(uuid, _)| {
                !self.known.contains_key(**uuid) && !self.missing.contains_key(**uuid)
            })
            .map(|(uuid, domain)| (&***uuid, *domain))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let folders = std::fs::read_dir(&self.procfs)
            .into_iter()
            .flatten()
            .flatten();
        for folder in folders {
            let name = folder.file_name();
            if !name
                .as_encoded_bytes()
                .first()
                .is_some_and(u8::is_ascii_digit)
            {
                continue;
            }
            let Ok(cmdline) = std::fs::read(folder.path().join("cmdline")) else {
                continue;
            };
            if let Some(uuid) = stat::uuid_of(&cmdline)
                && let Some(domain) = wanted.get(uuid)
                && let Some(process) = Process::open(&folder.path(), &self.sysfs, domain.id)
            {
                self.known.insert(Arc::clone(&domain.uuid), process);
                wanted.remove(uuid);
            }
        }
        for domain in wanted.values() {
            self.missing
                .insert(Arc::clone(&domain.uuid), (domain.id, now));
        }
    }
}

/// Clock ticks as nanoseconds.
fn nanoseconds(ticks: u64, ticks_per_second: u64) -> u64 {
    ticks.saturating_mul(1_000_000_000) / ticks_per_second.max(1)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
