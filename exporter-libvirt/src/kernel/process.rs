//! One hypervisor process in `/proc`: its files, and which of its threads run vCPUs. It is known by its PID and its
//! start time together, so a PID that was given to another process is not taken for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::cgroup::Accounting;
use super::stat::{self, Role, Stat};
use crate::stats::{Cpu, Vcpu};

/// A process that runs a domain.
pub(super) struct Process {
    /// The domain's id when the process was found; another id is another process.
    pub(super) domain_id: Option<u32>,
    folder: PathBuf,
    started: u64,
    accounting: Accounting,
    namespace: Option<u64>,
    /// Every thread that was seen, with what it does.
    known: HashMap<String, Role>,
    buffer: String,
}

impl Process {
    /// The process of this folder in `/proc`.
    pub(super) fn open(folder: &Path, sysfs: &Path, domain_id: Option<u32>) -> Option<Process> {
        let cgroup = std::fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
        // Who may not look into the process sees the exporter's own network instead.
        let namespace = std::fs::metadata(folder.join("ns/net"))
            .ok()
            .map(|file| file.ino());
        let mut process = Process {
            domain_id,
            folder: folder.to_owned(),
            started: 0,
            accounting: Accounting::of(&cgroup, sysfs),
            namespace,
            known: HashMap::new(),
            buffer: String::new(),
        };
        process.started = stat::stat(process.read("stat")?)?.started;
        process.buffer = String::new();
        Some(process)
    }

    /// Exchanges what files are read into with the caller's, so that not each process keeps its own.
    pub(super) fn lend(&mut self, buffer: &mut String) {
        std::mem::swap(&mut self.buffer, buffer);
    }

    /// Its state now; `None` when it has ended.
    pub(super) fn stat(&mut self) -> Option<Stat> {
        let started = self.started;
        stat::stat(self.read("stat")?).filter(|stat| stat.started == started && stat.state != 'Z')
    }

    /// The domain's CPU time.
    pub(super) fn cpu(&self, stat: &Stat, ticks_per_second: u64) -> Option<Cpu> {
        if self.accounting != Accounting::Process {
            return self.accounting.cpu(ticks_per_second);
        }
        let nanoseconds = |ticks| super::nanoseconds(ticks, ticks_per_second);
        Some(Cpu {
            time: Some(nanoseconds(
                stat.user_ticks.saturating_add(stat.system_ticks),
            )),
            user: Some(nanoseconds(stat.user_ticks)),
            system: Some(nanoseconds(stat.system_ticks)),
        })
    }

    /// The number of its network namespace, 0 for the exporter's own.
    pub(super) fn network_namespace(&self) -> u64 {
        self.namespace.unwrap_or(0)
    }

    /// The devices of its network namespace, empty if they cannot be read.
    pub(super) fn net_dev(&mut self) -> &str {
        self.read("net/dev").unwrap_or_default()
    }

    /// Its proportional share of memory in KiB (`smaps_rollup`, Linux 4.14).
    pub(super) fn pss(&mut self) -> Option<u64> {
        let line = self
            .read("smaps_rollup")?
            .lines()
            .find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Its vCPU threads in the order of their numbers, and whether another thread works on a job. `counts_waits`:
    /// whether the kernel counts how long threads sleep.
    pub(super) fn threads(&mut self, counts_waits: bool) -> (Vec<Vcpu>, bool) {
        let mut known = std::mem::take(&mut self.known);
        let mut seen = HashMap::with_capacity(known.len());
        let mut vcpus = Vec::new();
        let mut has_job = false;
        let entries = std::fs::read_dir(self.folder.join("task")).into_iter();
        for entry in entries.flatten().flatten() {
            let Ok(thread) = entry.file_name().into_string() else {
                continue;
            };
            let role = match known.remove(&thread) {
                Some(role) => role,
                None => self
                    .read(&format!("task/{thread}/comm"))
                    .map_or(Role::Other, stat::role_of),
            };
            match role {
                Role::Vcpu(number) => {
                    let vcpu = self.vcpu(&thread, number, counts_waits);
                    vcpus.extend(vcpu.map(|vcpu| (number, vcpu)));
                }
                Role::Job => has_job = true,
                Role::Other => {}
            }
            seen.insert(thread, role);
        }
        self.known = seen;
        vcpus.sort_by_key(|(number, _)| *number);
        (vcpus.into_iter().map(|(_, vcpu)| vcpu).collect(), has_job)
    }

    fn vcpu(&mut self, thread: &str, number: u32, counts_waits: bool) -> Option<Vcpu> {
        let (time, delay) = stat::schedstat(self.read(&format!("task/{thread}/schedstat"))?)?;
        let processor = stat::stat(self.read(&format!("task/{thread}/stat"))?)?.processor;
        // As libvirt: a kernel that does not count has counted nothing.
        let wait =
            counts_waits.then(|| stat::wait_sum(self.read(&format!("task/{thread}/sched"))?));
        let wait = wait.flatten().unwrap_or(0);
        Some(Vcpu {
            name: number.to_string(),
            // VIR_VCPU_RUNNING, which libvirt says of every vCPU that is online.
            state: Some(1),
            time: Some(time),
            wait: Some(wait),
            delay: Some(delay),
            cpu: Some(processor),
        })
    }

    fn read(&mut self, name: &str) -> Option<&str> {
        self.buffer.clear();
        File::open(self.folder.join(name))
            .ok()?
            .read_to_string(&mut self.buffer)
            .ok()?;
        Some(&self.buffer)
    }
}
