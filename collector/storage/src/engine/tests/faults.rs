//! Disks that fail: what was acknowledged is there after a restart, and the state in between is clear.

use std::collections::BTreeMap;
use std::io;

use super::*;
use crate::file::faulty::{Faulty, Kind};

fn open_faulty(dir: &Path) -> (Faulty, Engine) {
    let disk = Faulty::default();
    let engine = Engine::open_on(Arc::new(disk.clone()), dir, Options::default()).unwrap();
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    (disk, engine)
}

fn no_space() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

#[test]
fn a_failed_fsync_poisons_writes_but_not_reads_until_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, engine) = open_faulty(dir.path());
    engine.write(batch(1, 0, 1.0)).unwrap();
    disk.fail(|kind, _| (kind == Kind::Sync).then(|| io::Error::other("bad sector")));
    let error = engine.write(batch(1, 1, 1.0)).unwrap_err().to_string();
    assert!(
        error.starts_with("store refuses writes until it is restarted: cannot sync"),
        "{error}"
    );
    assert!(error.ends_with("bad sector"), "{error}");
    disk.heal();
    assert!(matches!(
        engine.write(batch(1, 2, 1.0)),
        Err(StoreError::Poisoned(_))
    ));
    assert!(matches!(
        engine.submit(batch(1, 2, 1.0), Box::new(|_| ())),
        Err(StoreError::Poisoned(_))
    ));
    assert!(matches!(
        engine.set_policy(&[id(1)], &policy("low")),
        Err(StoreError::Poisoned(_))
    ));
    assert!(matches!(
        engine.delete_metrics(&[id(0)]),
        Err(StoreError::Poisoned(_))
    ));
    assert!(matches!(engine.flush(), Err(StoreError::Poisoned(_))));
    assert!(engine.stats().poisoned.unwrap().contains("bad sector"));
    assert_eq!(minutes(&engine, 0), [(0, 1.0)]);
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(minutes(&engine, 0).first(), Some(&(0, 1.0)));
    engine.write(batch(1, 3, 1.0)).unwrap();
}

#[test]
fn a_full_disk_refuses_writes_and_takes_them_again_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, engine) = open_faulty(dir.path());
    engine.write(batch(1, 0, 1.0)).unwrap();
    disk.fail(|kind, _| matches!(kind, Kind::Write | Kind::Reserve | Kind::Create).then(no_space));
    for _ in 0..3 {
        assert!(matches!(
            engine.write(batch(1, 1, 1.0)),
            Err(StoreError::DiskFull(_))
        ));
    }
    assert!(engine.stats().disk_full);
    assert!(matches!(engine.flush(), Err(StoreError::DiskFull(_))));
    assert_eq!(minutes(&engine, 0), [(0, 1.0)]);
    disk.heal();
    engine.write(batch(1, 2, 1.0)).unwrap();
    assert!(!engine.stats().disk_full);
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(minutes(&engine, 0), [(0, 1.0), (2, 1.0)]);
    assert_eq!(engine.stats().replay.torn_bytes, 0);
}

#[test]
fn a_store_opens_on_a_full_disk_for_its_readers() {
    let dir = tempfile::tempdir().unwrap();
    let (_, engine) = open_faulty(dir.path());
    engine.write(batch(1, 0, 1.0)).unwrap();
    drop(engine);
    let disk = Faulty::default();
    disk.fail(|kind, _| matches!(kind, Kind::Write | Kind::Reserve).then(no_space));
    let engine = Engine::open_on(Arc::new(disk.clone()), dir.path(), Options::default()).unwrap();
    assert_eq!(minutes(&engine, 0), [(0, 1.0)]);
    assert!(matches!(
        engine.write(batch(1, 1, 1.0)),
        Err(StoreError::DiskFull(_))
    ));
    disk.heal();
    engine.write(batch(1, 1, 1.0)).unwrap();
}

#[test]
fn a_write_that_cannot_be_undone_poisons() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, engine) = open_faulty(dir.path());
    disk.fail(|kind, _| matches!(kind, Kind::Write | Kind::SetLen).then(no_space));
    let error = engine.write(batch(1, 0, 1.0)).unwrap_err().to_string();
    assert!(error.contains("cannot undo a failed write to"), "{error}");
}

#[test]
fn a_failed_checkpoint_keeps_the_log_and_the_next_one_works() {
    for failing in [
        Kind::Create,
        Kind::Write,
        Kind::Sync,
        Kind::Rename,
        Kind::SyncDir,
        Kind::Remove,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (disk, engine) = open_faulty(dir.path());
        engine.write(batch(1, 0, 1.0)).unwrap();
        disk.fail(move |kind, path| {
            let of_snapshot = path.extension().is_none_or(|extension| extension != "wal");
            (kind == failing && (of_snapshot || kind == Kind::Remove))
                .then(|| io::Error::other("injected"))
        });
        let error = engine.flush().unwrap_err().to_string();
        assert!(error.ends_with("injected"), "{failing:?}: {error}");
        assert_eq!(engine.stats().checkpoint_failures, 1);
        engine.write(batch(1, 1, 2.0)).unwrap();
        disk.heal();
        engine.flush().unwrap();
        drop(engine);
        let engine = open(dir.path());
        assert_eq!(minutes(&engine, 0), [(0, 1.0), (1, 2.0)], "{failing:?}");
        assert_eq!(engine.stats().replay.entries, 0, "{failing:?}");
    }
}

/// What the workload got acknowledged: value by minute. Every flush makes a segment; after four they are merged.
fn work(engine: &Engine) -> BTreeMap<i64, f64> {
    let mut acknowledged = BTreeMap::new();
    if engine.set_policy(&[id(0)], &policy("low")).is_err() {
        return acknowledged;
    }
    for step in 0..10 {
        let minute = step * 5;
        if engine.write(batch(1, minute, minute as f64)).is_ok() {
            acknowledged.insert(minute, minute as f64);
        }
        // A flush may fail, as may a read of a segment; what is read is right.
        let _ = engine.flush();
        let known = |(minute, value): (&i64, &f64)| *minute as f64 == *value;
        assert!(maxima(engine).is_none_or(|points| points.iter().all(known)));
    }
    acknowledged
}

/// Maxima per five minutes by minute; `None` if the disk does not give them.
fn maxima(engine: &Engine) -> Option<BTreeMap<i64, f64>> {
    let query = ReadQuery::all(Aggregation::of(Statistic::Max));
    match engine.read(id(0), &query) {
        Ok(points) => {
            let points = points.into_iter();
            Some(
                points
                    .map(|point| (point.timestamp.0 / SECOND / 60, point.value))
                    .collect(),
            )
        }
        Err(error) => {
            assert!(
                matches!(error, StoreError::Io { .. } | StoreError::DiskFull(_)),
                "{error}"
            );
            None
        }
    }
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost() {
    let small = Options {
        head_bytes: 0,
        ..Options::default()
    };
    for full in [true, false] {
        let mut reached = true;
        // All of them by hand: they take two minutes.
        let every = std::env::var_os("NEPHOSCOPE_FAIL_EVERY_CALL").is_some();
        let first = if full { 0 } else { 3 };
        for failing in (first..).step_by(if every { 1 } else { 7 }) {
            if !reached {
                assert!(failing > 100, "{failing} calls are not all there are");
                break;
            }
            let dir = tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .unwrap();
            let disk = Faulty::default();
            let (hit, was_hit) = sync_channel(1);
            let mut calls = 0;
            disk.fail(move |_, _| {
                calls += 1;
                (calls == failing + 1).then(|| {
                    hit.send(()).unwrap();
                    if full {
                        no_space()
                    } else {
                        io::Error::other("injected")
                    }
                })
            });
            let engine = Engine::open_on(Arc::new(disk.clone()), dir.path(), small.clone());
            let acknowledged = engine.as_ref().map(work).unwrap_or_default();
            drop(engine);
            reached = was_hit.try_recv().is_ok();
            let engine = Engine::open(dir.path(), small.clone()).unwrap();
            assert!(engine.stats().replay.damaged.is_empty());
            if acknowledged.is_empty() {
                continue;
            }
            let found = maxima(&engine).unwrap();
            for (minute, value) in acknowledged {
                assert_eq!(
                    found.get(&minute),
                    Some(&value),
                    "call {failing} failed, full: {full}"
                );
            }
        }
    }
}
