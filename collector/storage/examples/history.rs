//! How fast histories are read from disk and what they take there: `cargo run --release -p collector-storage --example
//! history [METRICS] [DAYS]`. Every metric gets a measure a minute: counters, gauges of one and of many digits,
//! constants. Reads: a day of one metric at 300 s, the sum of 1,000 metrics over a day, the same beside a writer.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement for the terminal"
)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::{SECOND, START, at_most, id, mix, quantile};
use collector_model::{
    Aggregation, ArchivePolicy, Definition, Granularity, Measure, MetricId, Statistic, Timestamp,
};
use collector_storage::{Engine, Options, ReadQuery, Store as _, inspect};

mod bench;

const DAY: i64 = 86_400;

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

/// Means of five minutes of a day.
fn query() -> ReadQuery {
    ReadQuery {
        granularity: Granularity::from_nanos(300 * SECOND),
        aggregation: Aggregation::of(Statistic::Mean),
        start: Some(Timestamp(START * SECOND)),
        stop: Some(Timestamp((START + DAY) * SECOND)),
    }
}

fn day(engine: &Engine, metric: u64) -> f64 {
    let points = engine.read(id(metric), &query()).unwrap();
    assert_eq!(points.len(), 288);
    points.iter().map(|point| point.value).sum()
}

/// The sum of many metrics at each moment of a day.
fn sum(engine: &Engine, metrics: std::ops::Range<u64>) -> Vec<f64> {
    let wanted: Vec<(MetricId, ReadQuery)> = metrics.map(|metric| (id(metric), query())).collect();
    let mut sums = vec![0.0; 288];
    let mut read = 0;
    engine.read_group(&wanted, usize::MAX, &mut |_, points| {
        for (sum, point) in sums.iter_mut().zip(points.unwrap()) {
            *sum += point.value;
            read += 1;
        }
        ControlFlow::Continue(())
    });
    assert_eq!(read, 288 * wanted.len());
    sums
}

/// Times of reads.
struct Times {
    days: Vec<Duration>,
    sums: Vec<Duration>,
}

fn reads(engine: &Engine, metrics: u64) -> Times {
    let many = metrics.min(1_000);
    let day_of = |turn: u64| {
        let begin = Instant::now();
        std::hint::black_box(day(engine, mix(turn) % metrics));
        begin.elapsed()
    };
    let sum_of = |turn: u64| {
        let begin = Instant::now();
        let first = turn * 37 % (metrics - many).max(1);
        std::hint::black_box(sum(engine, first..first + many));
        begin.elapsed()
    };
    Times {
        days: (0..5_000).map(day_of).collect(),
        sums: (0..20).map(sum_of).collect(),
    }
}

impl Times {
    fn print(&self, what: &str) {
        println!(
            "{what}: a day of one metric p50 {:.3} ms, p99 {:.3} ms; sum of 1,000 over a day p50 {:.1} ms, p99 {:.1} ms",
            quantile(&self.days, 0.5),
            quantile(&self.days, 0.99),
            quantile(&self.sums, 0.5),
            quantile(&self.sums, 0.99)
        );
    }
}

/// Writes a minute of all metrics after the other until told to stop; returns how long each took.
fn write(engine: &Engine, metrics: u64, from: i64, stop: &AtomicBool) -> Vec<Duration> {
    let mut acks = Vec::new();
    for minute in from.. {
        let measure = Measure::new(Timestamp((START + minute * 60) * SECOND), 1.0);
        let batch = (0..metrics).map(|metric| (id(metric), vec![measure]));
        let batch = batch.collect();
        let begin = Instant::now();
        engine.write(batch).unwrap();
        acks.push(begin.elapsed());
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    acks
}

fn open(dir: &Path) -> Engine {
    let options = Options {
        head_bytes: 1 << 20,
        ..Options::default()
    };
    Engine::open(dir, options).unwrap()
}

fn main() {
    bench::begin();
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
        "{metrics} metrics, {days} days: {} segments, {} compactions in {:.1} s",
        stats.segments,
        stats.compactions,
        stats.compaction_time.as_secs_f64(),
    );
    let idle = reads(&engine, metrics);
    idle.print("idle       ");
    let stop = AtomicBool::new(false);
    let (busy, acks) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&engine, metrics, days * 1_440, &stop));
        let busy = reads(&engine, metrics);
        stop.store(true, Ordering::Relaxed);
        (busy, writer.join().unwrap())
    });
    busy.print("under load ");
    println!(
        "beside the reads {} batches of {metrics} were written: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        acks.len(),
        quantile(&acks, 0.5),
        quantile(&acks, 0.99),
        quantile(&acks, 1.0)
    );
    println!("longest pauses: {:?}", engine.stats().pauses);
    let pause = engine.stats().pauses.longest().as_secs_f64() * 1e3;
    drop(engine);
    let mut bytes = (0, 0);
    for segment in inspect::stats(dir.path()).unwrap().segments {
        println!(
            "{} of {} s: {} windows, {:.2} bytes per value",
            segment.path.display(),
            segment.granularity,
            segment.windows,
            segment.bytes as f64 / segment.values.max(1) as f64
        );
        // What will be merged again does not count yet.
        if segment.windows / metrics >= 1_000 {
            bytes = (bytes.0 + segment.bytes, bytes.1 + segment.values);
        }
    }
    let p99 = |times: &Times| quantile(&times.days, 0.99);
    at_most(
        "a day of one metric, p50",
        quantile(&idle.days, 0.5),
        0.3,
        "ms",
    );
    at_most("a day of one metric, p99", p99(&idle), 3.0, "ms");
    at_most(
        "sum of 1,000 metrics over a day, p50",
        quantile(&idle.sums, 0.5),
        25.0,
        "ms",
    );
    at_most(
        "a day of one metric beside writes, p99 to idle",
        p99(&busy) / p99(&idle),
        3.0,
        "times",
    );
    at_most(
        "longest pause of writes for a checkpoint",
        pause,
        20.0,
        "ms",
    );
    at_most(
        "bytes per value on disk",
        bytes.0 as f64 / bytes.1.max(1) as f64,
        2.5,
        "bytes",
    );
}
