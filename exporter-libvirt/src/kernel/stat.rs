//! The texts of `/proc/PID`: which numbers stand where (proc(5), Documentation/scheduler/sched-stats.txt). Pure:
//! reading the files is the business of the folder's other files.

/// What `/proc/PID/stat` says of a process or of one of its threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Field 3: `R`, `S`, `D`, `T` (stopped), `t` (traced), `Z`…
    pub(crate) state: char,
    /// Field 14: time in user mode, clock ticks.
    pub(crate) user_ticks: u64,
    /// Field 15: time in system mode, clock ticks.
    pub(crate) system_ticks: u64,
    /// Field 22: when it started, clock ticks since boot. With the PID it names a process for ever.
    pub(crate) started: u64,
    /// Field 24: resident pages.
    pub(crate) resident_pages: u64,
    /// Field 39: the host CPU that it last ran on.
    pub(crate) processor: u64,
}

impl Stat {
    /// Whether it cannot answer because somebody stopped it: by a signal or in a debugger.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
}

/// Parses `/proc/PID/stat`. The name, field 2, may hold blanks and parentheses, so fields count from behind the last one.
pub(crate) fn stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
    let count = |number| field(number)?.parse::<u64>().ok();
    Some(Stat {
        state: field(3)?.chars().next()?,
        user_ticks: count(14)?,
        system_ticks: count(15)?,
        started: count(22)?,
        resident_pages: count(24)?,
        processor: count(39)?,
    })
}

/// Parses `/proc/PID/schedstat`: nanoseconds on a CPU, and nanoseconds in a run queue.
pub(crate) fn schedstat(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The sum of waits in `/proc/PID/sched`, nanoseconds. The kernel writes it, in milliseconds, only while
/// `kernel.sched_schedstats` is on; the name lost its `se.statistics.` in 5.16.
pub(crate) fn wait_sum(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default().trim();
        name == "wait_sum" || name == "se.statistics.wait_sum"
    })?;
    let (millis, nanos) = line.split_once(':')?.1.trim().split_once('.')?;
    let (millis, nanos): (u64, u64) = (millis.parse().ok()?, nanos.parse().ok()?);
    Some(millis.saturating_mul(1_000_000).saturating_add(nanos))
}

/// What a thread of a hypervisor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It runs the vCPU of this number.
    Vcpu(u32),
    /// It migrates, saves or dumps the guest.
    Job,
    /// Anything else.
    Other,
}

/// The role of a thread by the name that QEMU gives it (`CPU 0/KVM`, `live_migration`, `mig/src/main`).
pub(crate) fn role_of(comm: &str) -> Role {
    let comm = comm.trim_end();
    let vcpu = comm
        .strip_prefix("CPU ")
        .and_then(|rest| rest.split_once('/')?.0.parse().ok());
    let is_job = [
        "live_migration",
        "migration",
        "mig/",
        "multifd",
        "dump_thread",
    ]
    .iter()
    .any(|name| comm.starts_with(name));
    match vcpu {
        Some(number) => Role::Vcpu(number),
        None if is_job => Role::Job,
        None => Role::Other,
    }
}

/// The domain of a QEMU's command line, by the argument after `-uuid`.
pub(crate) fn uuid_of(cmdline: &[u8]) -> Option<&str> {
    let mut arguments = cmdline.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == b"-uuid")?;
    std::str::from_utf8(arguments.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_stat_count_from_behind_a_name_with_parentheses() {
        let text = "19828 (CPU 0/TCG) x) T 1 2 3 0 -1 4194368 10 0 0 0 150 50 0 0 20 0 7 0 1234 1000000 250 \
                    18446744073709551615 1 1 0 0 0 0 2147220991 0 65536 0 0 0 -1 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let found = stat(text).unwrap();
        let expected = Stat {
            state: 'T',
            user_ticks: 150,
            system_ticks: 50,
            started: 1234,
            resident_pages: 250,
            processor: 3,
        };
        assert_eq!(found, expected);
        assert!(found.is_stopped());
        assert_eq!(stat("1 (a) S 1 2"), None);
    }

    #[test]
    fn run_and_queue_time_are_the_first_two_numbers_of_schedstat() {
        assert_eq!(schedstat("826891 2334567 9\n"), Some((826_891, 2_334_567)));
        assert_eq!(schedstat("826891"), None);
    }

    #[test]
    fn the_sum_of_waits_is_there_under_either_name_or_not_at_all() {
        let old = "x (1, #threads: 1)\n---\nse.statistics.wait_sum            :      12.000345\n";
        assert_eq!(wait_sum(old), Some(12_000_345));
        let new = "wait_max : 1.000000\nwait_sum : 0.000007\n";
        assert_eq!(wait_sum(new), Some(7));
        assert_eq!(wait_sum("se.exec_start : 1.5\n"), None);
    }

    #[test]
    fn the_role_of_a_thread_is_in_qemus_name_for_it() {
        assert_eq!(role_of("CPU 12/KVM\n"), Role::Vcpu(12));
        assert_eq!(role_of("CPU 0/TCG"), Role::Vcpu(0));
        for job in [
            "live_migration",
            "mig/src/main\n",
            "multifdsend_0",
            "dump_thread",
        ] {
            assert_eq!(role_of(job), Role::Job, "{job}");
        }
        for other in [
            "worker",
            "IO mon_iothread",
            "CPU x/KVM",
            "CPU 1",
            "SPICE Worker",
        ] {
            assert_eq!(role_of(other), Role::Other, "{other}");
        }
    }

    #[test]
    fn the_domain_is_the_argument_after_uuid_and_nothing_that_looks_like_it() {
        let line = b"qemu\0-name\0guest=-uuid,x\0-uuid\0b1a4\0-S\0";
        assert_eq!(uuid_of(line), Some("b1a4"));
        assert_eq!(uuid_of(b"grep\0x-uuid\0b1a4\0"), None);
        assert_eq!(uuid_of(b"qemu\0-uuid"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".{0,80}") {
            let _ = (stat(&text), schedstat(&text), wait_sum(&text), role_of(&text), uuid_of(text.as_bytes()));
        }
    }
}
