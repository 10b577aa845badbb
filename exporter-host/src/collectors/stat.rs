//! What the kernel counts since boot for the whole system: interrupts, context switches, forks, the boot time and the
//! number of running and blocked tasks. Source: the lines of `/proc/stat` after those of the CPUs.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::SharedFile;
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "stat",
    default_on: true,
    help: "boot time, forks, interrupts and context switches from /proc/stat",
    build,
};

/// The soft interrupts in the order of the kernel's `softirq` line, after the total.
const VECTORS: [&str; 10] = [
    "hi",
    "timer",
    "net_tx",
    "net_rx",
    "block",
    "block_iopoll",
    "tasklet",
    "sched",
    "hrtimer",
    "rcu",
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(StatCollector {
        file: config.stat.clone(),
        softirq: config.stat_softirq,
    }))
}

struct StatCollector {
    file: SharedFile,
    softirq: bool,
}

impl Collector for StatCollector {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        use MetricType::{Counter, Gauge};
        let stat = self.file.parse(scrape, parse)?;
        let lines = [
            (
                "node_intr_total",
                "Total number of interrupts serviced.",
                Counter,
                stat.intr,
            ),
            (
                "node_context_switches_total",
                "Total number of context switches.",
                Counter,
                stat.ctxt,
            ),
            (
                "node_forks_total",
                "Total number of forks.",
                Counter,
                stat.processes,
            ),
            (
                "node_boot_time_seconds",
                "Node boot time, in unixtime.",
                Gauge,
                stat.btime,
            ),
            (
                "node_procs_running",
                "Number of processes in runnable state.",
                Gauge,
                stat.procs_running,
            ),
            (
                "node_procs_blocked",
                "Number of processes blocked waiting for I/O to complete.",
                Gauge,
                stat.procs_blocked,
            ),
        ];
        for (name, help, kind, value) in lines {
            if let Some(value) = value {
                out.family(name, help, kind).sample(&[], value as f64);
            }
        }
        if self.softirq {
            let mut family = out.family("node_softirqs_total", "Number of softirq calls.", Counter);
            for (vector, count) in VECTORS.into_iter().zip(stat.softirqs) {
                family.sample(&[("vector", vector)], count as f64);
            }
        }
        Ok(())
    }
}

/// The lines of interest; those that this kernel does not print are `None`.
#[derive(Debug, Default, PartialEq)]
struct Stat {
    /// Interrupts since boot, the first field of `intr`.
    intr: Option<u64>,
    /// Context switches since boot.
    ctxt: Option<u64>,
    /// When the system booted, in seconds since the Unix epoch.
    btime: Option<u64>,
    /// Forks since boot.
    processes: Option<u64>,
    /// Tasks that run or could run.
    procs_running: Option<u64>,
    /// Tasks that wait for I/O.
    procs_blocked: Option<u64>,
    /// Soft interrupts since boot, as [`VECTORS`] names them.
    softirqs: [u64; VECTORS.len()],
}

fn parse(text: &str) -> Result<Stat, ParseError> {
    const EXPECTED: &str = "`name number`";
    let mut stat = Stat::default();
    let mut any = false;
    for (index, line) in text.lines().enumerate() {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        if key == "softirq" {
            softirqs(rest, &mut stat.softirqs)
                .ok_or_else(|| ParseError::at(index, "counts of soft interrupts", line))?;
            continue;
        }
        let field = match key {
            "intr" => &mut stat.intr,
            "ctxt" => &mut stat.ctxt,
            "btime" => &mut stat.btime,
            "processes" => &mut stat.processes,
            "procs_running" => &mut stat.procs_running,
            "procs_blocked" => &mut stat.procs_blocked,
            _ => continue,
        };
        // The line of `intr` goes on with a count for each of thousands of interrupts: look at the first only.
        let first = rest.split(' ').next().unwrap_or_default();
        *field = Some(
            first
                .parse()
                .map_err(|_| ParseError::at(index, EXPECTED, line))?,
        );
        any = true;
    }
    if any {
        Ok(stat)
    } else {
        Err(ParseError::Missing(
            "a line `btime` or any other of /proc/stat",
        ))
    }
}

/// Old kernels have fewer vectors; what is missing stays 0.
fn softirqs(rest: &str, counts: &mut [u64; VECTORS.len()]) -> Option<()> {
    for (count, field) in counts.iter_mut().zip(rest.split_ascii_whitespace().skip(1)) {
        *count = field.parse().ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_and_the_lines_of_cpus_are_passed_over() {
        let text = "cpu  1 2 3\ncpu0 1 2 3\nintr 361642 0 7\nctxt 634976\nbtime 1795256138\n\
                    processes 18667\nprocs_running 1\nprocs_blocked 0\nsoftirq 55 1 2 3 4 5 6 7 8 9 10\n";
        let stat = parse(text).unwrap();
        assert_eq!(stat.intr, Some(361_642));
        assert_eq!(stat.ctxt, Some(634_976));
        assert_eq!(stat.btime, Some(1_795_256_138));
        assert_eq!(stat.processes, Some(18_667));
        assert_eq!((stat.procs_running, stat.procs_blocked), (Some(1), Some(0)));
        assert_eq!(stat.softirqs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn a_kernel_without_a_line_gives_fewer_series() {
        let stat = parse("ctxt 1\nsoftirq 9 4 5\n").unwrap();
        assert_eq!((stat.ctxt, stat.btime), (Some(1), None));
        assert_eq!(stat.softirqs[..3], [4, 5, 0]);
    }

    #[test]
    fn garbage_is_refused_by_line() {
        let error = parse("ctxt 1\nbtime soon\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: expected `name number`, found \"btime soon\""
        );
        assert!(parse("softirq 1 x\nctxt 1").is_err());
        assert!(parse("nothing known").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*", rest in "\\PC*") {
            let _ = parse(&text);
            let _ = parse(&format!("intr {rest}\nsoftirq {rest}"));
        }
    }
}
