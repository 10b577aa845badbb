//! Real Gnocchi (Debian's package, driven in-process by Python) as the judge: random workloads give the same windows.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use collector_model::{
    Aggregation, ArchivePolicy, Definition, Granularity, Measure, MetricId, Timestamp,
};
use collector_storage::{Engine, Options, ReadQuery, Store as _};

/// Enough to meet every combination of methods, granularities and back windows a few times in a few seconds.
const WORKLOADS: u64 = 300;
const SECOND: i64 = 1_000_000_000;
/// 2026-01-01T12:00:00.
const NOON: i64 = 1_767_268_800 * SECOND;
/// Gnocchi keeps 3,600 windows to a file. Of a method whose newest window is in an older file than that of another
/// method it may not store what it just computed; up to here the shortest windows are all in one file.
const SPLIT: i64 = 1_800 * SECOND;
const METHODS: [&str; 17] = [
    "mean",
    "min",
    "max",
    "sum",
    "std",
    "count",
    "first",
    "last",
    "median",
    "95pct",
    "7pct",
    "rate:mean",
    "rate:max",
    "rate:count",
    "rate:last",
    "rate:std",
    "rate:50pct",
];
/// Granularities in milliseconds; most divide each other, some do not.
const GRANULARITIES: [i64; 8] = [500, 1_000, 5_000, 7_000, 10_000, 60_000, 90_000, 300_000];

/// A generator that gives the same workloads every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn value(&mut self) -> f64 {
        match self.below(20) {
            0 => f64::NAN,
            1..=9 => self.below(10) as f64,
            _ => (self.next() >> 11) as f64 / 1e12 - 4_000.0,
        }
    }
}

struct Workload {
    policy: ArchivePolicy,
    batches: Vec<Vec<Measure>>,
    reads: Vec<ReadQuery>,
}

fn workload(random: &mut Random) -> Workload {
    let endless = random.one_in(2);
    let mut definition: Vec<Definition> = Vec::new();
    for _ in 0..=random.below(3) {
        let granularity =
            GRANULARITIES[random.below(GRANULARITIES.len() as u64) as usize] * 1_000_000;
        let granularity = Granularity::from_nanos(granularity);
        let points = (!endless).then(|| 1 + random.below(40));
        if definition
            .iter()
            .all(|archive| Some(archive.granularity) != granularity)
        {
            definition.push(Definition::new(granularity, points, None).unwrap());
        }
    }
    let methods = METHODS
        .iter()
        .filter(|_| random.one_in(2))
        .chain(["mean"].iter());
    let methods = methods.map(|method| method.parse().unwrap()).collect();
    let back_window = random.below(4) as u32;
    let policy = ArchivePolicy::new("test", back_window, definition, methods).unwrap();
    let mut now = NOON;
    let batches = (0..=random.below(12)).map(|_| {
        let step = match random.below(10) {
            0 => random.below(1_200) as i64 * SECOND,
            _ => random.below(80) as i64 * SECOND,
        };
        now = (now + step).min(NOON + SPLIT - SECOND);
        let widest = if random.one_in(5) { 6_000 } else { 400 };
        let spread = 1 + random.below(widest);
        let mut measure = |_| {
            let at = now - random.below(spread) as i64 * 100_000_000;
            Measure::new(Timestamp(at), random.value())
        };
        (0..=spread.min(30) / 2).map(&mut measure).collect()
    });
    let batches = batches.collect();
    let mut reads = Vec::new();
    for aggregation in &policy.aggregation_methods {
        for archive in &policy.definition {
            let mut query = ReadQuery::all(*aggregation);
            query.granularity = Some(archive.granularity);
            if endless && random.one_in(2) {
                query.start = Some(Timestamp(NOON + random.below(300) as i64 * SECOND));
                query.stop = Some(Timestamp(
                    NOON + (200 + random.below(2_000)) as i64 * SECOND,
                ));
            }
            reads.push(query);
        }
    }
    Workload {
        policy,
        batches,
        reads,
    }
}

fn script(workloads: &[Workload]) -> String {
    let mut text = String::new();
    for Workload {
        policy,
        batches,
        reads,
    } in workloads
    {
        let methods: Vec<String> = policy
            .aggregation_methods
            .iter()
            .map(Aggregation::to_string)
            .collect();
        write!(text, "policy {} {}", policy.back_window, methods.join(",")).unwrap();
        for archive in &policy.definition {
            write!(
                text,
                " {}:{}",
                archive.granularity.nanos(),
                archive.points.unwrap_or(0)
            )
            .unwrap();
        }
        for batch in batches {
            text.push_str("\nbatch");
            for measure in batch {
                write!(
                    text,
                    " {}:{:x}",
                    measure.timestamp.0,
                    measure.value.to_bits()
                )
                .unwrap();
            }
        }
        let moment = |moment: Option<Timestamp>| {
            moment.map_or("-".to_owned(), |moment| moment.0.to_string())
        };
        for read in reads {
            let granularity = read.granularity.unwrap().nanos();
            let (start, stop) = (moment(read.start), moment(read.stop));
            write!(
                text,
                "\nread {} {granularity} {start} {stop}",
                read.aggregation
            )
            .unwrap();
        }
        text.push('\n');
    }
    text
}

/// What Gnocchi answers to each read.
fn ask_gnocchi(script: &str) -> Vec<Vec<(i64, f64)>> {
    let dir = tempfile::tempdir().unwrap();
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge.py");
    // Debian's own Python, the one that has Debian's Gnocchi.
    #[expect(clippy::disallowed_methods, reason = "the judge is a Python library")]
    let mut python = Command::new("/usr/bin/python3");
    python
        .arg(judge)
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A judge that ends early says why itself.
        scope.spawn(move || drop(stdin.write_all(script.as_bytes())));
        python.wait_with_output().unwrap()
    });
    assert!(
        output.status.success(),
        "the judge failed; it needs Debian's python3-gnocchi"
    );
    let point = |point: &str| {
        let (at, bits) = point.split_once(':').unwrap();
        (
            at.parse().unwrap(),
            f64::from_bits(u64::from_str_radix(bits, 16).unwrap()),
        )
    };
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split_whitespace().map(point).collect())
        .collect()
}

/// Whether two values agree to 1e-9 of themselves, or differ by no more than the rounding of the measures' sum.
fn agree(ours: f64, theirs: f64) -> bool {
    ours == theirs
        || (ours.is_nan() && theirs.is_nan())
        || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3)
}

/// One read with Gnocchi's answer.
struct Compared {
    workload: usize,
    metric: MetricId,
    read: ReadQuery,
    theirs: Vec<(i64, f64)>,
}

fn compare(engine: &Engine, reads: &[Compared], when: &str) {
    for Compared {
        workload,
        metric,
        read,
        theirs,
    } in reads
    {
        let points = engine.read(*metric, read).unwrap().into_iter();
        let ours: Vec<(i64, f64)> = points
            .map(|point| (point.timestamp.0, point.value))
            .collect();
        let same = ours.len() == theirs.len()
            && ours
                .iter()
                .zip(theirs)
                .all(|(a, b)| a.0 == b.0 && agree(a.1, b.1));
        assert!(
            same,
            "{when}: workload {workload} {read:?}\nours {ours:?}\ngnocchi {theirs:?}"
        );
    }
}

#[test]
fn random_workloads_give_the_windows_that_gnocchi_gives_in_memory_and_in_segments() {
    let mut random = Random(20_260_101);
    let workloads: Vec<Workload> = (0..WORKLOADS).map(|_| workload(&mut random)).collect();
    let mut answers = ask_gnocchi(&script(&workloads)).into_iter();
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let in_memory = Engine::open(dirs[0].path(), Options::default()).unwrap();
    // Every flush moves all closed windows to segments.
    let to_segments = || {
        let options = Options {
            head_bytes: 0,
            ..Options::default()
        };
        Engine::open(dirs[1].path(), options).unwrap()
    };
    let on_disk = to_segments();
    let mut compared = Vec::new();
    for (
        number,
        Workload {
            policy,
            batches,
            reads,
        },
    ) in workloads.into_iter().enumerate()
    {
        let metric = MetricId::from_u128(number as u128);
        for engine in [&in_memory, &on_disk] {
            engine.set_policy(&[metric], &policy).unwrap();
            for batch in &batches {
                engine.write(vec![(metric, batch.clone())]).unwrap();
                // Also in the middle, so that windows are in several segments and late measures meet them there.
                if std::ptr::eq(engine, &on_disk) && random.one_in(8) {
                    engine.flush().unwrap();
                }
            }
        }
        let reads = reads.into_iter().map(|read| Compared {
            workload: number,
            metric,
            read,
            theirs: answers.next().unwrap(),
        });
        let reads: Vec<Compared> = reads.collect();
        compare(&in_memory, &reads, "in memory");
        compare(&on_disk, &reads, "flushed now and then");
        compared.extend(reads);
    }
    let points: usize = compared.iter().map(|one| one.theirs.len()).sum();
    assert!(
        points > 10_000,
        "{points} points are too few to say anything"
    );
    on_disk.flush().unwrap();
    assert!(on_disk.stats().segment_windows > 1_000, "nothing was moved");
    let begin = Instant::now();
    while on_disk.stats().compactions == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing merged");
        std::thread::sleep(Duration::from_millis(10));
    }
    compare(&on_disk, &compared, "after merges");
    drop(on_disk);
    compare(&to_segments(), &compared, "after merges and a restart");
    drop(in_memory);
    let reopened = Engine::open(dirs[0].path(), Options::default()).unwrap();
    compare(&reopened, &compared, "after a restart");
}
