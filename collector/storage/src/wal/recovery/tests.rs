//! Logs that were cut, flipped and lost in parts: what is whole is applied, what is not is reported.

use std::fs;
use std::sync::Arc;

use collector_model::{Aggregation, ArchivePolicy, Measure, MetricId, Statistic, Timestamp};

use super::*;
use crate::ReadQuery;
use crate::batch::SortedBatch;
use crate::file::System;
use crate::wal::entry::{encode_set_policy, encode_write};
use crate::wal::writer::WalWriter;

/// A log with a registration and `writes` measures, one per minute and entry; returns the end of each entry.
fn write_log(store: &Path, writes: i64) -> Vec<u64> {
    let dir = store.join(WAL_DIR);
    fs::create_dir_all(&dir).unwrap();
    let mut wal = WalWriter::create(Arc::new(System), &dir, 1, Vec::new()).unwrap();
    let low = ArchivePolicy::defaults()
        .into_iter()
        .find(|policy| policy.name == "medium")
        .unwrap();
    let mut payloads = vec![encode_set_policy(&low, &[MetricId::nil()])];
    payloads.extend((0..writes).map(|minute| {
        let measure = Measure::new(Timestamp(minute * 60_000_000_000), minute as f64);
        encode_write(&SortedBatch::new(vec![(MetricId::nil(), vec![measure])]).unwrap())
    }));
    payloads
        .iter()
        .map(|payload| {
            wal.append([payload.as_slice()].into_iter()).unwrap();
            wal.bytes()
        })
        .collect()
}

struct Recovered {
    minutes: Vec<i64>,
    replayed: Replayed,
    report: ReplayReport,
}

fn recover(store: &Path) -> Recovered {
    let head = Head::new(0);
    let mut report = ReplayReport::default();
    let replayed = replay(&System, store, 0, &head, &mut report).unwrap();
    let query = ReadQuery {
        granularity: collector_model::Granularity::from_nanos(60_000_000_000),
        ..ReadQuery::all(Aggregation::of(Statistic::Last))
    };
    let query = ReadQuery {
        aggregation: Aggregation::of(Statistic::Max),
        ..query
    };
    let shard = head.shard(0).unwrap();
    let series = shard.metrics.get(&MetricId::nil());
    let points = series
        .and_then(|series| series.read(MetricId::nil(), &query).ok())
        .unwrap_or_default();
    let minutes = points
        .iter()
        .map(|point| point.timestamp.0 / 60_000_000_000)
        .collect();
    Recovered {
        minutes,
        replayed,
        report,
    }
}

/// A store whose only segment has been changed.
fn changed(bytes: &[u8]) -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    fs::create_dir(store.path().join(WAL_DIR)).unwrap();
    fs::write(segment_path(&store.path().join(WAL_DIR), 1), bytes).unwrap();
    store
}

#[test]
fn a_cut_at_every_byte_keeps_all_entries_before_it_and_is_repaired() {
    let store = tempfile::tempdir().unwrap();
    let ends = write_log(store.path(), 5);
    let bytes = fs::read(segment_path(&store.path().join(WAL_DIR), 1)).unwrap();
    for cut in 0..=bytes.len() {
        let store = changed(&bytes[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut as u64).count();
        let kept = ends[..whole].last().copied().unwrap_or(0);
        let expected: Vec<i64> = (0..(whole as i64 - 1).max(0)).collect();
        let recovered = recover(store.path());
        assert_eq!(recovered.minutes, expected, "cut at {cut}");
        assert_eq!(recovered.replayed.next_seq, whole as u64 + 1);
        assert_eq!(
            recovered.report.torn_bytes,
            cut as u64 - kept,
            "cut at {cut}"
        );
        assert!(recovered.report.damaged.is_empty());
        let again = recover(store.path());
        assert_eq!(
            (again.minutes, again.report.torn_bytes),
            (expected, 0),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_flipped_bit_before_the_last_entry_is_reported_with_its_place_and_costs_that_entry() {
    let store = tempfile::tempdir().unwrap();
    let ends = write_log(store.path(), 5);
    let bytes = fs::read(segment_path(&store.path().join(WAL_DIR), 1)).unwrap();
    for at in ends[1]..ends[2] {
        let mut flipped = bytes.clone();
        flipped[at as usize] ^= 0x10;
        let store = changed(&flipped);
        let recovered = recover(store.path());
        assert_eq!(recovered.minutes, [0, 2, 3, 4], "byte {at}");
        assert_eq!(recovered.report.damaged_bytes, ends[2] - ends[1]);
        let place = format!("at byte {}: ", ends[1]);
        assert!(
            recovered.report.damaged[0].contains(&place),
            "{:?}",
            recovered.report.damaged
        );
        let copy = store
            .path()
            .join(format!("quarantine/{:020}.wal-{}", 1, ends[1]));
        assert_eq!(
            fs::read(copy).unwrap(),
            flipped[ends[1] as usize..ends[2] as usize]
        );
    }
}

#[test]
fn measures_of_a_metric_whose_registration_is_damaged_are_counted() {
    let store = tempfile::tempdir().unwrap();
    write_log(store.path(), 3);
    let mut bytes = fs::read(segment_path(&store.path().join(WAL_DIR), 1)).unwrap();
    bytes[30] ^= 1;
    let recovered = recover(changed(&bytes).path());
    assert_eq!((recovered.minutes.len(), recovered.report.orphans), (0, 3));
}

#[test]
fn the_torn_end_of_a_segment_that_is_not_the_last_is_damage() {
    let store = tempfile::tempdir().unwrap();
    let ends = write_log(store.path(), 3);
    let dir = store.path().join(WAL_DIR);
    let bytes = fs::read(segment_path(&dir, 1)).unwrap();
    let last = ends[ends.len() - 2] as usize;
    fs::write(segment_path(&dir, 1), &bytes[..last - 1]).unwrap();
    fs::write(segment_path(&dir, 4), &bytes[last..]).unwrap();
    let recovered = recover(store.path());
    assert_eq!(recovered.minutes, [0, 2]);
    assert_eq!(
        (recovered.report.torn_bytes, recovered.report.damaged.len()),
        (0, 1)
    );
    assert_eq!(recovered.replayed.next_seq, 5);
    let segments: Vec<u64> = recovered
        .replayed
        .segments
        .iter()
        .map(|(first, _)| *first)
        .collect();
    assert_eq!(segments, [1, 4]);
}

#[test]
fn a_lost_segment_is_reported_as_a_hole() {
    let store = tempfile::tempdir().unwrap();
    let ends = write_log(store.path(), 3);
    let dir = store.path().join(WAL_DIR);
    let bytes = fs::read(segment_path(&dir, 1)).unwrap();
    fs::write(segment_path(&dir, 1), &bytes[..ends[1] as usize]).unwrap();
    fs::write(segment_path(&dir, 4), &bytes[ends[2] as usize..]).unwrap();
    let recovered = recover(store.path());
    assert_eq!(recovered.minutes, [0, 2]);
    assert!(recovered.report.damaged[0].ends_with("entries 3 to 3 are missing before it"));
}

#[test]
fn segments_that_the_snapshot_covers_are_removed_and_others_stay() {
    let store = tempfile::tempdir().unwrap();
    let ends = write_log(store.path(), 3);
    let dir = store.path().join(WAL_DIR);
    let bytes = fs::read(segment_path(&dir, 1)).unwrap();
    fs::write(segment_path(&dir, 1), &bytes[..ends[1] as usize]).unwrap();
    fs::write(segment_path(&dir, 3), &bytes[ends[1] as usize..]).unwrap();
    let replayed = replay(
        &System,
        store.path(),
        2,
        &Head::new(2),
        &mut ReplayReport::default(),
    )
    .unwrap();
    assert_eq!(
        replayed,
        Replayed {
            next_seq: 5,
            segments: vec![(3, (ends[3] - ends[1]))]
        }
    );
    assert_eq!(file::list(&dir).unwrap(), [format!("{:020}.wal", 3)]);
}
