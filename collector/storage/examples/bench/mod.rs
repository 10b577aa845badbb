//! What the measurements of the store have in common: ids and values that look random and are the same in every run,
//! quantiles, and the line that says whether a target is met.
#![expect(
    dead_code,
    reason = "each measurement is a program of its own and uses some of this"
)]

use std::time::Duration;

use collector_model::MetricId;

/// The collector's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Memory in pages as the collector has it.
pub(crate) fn begin() {
    rustix::thread::disable_transparent_huge_pages(true).unwrap();
}

pub(crate) const SECOND: i64 = 1_000_000_000;
/// The first moment, seconds since the epoch: 2026-01-01.
pub(crate) const START: i64 = 1_767_225_600;

pub(crate) fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

pub(crate) fn id(number: u64) -> MetricId {
    MetricId::from_u64_pair(mix(number + 1), mix(number + 0x1234_5678_9abc))
}

/// Milliseconds within which this share of the times is.
pub(crate) fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}

/// CPU time of the whole process.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// Peak resident memory in MiB, `VmHWM` of /proc/self/status.
pub(crate) fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// A target that a figure is not to be below.
pub(crate) fn at_least(what: &str, measured: f64, target: f64, unit: &str) {
    line(what, measured, ">=", target, unit, measured >= target);
}

/// A target that a figure is not to be above.
pub(crate) fn at_most(what: &str, measured: f64, target: f64, unit: &str) {
    line(what, measured, "<=", target, unit, measured <= target);
}

fn line(what: &str, measured: f64, sign: &str, target: f64, unit: &str, met: bool) {
    let verdict = if met { "met" } else { "MISSED" };
    println!("TARGET | {what:<56} | {measured:>9.3} {unit:<16} | {sign} {target:<6} | {verdict}");
}
