//! The power cut: a recorded run of the store, cut at every sync and in the middle between two, with what was not synced
//! lost, there, torn or out of order. Whatever was acknowledged before the cut is there, and the store goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::checkpoint::SNAPSHOT_DIR;
use crate::file::recorder::{Platter, Recorder};
use crate::segment::SEGMENT_DIR;

/// Different fates of what was not synced, tried at every cut.
const FATES: u64 = 3;
const METRICS: u64 = 3;
const MINUTES: i64 = 60;

/// A generator that gives the same fates every time.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Where there is memory instead of a disk: the test is about the order of calls.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn options() -> Options {
    Options {
        checkpoint_wal_bytes: 4_000,
        head_bytes: 0,
    }
}

/// An acknowledgement: after how many steps it was given, and for which minute; the first is the registration.
type Acknowledged = Vec<(usize, i64)>;

/// A run with checkpoints, flushes to segments, merges and a deletion, in which every minute is acknowledged.
fn recorded(dir: &Path) -> (Recorder, Acknowledged) {
    let disk = Recorder::default();
    let engine = Engine::open_on(Arc::new(disk.clone()), dir, options()).unwrap();
    let ids: Vec<MetricId> = (0..METRICS + 1).map(id).collect();
    let policy = ArchivePolicy::new(
        "minutes",
        0,
        vec![
            collector_model::Definition::new(
                collector_model::Granularity::from_nanos(60 * SECOND),
                None,
                None,
            )
            .unwrap(),
        ],
        [Aggregation::of(Statistic::Max)].into(),
    )
    .unwrap();
    engine.set_policy(&ids, &policy).unwrap();
    let mut acknowledged = vec![(disk.len(), -1)];
    for minute in 0..MINUTES {
        engine.write(batch(METRICS, minute, minute as f64)).unwrap();
        acknowledged.push((disk.len(), minute));
        if minute % 4 == 3 {
            engine.flush().unwrap();
        }
        if minute == MINUTES / 2 {
            engine.delete_metrics(&[id(METRICS)]).unwrap();
        }
    }
    let stats = engine.stats();
    assert!(
        stats.checkpoints > 5 && stats.segments > 0 && stats.compactions > 0,
        "{stats:?}"
    );
    (disk, acknowledged)
}

fn lay_out(from: &Path, files: BTreeMap<PathBuf, Vec<u8>>) -> tempfile::TempDir {
    let dir = memory();
    // The folders are made once the manifest is there for sure.
    if files.contains_key(&from.join("MANIFEST")) {
        for folder in [WAL_DIR, SNAPSHOT_DIR, SEGMENT_DIR] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
    }
    for (path, bytes) in files {
        let name = path.strip_prefix(from).unwrap();
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn check(dir: &Path, acknowledged: &[(usize, i64)], context: &str) {
    let engine = Engine::open(dir, options()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let Some((_, last)) = acknowledged.last() else {
        return;
    };
    let damaged = engine.stats().replay.damaged;
    assert!(damaged.is_empty(), "{context}: {damaged:?}");
    for number in 0..METRICS {
        let query = ReadQuery::all(Aggregation::of(Statistic::Max));
        let points = engine.read(id(number), &query).unwrap();
        for minute in 0..=*last {
            let expected = Timestamp(minute * 60 * SECOND);
            let point = points.get(minute as usize);
            assert!(
                point.is_some_and(
                    |point| point.timestamp == expected && point.value == minute as f64
                ),
                "{context}: metric {number} lacks minute {minute} of {last}"
            );
        }
    }
    // And it goes on.
    engine.write(batch(METRICS, MINUTES + 5, 1.0)).unwrap();
    engine.flush().unwrap();
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    let dir = memory();
    let (disk, acknowledged) = recorded(dir.path());
    let steps = disk.steps();
    let mut platter = Platter::default();
    let mut cuts = 0;
    for (index, step) in steps.iter().enumerate() {
        // Just before the promise of a sync holds, and just after.
        for done in [false, true] {
            if done {
                platter.step(step);
            }
            if !step.is_boundary() {
                continue;
            }
            let reached = index + usize::from(done);
            let known = acknowledged.partition_point(|(at, _)| *at <= reached);
            for fate in 0..FATES {
                let mut dice = dice((index as u64) << 8 | fate << 1 | u64::from(done));
                let context = format!(
                    "cut at step {index} of {}, fate {fate}, done {done}: {step:?}",
                    steps.len()
                );
                let cut = lay_out(dir.path(), platter.cut(&mut dice));
                check(cut.path(), &acknowledged[..known], &context);
                cuts += 1;
            }
        }
    }
    assert!(cuts > 300, "{cuts} cuts are too few to say anything");
}
