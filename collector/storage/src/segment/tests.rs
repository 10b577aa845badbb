//! Segments: what is written is read, damage costs its block, merging keeps what is needed and nothing else.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use collector_model::{ArchivePolicy, Measure, MetricId, Timestamp};

use super::compact::{choose, merge};
use super::flush::Flush;
use super::lookup::Lookup;
use super::reader::Segment;
use super::set::{Wanted, read};
use super::writer::SegmentWriter;
use super::*;
use crate::batch::SortedBatch;
use crate::codec::values::Effort;
use crate::file::System;
use crate::head::Head;
use crate::head::rows::{ABSENT, Rows};
use crate::rollup::Scratch;

mod columns;

const MINUTE: i64 = 60_000_000_000;

fn store() -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    fs::create_dir(store.path().join(SEGMENT_DIR)).unwrap();
    store
}

fn id(number: u64) -> MetricId {
    MetricId::from_u64_pair(number << 40, number)
}

fn open(store: &tempfile::TempDir, id: u64) -> Arc<Segment> {
    let (segment, damage) = Segment::open(&System, store.path(), id).unwrap();
    assert_eq!(damage, []);
    Arc::new(segment)
}

/// Cells of rows with two columns, of which the second is there in every third row.
fn cells(minutes: std::ops::Range<i64>) -> Vec<u64> {
    minutes
        .flat_map(|minute| {
            let second = if minute % 3 == 0 {
                (-(minute as f64)).to_bits()
            } else {
                ABSENT
            };
            [
                (minute * MINUTE) as u64,
                (minute as f64 / 8.0).to_bits(),
                second,
            ]
        })
        .collect()
}

fn write(store: &tempfile::TempDir, number: u64, metrics: u64, minutes: std::ops::Range<i64>) {
    let mut writer = SegmentWriter::create(&System, store.path(), number, MINUTE).unwrap();
    for metric in 0..metrics {
        writer
            .add(number, id(metric), &cells(minutes.clone()), 2, Effort::Fast)
            .unwrap();
    }
    assert_eq!(writer.publish().unwrap(), Some(number));
}

fn minutes(segments: &[Arc<Segment>], metric: u64, column: usize) -> Vec<i64> {
    minutes_by(&mut Lookup::default(), segments, metric, column)
}

fn minutes_by(
    lookup: &mut Lookup,
    segments: &[Arc<Segment>],
    metric: u64,
    column: usize,
) -> Vec<i64> {
    let wanted = Wanted {
        metric: id(metric),
        granularity: MINUTE,
        column,
        since: 0,
    };
    let list = Arc::new(segments.to_vec());
    let values = read(&list, lookup, &wanted, (i64::MIN, i64::MAX), usize::MAX).unwrap();
    values
        .into_iter()
        .map(|(start, _)| start / MINUTE)
        .collect()
}

#[test]
fn every_flipped_bit_is_noticed_and_costs_no_more_than_its_block() {
    let store = store();
    write(&store, 1, 400, 0..200);
    let path = segment_path(store.path(), 1);
    let good = fs::read(&path).unwrap();
    let blocks = open(&store, 1).blocks();
    assert!(blocks > 3, "{blocks}");
    let expected: Vec<i64> = (0..200).collect();
    let all = |segment: &Arc<Segment>| {
        let (mut lookup, segments) = (Lookup::default(), std::slice::from_ref(segment));
        (0..400)
            .filter(|metric| minutes_by(&mut lookup, segments, *metric, 0) == expected)
            .count()
    };
    // Every byte of index and footer, and some of each block.
    let ends = good.len() - 200;
    for at in (0..ends).step_by(4_999).chain(ends..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        let (segment, damage) = Segment::open(&System, store.path(), 1).unwrap();
        let segment = Arc::new(segment);
        let whole = all(&segment);
        let noticed = damage.len() as u64 + segment.damaged();
        assert!(noticed > 0, "byte {at}");
        let least = 400 - 400_usize.div_ceil(blocks - 1);
        assert!(whole >= least, "byte {at}: {whole} of 400 are whole");
        if at >= ends {
            assert_eq!(whole, 400, "byte {at} is of no block");
        }
    }
    for cut in [0, 10, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..cut]).unwrap();
        let (segment, damage) = Segment::open(&System, store.path(), 1).unwrap();
        assert!(!damage.is_empty(), "cut at {cut}");
        let whole = all(&Arc::new(segment));
        assert!(whole >= cut * 300 / good.len(), "cut at {cut}: {whole}");
    }
}

/// A head that knows the metrics with windows of a minute kept for `points`, and measures at these minutes.
fn head(metrics: u64, points: Option<u64>, minutes: std::ops::Range<i64>) -> Head {
    let head = Head::new(0);
    let definition = collector_model::Definition::new(
        collector_model::Granularity::from_nanos(MINUTE),
        points,
        None,
    );
    let methods = ["last", "std"].map(|method| method.parse().unwrap());
    let policy = ArchivePolicy::new("test", 0, vec![definition.unwrap()], methods.into()).unwrap();
    let plan = head.plan(&policy).unwrap();
    let ids: Vec<MetricId> = (0..metrics).map(id).collect();
    head.set_plan(1, &ids, &plan);
    let measures: Vec<Measure> = minutes
        .map(|minute| Measure::new(Timestamp(minute * MINUTE), minute as f64))
        .collect();
    let batch = ids.iter().map(|id| (*id, measures.clone())).collect();
    head.fold(
        2,
        &SortedBatch::new(batch).unwrap(),
        &mut Scratch::default(),
    );
    head.set_done(2);
    head
}

#[test]
fn a_flush_takes_the_closed_windows_and_memory_keeps_the_open_one() {
    let store = store();
    let head = head(300, None, 0..50);
    let ids = AtomicU64::new(5);
    let mut flush = Flush::new(&System, store.path(), &ids, 1);
    for shard in 0..crate::head::SHARDS {
        flush.take(&head, shard).unwrap();
    }
    assert_eq!(flush.publish().unwrap(), [5]);
    let [before] = head.closed_bytes([1]);
    head.drop_flushed();
    assert_eq!((before, head.closed_bytes([1])), (300 * 49 * 24, [0]));
    let segment = open(&store, 5);
    assert_eq!((segment.meta.min, segment.meta.max), (0, 48 * MINUTE));
    // Deviations come before last values.
    let column = 1;
    assert_eq!(
        minutes(&[segment], 299, column),
        (0..49).collect::<Vec<_>>()
    );
}

#[test]
fn merging_joins_in_time_order_and_drops_expired_and_deleted() {
    let store = store();
    for number in 1..=4 {
        let begin = (number as i64 - 1) * 100;
        write(&store, number, 300, begin..begin + 100);
    }
    let inputs: Vec<Arc<Segment>> = (1..=4).map(|number| open(&store, number)).collect();
    // Of 300 metrics in segments the head knows 200, which keep 150 windows; one of them has been deleted.
    let head = head(200, Some(150), 400..401);
    for rows in [false, true] {
        if rows {
            let shard = usize::from(id(150).as_bytes()[0]);
            let mut shard = head.shard_mut(shard).unwrap();
            shard.metrics.remove(&id(150));
            shard.tombstones.insert(id(150), 3);
        }
        let merged = merge(&System, store.path(), &head, &inputs, 9, &|| false).unwrap();
        assert_eq!(merged.id, Some(9));
        let output = open(&store, 9);
        assert_eq!(output.meta.seq, 2);
        let kept =
            |metric: u64, column: usize| minutes(std::slice::from_ref(&output), metric, column);
        // Memory has a newer window of the second column, of the first one 399 is the newest.
        assert_eq!(kept(10, 0), (250..400).collect::<Vec<_>>());
        assert_eq!(kept(10, 1).first(), Some(&252));
        assert_eq!(kept(250, 0), (0..400).collect::<Vec<_>>());
        // The inputs that had seen the deletion hold a metric made anew.
        let deleted: Vec<i64> = if rows {
            (200..400).collect()
        } else {
            (250..400).collect()
        };
        assert_eq!(kept(150, 0), deleted);
    }
    let stopped = merge(&System, store.path(), &head, &inputs, 10, &|| true);
    assert!(stopped.is_err());
    assert!(
        !segment_path(store.path(), 10)
            .with_extension("tmp")
            .exists()
    );
}

#[test]
fn as_many_merges_as_needed_leave_few_segments_and_write_each_window_few_times() {
    let store = store();
    let head = head(20, None, 0..1);
    let (mut segments, mut written) = (Vec::new(), 0);
    for number in 0..64_u64 {
        let begin = number as i64 * 10;
        write(&store, 1_000 + number, 20, begin..begin + 10);
        segments.push(open(&store, 1_000 + number));
        while let Some(stretch) = choose(&segments) {
            let next = 10_000 + written;
            let merged = merge(
                &System,
                store.path(),
                &head,
                &segments[stretch.clone()],
                next,
                &|| false,
            )
            .unwrap();
            written += merged.rows.1;
            segments.splice(stretch, [open(&store, next)]);
        }
        assert!(segments.len() <= 12, "{} segments", segments.len());
    }
    assert_eq!(minutes(&segments, 3, 0), (0..640).collect::<Vec<_>>());
    assert!(written <= 8 * 20 * 640, "{written} windows written");
}

#[test]
fn rows_that_come_again_after_damage_are_merged_by_their_start() {
    let (width, later) = (2, cells(5..8));
    let mut rows = Rows::from_cells(cells(0..6));
    for row in later.chunks_exact(width + 1) {
        rows.put(row, width);
    }
    assert_eq!(rows.cells(), cells(0..8));
}
