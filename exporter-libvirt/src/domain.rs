//! One moment of a libvirt, owned: every domain with its statistics and its description. It is what `connect` hands
//! to the collectors, and all that they see; nothing here calls libvirt, and nothing here writes metrics.

use std::collections::HashSet;
use std::sync::Arc;

use crate::stats::{Cpu, DomainStats};
use crate::xml::Description;

/// What one round of questions to libvirt answered.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// When the answer was complete, in seconds since the Unix epoch by this host's clock.
    pub(crate) taken_at: f64,
    /// The versions of the parts that answered.
    pub(crate) versions: Versions,
    /// Every domain that libvirt knows, running or not, in libvirt's order.
    pub(crate) domains: Vec<Domain>,
}

/// Versions as libvirt's numbers, `1000000 * major + 1000 * minor + release`. `None` where libvirt did not say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The hypervisor, e.g. QEMU (`virConnectGetVersion`).
    pub(crate) hypervisor: Option<u32>,
    /// The daemon at the other end of the connection (`virConnectGetLibVersion`).
    pub(crate) daemon: Option<u32>,
    /// The libvirt library that this process loaded (`virGetVersion`).
    pub(crate) library: Option<u32>,
}

/// One domain at the snapshot's moment.
#[derive(Debug)]
pub(crate) struct Domain {
    /// Libvirt's name of the domain, e.g. `instance-0000002a`.
    pub(crate) name: String,
    /// The UUID in its canonical text form; Nova's instance id is the same.
    pub(crate) uuid: String,
    /// What `virConnectGetAllDomainStats` said.
    pub(crate) stats: DomainStats,
    /// What the domain's XML said when it was last read.
    pub(crate) description: Arc<Description>,
    /// True when libvirt answered without the numbers that need the hypervisor, as it does for a domain that is busy
    /// with another job.
    pub(crate) skipped: bool,
}

impl Domain {
    /// Joins statistics and description of one domain, active when libvirt gave it an id, and keeps only what is true and unambiguous: see
    /// [`DomainStats::tidy`].
    pub(crate) fn new(
        name: String,
        uuid: String,
        id: Option<u32>,
        mut stats: DomainStats,
        description: Arc<Description>,
    ) -> Domain {
        stats.tidy(id.is_some(), &description);
        let skipped = id.is_some() && description.is_qemu() && stats.lacks_hypervisor_numbers();
        Domain {
            name,
            uuid,
            stats,
            description,
            skipped,
        }
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
    /// the domain was busy with something else, and libvirt was told not to wait (`NOWAIT`).
    fn lacks_hypervisor_numbers(&self) -> bool {
        let memory = self.balloon_seen && self.balloon.rss.is_none();
        let disks = !self.blocks.is_empty() && self.blocks.iter().all(|b| b.rd_reqs.is_none());
        memory || disks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Block, Interface};

    fn description(xml: &str) -> Arc<Description> {
        Arc::new(Description::parse(xml).unwrap())
    }

    fn domain(id: Option<u32>, stats: DomainStats, xml: &str) -> Domain {
        Domain::new("vm".into(), "u".into(), id, stats, description(xml))
    }

    fn block(name: &str, rd_reqs: Option<u64>) -> Block {
        Block {
            name: name.into(),
            rd_reqs,
            ..Block::default()
        }
    }

    #[test]
    fn a_domain_that_is_shut_off_has_no_cpu_time_whatever_libvirt_says() {
        let stats = DomainStats {
            cpu: Cpu {
                time: Some(200_000_000),
                user: Some(80_000_000),
                system: Some(120_000_000),
            },
            ..DomainStats::default()
        };
        assert_eq!(
            domain(None, stats.clone(), "<domain/>").stats.cpu,
            Cpu::default()
        );
        assert_eq!(
            domain(Some(1), stats.clone(), "<domain/>").stats.cpu,
            stats.cpu
        );
    }

    #[test]
    fn a_drive_without_a_medium_and_a_name_that_comes_twice_are_dropped() {
        let stats = DomainStats {
            blocks: vec![
                block("vda", Some(1)),
                block("hda", Some(0)),
                block("vda", Some(9)),
                block("", Some(1)),
            ],
            interfaces: vec![Interface::default()],
            ..DomainStats::default()
        };
        let xml = "<domain><devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>\
                   </devices></domain>";
        let domain = domain(Some(1), stats, xml);
        assert_eq!(domain.stats.blocks, [block("vda", Some(1))]);
        assert!(domain.stats.interfaces.is_empty());
    }

    #[test]
    fn an_active_qemu_domain_without_hypervisor_numbers_counts_as_skipped() {
        let qemu = "<domain type='kvm'/>";
        let busy = DomainStats {
            blocks: vec![block("vda", None)],
            ..DomainStats::default()
        };
        assert!(domain(Some(1), busy.clone(), qemu).skipped);
        assert!(!domain(None, busy.clone(), qemu).skipped, "nobody to ask");
        let container = "<domain type='lxc'/>";
        assert!(
            !domain(Some(1), busy, container).skipped,
            "has no such numbers"
        );
        let whole = DomainStats {
            blocks: vec![block("vda", Some(0))],
            ..DomainStats::default()
        };
        assert!(!domain(Some(1), whole, qemu).skipped);
        let no_rss = DomainStats {
            balloon_seen: true,
            ..DomainStats::default()
        };
        assert!(domain(Some(1), no_rss, qemu).skipped);
    }

    #[test]
    fn the_project_is_a_label_only_where_nova_wrote_one() {
        let plain = domain(Some(1), DomainStats::default(), "<domain/>");
        let mut labels = Vec::new();
        plain.identity(&mut labels);
        assert_eq!(labels, [("domain", "vm"), ("uuid", "u")]);
        let xml = "<domain><metadata><i:instance xmlns:i='http://openstack.org/xmlns/libvirt/nova/1.1'><i:owner>\
                   <i:project uuid='p1'>demo</i:project></i:owner></i:instance></metadata></domain>";
        let nova = domain(Some(1), DomainStats::default(), xml);
        let mut labels = Vec::new();
        nova.identity(&mut labels);
        assert_eq!(
            labels,
            [("domain", "vm"), ("uuid", "u"), ("project_id", "p1")]
        );
    }
}
