//! The control group in which libvirt accounts a domain's CPU time. libvirt reads it there because it counts vhost's
//! kernel threads too, which the process' own times do not. Where libvirt uses no groups it reads the process, and so
//! do we.

use std::path::{Path, PathBuf};

use crate::stats::Cpu;

/// Where a domain's CPU time is accounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accounting {
    /// libvirt made no group for the domain.
    Process,
    /// The folder of the group, version 2.
    Unified(PathBuf),
    /// The folder of the group in version 1's `cpuacct`.
    Cpuacct(PathBuf),
}

impl Accounting {
    /// Reads `/proc/PID/cgroup`: libvirt puts QEMU in the group `emulator` below the domain's.
    pub(crate) fn of(cgroup: &str, sysfs: &Path) -> Accounting {
        let mounts = sysfs.join("fs/cgroup");
        let mut unified = None;
        for line in cgroup.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let Some(domain) = path.strip_suffix("/emulator") else {
                continue;
            };
            let domain = domain.trim_start_matches('/');
            if controllers
                .split(',')
                .any(|controller| controller == "cpuacct")
            {
                return Accounting::Cpuacct(mounts.join(controllers).join(domain));
            }
            if controllers.is_empty() {
                unified = Some(Accounting::Unified(mounts.join(domain)));
            }
        }
        unified.unwrap_or(Accounting::Process)
    }

    /// The domain's CPU time; `None` when the group cannot be read, and for [`Accounting::Process`].
    pub(crate) fn cpu(&self, ticks_per_second: u64) -> Option<Cpu> {
        let read = |folder: &Path, name| std::fs::read_to_string(folder.join(name)).ok();
        match self {
            Accounting::Process => None,
            Accounting::Unified(folder) => unified(&read(folder, "cpu.stat")?),
            Accounting::Cpuacct(folder) => cpuacct(
                &read(folder, "cpuacct.usage")?,
                &read(folder, "cpuacct.stat")?,
                ticks_per_second,
            ),
        }
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.find(|(key, _)| *key == name)?.1.trim().parse().ok()
}

/// `cpu.stat` counts microseconds.
fn unified(stat: &str) -> Option<Cpu> {
    let nanoseconds = |name| Some(field(stat, name)?.saturating_mul(1000));
    Some(Cpu {
        time: Some(nanoseconds("usage_usec")?),
        user: nanoseconds("user_usec"),
        system: nanoseconds("system_usec"),
    })
}

/// `cpuacct.usage` counts nanoseconds, `cpuacct.stat` clock ticks.
fn cpuacct(usage: &str, stat: &str, ticks_per_second: u64) -> Option<Cpu> {
    let nanoseconds = |name| Some(super::nanoseconds(field(stat, name)?, ticks_per_second));
    Some(Cpu {
        time: Some(usage.trim().parse().ok()?),
        user: nanoseconds("user"),
        system: nanoseconds("system"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSFS: &str = "/sys";

    #[test]
    fn the_group_is_the_one_above_libvirts_emulator() {
        let unified = "0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n";
        assert_eq!(
            Accounting::of(unified, Path::new(SYSFS)),
            Accounting::Unified(
                "/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt".into()
            )
        );
        let first = "4:memory:/machine/qemu-1-vm.libvirt-qemu\n3:cpu,cpuacct:/machine/qemu-1-vm.libvirt-qemu/emulator\n0::/\n";
        assert_eq!(
            Accounting::of(first, Path::new(SYSFS)),
            Accounting::Cpuacct("/sys/fs/cgroup/cpu,cpuacct/machine/qemu-1-vm.libvirt-qemu".into())
        );
    }

    #[test]
    fn without_a_group_of_libvirts_the_process_is_what_counts() {
        for text in [
            "0::/user.slice/session-1.scope\n",
            "2:cpuacct:/\n0::/\n",
            "",
        ] {
            assert_eq!(
                Accounting::of(text, Path::new(SYSFS)),
                Accounting::Process,
                "{text:?}"
            );
        }
    }

    #[test]
    fn both_versions_give_nanoseconds() {
        let stat = "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 0\n";
        let cpu = Cpu {
            time: Some(5_000),
            user: Some(3_000),
            system: Some(2_000),
        };
        assert_eq!(unified(stat), Some(cpu));
        assert_eq!(unified("nr_periods 0\n"), None);
        let cpu = Cpu {
            time: Some(123_456),
            user: Some(20_000_000),
            system: Some(10_000_000),
        };
        assert_eq!(cpuacct("123456\n", "user 2\nsystem 1\n", 100), Some(cpu));
        assert_eq!(cpuacct("x", "", 100), None);
    }

    #[test]
    fn a_group_that_is_gone_or_out_of_sight_gives_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let accounting = Accounting::of("0::/a/emulator\n", dir.path());
        assert_eq!(accounting.cpu(100), None);
        let folder = dir.path().join("fs/cgroup/a");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("cpu.stat"), "usage_usec 7\n").unwrap();
        assert_eq!(accounting.cpu(100).unwrap().time, Some(7_000));
    }
}
