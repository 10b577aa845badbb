//! How fast the engine takes measures, durably, and how fast it comes back: run it with
//! `cargo run --release -p collector-storage --example ingest [METRICS] [ROUNDS] [POLICY]`.
//!
//! Every round gives each metric one measure of the next minute, in batches of 5,000 in random order of metrics, from
//! one writer that waits for each acknowledgement; then from four. CPU seconds are of the whole process.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for the terminal"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use collector_model::{Aggregation, ArchivePolicy, Measure, MetricId, Statistic, Timestamp};
use collector_storage::{Batch, Engine, Options, ReadQuery, Store as _};

const BATCH: usize = 5_000;
const MINUTE: i64 = 60_000_000_000;
const START: i64 = 1_767_225_600_000_000_000;

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// Peak resident memory in MiB, `VmHWM` of /proc/self/status.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id(number: u64) -> MetricId {
    MetricId::from_u64_pair(mix(number + 1), mix(number + 0x1234_5678_9abc))
}

/// Batches of one minute, metrics in an order of their own.
fn round(metrics: &[MetricId], minute: i64) -> Vec<Batch> {
    let mut order: Vec<(u64, MetricId)> = metrics
        .iter()
        .zip(0..)
        .map(|(metric, index)| (mix(index + ((minute as u64) << 32)), *metric))
        .collect();
    order.sort_unstable_by_key(|(key, _)| *key);
    let measure = |(key, metric): &(u64, MetricId)| {
        (
            *metric,
            vec![Measure::new(
                Timestamp(START + minute * MINUTE),
                (*key % 10_000) as f64 / 7.0,
            )],
        )
    };
    order
        .chunks(BATCH)
        .map(|chunk| chunk.iter().map(measure).collect())
        .collect()
}

fn report(what: &str, measures: usize, elapsed: Duration, cpu: Duration) {
    let rate = |duration: Duration| measures as f64 / duration.as_secs_f64() / 1e6;
    println!(
        "{what}: {measures} measures, {:.2} M/s, {:.2} M per CPU second",
        rate(elapsed),
        rate(cpu)
    );
}

fn ingest(
    engine: &Engine,
    what: &str,
    metrics: &[MetricId],
    rounds: std::ops::Range<i64>,
    writers: usize,
) {
    let (mut elapsed, mut used, mut measures) = (Duration::ZERO, Duration::ZERO, 0);
    for minute in rounds {
        // Making the batches is not what is measured.
        let mut batches = round(metrics, minute);
        measures += metrics.len();
        let share = batches.len().div_ceil(writers);
        let (begin, before) = (Instant::now(), cpu());
        std::thread::scope(|scope| {
            while !batches.is_empty() {
                let mine = batches.split_off(batches.len().saturating_sub(share));
                scope.spawn(move || {
                    mine.into_iter()
                        .for_each(|batch| engine.write(batch).unwrap());
                });
            }
        });
        elapsed += begin.elapsed();
        used += cpu() - before;
    }
    report(what, measures, elapsed, used);
}

fn open(dir: &Path) -> Engine {
    Engine::open(dir, Options::default()).unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments
        .next()
        .map_or(200_000, |text| text.parse().unwrap());
    let rounds: i64 = arguments.next().map_or(20, |text| text.parse().unwrap());
    let name = arguments.next().unwrap_or_else(|| "low".to_owned());
    let policy = ArchivePolicy::defaults()
        .into_iter()
        .find(|policy| policy.name == name)
        .unwrap();
    let dir = tempfile::tempdir_in(".").unwrap();
    let engine = open(dir.path());
    let metrics: Vec<MetricId> = (0..count).map(id).collect();
    let (begin, before) = (Instant::now(), cpu());
    engine.set_policy(&metrics, &policy).unwrap();
    report("register", metrics.len(), begin.elapsed(), cpu() - before);
    ingest(&engine, "1 writer ", &metrics, 0..rounds, 1);
    ingest(&engine, "4 writers", &metrics, rounds..2 * rounds, 4);
    let stats = engine.stats();
    let syncs = stats.wal_syncs;
    println!(
        "fsyncs {}, mean {:.2} ms; log {} MiB, {} checkpoints, last {:.2} s, {} MiB, pause {:.2} ms; peak memory {} MiB",
        syncs.count,
        syncs.sum / syncs.count as f64 * 1e3,
        stats.wal_bytes >> 20,
        stats.checkpoints,
        stats.checkpoint_duration.as_secs_f64(),
        stats.snapshot_bytes >> 20,
        stats.checkpoint_pause.as_secs_f64() * 1e3,
        peak_memory(),
    );
    let begin = Instant::now();
    let query = ReadQuery::all(Aggregation::of(Statistic::Mean));
    let points: usize = metrics
        .iter()
        .step_by(20)
        .map(|metric| engine.read(*metric, &query).unwrap().len())
        .sum();
    println!(
        "read {} metrics, {points} points: {:.1} us each",
        count / 20,
        begin.elapsed().as_secs_f64() * 2e7 / count as f64
    );
    drop(engine);
    let before = cpu();
    let engine = open(dir.path());
    let replay = engine.stats().replay;
    report(
        "replay   ",
        replay.measures as usize,
        replay.duration,
        cpu() - before,
    );
    let begin = Instant::now();
    engine.flush().unwrap();
    let stats = engine.stats();
    println!(
        "checkpoint {:.2} s, {} MiB, longest pause {:.2} ms",
        begin.elapsed().as_secs_f64(),
        stats.snapshot_bytes >> 20,
        stats.checkpoint_pause.as_secs_f64() * 1e3
    );
    drop(engine);
    let replay = open(dir.path()).stats().replay;
    println!(
        "load of the snapshot {:.2} s for {} metrics",
        replay.duration.as_secs_f64(),
        replay.snapshot_metrics
    );
}
