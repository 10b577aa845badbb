//! Gnocchi's semantics of one metric: late, repeated and unordered measures, points and timespans, rates.

use std::collections::BTreeMap;

use collector_model::statistics::Calculator;
use collector_model::{AggregatePoint, Aggregation, ArchivePolicy, Definition, Statistic};
use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};

use super::*;

const SECOND: i64 = 1_000_000_000;
/// 2026-01-01T12:00:00, a whole multiple of every granularity used here.
const NOON: i64 = 1_767_268_800;

fn policy(back_window: u32, archives: &[(i64, Option<u64>)], methods: &[&str]) -> ArchivePolicy {
    let definition = archives.iter().map(|(seconds, points)| {
        Definition::new(Granularity::from_nanos(seconds * SECOND), *points, None).unwrap()
    });
    let methods = methods
        .iter()
        .map(|method| method.parse().unwrap())
        .collect();
    ArchivePolicy::new("test", back_window, definition.collect(), methods).unwrap()
}

fn series(policy: ArchivePolicy) -> Series {
    Series::new(Arc::new(Plan::new(policy).unwrap()))
}

/// Folds measures at seconds after noon; returns how many were late.
fn fold(series: &mut Series, points: &[(i64, f64)]) -> usize {
    let measures: Vec<Measure> = points
        .iter()
        .map(|(at, value)| Measure::new(Timestamp((NOON + at) * SECOND), *value))
        .collect();
    series.fold(&measures, &mut Scratch::default()).late
}

/// Points of an aggregation in seconds after noon, with the granularity in seconds.
fn read(series: &Series, aggregation: &str) -> Vec<(i64, f64, f64)> {
    let query = ReadQuery::all(aggregation.parse().unwrap());
    let points = series.read(MetricId::nil(), &query).unwrap().into_iter();
    points
        .map(|point| {
            (
                point.timestamp.0 / SECOND - NOON,
                point.granularity.seconds(),
                point.value,
            )
        })
        .collect()
}

#[test]
fn a_measure_before_the_newest_block_less_the_back_window_is_dropped() {
    let mut narrow = series(policy(0, &[(300, None)], &["sum"]));
    fold(&mut narrow, &[(1200, 1.0)]);
    assert_eq!(fold(&mut narrow, &[(1199, 1.0), (1201, 1.0)]), 1);
    assert_eq!(read(&narrow, "sum"), [(1200, 300.0, 2.0)]);
    let mut wide = series(policy(2, &[(300, None)], &["sum"]));
    fold(&mut wide, &[(1200, 1.0)]);
    assert_eq!(fold(&mut wide, &[(599, 1.0), (600, 1.0)]), 1);
    assert_eq!(read(&wide, "sum"), [(600, 300.0, 1.0), (1200, 300.0, 1.0)]);
}

#[test]
fn a_rate_lets_measures_be_one_block_later() {
    let mut narrow = series(policy(0, &[(300, None)], &["mean", "rate:mean"]));
    fold(&mut narrow, &[(1200, 1.0)]);
    assert_eq!(fold(&mut narrow, &[(14 * 60, 1.0)]), 1);
    assert_eq!(fold(&mut narrow, &[(16 * 60, 1.0)]), 0);
    let mut wide = series(policy(2, &[(300, None)], &["mean", "rate:mean"]));
    fold(&mut wide, &[(1200, 1.0)]);
    assert_eq!(fold(&mut wide, &[(20, 1.0)]), 1);
    assert_eq!(fold(&mut wide, &[(14 * 60, 1.0)]), 0);
}

#[test]
fn the_first_batch_is_aggregated_whole_however_long_it_is() {
    let mut series = series(policy(0, &[(60, None)], &["count"]));
    assert_eq!(fold(&mut series, &[(0, 1.0), (86_400, 1.0)]), 0);
    assert_eq!(
        read(&series, "count"),
        [(0, 60.0, 1.0), (86_400, 60.0, 1.0)]
    );
    assert_eq!(series.raw().len(), 1);
}

#[test]
fn the_same_timestamp_again_replaces_the_value_and_the_rate() {
    let mut series = series(policy(1, &[(60, None)], &["last", "rate:last"]));
    fold(&mut series, &[(0, 1.0), (60, 5.0)]);
    assert_eq!(read(&series, "rate:last"), [(60, 60.0, 4.0)]);
    fold(&mut series, &[(0, 9.0)]);
    assert_eq!(read(&series, "last"), [(0, 60.0, 9.0), (60, 60.0, 5.0)]);
    assert_eq!(read(&series, "rate:last"), [(60, 60.0, -4.0)]);
}

#[test]
fn a_rate_goes_into_the_window_of_the_later_measure() {
    let mut series = series(policy(0, &[(60, None)], &["rate:mean", "rate:count"]));
    fold(&mut series, &[(0, 10.0), (30, 13.0), (60, 20.0)]);
    assert_eq!(
        read(&series, "rate:mean"),
        [(0, 60.0, 3.0), (60, 60.0, 7.0)]
    );
    assert_eq!(
        read(&series, "rate:count"),
        [(0, 60.0, 1.0), (60, 60.0, 1.0)]
    );
}

#[test]
fn all_granularities_come_coarsest_first_each_ascending() {
    let mut series = series(policy(0, &[(60, None), (300, None)], &["max"]));
    fold(&mut series, &[(0, 1.0), (61, 2.0), (301, 3.0)]);
    let expected = [
        (0, 300.0, 2.0),
        (300, 300.0, 3.0),
        (0, 60.0, 1.0),
        (60, 60.0, 2.0),
        (300, 60.0, 3.0),
    ];
    assert_eq!(read(&series, "max"), expected);
}

#[test]
fn the_start_is_rounded_down_and_the_stop_is_excluded() {
    let mut series = series(policy(0, &[(300, None)], &["max"]));
    fold(&mut series, &[(0, 1.0), (300, 2.0), (600, 3.0)]);
    let at = |seconds: i64| Some(Timestamp((NOON + seconds) * SECOND));
    let query = ReadQuery {
        start: at(30),
        stop: at(600),
        ..ReadQuery::all(Aggregation::of(Statistic::Max))
    };
    let starts: Vec<i64> = series
        .read(MetricId::nil(), &query)
        .unwrap()
        .iter()
        .map(|point| point.timestamp.0 / SECOND - NOON)
        .collect();
    assert_eq!(starts, [0, 300]);
}

#[test]
fn points_are_counted_from_the_newest_and_never_against_the_clock() {
    let mut series = series(policy(0, &[(60, Some(3))], &["last"]));
    for minute in 0..100 {
        fold(&mut series, &[(minute * 60, minute as f64)]);
    }
    assert_eq!(
        read(&series, "last"),
        [(5820, 60.0, 97.0), (5880, 60.0, 98.0), (5940, 60.0, 99.0)]
    );
    fold(&mut series, &[(100_020, 1.0)]);
    assert_eq!(read(&series, "last"), [(100_020, 60.0, 1.0)]);
}

#[test]
fn another_plan_changes_what_is_kept() {
    let mut series = series(policy(0, &[(60, Some(5))], &["last"]));
    fold(&mut series, &[(0, 1.0), (60, 2.0), (120, 3.0)]);
    series.set_plan(Arc::new(
        Plan::new(policy(0, &[(60, Some(2))], &["last"])).unwrap(),
    ));
    assert_eq!(read(&series, "last"), [(60, 60.0, 2.0), (120, 60.0, 3.0)]);
}

#[test]
fn what_a_metric_does_not_have_is_refused() {
    let series = series(policy(0, &[(60, None)], &["last"]));
    let query = ReadQuery::all(Aggregation::of(Statistic::Mean));
    let error = series
        .read(MetricId::nil(), &query)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "metric 00000000-0000-0000-0000-000000000000 has no aggregation mean"
    );
    let granularity = Granularity::from_nanos(42 * SECOND);
    let query = ReadQuery {
        granularity,
        ..ReadQuery::all(Aggregation::of(Statistic::Last))
    };
    let error = series
        .read(MetricId::nil(), &query)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "metric 00000000-0000-0000-0000-000000000000 has no granularity 0:00:42"
    );
}

const PLAIN: [&str; 11] = [
    "mean", "sum", "min", "max", "std", "count", "first", "last", "median", "95pct", "7pct",
];

fn batches() -> impl Strategy<Value = Vec<BTreeMap<i64, f64>>> {
    let step = prop_oneof![8 => 0..4_000_i64, 1 => Just(-9_000_i64), 1 => Just(40_000_i64)];
    let value = prop_oneof![9 => -1e6..1e6, 1 => Just(f64::NAN)];
    let batch = (
        step,
        prop::collection::btree_map(0..1_500_i64, value, 1..12),
    );
    prop::collection::vec(batch, 1..25).prop_map(|batches| {
        let mut base = 0;
        let place = |(step, points): (i64, BTreeMap<i64, f64>)| {
            base += step / 10;
            points
                .into_iter()
                .map(|(at, value)| (base + at, value))
                .filter(|(at, _)| *at > -NOON)
                .collect()
        };
        batches.into_iter().map(place).collect()
    })
}

proptest! {
    /// The model keeps every accepted measure for ever and computes each window from all of them.
    #[test]
    fn windows_are_what_all_accepted_measures_give(
        batches in batches(),
        back_window in 0..4_u32,
        points in prop_oneof![Just(None), (1..20_u64).prop_map(Some)],
    ) {
        let archives = [(10, points), (60, None), (600, points)];
        let mut series = series(policy(back_window, &archives, &PLAIN));
        let mut accepted = BTreeMap::new();
        for batch in batches {
            let bound = accepted.last_key_value().map_or(i64::MIN, |(last, _): (&i64, &f64)| {
                (NOON + last).div_euclid(600) * 600 - i64::from(back_window) * 600 - NOON
            });
            let list: Vec<(i64, f64)> = batch.iter().map(|(at, value)| (*at, *value)).collect();
            let late = fold(&mut series, &list);
            assert_eq!(late, batch.keys().filter(|at| **at < bound).count());
            accepted.extend(batch.into_iter().filter(|(at, _)| *at >= bound));
        }
        for method in PLAIN {
            let aggregation: Aggregation = method.parse().unwrap();
            let mut expected = Vec::new();
            for (granularity, points) in archives.iter().rev() {
                let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
                for (at, value) in &accepted {
                    let start = (NOON + at).div_euclid(*granularity) * granularity - NOON;
                    windows.entry(start).or_default().push(*value);
                }
                let mut calculator = Calculator::new();
                let values = windows.into_iter().filter_map(|(start, values)| {
                    calculator.load(values);
                    Some((start, *granularity as f64, calculator.get(aggregation.statistic)?))
                });
                let values: Vec<(i64, f64, f64)> = values.collect();
                let newest = values.last().map_or(0, |(start, ..)| *start);
                let kept = |start: i64| points.is_none_or(|points| start > newest - granularity * points as i64);
                expected.extend(values.into_iter().filter(|(start, ..)| kept(*start)));
            }
            assert_eq!(format!("{:?}", read(&series, method)), format!("{expected:?}"), "{method}");
        }
    }
}

impl Series {
    /// Answers a query from memory alone.
    pub(crate) fn read(
        &self,
        metric: MetricId,
        query: &ReadQuery,
    ) -> Result<Vec<AggregatePoint>, StoreError> {
        let mut points = Vec::new();
        for part in self.parts(metric, query, usize::MAX)? {
            let newest = part.newest;
            part.finish(Vec::new(), newest, usize::MAX, &mut points);
        }
        Ok(points)
    }
}
