//! Snapshots: what is written loads back to the bit, damage costs its frame, crashes between the steps cost nothing.

use std::fs;

use collector_model::{Aggregation, ArchivePolicy, Measure, MetricId, Timestamp};

use super::*;
use crate::ReplayReport;
use crate::batch::SortedBatch;
use crate::file::System;
use crate::head::{Head, SHARDS};
use crate::rollup::Scratch;
use crate::sync::mpsc::sync_channel;

/// A head with metrics of every default policy and of one with all methods, and measures in all of them.
fn filled(metrics: u128) -> Head {
    let head = Head::new(0);
    let mut policies = ArchivePolicy::defaults();
    let all = ArchivePolicy {
        aggregation_methods: Aggregation::all().collect(),
        ..policies[2].clone()
    };
    policies.push(all);
    let id = |number: u128| {
        MetricId::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    };
    let mut batch = Vec::new();
    for number in 0..metrics {
        let policy = &policies[number as usize % policies.len()];
        head.set_plan(
            1 + number as u64,
            &[id(number)],
            &head.plan(policy).unwrap(),
        );
        let measures = (0..60_i64).map(|minute| {
            let value = if minute == 3 {
                f64::NAN
            } else {
                (number as f64 + 0.1) * minute as f64
            };
            Measure::new(Timestamp(minute * 60_000_000_000), value)
        });
        batch.push((id(number), measures.collect()));
    }
    head.fold(
        1_000_000,
        &SortedBatch::new(batch).unwrap(),
        &mut Scratch::default(),
    );
    head
}

/// All of a head as text, NaN included.
fn dump(head: &Head) -> Vec<String> {
    let mut lines = Vec::new();
    for index in 0..SHARDS {
        let shard = head.shard(index).unwrap();
        lines.push(format!("shard {index} {}", shard.applied));
        let mut metrics: Vec<String> = shard
            .metrics
            .iter()
            .map(|(metric, series)| {
                let rows: Vec<_> = series.levels().iter().map(|rows| rows.cells()).collect();
                format!(
                    "{metric} {:?} {:?} {rows:?}",
                    series.plan().policy(),
                    series.raw()
                )
            })
            .collect();
        metrics.sort();
        lines.extend(metrics);
    }
    lines
}

fn store() -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    fs::create_dir(store.path().join(SNAPSHOT_DIR)).unwrap();
    store
}

#[test]
fn a_snapshot_loads_back_to_the_bit() {
    let store = store();
    let head = filled(500);
    let written = snapshot::write(&System, store.path(), &head, 7, None).unwrap();
    assert_eq!(
        written,
        fs::metadata(snapshot_path(store.path(), 7)).unwrap().len()
    );
    let mut report = ReplayReport::default();
    let loaded = load::load(&System, store.path(), 7, &mut report).unwrap();
    // A shard that nothing ever touched counts from the beginning.
    assert_eq!(dump(&loaded), dump(&head));
    assert_eq!(
        report,
        ReplayReport {
            snapshot_metrics: 500,
            ..ReplayReport::default()
        }
    );
}

#[test]
fn a_long_raw_tail_and_many_windows_are_split_over_frames() {
    let store = store();
    let head = Head::new(0);
    let policy = ArchivePolicy::defaults()
        .into_iter()
        .find(|policy| policy.name == "bool")
        .unwrap();
    head.set_plan(1, &[MetricId::nil()], &head.plan(&policy).unwrap());
    let measures =
        (0..100_000_i64).map(|tick| Measure::new(Timestamp(tick * 30_000_000), tick as f64));
    let batch = SortedBatch::new(vec![(MetricId::nil(), measures.collect())]).unwrap();
    head.fold(2, &batch, &mut Scratch::default());
    snapshot::write(&System, store.path(), &head, 2, None).unwrap();
    let loaded = load::load(&System, store.path(), 2, &mut ReplayReport::default()).unwrap();
    assert_eq!(dump(&loaded), dump(&head));
}

#[test]
fn a_flipped_bit_costs_one_frame_and_is_reported() {
    let store = store();
    let head = filled(100);
    snapshot::write(&System, store.path(), &head, 7, None).unwrap();
    let path = snapshot_path(store.path(), 7);
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 50) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(&path, bad).unwrap();
        let mut report = ReplayReport::default();
        let loaded = load::load(&System, store.path(), 7, &mut report).unwrap();
        assert_eq!(report.damaged.len(), 1, "byte {at}");
        assert!(report.damaged_bytes < 600_000, "{}", report.damaged_bytes);
        assert!(loaded.len() >= 90, "{}", loaded.len());
    }
}

#[test]
fn a_snapshot_cut_between_frames_is_noticed() {
    let store = store();
    snapshot::write(&System, store.path(), &filled(50), 7, None).unwrap();
    let path = snapshot_path(store.path(), 7);
    let good = fs::read(&path).unwrap();
    // The last frame is a header and an item of two bytes.
    fs::write(&path, &good[..good.len() - crate::file::frame::HEADER - 2]).unwrap();
    let mut report = ReplayReport::default();
    load::load(&System, store.path(), 7, &mut report).unwrap();
    assert!(
        report.damaged[0].ends_with("it announces None metrics and holds 50"),
        "{:?}",
        report.damaged
    );
}

#[test]
fn all_but_the_valid_snapshot_are_removed() {
    let store = store();
    for base in [3, 7] {
        snapshot::write(&System, store.path(), &Head::new(0), base, None).unwrap();
    }
    fs::write(
        snapshot_path(store.path(), 9).with_extension("tmp"),
        "left over",
    )
    .unwrap();
    remove_others(&System, store.path(), 7).unwrap();
    assert_eq!(
        file::list(&store.path().join(SNAPSHOT_DIR)).unwrap(),
        [format!("{:020}.snap", 7)]
    );
}

#[test]
fn a_growing_log_asks_in_vain_while_a_checkpoint_runs_and_after_a_failed_one() {
    let requests = Requests::default();
    requests.log_has_grown();
    assert!(requests.next().unwrap().is_empty());
    requests.log_has_grown();
    requests.done(false);
    requests.log_has_grown();
    let (outcome, answer) = sync_channel(1);
    requests.ask(outcome);
    assert_eq!(requests.next().unwrap().len(), 1);
    assert!(answer.recv().is_err());
    requests.done(true);
    requests.log_has_grown();
    assert!(requests.next().unwrap().is_empty());
    requests.close();
    assert!(requests.next().is_none());
    let (outcome, answer) = sync_channel::<Outcome>(1);
    requests.ask(outcome);
    assert!(answer.recv().is_err());
}
