//! How fast histories are read from disk and what they take there: `cargo run --release -p collector-storage --example
//! history [METRICS] [DAYS]`. Every metric gets a measure a minute: counters, gauges of one and of many digits,
//! constants. Reads: a day of one metric at 300 s, the sum of 1,000 metrics over a day, the same beside a writer.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement for the terminal"
)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use collector_model::{
    Aggregation, ArchivePolicy, Definition, Granularity, Measure, MetricId, Statistic, Timestamp,
};
use collector_storage::{Engine, Options, ReadQuery, Store as _, inspect};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
const START: i64 = 1_767_225_600;

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id(number: u64) -> MetricId {
    MetricId::from_u64_pair(mix(number + 1), mix(number + 0x1234_5678_9abc))
}

/// A quarter each: a counter of bytes, a percentage of two digits, a gauge of many digits, a constant.
fn value(metric: u64, minute: i64) -> f64 {
    let noise = mix(metric << 32 | minute as u64);
    match metric % 4 {
        0 => (minute as u64 * 60_000 + noise % 20_000) as f64,
        1 => ((noise % 200) as f64 + 400.0 + (minute % 1_440) as f64 / 4.0).round() / 10.0,
        2 => 20.0 + (noise % 1_000_000) as f64 / 333_333.0,
        _ => 4_096.0,
    }
}

/// One archive of one aggregation a minute, and the one that pages show: means of five minutes.
fn policy() -> ArchivePolicy {
    let archives = [60, 300].map(|seconds| {
        Definition::new(Granularity::from_nanos(seconds * SECOND), None, None).unwrap()
    });
    let methods = [Aggregation::of(Statistic::Mean)];
    ArchivePolicy::new("history", 0, archives.to_vec(), methods.into()).unwrap()
}

fn fill(engine: &Engine, metrics: u64, days: i64) {
    let ids: Vec<MetricId> = (0..metrics).map(id).collect();
    engine.set_policy(&ids, &policy()).unwrap();
    for hour in 0..days * 24 {
        // As often as a million metrics would make it.
        if hour % 6 == 0 {
            engine.flush().unwrap();
        }
        for chunk in (0..metrics).collect::<Vec<_>>().chunks(2_000) {
            let measures = |metric: u64| {
                let minutes = hour * 60..(hour + 1) * 60;
                let measure = |minute| {
                    Measure::new(
                        Timestamp((START + minute * 60) * SECOND),
                        value(metric, minute),
                    )
                };
                (id(metric), minutes.map(measure).collect())
            };
            let batch = chunk.iter().map(|metric| measures(*metric)).collect();
            engine.write(batch).unwrap();
        }
    }
}

fn day(engine: &Engine, metric: u64) -> f64 {
    let query = ReadQuery {
        granularity: Granularity::from_nanos(300 * SECOND),
        aggregation: Aggregation::of(Statistic::Mean),
        start: Some(Timestamp(START * SECOND)),
        stop: Some(Timestamp((START + DAY) * SECOND)),
    };
    let points = engine.read(id(metric), &query).unwrap();
    assert_eq!(points.len(), 288);
    points.iter().map(|point| point.value).sum()
}

fn quantile(mut times: Vec<Duration>, share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}

fn reads(engine: &Engine, metrics: u64, what: &str) {
    let times: Vec<Duration> = (0..5_000)
        .map(|turn| {
            let begin = Instant::now();
            std::hint::black_box(day(engine, mix(turn) % metrics));
            begin.elapsed()
        })
        .collect();
    let sums: Vec<Duration> = (0..20)
        .map(|turn| {
            let begin = Instant::now();
            let first = turn * 37 % metrics.saturating_sub(999).max(1);
            let sum: f64 = (first..first + metrics.min(1_000))
                .map(|metric| day(engine, metric))
                .sum();
            std::hint::black_box(sum);
            begin.elapsed()
        })
        .collect();
    println!(
        "{what}: a day of one metric p50 {:.3} ms, p99 {:.3} ms; sum of 1,000 over a day p50 {:.1} ms, p99 {:.1} ms",
        quantile(times.clone(), 0.5),
        quantile(times, 0.99),
        quantile(sums.clone(), 0.5),
        quantile(sums, 0.99)
    );
}

fn open(dir: &Path) -> Engine {
    let options = Options {
        head_bytes: 1 << 20,
        ..Options::default()
    };
    Engine::open(dir, options).unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let metrics: u64 = arguments.next().map_or(4_000, |text| text.parse().unwrap());
    let days: i64 = arguments.next().map_or(7, |text| text.parse().unwrap());
    let dir = tempfile::tempdir_in(".").unwrap();
    let engine = open(dir.path());
    fill(&engine, metrics, days);
    engine.flush().unwrap();
    // Merges run beside; what is read and weighed is what they leave.
    let mut merges = u64::MAX;
    while engine.stats().compactions != merges {
        merges = engine.stats().compactions;
        std::thread::sleep(Duration::from_secs(3));
    }
    let stats = engine.stats();
    println!(
        "{metrics} metrics, {days} days: {} segments, {} compactions in {:.1} s, checkpoint pause {:.1} ms",
        stats.segments,
        stats.compactions,
        stats.compaction_time.as_secs_f64(),
        stats.checkpoint_pause.as_secs_f64() * 1e3
    );
    reads(&engine, metrics, "idle       ");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut minute = days * 1_440;
            while !stop.load(Ordering::Relaxed) {
                let measure = Measure::new(Timestamp((START + minute * 60) * SECOND), 1.0);
                let batch = (0..metrics).map(|metric| (id(metric), vec![measure]));
                engine.write(batch.collect()).unwrap();
                minute += 1;
            }
        });
        reads(&engine, metrics, "under load ");
        stop.store(true, Ordering::Relaxed);
    });
    drop(engine);
    for segment in inspect::stats(dir.path()).unwrap().segments {
        println!(
            "{} of {} s: {} windows, {:.2} bytes per value",
            segment.path.display(),
            segment.granularity,
            segment.windows,
            segment.bytes as f64 / segment.values.max(1) as f64
        );
    }
}
