//! Random histories of writes, registrations, deletions, checkpoints and restarts: the engine answers what a plain
//! head without log, shards of locks and files answers that was told the same.

use std::collections::BTreeMap;

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};

use super::*;
use crate::batch::SortedBatch;
use crate::head::plan::Plan;
use crate::head::series::Series;
use crate::rollup::Scratch;

/// Metrics that a history speaks of.
const METRICS: u64 = 5;

#[derive(Debug, Clone)]
enum Step {
    Register(u64, usize),
    Write(Vec<(u64, i64, f64)>),
    Delete(u64),
    Flush,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let measure = (0..METRICS, 0..3_000_i64, -100.0..100.0);
    prop_oneof![
        3 => (0..METRICS, 0..4_usize).prop_map(|(metric, policy)| Step::Register(metric, policy)),
        8 => prop::collection::vec(measure, 1..15).prop_map(Step::Write),
        1 => (0..METRICS).prop_map(Step::Delete),
        2 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

/// Two policies that may follow each other, one that may not, and one with a longer back window that the others may
/// follow.
fn policies() -> [ArchivePolicy; 4] {
    let rates = policy("ceilometer-high-rate");
    let mut shorter = rates.clone();
    for archive in &mut shorter.definition {
        *archive =
            collector_model::Definition::new(Some(archive.granularity), Some(7), None).unwrap();
    }
    let later = ArchivePolicy {
        back_window: 2,
        ..shorter.clone()
    };
    [rates, shorter, policy("medium"), later]
}

fn all(series: &Series) -> String {
    let methods = series.plan().policy().aggregation_methods.iter();
    let read = |method: &Aggregation| {
        series
            .read(MetricId::nil(), &ReadQuery::all(*method))
            .unwrap()
    };
    format!("{:?}", methods.map(read).collect::<Vec<_>>())
}

fn answer(engine: &Engine, metric: u64, series: Option<&Series>) -> Option<String> {
    let known =
        |error: StoreError| assert!(matches!(error, StoreError::UnknownMetric(_)), "{error}");
    let Some(series) = series else {
        let query = ReadQuery::all(Aggregation::of(Statistic::Mean));
        return engine
            .read(id(metric), &query)
            .map_err(known)
            .ok()
            .map(|points| format!("{points:?}"));
    };
    let methods = series.plan().policy().aggregation_methods.iter();
    let read = |method: &Aggregation| engine.read(id(metric), &ReadQuery::all(*method)).unwrap();
    Some(format!("{:?}", methods.map(read).collect::<Vec<_>>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_engine_answers_what_a_plain_model_answers(
        steps in prop::collection::vec(step(), 1..60),
        pace in 0..2_000_i64,
        in_memory in proptest::bool::ANY,
    ) {
        let dir = tempfile::tempdir().unwrap();
        // Either all windows stay in memory or every flush moves the closed ones to segments.
        let head_bytes = if in_memory { crate::HEAD_BYTES } else { 0 };
        let open = |dir: &Path| Engine::open(dir, Options { head_bytes, ..Options::default() }).unwrap();
        let mut engine = Some(open(dir.path()));
        let mut model: BTreeMap<u64, Series> = BTreeMap::new();
        for (now, step) in (0..).map(|index| index * pace).zip(steps) {
            let store = engine.as_ref().unwrap();
            match step {
                Step::Register(metric, number) => {
                    let policy = &policies()[number];
                    let plan = Arc::new(Plan::new(policy.clone()).unwrap());
                    let before = model.get(&metric).map(|series| series.plan().policy());
                    // What a shorter policy has let go may be gone when a longer one follows: a flush drops it, the
                    // model does not at once.
                    // A longer back window waits where windows are in segments, in the engine alone.
                    if [0, 3].contains(&number) && before.is_some_and(|before| before != policy) {
                        continue;
                    }
                    let allowed = model.get(&metric).is_none_or(|series| series.plan().may_become(&plan).is_ok());
                    assert_eq!(store.set_policy(&[id(metric)], policy).is_ok(), allowed);
                    if allowed {
                        model.entry(metric).or_insert_with(|| Series::new(Arc::clone(&plan))).set_plan(plan);
                    }
                }
                Step::Write(points) => {
                    let mut batch: BTreeMap<u64, Vec<Measure>> = BTreeMap::new();
                    for (metric, at, value) in points {
                        batch.entry(metric).or_default().push(Measure::new(Timestamp((now + at) * SECOND), value));
                    }
                    let known = batch.keys().all(|metric| model.contains_key(metric));
                    let of_ids = batch.iter().map(|(metric, measures)| (id(*metric), measures.clone())).collect();
                    assert_eq!(store.write(of_ids).is_ok(), known);
                    for (metric, measures) in batch.into_iter().filter(|_| known) {
                        let sorted = SortedBatch::new(vec![(id(metric), measures)]).unwrap();
                        let (_, measures) = sorted.iter().next().unwrap();
                        model.get_mut(&metric).unwrap().fold(measures, &mut Scratch::default());
                    }
                }
                Step::Delete(metric) => {
                    store.delete_metrics(&[id(metric)]).unwrap();
                    model.remove(&metric);
                }
                Step::Flush => store.flush().unwrap(),
                Step::Restart => {
                    drop(engine.take());
                    engine = Some(open(dir.path()));
                }
            }
        }
        for restarted in [false, true] {
            if restarted {
                drop(engine.take());
                engine = Some(open(dir.path()));
            }
            let store = engine.as_ref().unwrap();
            assert_eq!(store.stats().metrics, model.len() as u64);
            for metric in 0..METRICS {
                let series = model.get(&metric);
                assert_eq!(answer(store, metric, series), series.map(all));
            }
        }
    }
}
