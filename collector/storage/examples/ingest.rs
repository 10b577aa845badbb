//! How fast the engine takes measures, durably, and how fast it comes back: run it with
//! `cargo run --release -p collector-storage --example ingest [METRICS] [ROUNDS] [POLICY]`.
//!
//! Every round gives each metric one measure of the next minute, in batches of 5,000 in random order of metrics, from
//! one writer that waits for each acknowledgement; then from four; then from four with 20 measures of each metric. CPU
//! seconds are of the whole process, without the making of the batches.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement for the terminal"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bench::{SECOND, START, at_least, at_most, cpu, id, mix, peak_memory};
use collector_model::{Aggregation, ArchivePolicy, Measure, MetricId, Statistic, Timestamp};
use collector_storage::{Batch, Engine, Options, ReadQuery, Store as _};

mod bench;

/// Measures in a batch.
const BATCH: usize = 5_000;
/// Measures of a metric in a batch of runs.
const RUN: i64 = 20;

/// Batches of some minutes, metrics in an order of their own.
fn round(metrics: &[MetricId], minutes: std::ops::Range<i64>) -> Vec<Batch> {
    let mut order: Vec<(u64, MetricId)> = metrics
        .iter()
        .zip(0..)
        .map(|(metric, index)| (mix(index + ((minutes.start as u64) << 32)), *metric))
        .collect();
    order.sort_unstable_by_key(|(key, _)| *key);
    let measures = |(key, metric): &(u64, MetricId)| {
        let measure = |minute: i64| {
            Measure::new(
                Timestamp((START + minute * 60) * SECOND),
                (*key % 10_000 + minute as u64 % 7) as f64 / 7.0,
            )
        };
        (*metric, minutes.clone().map(measure).collect())
    };
    let runs = (minutes.end - minutes.start) as usize;
    let chunks = order.chunks(BATCH / runs);
    chunks
        .map(|chunk| chunk.iter().map(measures).collect())
        .collect()
}

/// Says how fast it was; returns millions of measures per second and per CPU second.
fn report(what: &str, measures: usize, elapsed: Duration, cpu: Duration) -> (f64, f64) {
    let rate = |duration: Duration| measures as f64 / duration.as_secs_f64() / 1e6;
    println!(
        "{what}: {measures} measures, {:.2} M/s, {:.2} M per CPU second",
        rate(elapsed),
        rate(cpu)
    );
    (rate(elapsed), rate(cpu))
}

fn ingest(
    engine: &Engine,
    what: &str,
    metrics: &[MetricId],
    (rounds, run): (std::ops::Range<i64>, i64),
    writers: usize,
) -> (f64, f64) {
    let (mut elapsed, mut used, mut measures) = (Duration::ZERO, Duration::ZERO, 0);
    for minute in rounds.step_by(run as usize) {
        // Making the batches is not what is measured.
        let mut batches = round(metrics, minute..minute + run);
        measures += metrics.len() * run as usize;
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
    report(what, measures, elapsed, used)
}

fn open(dir: &Path) -> Engine {
    Engine::open(dir, Options::default()).unwrap()
}

fn main() {
    bench::begin();
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
    let all =
        |what, from, to, run, writers| ingest(&engine, what, &metrics, (from..to, run), writers);
    all("1 writer ", 0, rounds, 1, 1);
    let single = all("4 writers", rounds, 2 * rounds, 1, 4);
    // Batches of runs are larger than anything the engine has.
    let memory = peak_memory();
    let runs = all(
        "4 writers, runs of 20",
        2 * rounds,
        2 * rounds + 2 * RUN,
        RUN,
        4,
    );
    let stats = engine.stats();
    let longest = stats.pauses.longest();
    let syncs = stats.wal_syncs;
    println!(
        "fsyncs {}, mean {:.2} ms; log {} MiB, {} checkpoints, last {:.2} s, {} MiB; peak memory {memory:.0} MiB",
        syncs.count,
        syncs.sum / syncs.count as f64 * 1e3,
        stats.wal_bytes >> 20,
        stats.checkpoints,
        stats.checkpoint_duration.as_secs_f64(),
        stats.snapshot_bytes >> 20,
    );
    println!("longest waits of the writers: {:?}", stats.pauses);
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
        "checkpoint {:.2} s, {} MiB",
        begin.elapsed().as_secs_f64(),
        stats.snapshot_bytes >> 20,
    );
    drop(engine);
    let loaded = open(dir.path()).stats().replay;
    println!(
        "load of the snapshot {:.2} s for {} metrics",
        loaded.duration.as_secs_f64(),
        loaded.snapshot_metrics
    );
    let of = |what: &str| format!("{count} metrics, {name}: {what}");
    at_least(&of("measures in a CPU second"), single.1, 2.5, "M/s");
    at_least(&of("the same in runs of 20"), runs.1, 4.5, "M/s");
    let restart = replay.duration.max(loaded.duration).as_secs_f64();
    at_most(&of("restart"), restart, 10.0, "s");
    let pause = longest.as_secs_f64() * 1e3;
    at_most(&of("longest pause of writes"), pause, 20.0, "ms");
    if count >= 1_000_000 {
        at_most(&of("peak memory"), memory, 1_126.0, "MiB");
    }
}
