//! How each CPU spent its time since boot, by mode. Source: the lines `cpuN` of `/proc/stat`, in ticks of 1/100 s;
//! where the hardware counts them, thermal throttles; and which CPUs are isolated from the scheduler.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::SharedFile;
use crate::sources::throttle::Throttles;
use crate::text::ParseError;

mod info;

use info::CpuInfo;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "cpu",
    default_on: true,
    help: "CPU time by mode from /proc/stat, throttles and isolation from /sys",
    build,
};

/// Ticks per second in `/proc/stat`: USER_HZ, which is 100 on every architecture that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// An idle counter that jumps back further than this (3 s) belongs to a CPU that was unplugged and came back.
const IDLE_JUMP_BACK: u64 = 300;

/// The modes in the order of a `cpuN` line.
const MODES: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];
const IDLE: usize = 3;

/// The two fields after those: time spent in guests, which the kernel also counts in user and nice.
const GUEST_MODES: [&str; 2] = ["user", "nice"];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(CpuCollector {
        file: config.stat.clone(),
        guest: config.cpu_guest,
        now: Vec::new(),
        shown: Vec::new(),
        throttles: Throttles::new(config.roots.clone()),
        info: CpuInfo::of(config),
    }))
}

struct CpuCollector {
    file: SharedFile,
    /// Whether the time in guests is exported.
    guest: bool,
    /// What `/proc/stat` says now; kept for its capacity.
    now: Vec<Times>,
    /// What was exported last: counters must not go back, and those of the kernel sometimes do.
    shown: Vec<Shown>,
    throttles: Throttles,
    /// What `/proc/cpuinfo` says, where it was asked for.
    info: Option<CpuInfo>,
}

impl Collector for CpuCollector {
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let now = &mut self.now;
        self.file.parse(scrape, |text| parse(text, now))?;
        if same_cpus(&self.now, &self.shown) {
            for (shown, now) in self.shown.iter_mut().zip(&self.now) {
                shown.times.advance_to(now);
            }
        } else {
            self.shown = carry_over(&self.now, &self.shown);
            self.throttles.forget();
        }
        self.emit(out);
        if let Some(info) = &mut self.info {
            info.emit(out)?;
        }
        self.throttles.emit(out)
    }
}

impl CpuCollector {
    fn emit(&self, out: &mut Families) {
        let mut family = out.family(
            "node_cpu_seconds_total",
            "Seconds the CPUs spent in each mode.",
            MetricType::Counter,
        );
        for Shown { label, times } in &self.shown {
            for (mode, ticks) in MODES.into_iter().zip(times.ticks) {
                family.sample(&[("cpu", label), ("mode", mode)], seconds(ticks));
            }
        }
        if self.guest {
            let mut family = out.family(
                "node_cpu_guest_seconds_total",
                "Seconds the CPUs spent in guests (VMs) for each mode.",
                MetricType::Counter,
            );
            for Shown { label, times } in &self.shown {
                for (mode, ticks) in GUEST_MODES.into_iter().zip(times.guest) {
                    family.sample(&[("cpu", label), ("mode", mode)], seconds(ticks));
                }
            }
        }
    }
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND
}

/// The counters of one CPU in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Times {
    cpu: u32,
    /// As [`MODES`] names them.
    ticks: [u64; MODES.len()],
    /// As [`GUEST_MODES`] names them.
    guest: [u64; GUEST_MODES.len()],
}

impl Times {
    /// Takes over what has grown. Counters that went back a little stay as they were; after a hotplug all start anew.
    fn advance_to(&mut self, now: &Self) {
        let [before, after] =
            [&self.ticks, &now.ticks].map(|ticks| ticks.get(IDLE).copied().unwrap_or_default());
        if before.saturating_sub(after) >= IDLE_JUMP_BACK {
            *self = *now;
            return;
        }
        let own = self.ticks.iter_mut().chain(&mut self.guest);
        for (mine, new) in own.zip(now.ticks.iter().chain(&now.guest)) {
            *mine = (*mine).max(*new);
        }
    }
}

/// What is exported of one CPU.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    label: String,
    times: Times,
}

fn same_cpus(now: &[Times], shown: &[Shown]) -> bool {
    now.len() == shown.len()
        && now
            .iter()
            .zip(shown)
            .all(|(now, shown)| now.cpu == shown.times.cpu)
}

/// The new set of CPUs; those that were there before keep their counters.
fn carry_over(now: &[Times], shown: &[Shown]) -> Vec<Shown> {
    let known = |cpu| {
        shown
            .iter()
            .find(|shown| shown.times.cpu == cpu)
            .map(|shown| shown.times)
    };
    now.iter()
        .map(|now| {
            let mut times = known(now.cpu).unwrap_or(*now);
            times.advance_to(now);
            Shown {
                label: now.cpu.to_string(),
                times,
            }
        })
        .collect()
}

/// Reads the lines `cpuN` at the start of `/proc/stat` into `cpus`.
fn parse(text: &str, cpus: &mut Vec<Times>) -> Result<(), ParseError> {
    const EXPECTED: &str = "`cpuN` and its ticks";
    cpus.clear();
    for (index, line) in text.lines().enumerate() {
        // The kernel prints the CPUs first: what follows is the stat collector's.
        let Some(rest) = line.strip_prefix("cpu") else {
            break;
        };
        // The first line is the sum over all CPUs.
        if rest.starts_with(' ') {
            continue;
        }
        cpus.push(parse_line(rest).ok_or_else(|| ParseError::at(index, EXPECTED, line))?);
    }
    if cpus.is_empty() {
        Err(ParseError::Missing("a line `cpu0`"))
    } else {
        Ok(())
    }
}

/// `0 7780 2409 3524 …`: fields that an old kernel does not have are 0.
fn parse_line(rest: &str) -> Option<Times> {
    let mut fields = rest.split_ascii_whitespace();
    let mut times = Times {
        cpu: fields.next()?.parse().ok()?,
        ..Times::default()
    };
    let mut any = false;
    for (ticks, field) in times.ticks.iter_mut().chain(&mut times.guest).zip(fields) {
        *ticks = field.parse().ok()?;
        any = true;
    }
    any.then_some(times)
}

#[cfg(test)]
mod tests;
