//! The statistics of one domain as plain numbers, in libvirt's own units and under its own words. `params` fills
//! them in, `domain` keeps those that are facts, the collectors turn them into metrics; nothing here does anything.

/// The statistics of one domain by group. A field is `None` when libvirt did not give it, or gave one of its
/// "unknown" marks.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct DomainStats {
    /// `virDomainState`.
    pub(crate) state: Option<i32>,
    /// The reason of that state, numbered apart for each state.
    pub(crate) reason: Option<i32>,
    /// CPU time of the whole domain.
    pub(crate) cpu: Cpu,
    /// Online vCPUs.
    pub(crate) vcpus_current: Option<u64>,
    /// vCPUs that could be brought online.
    pub(crate) vcpus_maximum: Option<u64>,
    /// Each online vCPU.
    pub(crate) vcpus: Vec<Vcpu>,
    /// Memory.
    pub(crate) balloon: Balloon,
    /// Each disk with a medium.
    pub(crate) blocks: Vec<Block>,
    /// Each network interface that has a device on the host.
    pub(crate) interfaces: Vec<Interface>,
    /// What is asked for only where it was switched on; `None` where libvirt told nothing of it.
    pub(crate) extras: Option<Box<Extras>>,
    /// What the domain is busy with; `None` when it was not asked.
    pub(crate) job: Option<Job>,
    /// Proportional share of the hypervisor process in the host's memory, KiB; only the kernel tells.
    pub(crate) pss: Option<u64>,
}

/// What a domain is busy with (`virDomainJobInfo`). Amounts are total, processed and remaining bytes.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Job {
    /// `virDomainJobType`: 0 none, 1 of known length, 2 of unknown length, 3 completed, 4 failed, 5 cancelled.
    pub(crate) kind: i32,
    /// Milliseconds since it began.
    pub(crate) time_elapsed: Option<u64>,
    /// Milliseconds until it ends, if libvirt can tell.
    pub(crate) time_remaining: Option<u64>,
    /// All data.
    pub(crate) data: [Option<u64>; 3],
    /// The memory's part.
    pub(crate) memory: [Option<u64>; 3],
    /// The disks' part.
    pub(crate) file: [Option<u64>; 3],
}

/// CPU time of a domain, nanoseconds (`cpu.*`).
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Cpu {
    /// All time: vCPUs, emulator and I/O threads.
    pub(crate) time: Option<u64>,
    /// The part in user mode.
    pub(crate) user: Option<u64>,
    /// The part in system mode.
    pub(crate) system: Option<u64>,
}

/// One vCPU (`vcpu.<number>.*`).
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Vcpu {
    /// The vCPU's number, as text: it is only ever a label.
    pub(crate) name: String,
    /// `virVcpuState`: 0 offline, 1 running, 2 blocked.
    pub(crate) state: Option<u64>,
    /// Time on a host CPU, nanoseconds.
    pub(crate) time: Option<u64>,
    /// Time that the thread slept waiting for I/O, nanoseconds.
    pub(crate) wait: Option<u64>,
    /// Time in the host's run queue, nanoseconds; the guest sees it as steal.
    pub(crate) delay: Option<u64>,
    /// The host CPU that it last ran on; only the kernel tells.
    pub(crate) cpu: Option<u64>,
}

/// Memory of a domain (`balloon.*`), KiB where not said otherwise.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Balloon {
    /// What the balloon leaves to the guest.
    pub(crate) current: Option<u64>,
    /// What the guest may have at most.
    pub(crate) maximum: Option<u64>,
    /// The guest's own total, `MemTotal`.
    pub(crate) available: Option<u64>,
    /// The guest's free memory, `MemFree`.
    pub(crate) unused: Option<u64>,
    /// What the guest could use without swapping, `MemAvailable`.
    pub(crate) usable: Option<u64>,
    /// Resident memory of the hypervisor process on the host.
    pub(crate) rss: Option<u64>,
    /// The guest's page cache that can be dropped.
    pub(crate) disk_caches: Option<u64>,
    /// Memory that the guest read back from its swap.
    pub(crate) swap_in: Option<u64>,
    /// Memory that the guest wrote to its swap.
    pub(crate) swap_out: Option<u64>,
    /// The guest's page faults that needed I/O, a count.
    pub(crate) major_fault: Option<u64>,
    /// The guest's other page faults, a count.
    pub(crate) minor_fault: Option<u64>,
    /// Huge pages that the guest got, a count.
    pub(crate) hugetlb_pgalloc: Option<u64>,
    /// Huge pages that the guest asked for in vain, a count.
    pub(crate) hugetlb_pgfail: Option<u64>,
    /// When the guest last sent its numbers, seconds since the Unix epoch; `None` when it never did.
    pub(crate) last_update: Option<u64>,
}

/// One disk (`block.<number>.*`), times in nanoseconds.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Block {
    /// The target, e.g. `vda`.
    pub(crate) name: String,
    /// The file or device on the host; `None` for network sources.
    pub(crate) path: Option<String>,
    pub(crate) rd_reqs: Option<u64>,
    pub(crate) rd_bytes: Option<u64>,
    pub(crate) rd_times: Option<u64>,
    pub(crate) wr_reqs: Option<u64>,
    pub(crate) wr_bytes: Option<u64>,
    pub(crate) wr_times: Option<u64>,
    pub(crate) fl_reqs: Option<u64>,
    pub(crate) fl_times: Option<u64>,
    /// Offset of the highest written sector of a running domain's disk, bytes.
    pub(crate) allocation: Option<u64>,
    /// The size that the guest sees, bytes.
    pub(crate) capacity: Option<u64>,
    /// The size of the image file or device, bytes.
    pub(crate) physical: Option<u64>,
}

/// One network interface (`net.<number>.*`), seen from the guest.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Interface {
    /// The device on the host, e.g. `tap3c5556a4-93`.
    pub(crate) name: String,
    pub(crate) rx_bytes: Option<u64>,
    pub(crate) rx_pkts: Option<u64>,
    pub(crate) rx_errs: Option<u64>,
    pub(crate) rx_drop: Option<u64>,
    pub(crate) tx_bytes: Option<u64>,
    pub(crate) tx_pkts: Option<u64>,
    pub(crate) tx_errs: Option<u64>,
    pub(crate) tx_drop: Option<u64>,
}

/// The groups that are off by default.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Extras {
    /// Each I/O thread (`iothread.<id>.*`).
    pub(crate) iothreads: Vec<IoThread>,
    /// The performance counters that the domain has (`perf.*`), by libvirt's name.
    pub(crate) perf: Vec<(String, u64)>,
    /// `dirtyrate.*`.
    pub(crate) dirty_rate: DirtyRate,
    /// What KVM counts (`vm.<name>.<kind>`).
    pub(crate) vm: Vec<VmCount>,
}

/// One I/O thread.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct IoThread {
    /// Its id in the domain's XML, as text: it is only ever a label.
    pub(crate) name: String,
    /// The longest time that it polls before it sleeps, nanoseconds; 0 for never.
    pub(crate) poll_max: Option<u64>,
    /// By how much the time grows when polling was too short; 0 for QEMU's own choice.
    pub(crate) poll_grow: Option<u64>,
    /// By how much the time shrinks when polling was in vain; 0 for QEMU's own choice.
    pub(crate) poll_shrink: Option<u64>,
}

/// The last measurement of how fast a guest writes to its memory (`virsh domdirtyrate-calc` begins one).
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct DirtyRate {
    /// `virDomainDirtyRateStatus`: 0 never begun, 1 going on, 2 done.
    pub(crate) status: Option<u64>,
    /// When it began, seconds of the host's monotonic clock.
    pub(crate) started: Option<u64>,
    /// How long it took or will take, seconds.
    pub(crate) period: Option<u64>,
    /// MiB per second.
    pub(crate) rate: Option<u64>,
    /// MiB per second of each vCPU, by its number; only in the mode `dirty-ring`.
    pub(crate) vcpus: Vec<(String, u64)>,
}

/// One number of KVM's.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct VmCount {
    /// KVM's name of it.
    pub(crate) name: String,
    /// Whether it only grows (libvirt's kind `sum`); a state otherwise (`cur`, `max`).
    pub(crate) is_sum: bool,
    pub(crate) value: u64,
}
