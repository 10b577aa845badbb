//! A stopped store as an operator looks at it: sound, damaged in every kind of file, repaired; and stores of every
//! format that ever was, which open for ever.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use collector_model::{
    Aggregation, ArchivePolicy, Definition, Granularity, Measure, MetricId, Statistic, Timestamp,
};
use collector_storage::{Engine, Options, ReadQuery, Store as _, StoreError, inspect};

const MINUTE: i64 = 60_000_000_000;
const METRICS: u64 = 200;
const MINUTES: i64 = 60;

fn id(number: u64) -> MetricId {
    MetricId::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number)
}

fn policy() -> ArchivePolicy {
    let minute = Definition::new(Granularity::from_nanos(MINUTE), None, None).unwrap();
    let methods = [Statistic::Last, Statistic::Count].map(Aggregation::of);
    ArchivePolicy::new("minutes", 0, vec![minute], methods.into()).unwrap()
}

/// A number of many digits, so that segments have more than one block.
fn value(minute: i64) -> f64 {
    (minute as f64 * 31.0 + 7.0).sqrt()
}

/// A store with a snapshot, segments and a log; the flushes are after these minutes.
fn fill(dir: &Path, metrics: u64, minutes: i64, flushes: &[i64]) {
    let options = Options {
        head_bytes: 0,
        ..Options::default()
    };
    let engine = Engine::open(dir, options).unwrap();
    let ids: Vec<MetricId> = (0..metrics).map(id).collect();
    engine.set_policy(&ids, &policy()).unwrap();
    for minute in 0..minutes {
        let measure = Measure::new(Timestamp(minute * MINUTE), value(minute));
        let batch = ids.iter().map(|id| (*id, vec![measure])).collect();
        engine.write(batch).unwrap();
        if flushes.contains(&minute) {
            engine.flush().unwrap();
        }
    }
    let merges = flushes.len() / 4;
    let begin = Instant::now();
    while engine.stats().compactions < merges as u64 {
        assert!(begin.elapsed() < Duration::from_secs(60), "no merge came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many metrics have all their minutes.
fn whole(dir: &Path) -> usize {
    whole_of(dir, METRICS, MINUTES)
}

fn whole_of(dir: &Path, metrics: u64, minutes: i64) -> usize {
    let engine = Engine::open(dir, Options::default()).unwrap();
    let expected: Vec<(i64, f64)> = (0..minutes)
        .map(|minute| (minute * MINUTE, value(minute)))
        .collect();
    let query = ReadQuery::all(Aggregation::of(Statistic::Last));
    let is_whole = |number: &u64| {
        let Ok(points) = engine.read(id(*number), &query) else {
            return false;
        };
        let points = points.into_iter();
        points
            .map(|point| (point.timestamp.0, point.value))
            .eq(expected.iter().copied())
    };
    (0..metrics).filter(is_whole).count()
}

fn only_file(dir: &Path, folder: &str) -> PathBuf {
    let mut names: Vec<PathBuf> = fs::read_dir(dir.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.metadata().unwrap().len() > 0)
        .collect();
    names.sort();
    names.remove(0)
}

#[test]
fn a_sound_store_is_found_sound_and_its_figures_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), METRICS, MINUTES, &[MINUTES / 2]);
    let report = inspect::check(dir.path()).unwrap();
    assert_eq!(report.findings, []);
    assert!(
        report.records > MINUTES as u64 / 2 && report.files >= 3,
        "{report:?}"
    );
    let stats = inspect::stats(dir.path()).unwrap();
    assert_eq!((stats.format, stats.segments.len()), (3, 1));
    let segment = &stats.segments[0];
    assert_eq!(
        (segment.metrics, segment.windows, segment.values),
        (200, 200 * 30, 200 * 60)
    );
    assert_eq!(
        (segment.first, segment.last),
        (Timestamp(0), Timestamp(29 * MINUTE))
    );
    assert_eq!(whole(dir.path()), 200);
}

#[test]
fn what_is_no_store_or_is_running_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = inspect::check(dir.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("this is no store, it has no manifest"),
        "{error}"
    );
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
    let engine = Engine::open(dir.path(), Options::default()).unwrap();
    assert!(matches!(
        inspect::check(dir.path()),
        Err(StoreError::Locked(_))
    ));
    assert!(matches!(
        inspect::stats(dir.path()),
        Err(StoreError::Locked(_))
    ));
    assert!(matches!(
        inspect::repair(dir.path()),
        Err(StoreError::Locked(_))
    ));
    drop(engine);
    inspect::check(dir.path()).unwrap();
}

#[test]
fn flipped_bits_in_every_kind_of_file_are_found_with_file_and_place_and_repaired() {
    let template = tempfile::tempdir().unwrap();
    fill(template.path(), METRICS, MINUTES, &[MINUTES / 2]);
    for folder in ["wal", "snapshot", "segment"] {
        let length = only_file(template.path(), folder).metadata().unwrap().len();
        for place in 0..6 {
            let dir = tempfile::tempdir().unwrap();
            copy(template.path(), dir.path());
            let path = only_file(dir.path(), folder);
            let at = (length * place / 6 + 17).min(length - 1);
            let mut bytes = fs::read(&path).unwrap();
            bytes[at as usize] ^= 1 << (place % 8);
            fs::write(&path, bytes).unwrap();
            let (found, after) = inspect::repair(dir.path()).unwrap();
            assert_eq!(found.len(), 1, "{folder} at {at}: {found:?}");
            assert_eq!(found[0].path, path);
            assert!(
                found[0].offset <= at,
                "{folder}: {} > {at}",
                found[0].offset
            );
            assert_eq!(after.findings, [], "{folder} at {at}");
            assert!(dir.path().join("quarantine").exists(), "{folder} at {at}");
            let left = whole(dir.path());
            // An entry of the log has all metrics, a frame of the snapshot and a block of a segment some.
            let least = if folder == "wal" { 0 } else { 50 };
            assert!(left >= least, "{folder} at {at}: {left} metrics are whole");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Metrics and minutes of the fixtures: the last one has a merged segment, with columns long enough for pages.
const FIXTURES: [(&str, u64, i64); 3] = [
    ("format-1", METRICS, MINUTES),
    ("format-2", METRICS, MINUTES),
    ("format-3", 20, 320),
];

/// Writes the fixture of the format of today, by hand when the format changes:
/// `FIXTURE=tests/fixtures/format-N cargo test -p collector-storage --test inspect fixture -- --ignored`.
#[test]
#[ignore = "makes a fixture, by hand"]
fn make_a_fixture_of_the_format_of_today() {
    let dir = PathBuf::from(std::env::var("FIXTURE").unwrap());
    let (_, metrics, minutes) = FIXTURES[FIXTURES.len() - 1];
    fill(&dir, metrics, minutes, &[75, 150, 225, 310]);
    fs::remove_file(dir.join("LOCK")).unwrap();
}

#[test]
fn stores_of_every_format_open_and_have_all_their_measures() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (format, metrics, minutes) in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        copy(&fixtures.join(format), dir.path());
        let report = inspect::check(dir.path()).unwrap();
        assert_eq!(report.findings, [], "{format}");
        let whole = || whole_of(dir.path(), metrics, minutes);
        assert_eq!(whole(), metrics as usize, "{format}");
        // It goes on in the format of today.
        let engine = Engine::open(dir.path(), Options::default()).unwrap();
        let measure = Measure::new(Timestamp(minutes * MINUTE), 1.0);
        engine.write(vec![(id(0), vec![measure])]).unwrap();
        engine.flush().unwrap();
        drop(engine);
        assert_eq!(inspect::stats(dir.path()).unwrap().format, 3, "{format}");
        let left = metrics as usize - 1;
        assert_eq!(whole(), left, "{format}: one has a minute more");
    }
}
