//! One moment of a libvirt, owned: every domain with its statistics and its description. It is what `gather` hands
//! to the collectors, and all that they see; nothing here calls libvirt, and nothing here writes metrics.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::guests::Agent;
use crate::kernel::Seen;
use crate::listing::{Listed, Versions};
use crate::pools::StoragePool;
use crate::stats::{Cpu, DomainStats};
use crate::xml::Description;

/// What one round of questions answered.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// When the domains were listed, in seconds since the Unix epoch by this host's clock.
    pub(crate) taken_at: f64,
    /// The versions of the parts that answered.
    pub(crate) versions: Versions,
    /// The storage pools, where they are wanted and libvirt could tell.
    pub(crate) pools: Vec<StoragePool>,
    /// Every domain that libvirt knows, running or not, in libvirt's order.
    pub(crate) domains: Vec<Domain>,
}

/// What libvirt said of a domain's numbers, now or when it last could.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    /// The numbers.
    pub(crate) stats: DomainStats,
    /// How old they are; `None` when nothing was asked, for the kernel told all, or nothing was ever answered.
    pub(crate) age: Option<Duration>,
    /// The domain was busy, or could not be asked in time: what the hypervisor tells is old or missing.
    pub(crate) is_skipped: bool,
    /// The hypervisor does not answer anybody.
    pub(crate) is_stuck: bool,
}

/// One domain at the snapshot's moment.
#[derive(Debug)]
pub(crate) struct Domain {
    /// Libvirt's name of the domain, e.g. `instance-0000002a`.
    pub(crate) name: Arc<str>,
    /// The UUID in its canonical text form; Nova's instance id is the same.
    pub(crate) uuid: Arc<str>,
    /// The statistics, from libvirt and from the kernel.
    pub(crate) stats: DomainStats,
    /// What the domain's XML said when it was last read.
    pub(crate) description: Arc<Description>,
    /// How old the hypervisor's numbers are; see [`Numbers::age`].
    pub(crate) age: Option<Duration>,
    /// See [`Numbers::is_skipped`].
    pub(crate) is_skipped: bool,
    /// See [`Numbers::is_stuck`].
    pub(crate) is_stuck: bool,
    /// What is known of the guest's agent, where the domain has a channel for one.
    pub(crate) agent: Option<Agent>,
    /// How old the agent's last answer is.
    pub(crate) agent_age: Option<Duration>,
}

impl Domain {
    /// Joins what the list, the kernel and libvirt say of one domain, and keeps only what is true and unambiguous: see
    /// [`DomainStats::tidy`].
    pub(crate) fn join(listed: &Listed, seen: Option<Seen>, numbers: Numbers) -> Domain {
        let description = Arc::clone(&listed.description);
        let mut stats = numbers.stats;
        stats.state = listed.state;
        stats.reason = listed.reason;
        stats.vcpus_current = stats.vcpus_current.or(description.vcpus_current);
        stats.vcpus_maximum = stats.vcpus_maximum.or(description.vcpus_maximum);
        let balloon = &mut stats.balloon;
        balloon.maximum = balloon.maximum.or(description.memory_maximum);
        balloon.current = balloon
            .current
            .or(description.memory_current)
            .or(description.memory_maximum);
        if let Some(seen) = seen {
            stats.balloon.rss = Some(seen.rss);
            stats.pss = seen.pss;
            if let Some(cpu) = seen.cpu {
                stats.cpu = cpu;
            }
            if !seen.vcpus.is_empty() {
                stats.vcpus = seen.vcpus;
            }
            if let Some(interfaces) = seen.interfaces {
                stats.interfaces = interfaces;
            }
        }
        stats.tidy(listed.id.is_some(), &description);
        Domain {
            name: Arc::clone(&listed.name),
            uuid: Arc::clone(&listed.uuid),
            stats,
            description,
            age: numbers.age,
            is_skipped: numbers.is_skipped,
            is_stuck: numbers.is_stuck,
            agent: None,
            agent_age: None,
        }
    }

    /// Whether there are statistics of a disk that the description does not have: the XML is old.
    pub(crate) fn has_other_disks_than_described(&self) -> bool {
        let mut blocks = self.stats.blocks.iter();
        blocks.any(|block| self.description.disk(&block.name).is_none())
    }

    /// Appends the labels that every series of this domain carries: `domain`, `uuid`, and `project_id` where Nova
    /// wrote one.
    pub(crate) fn identity<'d>(&'d self, labels: &mut Vec<(&'d str, &'d str)>) {
        labels.push(("domain", &self.name));
        labels.push(("uuid", &self.uuid));
        if let Some(nova) = &self.description.nova
            && !nova.project_id.is_empty()
        {
            labels.push(("project_id", &nova.project_id));
        }
    }
}

impl DomainStats {
    /// Drops what is no fact about the domain.
    ///
    /// - Without a hypervisor process there is no CPU time; libvirt 9 then reports its own daemon's.
    /// - A drive without a medium has no statistics, only zeros.
    /// - Names make series: one that is empty or comes twice would make the same series twice.
    fn tidy(&mut self, active: bool, description: &Description) {
        if !active {
            self.cpu = Cpu::default();
        }
        let mut seen = HashSet::new();
        self.blocks.retain(|block| {
            let empty_drive = description
                .disk(&block.name)
                .is_some_and(|disk| disk.is_removable() && !disk.has_medium());
            !block.name.is_empty() && !empty_drive && seen.insert(block.name.clone())
        });
        seen.clear();
        self.interfaces
            .retain(|nic| !nic.name.is_empty() && seen.insert(nic.name.clone()));
    }

    /// Whether an active QEMU domain's answer lacks what libvirt can only tell while it holds the domain's job: then
    /// the domain was busy with something else, and libvirt was told not to wait (`NOWAIT`). `with_balloon`: whether
    /// memory was asked for.
    pub(crate) fn lacks_hypervisor_numbers(&self, with_balloon: bool) -> bool {
        let memory = with_balloon && self.balloon.rss.is_none();
        let disks = !self.blocks.is_empty() && self.blocks.iter().all(|b| b.rd_reqs.is_none());
        memory || disks
    }
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
