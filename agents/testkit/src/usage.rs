//! What a running program costs: its resident memory and CPU time from `/proc/PID`. Nothing here
//! judges the numbers.

use std::time::Duration;

/// Memory and CPU time of one process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes, `VmRSS` of `/proc/PID/status`.
    pub resident_bytes: u64,
    /// The most that it was since the start or the last [`Usage::forget_peak`], `VmHWM` of
    /// `/proc/PID/status`.
    pub peak_resident_bytes: u64,
    /// User plus system time since its start, `/proc/PID/stat` fields 14 and 15.
    pub cpu: Duration,
    /// Threads, `/proc/PID/stat` field 20.
    pub threads: u64,
    /// Open file descriptors, the entries of `/proc/PID/fd`.
    pub open_files: u64,
}

impl Usage {
    /// Reads the numbers of `pid`; `None` if there is no such process, or it has exited and only
    /// waits to be reaped.
    pub fn of(pid: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let open_files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
        parse(
            &status,
            &stat,
            rustix::param::clock_ticks_per_second(),
            open_files,
        )
    }

    /// Begins the peak of `pid` anew: 5 into `/proc/PID/clear_refs`. An error is the kernel's.
    pub fn forget_peak(pid: u32) -> std::io::Result<()> {
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5")
    }
}

fn parse(status: &str, stat: &str, ticks_per_second: u64, open_files: u64) -> Option<Usage> {
    let bytes = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    // The name, field 2, may hold spaces and parentheses: the fields count from behind the last
    // one.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = number(14)? + number(15)?;
    Some(Usage {
        resident_bytes: bytes("VmRSS:")?,
        peak_resident_bytes: bytes("VmHWM:")?,
        cpu: Duration::from_millis(ticks * 1000 / ticks_per_second),
        threads: number(20)?,
        open_files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_counted_from_behind_a_name_with_parentheses() {
        let stat = "42 (a ) name) S 1 42 42 0 -1 4194560 10 0 0 0 150 50 0 0 20 0 7 0 100 1000000 250 18446744073709551615";
        let usage = parse(
            "Name:\ta\nVmHWM:\t    1500 kB\nVmRSS:\t    1000 kB\n",
            stat,
            100,
            3,
        )
        .unwrap();
        let expected = Usage {
            resident_bytes: 1_024_000,
            peak_resident_bytes: 1_536_000,
            cpu: Duration::from_secs(2),
            threads: 7,
            open_files: 3,
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn a_process_that_is_gone_or_cut_short_has_no_numbers() {
        assert_eq!(
            parse("Name:\ta\nState:\tZ (zombie)\n", "42 (a) Z 1", 100, 0),
            None
        );
        assert_eq!(
            parse("VmHWM:\t1 kB\nVmRSS:\t1 kB\n", "42 (a) S 1 2", 100, 0),
            None
        );
        assert_eq!(Usage::of(u32::MAX), None);
    }

    #[test]
    fn this_test_has_memory_and_threads() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(
            usage.resident_bytes > 100_000 && usage.threads >= 1 && usage.open_files >= 1,
            "{usage:?}"
        );
    }
}
