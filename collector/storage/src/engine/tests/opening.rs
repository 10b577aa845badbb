//! Opening a store: one process at a time, with its manifest, and what is said about damage.

use std::fs;

use super::*;
use crate::checkpoint::SNAPSHOT_DIR;

#[test]
fn a_store_opens_once_at_a_time_and_only_with_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    assert!(matches!(
        Engine::open(dir.path(), Options::default()),
        Err(StoreError::Locked(_))
    ));
    drop(engine);
    fs::remove_file(dir.path().join("MANIFEST")).unwrap();
    let error = Engine::open(dir.path(), Options::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("there is a log or a snapshot, but no manifest"),
        "{error}"
    );
}

#[test]
fn damage_is_reported_once_since_a_checkpoint_follows() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    for minute in 0..3 {
        engine.write(batch(1, minute, 1.0)).unwrap();
    }
    drop(engine);
    let path = crate::wal::segment_path(&dir.path().join(WAL_DIR), 1);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 60] ^= 1;
    fs::write(&path, bytes).unwrap();
    let engine = open(dir.path());
    assert_eq!(engine.stats().replay.damaged.len(), 1);
    assert_eq!(minutes(&engine, 0), [(0, 1.0), (2, 1.0)]);
    engine.flush().unwrap();
    drop(engine);
    let engine = open(dir.path());
    assert!(engine.stats().replay.damaged.is_empty());
    assert_eq!(minutes(&engine, 0), [(0, 1.0), (2, 1.0)]);
}

/// Copies a store as it lies on the disk, with its engine still running: what a crash at this moment leaves.
fn crashed(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["", WAL_DIR, SNAPSHOT_DIR] {
        fs::create_dir_all(copy.path().join(folder)).unwrap();
        for name in file::list(&dir.join(folder)).unwrap() {
            fs::copy(
                dir.join(folder).join(&name),
                copy.path().join(folder).join(&name),
            )
            .unwrap();
        }
    }
    copy
}

#[test]
fn a_crash_between_two_writes_loses_neither_what_is_in_the_snapshot_nor_what_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    let mut expected = Vec::new();
    for minute in 0..6 {
        engine.write(batch(1, minute, 1.0)).unwrap();
        expected.push((minute, 1.0));
        assert_eq!(minutes(&open(crashed(dir.path()).path()), 0), expected);
        if minute % 2 == 0 {
            engine.flush().unwrap();
            assert_eq!(minutes(&open(crashed(dir.path()).path()), 0), expected);
        }
    }
}
