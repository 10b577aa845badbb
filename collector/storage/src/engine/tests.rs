//! The engine as its callers see it: visible when acknowledged, there again after a restart, clear when it refuses.

use std::sync::mpsc::sync_channel;

use collector_model::{Aggregation, Measure, Statistic, Timestamp};

use super::*;

mod faults;
mod memory;
mod model;
mod opening;
mod power_cut;
#[cfg(feature = "schedules")]
mod schedules;
mod segments;

const SECOND: i64 = 1_000_000_000;

fn id(number: u64) -> MetricId {
    // Spread over the shards.
    MetricId::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number)
}

fn policy(name: &str) -> ArchivePolicy {
    ArchivePolicy::defaults()
        .into_iter()
        .find(|policy| policy.name == name)
        .unwrap()
}

fn open(dir: &Path) -> Engine {
    Engine::open(dir, Options::default()).unwrap()
}

fn batch(metrics: u64, minute: i64, value: f64) -> Batch {
    let measure = Measure::new(Timestamp(minute * 60 * SECOND), value);
    (0..metrics)
        .map(|number| (id(number), vec![measure]))
        .collect()
}

/// Maxima per minute of a metric with the policy `medium`.
fn minutes(engine: &Engine, number: u64) -> Vec<(i64, f64)> {
    let granularity = collector_model::Granularity::from_nanos(60 * SECOND);
    let query = ReadQuery {
        granularity,
        ..ReadQuery::all(Aggregation::of(Statistic::Max))
    };
    let points = engine.read(id(number), &query).unwrap().into_iter();
    points
        .map(|point| (point.timestamp.0 / SECOND / 60, point.value))
        .collect()
}

#[test]
fn what_is_acknowledged_is_visible_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let metrics: Vec<MetricId> = (0..300).map(id).collect();
    engine.set_policy(&metrics, &policy("medium")).unwrap();
    for minute in 0..5 {
        engine.write(batch(300, minute, minute as f64)).unwrap();
        assert_eq!(minutes(&engine, 7).last(), Some(&(minute, minute as f64)));
    }
    drop(engine);
    let engine = open(dir.path());
    let stats = engine.stats();
    assert_eq!(
        (stats.metrics, stats.replay.entries, stats.replay.measures),
        (300, 6, 1500)
    );
    for number in 0..300 {
        assert_eq!(
            minutes(&engine, number),
            [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
        );
    }
}

#[test]
fn after_a_flush_there_is_nothing_to_replay_and_the_log_is_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.flush().unwrap();
    engine
        .set_policy(&[id(1), id(2)], &policy("medium"))
        .unwrap();
    engine
        .write(vec![(id(1), vec![Measure::new(Timestamp(0), 1.5)])])
        .unwrap();
    assert!(engine.stats().wal_bytes > 0);
    engine.flush().unwrap();
    engine.flush().unwrap();
    let stats = engine.stats();
    assert_eq!(
        (stats.checkpoints, stats.wal_bytes, stats.wal_segments),
        (1, 0, 1)
    );
    drop(engine);
    let engine = open(dir.path());
    let replay = engine.stats().replay;
    assert_eq!((replay.snapshot_metrics, replay.entries), (2, 0));
    assert_eq!(
        (minutes(&engine, 1), minutes(&engine, 2)),
        (vec![(0, 1.5)], vec![])
    );
    // And it goes on from there.
    engine
        .write(vec![(
            id(1),
            vec![Measure::new(Timestamp(60 * SECOND), 2.5)],
        )])
        .unwrap();
    drop(engine);
    assert_eq!(minutes(&open(dir.path()), 1), [(0, 1.5), (1, 2.5)]);
}

#[test]
fn a_checkpoint_comes_by_itself_when_the_log_has_grown() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(
        dir.path(),
        Options {
            checkpoint_wal_bytes: 10_000,
            ..Options::default()
        },
    )
    .unwrap();
    let metrics: Vec<MetricId> = (0..100).map(id).collect();
    engine.set_policy(&metrics, &policy("medium")).unwrap();
    let mut minute = 0;
    while engine.stats().checkpoints < 3 {
        engine.write(batch(100, minute, 1.0)).unwrap();
        minute += 1;
    }
    drop(engine);
    let engine = open(dir.path());
    assert!(engine.stats().replay.snapshot_metrics == 100);
    assert_eq!(minutes(&engine, 99).len() as i64, minute);
}

#[test]
fn a_deleted_metric_is_gone_also_after_a_restart_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine
        .set_policy(&[id(1), id(2)], &policy("medium"))
        .unwrap();
    engine.write(batch(3, 0, 1.0).split_off(1)).unwrap();
    engine.delete_metrics(&[id(1), id(77)]).unwrap();
    let check = |engine: &Engine| {
        let query = ReadQuery::all(Aggregation::of(Statistic::Max));
        assert!(
            matches!(engine.read(id(1), &query), Err(StoreError::UnknownMetric(metric)) if metric == id(1))
        );
        assert!(matches!(
            engine.write(batch(2, 1, 1.0)),
            Err(StoreError::UnknownMetric(_))
        ));
        assert_eq!(minutes(engine, 2), [(0, 1.0)]);
        assert_eq!(engine.stats().metrics, 1);
    };
    check(&engine);
    drop(engine);
    check(&open(dir.path()));
}

#[test]
fn a_batch_with_an_unknown_metric_is_refused_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    let error = engine.write(batch(2, 0, 1.0)).unwrap_err();
    assert_eq!(error.to_string(), format!("unknown metric {}", id(1)));
    assert_eq!(minutes(&engine, 0), []);
}

#[test]
fn a_policy_may_change_points_and_nothing_else_and_repeating_it_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let medium = policy("medium");
    engine.set_policy(&[id(0)], &medium).unwrap();
    for minute in 0..5 {
        engine.write(batch(1, minute, 1.0)).unwrap();
    }
    let bytes = engine.stats().wal_bytes;
    engine.set_policy(&[id(0)], &medium).unwrap();
    assert_eq!(engine.stats().wal_bytes, bytes);
    let mut shorter = medium.clone();
    let minute = &mut shorter.definition[0];
    *minute = collector_model::Definition::new(Some(minute.granularity), Some(2), None).unwrap();
    engine.set_policy(&[id(0), id(1)], &shorter).unwrap();
    let error = engine
        .set_policy(&[id(0)], &policy("low"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "metric {} cannot take archive policy low: it has other granularities",
            id(0)
        )
    );
    let empty = ArchivePolicy {
        definition: Vec::new(),
        ..medium
    };
    assert!(matches!(
        engine.set_policy(&[id(5)], &empty),
        Err(StoreError::UnsupportedPolicy { .. })
    ));
    assert_eq!(minutes(&engine, 0), [(3, 1.0), (4, 1.0)]);
    drop(engine);
    assert_eq!(minutes(&open(dir.path()), 0), [(3, 1.0), (4, 1.0)]);
}

#[test]
fn late_measures_are_acknowledged_and_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    engine.write(batch(1, 600, 1.0)).unwrap();
    engine.write(batch(1, 599, 1.0)).unwrap();
    let stats = engine.stats();
    assert_eq!((stats.batches, stats.measures), (2, 2));
    assert_eq!(minutes(&engine, 0), [(600, 1.0)]);
}

#[test]
fn an_acknowledgement_tells_what_was_late_and_what_was_there_already() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    let (sender, answers) = sync_channel(1);
    let acknowledged = |seconds: &[i64]| {
        let measures = seconds.iter();
        let measures = measures.map(|second| Measure::new(Timestamp(second * 1_000_000_000), 1.0));
        let sender = sender.clone();
        let done = Box::new(move |outcome| sender.send(outcome).unwrap());
        engine
            .submit(vec![(id(0), measures.collect())], done)
            .unwrap();
        let ack: Ack = answers.recv().unwrap().unwrap();
        (ack.received, ack.late, ack.expired, ack.duplicates)
    };
    // The back window is the hour of the newest measure.
    assert_eq!(acknowledged(&[7_200, 7_201, 7_201]), (3, 0, 0, 1));
    assert_eq!(acknowledged(&[7_200, 7_202, 7_201, 7_203]), (4, 0, 0, 2));
    assert_eq!(acknowledged(&[7_204, 3_540, 3_541]), (3, 2, 0, 0));
    assert_eq!(engine.stats().measures, 10);
}

#[test]
fn many_writers_share_an_fsync_and_all_get_their_answer() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let metrics: Vec<MetricId> = (0..64).map(id).collect();
    engine.set_policy(&metrics, &policy("medium")).unwrap();
    let (sender, answers) = sync_channel(64);
    for number in 0..64 {
        let sender = sender.clone();
        let batch = vec![(id(number), vec![Measure::new(Timestamp(0), number as f64)])];
        engine
            .submit(
                batch,
                Box::new(move |outcome| sender.send(outcome).unwrap()),
            )
            .unwrap();
    }
    for _ in 0..64 {
        answers.recv().unwrap().unwrap();
    }
    assert!((0..64).all(|number| minutes(&engine, number) == [(0, number as f64)]));
    let stats = engine.stats();
    assert_eq!((stats.batches, stats.queue_depth), (64, 0));
    assert!(stats.wal_syncs.count <= 65);
    assert_eq!(stats.wal_syncs.buckets.last(), Some(&stats.wal_syncs.count));
}

#[test]
fn a_panicking_completion_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.set_policy(&[id(0)], &policy("medium")).unwrap();
    engine
        .submit(batch(1, 0, 1.0), Box::new(|_| panic!("a caller's mistake")))
        .unwrap();
    engine.write(batch(1, 1, 2.0)).unwrap();
    assert_eq!(minutes(&engine, 0), [(0, 1.0), (1, 2.0)]);
}

#[test]
fn a_batch_without_measures_is_done_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    engine.write(Vec::new()).unwrap();
    let (sender, answer) = sync_channel(1);
    engine
        .submit(
            vec![(id(5), Vec::new())],
            Box::new(move |outcome| sender.send(outcome).unwrap()),
        )
        .unwrap();
    answer.try_recv().unwrap().unwrap();
    assert_eq!(engine.stats().wal_bytes, 0);
}
