//! The groups of families about domains, one file each, and the sorted table of them. A group names the statistics
//! that libvirt must be asked for, and writes its families from the snapshot that all groups share; switches, help
//! and the question to libvirt follow from the table.

mod block;
mod block_limits;
mod cpu;
mod dirtyrate;
mod guest_agent;
mod interface;
mod iothread;
mod job;
mod memory;
mod openstack;
mod perf;
mod pss;
mod state;
mod storage_pool;
mod vcpu;
mod vm;

use exposition::Families;

use crate::domain::Snapshot;

/// One group of families, which the operator may switch off.
pub(crate) struct Group {
    /// The name in `--collector.NAME` and in the configuration.
    pub(crate) name: &'static str,
    /// What it exports, one line for `--help`.
    pub(crate) help: &'static str,
    /// Where its numbers come from, for the documentation.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the documentation is written by a test")
    )]
    pub(crate) source: &'static str,
    /// Whether it is exported when nothing speaks of it.
    pub(crate) default_on: bool,
    /// The statistics that libvirt is asked for where the kernel cannot tell, as the constants of `connect`; 0 for one that lives on the domains' XML.
    pub(crate) stats: u32,
    /// Writes the families.
    pub(crate) emit: fn(&Snapshot, &mut Families),
}

/// All groups, sorted by name. To add one, write its file and its two lines here.
pub(crate) const GROUPS: &[Group] = &[
    block::GROUP,
    block_limits::GROUP,
    cpu::GROUP,
    dirtyrate::GROUP,
    guest_agent::GROUP,
    interface::GROUP,
    iothread::GROUP,
    job::GROUP,
    memory::GROUP,
    openstack::GROUP,
    perf::GROUP,
    pss::GROUP,
    state::GROUP,
    storage_pool::GROUP,
    vcpu::GROUP,
    vm::GROUP,
];

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
