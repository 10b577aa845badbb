//! The engine killed with SIGKILL under load, again and again: whatever a writer was told is stored is there after
//! the restart. The writer is this test program itself, started anew as a child.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use collector_model::{
    Aggregation, ArchivePolicy, Definition, Granularity, Measure, MetricId, Statistic, Timestamp,
};
use collector_storage::{Engine, Options, ReadQuery, Store as _};

/// Names the store's directory to the child; without it the child's test does nothing.
const STORE: &str = "NEPHOSCOPE_KILLED_STORE";
/// How often the child is killed, unless this variable says another number.
const ROUNDS: u64 = 200;
const ROUNDS_VARIABLE: &str = "NEPHOSCOPE_KILL_ROUNDS";
/// Rounds on one store, then a new one is begun: checking all of it takes longer each time.
const ROUNDS_PER_STORE: u64 = 40;
/// Writers at once, so that groups are committed together.
const WRITERS: u64 = 4;
/// Metrics per writer, each with a measure per batch.
const METRICS: u64 = 40;
const SECOND: i64 = 1_000_000_000;

fn open(dir: &Path) -> Engine {
    // Small enough for a few checkpoints in each round.
    Engine::open(
        dir,
        Options {
            checkpoint_wal_bytes: 300_000,
            head_bytes: 0,
        },
    )
    .unwrap()
}

fn metric(writer: u64, number: u64) -> MetricId {
    let spread = (writer * METRICS + number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    MetricId::from_u64_pair(spread, number)
}

fn metrics(writer: u64) -> Vec<MetricId> {
    (0..METRICS).map(|number| metric(writer, number)).collect()
}

/// Keeps everything, in windows of a second.
fn policy() -> ArchivePolicy {
    let second = Definition::new(Granularity::from_nanos(SECOND), None, None).unwrap();
    let minute = Definition::new(Granularity::from_nanos(60 * SECOND), None, None).unwrap();
    let methods = [Statistic::Last, Statistic::Count].map(Aggregation::of);
    ArchivePolicy::new("all", 1, vec![second, minute], methods.into()).unwrap()
}

/// Where a writer notes the last batch that was acknowledged. Written without fsync: a kill does not lose that.
fn notes(dir: &Path, writer: u64) -> PathBuf {
    dir.with_extension(format!("acknowledged-{writer}"))
}

fn acknowledged(dir: &Path, writer: u64) -> i64 {
    let text = fs::read_to_string(notes(dir, writer)).unwrap_or_default();
    // The kill may have come in the middle of the last line.
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let last = whole.lines().rfind(|line| !line.is_empty());
    last.map_or(0, |line| line.parse().unwrap())
}

fn write_for_ever(engine: &Engine, dir: &Path, writer: u64) {
    let mut notes = OpenOptions::new()
        .create(true)
        .append(true)
        .open(notes(dir, writer))
        .unwrap();
    // A line that the kill cut off ends here.
    notes.write_all(b"\n").unwrap();
    engine.set_policy(&metrics(writer), &policy()).unwrap();
    for number in last(engine, writer) + 1.. {
        let measure = Measure::new(Timestamp(number * SECOND), number as f64);
        let batch = metrics(writer)
            .into_iter()
            .map(|metric| (metric, vec![measure]))
            .collect();
        engine.write(batch).unwrap();
        notes.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}

/// Number of the newest batch of a writer, 0 before the first.
fn last(engine: &Engine, writer: u64) -> i64 {
    let points = engine
        .read(
            metric(writer, 0),
            &ReadQuery::all(Aggregation::of(Statistic::Last)),
        )
        .unwrap();
    points.last().map_or(0, |point| point.timestamp.0 / SECOND)
}

#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(dir) = std::env::var(STORE) else {
        return;
    };
    let dir = PathBuf::from(dir);
    let engine = open(&dir);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let engine = &engine;
            let dir = &dir;
            scope.spawn(move || write_for_ever(engine, dir, writer));
        }
    });
}

fn run_and_kill(dir: &Path, after: Duration, until_segments: bool) {
    #[expect(
        clippy::disallowed_methods,
        reason = "only another process can be killed and looked at afterwards"
    )]
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "child_that_writes_until_it_is_killed"])
        .env(STORE, dir);
    let mut child = child
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(after);
    if until_segments {
        // However slow the machine is, some rounds are to have windows on disk.
        let begin = Instant::now();
        let is_empty = || fs::read_dir(dir.join("segment")).map_or(true, |dir| dir.count() == 0);
        while is_empty() && begin.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(
        child.try_wait().unwrap().is_none(),
        "the child ended by itself"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn everything_acknowledged_survives_kills_at_random_moments() {
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().unwrap());
    let mut total = Seen::default();
    for first in (0..rounds).step_by(ROUNDS_PER_STORE as usize) {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        for round in first..rounds.min(first + ROUNDS_PER_STORE) {
            // Anywhere between opening the store and some load.
            let millis = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 120;
            let until_segments = round % ROUNDS_PER_STORE == ROUNDS_PER_STORE / 2;
            run_and_kill(&dir, Duration::from_millis(5 + millis), until_segments);
            check_all(&dir, round, &mut total);
        }
    }
    // Else nothing was tried.
    assert!(
        total.batches > rounds && total.replayed > 0 && total.snapshots > 0 && total.segments > 0,
        "{total:?}"
    );
}

/// What the rounds had to do with.
#[derive(Debug, Default)]
struct Seen {
    batches: u64,
    replayed: u64,
    snapshots: u64,
    segments: u64,
}

/// Opens the store and finds everything that was acknowledged.
fn check_all(dir: &Path, round: u64, seen: &mut Seen) {
    let engine = open(dir);
    let stats = engine.stats();
    assert!(
        stats.replay.damaged.is_empty(),
        "round {round}: {:?}",
        stats.replay
    );
    seen.replayed += stats.replay.entries;
    seen.snapshots += u64::from(stats.replay.snapshot_metrics > 0);
    seen.segments += stats.segments;
    for writer in 0..WRITERS {
        let acknowledged = acknowledged(dir, writer);
        if acknowledged == 0 {
            continue;
        }
        let newest = last(&engine, writer);
        assert!(newest >= acknowledged, "round {round}, writer {writer}");
        seen.batches += newest.unsigned_abs();
        for metric in metrics(writer) {
            check(&engine, metric, acknowledged);
        }
    }
}

/// Every batch up to the acknowledged one has its window with its one measure.
fn check(engine: &Engine, metric: MetricId, acknowledged: i64) {
    let granularity = Granularity::from_nanos(SECOND);
    for (statistic, expected) in [(Statistic::Last, None), (Statistic::Count, Some(1.0))] {
        let query = ReadQuery {
            granularity,
            ..ReadQuery::all(Aggregation::of(statistic))
        };
        let points = engine.read(metric, &query).unwrap();
        assert!(
            points.len() as i64 >= acknowledged,
            "{metric}: {} of {acknowledged}",
            points.len()
        );
        for (number, point) in (1..).zip(points) {
            let value = expected.unwrap_or(number as f64);
            assert_eq!(
                (point.timestamp, point.value),
                (Timestamp(number * SECOND), value),
                "{metric}"
            );
        }
    }
}
