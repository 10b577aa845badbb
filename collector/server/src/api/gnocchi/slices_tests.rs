//! Slices of series that are as unlike as can be give each point once, in order.

use collector_model::{ArchivePolicy, Definition, Measure};
use collector_storage::{Engine, Options};

use super::*;
use crate::api::ApiConfig;

const MINUTE: i64 = 60_000_000_000;

/// A store with a metric for each list of minutes.
fn store(dir: &std::path::Path, series: &[Vec<i64>]) -> Engine {
    let engine = Engine::open(dir, Options::default()).unwrap();
    let granularity = Granularity::from_nanos(MINUTE).unwrap();
    let definition = Definition::new(Some(granularity), Some(100_000), None).unwrap();
    let methods = ["mean".parse().unwrap()].into();
    let policy = ArchivePolicy::new("minutes", 0, vec![definition], methods).unwrap();
    for (metric, minutes) in series.iter().enumerate() {
        let id = MetricId::from_u128(metric as u128 + 1);
        engine.set_policy(&[id], &policy).unwrap();
        let measure = |minute: &i64| Measure::new(Timestamp(minute * MINUTE), *minute as f64);
        engine
            .write(vec![(id, minutes.iter().map(measure).collect())])
            .unwrap();
    }
    engine
}

#[test]
fn every_point_comes_once_and_no_slice_reaches_into_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let series = [
        (0..2_000).collect::<Vec<i64>>(),
        (500..600).collect(),
        (0..20_000).step_by(7).collect(),
        Vec::new(),
        vec![3, 19_999],
    ];
    let engine = store(dir.path(), &series);
    let granularity = Granularity::from_nanos(MINUTE).unwrap();
    let query = ReadQuery {
        granularity: Some(granularity),
        ..ReadQuery::all("mean".parse().unwrap())
    };
    let ids = (1..=series.len()).map(|id| MetricId::from_u128(id as u128));
    let queries: Vec<_> = ids.map(|id| (id, query)).collect();
    for most in [1, 1_000, 1_000_000] {
        let config = ApiConfig {
            max_aggregate_points: most,
            ..ApiConfig::default()
        };
        let bounds = Bounds::of(&config);
        let mut slices = Slices::of(&engine, &queries, granularity, &bounds);
        let mut found = vec![Vec::new(); series.len()];
        let (mut count, mut before) = (0, None);
        while let Some(slice) = slices.next(&bounds).unwrap() {
            count += 1;
            let first = slice.iter().filter_map(|points| points.first());
            let first = first.map(|one| one.timestamp).min();
            assert!(first.is_none() || first > before, "{first:?} {before:?}");
            let last = slice
                .iter()
                .filter_map(|points| points.last())
                .map(|one| one.timestamp);
            before = before.max(last.max());
            for (found, points) in found.iter_mut().zip(slice) {
                let minutes = points.iter().map(|point| point.timestamp.0 / MINUTE);
                found.extend(minutes);
            }
        }
        assert_eq!(found, series);
        assert_eq!(count == 1, most == 1_000_000, "{count} slices");
    }
}
