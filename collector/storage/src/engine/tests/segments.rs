//! The store with most of its windows on disk: what is read, what expires, what a deletion leaves, and damage.

use std::fs;
use std::time::{Duration, Instant};

use collector_model::{Definition, Granularity};

use super::*;
use crate::segment::SEGMENT_DIR;

/// Every checkpoint moves all closed windows to segments.
fn open_small(dir: &Path) -> Engine {
    let options = Options {
        head_bytes: 0,
        ..Options::default()
    };
    Engine::open(dir, options).unwrap()
}

/// Windows of a minute, so many of them; rates and percentiles need the measures themselves.
pub(super) fn policy_of(points: Option<u64>) -> ArchivePolicy {
    let definition = Definition::new(Granularity::from_nanos(60 * SECOND), points, None).unwrap();
    let methods = ["max", "rate:last", "50pct"].map(|method| method.parse().unwrap());
    ArchivePolicy::new("test", 1, vec![definition], methods.into()).unwrap()
}

pub(super) fn read(engine: &Engine, number: u64, method: &str) -> Vec<(i64, f64)> {
    let query = ReadQuery::all(method.parse().unwrap());
    let points = engine.read(id(number), &query).unwrap().into_iter();
    points
        .map(|point| (point.timestamp.0 / SECOND / 60, point.value))
        .collect()
}

pub(super) fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn segment_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let dir = dir.join(SEGMENT_DIR);
    let names = file::list(&dir).unwrap();
    names.into_iter().map(|name| dir.join(name)).collect()
}

#[test]
fn windows_are_the_same_wherever_they_are_and_rates_and_percentiles_cross_the_boundary() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (in_memory, on_disk) = (open(dirs[0].path()), open_small(dirs[1].path()));
    for engine in [&in_memory, &on_disk] {
        engine
            .set_policy(&[id(0), id(1)], &policy_of(None))
            .unwrap();
    }
    let both =
        |engine: &Engine| ["max", "rate:last", "50pct"].map(|method| read(engine, 1, method));
    for half_minute in 0..200 {
        let at = Timestamp(half_minute * 30 * SECOND);
        let batch = vec![(
            id(1),
            vec![Measure::new(at, (half_minute * half_minute % 83) as f64)],
        )];
        for engine in [&in_memory, &on_disk] {
            engine.write(batch.clone()).unwrap();
        }
        if half_minute % 7 == 0 {
            on_disk.flush().unwrap();
        }
        if half_minute % 50 == 7 {
            assert_eq!(
                both(&on_disk),
                both(&in_memory),
                "half minute {half_minute}"
            );
        }
    }
    assert!(on_disk.stats().segments > 0);
    assert_eq!(in_memory.stats().segments, 0);
    assert_eq!(both(&on_disk), both(&in_memory));
    let query = ReadQuery {
        start: Some(Timestamp(601 * SECOND)),
        stop: Some(Timestamp(5_400 * SECOND)),
        ..ReadQuery::all(Aggregation::of(Statistic::Max))
    };
    let points = on_disk.read(id(1), &query).unwrap();
    assert_eq!(points, in_memory.read(id(1), &query).unwrap());
    assert_eq!(points.len(), 80);
    assert_eq!(read(&on_disk, 0, "max"), []);
    drop(on_disk);
    assert_eq!(both(&open_small(dirs[1].path())), both(&in_memory));
}

#[test]
fn expired_segments_are_unlinked_and_no_expired_point_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open_small(dir.path());
    engine
        .set_policy(&[id(0), id(1)], &policy_of(Some(30)))
        .unwrap();
    // A metric that falls silent keeps its last windows.
    engine
        .write(vec![(
            id(1),
            (0..10)
                .map(|minute| Measure::new(Timestamp(minute * 60 * SECOND), 1.0))
                .collect(),
        )])
        .unwrap();
    for minute in 0..600 {
        engine.write(batch(1, minute, minute as f64)).unwrap();
        if minute % 10 == 9 {
            engine.flush().unwrap();
            let kept = read(&engine, 0, "max");
            assert_eq!(kept.len() as i64, 30.min(minute + 1));
            assert_eq!(kept.last(), Some(&(minute, minute as f64)));
        }
    }
    wait_until(|| engine.stats().segment_windows < 200);
    assert!(segment_files(dir.path()).len() < 15);
    assert_eq!(read(&engine, 1, "max").len(), 10);
    assert!(engine.stats().dropped_windows > 400);
    drop(engine);
    let engine = open_small(dir.path());
    assert_eq!(read(&engine, 0, "max").first(), Some(&(570, 570.0)));
    assert_eq!(read(&engine, 1, "max").len(), 10);
}

#[test]
fn a_metric_made_anew_under_a_deleted_id_has_nothing_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = open_small(dir.path());
    for round in 0..3 {
        engine.set_policy(&[id(0)], &policy_of(None)).unwrap();
        assert_eq!(read(&engine, 0, "max"), []);
        for minute in 0..20 {
            engine.write(batch(1, minute, round as f64)).unwrap();
        }
        engine.flush().unwrap();
        assert_eq!(read(&engine, 0, "max").len(), 20);
        assert!(
            read(&engine, 0, "max")
                .iter()
                .all(|(_, value)| *value == round as f64)
        );
        drop(engine);
        engine = open_small(dir.path());
        assert_eq!(read(&engine, 0, "max").len(), 20);
        engine.delete_metrics(&[id(0)]).unwrap();
        assert_eq!(engine.stats().metrics, 0);
    }
}

#[test]
fn metrics_made_and_deleted_again_and_again_leave_no_growth() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        checkpoint_wal_bytes: 200_000,
        head_bytes: 0,
    };
    let engine = Engine::open(dir.path(), options).unwrap();
    let bytes = || {
        let files = segment_files(dir.path()).into_iter();
        let sizes = files.filter_map(|path| fs::metadata(path).ok());
        sizes.map(|of| of.len()).sum::<u64>()
    };
    let (mut first, mut tombstones) = (None, 0);
    for round in 0..60_u64 {
        let ids: Vec<MetricId> = (0..500).map(|number| id(round * 500 + number)).collect();
        engine.set_policy(&ids, &policy_of(None)).unwrap();
        let measures: Vec<Measure> = (0..20)
            .map(|minute| Measure::new(Timestamp(minute * 60 * SECOND), 1.0))
            .collect();
        engine
            .write(ids.iter().map(|id| (*id, measures.clone())).collect())
            .unwrap();
        engine.flush().unwrap();
        let of_a_round = *first.get_or_insert_with(bytes);
        engine.delete_metrics(&ids).unwrap();
        tombstones = tombstones.max(engine.stats().tombstones);
        if round % 20 == 19 {
            wait_until(|| {
                engine.flush().unwrap();
                engine.stats().segment_windows < 500 * 20 * 30
            });
            // How many rounds wait for a merge is the machine's to say; files of earlier ones are gone.
            let now = bytes();
            assert!(now <= of_a_round * 35, "{now} bytes, {of_a_round} a round");
        }
    }
    assert!(tombstones > 0, "nothing was tried");
    assert_eq!(engine.stats().metrics, 0);
}

#[test]
fn a_damaged_block_costs_its_metrics_windows_there_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open_small(dir.path());
    let ids: Vec<MetricId> = (0..300).map(id).collect();
    engine.set_policy(&ids, &policy_of(None)).unwrap();
    for minute in 0..50 {
        engine.write(batch(300, minute, minute as f64)).unwrap();
    }
    engine.flush().unwrap();
    drop(engine);
    let path = segment_files(dir.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 4;
    fs::write(&path, bytes).unwrap();
    let engine = open_small(dir.path());
    let whole = (0..300)
        .filter(|number| read(&engine, *number, "max").len() == 50)
        .count();
    assert!(
        (1..300).contains(&whole),
        "{whole} of 300 metrics are whole"
    );
    assert!(engine.stats().damaged_blocks > 0);
    // What memory has is there for all.
    assert!((0..300).all(|number| read(&engine, number, "max").last() == Some(&(49, 49.0))));
    drop(engine);
    fs::remove_file(&path).unwrap();
    let engine = open_small(dir.path());
    let report = engine.stats().replay.damaged;
    assert_eq!(report, [format!("{}: it is missing", path.display())]);
    assert_eq!(read(&engine, 7, "max").last(), Some(&(49, 49.0)));
}

#[test]
fn page_after_page_gives_what_is_read_at_once_and_takes_the_memory_of_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open_small(dir.path());
    engine.set_policy(&[id(1)], &policy_of(Some(150))).unwrap();
    for minute in 0..200 {
        // Not every window has a value.
        if minute % 5 != 3 {
            let measure = Measure::new(Timestamp(minute * 60 * SECOND), minute as f64);
            engine.write(vec![(id(1), vec![measure])]).unwrap();
        }
        if minute % 40 == 0 {
            engine.flush().unwrap();
        }
    }
    assert!(engine.stats().segments > 0);
    let mut query = ReadQuery {
        granularity: Granularity::from_nanos(60 * SECOND),
        ..ReadQuery::all("max".parse().unwrap())
    };
    let whole = engine.read(id(1), &query).unwrap();
    assert!(whole.len() > 100);
    for most in [1, 7, 50, whole.len(), 1_000] {
        query.start = None;
        let mut paged = Vec::new();
        loop {
            let page = engine.read_first(id(1), &query, most).unwrap();
            assert!(page.capacity() <= most.max(4), "{}", page.capacity());
            paged.extend_from_slice(&page);
            match page.last() {
                Some(last) if page.len() == most => {
                    query.start = Some(Timestamp(last.timestamp.0 + 60 * SECOND));
                }
                _ => break,
            }
        }
        assert_eq!(paged, whole, "{most} at once");
    }
}

#[test]
fn a_longer_back_window_waits_until_what_it_opens_again_is_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open_small(dir.path());
    let write = |engine: &Engine, minute: i64, value: f64| {
        let measure = Measure::new(Timestamp(minute * 60 * SECOND), value);
        engine.write(vec![(id(0), vec![measure])]).unwrap();
    };
    let at = |engine: &Engine, minute: usize| read(engine, 0, "max")[minute];
    let longer = ArchivePolicy {
        back_window: 5,
        ..policy_of(None)
    };
    engine.set_policy(&[id(0)], &policy_of(None)).unwrap();
    (0..10).for_each(|minute| write(&engine, minute, minute as f64));
    engine.flush().unwrap();
    // Five is in a segment, and stays as it is.
    engine.set_policy(&[id(0)], &longer).unwrap();
    write(&engine, 5, 99.0);
    assert_eq!(at(&engine, 5), (5, 5.0));
    (10..20).for_each(|minute| write(&engine, minute, minute as f64));
    write(&engine, 15, 99.0);
    assert_eq!(at(&engine, 15), (15, 15.0));
    // All that it opens is in memory now.
    engine.set_policy(&[id(0)], &longer).unwrap();
    write(&engine, 15, 99.0);
    assert_eq!(at(&engine, 15), (15, 99.0));
    drop(engine);
    let engine = open_small(dir.path());
    write(&engine, 14, 98.0);
    assert_eq!(at(&engine, 14), (14, 98.0));
    let minutes: Vec<i64> = read(&engine, 0, "max")
        .iter()
        .map(|(minute, _)| *minute)
        .collect();
    assert_eq!(minutes, (0..20).collect::<Vec<_>>());
}
