//! What the store has of a meter, as samples and as parts of statistics. A window of which only the mean is kept counts
//! as one sample; where its policy keeps count, sum, min, max or std too, they are used.

use std::time::SystemTime;

use collector_index::Metric;
use collector_model::{
    AggregatePoint, Aggregation, ArchivePolicy, Definition, Granularity, Statistic, Timestamp,
};
use collector_storage::{ReadQuery, Store};

use super::super::bounds::Bounds;
use super::super::error::ApiResult;
use super::condition::Conditions;
use super::meter::Meter;

/// What samples stand for: one of these, the first that the policy has.
const VALUES: [Statistic; 7] = [
    Statistic::Last,
    Statistic::Mean,
    Statistic::Max,
    Statistic::Min,
    Statistic::Sum,
    Statistic::First,
    Statistic::Median,
];

/// The finest granularity whose windows reach back to `start`; without a start, or where none does, that which reaches
/// furthest. `longest` is how long a window may be at most, if there is a shorter one.
pub(super) fn granularity(
    policy: &ArchivePolicy,
    start: Option<Timestamp>,
    longest: Option<i64>,
) -> Option<Granularity> {
    let now = Timestamp::from(SystemTime::now()).0;
    let reach = |archive: &Definition| archive.timespan.map_or(i64::MAX, |span| span.nanos());
    let mut archives: Vec<&Definition> = policy.definition.iter().collect();
    archives.sort_by_key(|archive| archive.granularity);
    let finest = archives.first()?.granularity;
    archives.retain(|it| {
        longest.is_none_or(|longest| it.granularity == finest || it.granularity.nanos() <= longest)
    });
    let far_enough = start.and_then(|start| {
        let mut archives = archives.iter();
        archives.find(|archive| now.saturating_sub(reach(archive)) <= start.0)
    });
    // Of several that reach equally far the finest.
    let furthest = || archives.iter().rev().max_by_key(|archive| reach(archive));
    far_enough
        .or_else(furthest)
        .map(|archive| archive.granularity)
}

/// The samples of a meter, oldest first: start and value of its windows.
pub(super) fn samples(
    store: &dyn Store,
    bounds: &mut Bounds,
    meter: &Meter,
    conditions: &Conditions,
) -> ApiResult<Vec<AggregatePoint>> {
    let policy = &meter.metric.archive_policy;
    let newest = conditions.start.or(Some(Timestamp(i64::MAX)));
    let has = |statistic: &Statistic| method_of(policy, *statistic);
    let Some((method, granularity)) = VALUES
        .iter()
        .find_map(has)
        .zip(granularity(policy, newest, None))
    else {
        return Ok(Vec::new());
    };
    let mut points = read(store, bounds, meter, method, granularity, conditions)?;
    points.retain(|point| conditions.takes(point.timestamp));
    Ok(points)
}

/// When a metric was first and last measured, as far as its windows tell.
pub(super) fn extent(
    store: &dyn Store,
    bounds: &mut Bounds,
    metric: &Metric,
) -> ApiResult<Option<(Timestamp, Timestamp)>> {
    let policy = &metric.archive_policy;
    let Some(method) = VALUES.iter().find_map(|it| method_of(policy, *it)) else {
        return Ok(None);
    };
    let mut granularities: Vec<Granularity> = policy
        .definition
        .iter()
        .map(|archive| archive.granularity)
        .collect();
    granularities.sort_unstable_by(|a, b| b.cmp(a));
    let mut known: Option<(Timestamp, Timestamp)> = None;
    for granularity in granularities {
        let mut query = ReadQuery {
            granularity: Some(granularity),
            ..ReadQuery::all(method)
        };
        let first = bounds.read_first(store, metric.id, &query, 1)?;
        let Some(first) = first.first().map(|point| point.timestamp) else {
            continue;
        };
        // A finer archive has nothing after the coarser windows but within the last of them.
        query.start = known.map(|(_, last)| last);
        let rest = bounds.read(store, metric.id, &query)?;
        let last = rest.last().map_or(first, |point| point.timestamp);
        known = Some(match known {
            Some((earliest, latest)) => (earliest.min(first), latest.max(last)),
            None => (first, last),
        });
    }
    Ok(known)
}

/// The method of that statistic, if the policy has it.
fn method_of(policy: &ArchivePolicy, statistic: Statistic) -> Option<Aggregation> {
    let method = Aggregation::of(statistic);
    Some(method).filter(|method| policy.aggregation_methods.contains(method))
}

fn read(
    store: &dyn Store,
    bounds: &mut Bounds,
    meter: &Meter,
    aggregation: Aggregation,
    granularity: Granularity,
    conditions: &Conditions,
) -> ApiResult<Vec<AggregatePoint>> {
    let query = ReadQuery {
        granularity: Some(granularity),
        aggregation,
        start: conditions.start,
        stop: conditions.stop,
    };
    bounds.read(store, meter.metric.id, &query)
}

/// What is known of the samples in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// Its start, which is the moment of its samples.
    pub(super) timestamp: Timestamp,
    /// How many samples.
    pub(super) count: f64,
    /// Their sum.
    pub(super) sum: f64,
    /// The smallest.
    pub(super) min: f64,
    /// The largest.
    pub(super) max: f64,
    /// Sum of the squares.
    pub(super) squares: f64,
}

/// The windows of a meter in ascending order, none longer than `longest` where there are shorter ones.
pub(super) fn windows(
    store: &dyn Store,
    bounds: &mut Bounds,
    meter: &Meter,
    conditions: &Conditions,
    longest: Option<i64>,
) -> ApiResult<Vec<Window>> {
    let policy = &meter.metric.archive_policy;
    let Some(granularity) = granularity(policy, conditions.start, longest) else {
        return Ok(Vec::new());
    };
    let mut columns = |statistic| match method_of(policy, statistic) {
        Some(method) => read(store, bounds, meter, method, granularity, conditions).map(Column),
        None => Ok(Column(Vec::new())),
    };
    let [means, counts, sums, mins, maxs, stds] = [
        columns(Statistic::Mean)?,
        columns(Statistic::Count)?,
        columns(Statistic::Sum)?,
        columns(Statistic::Min)?,
        columns(Statistic::Max)?,
        columns(Statistic::Std)?,
    ];
    let base = match (&means.0[..], &sums.0[..]) {
        ([], []) => samples(store, bounds, meter, conditions)?,
        ([], sums) => sums.to_vec(),
        (means, _) => means.to_vec(),
    };
    let base = base
        .iter()
        .filter(|point| conditions.takes(point.timestamp));
    let window = |point: &AggregatePoint| {
        let timestamp = point.timestamp;
        let count = counts.at(timestamp).unwrap_or(1.0).max(1.0);
        let sum = sums.at(timestamp);
        let mean = means.at(timestamp).or_else(|| Some(sum? / count));
        let mean = mean.unwrap_or(point.value);
        // Gnocchi's deviation is divided by n - 1.
        let spread = stds
            .at(timestamp)
            .map_or(0.0, |std| std * std * (count - 1.0));
        Window {
            timestamp,
            count,
            sum: sum.unwrap_or(mean * count),
            min: mins.at(timestamp).unwrap_or(mean),
            max: maxs.at(timestamp).unwrap_or(mean),
            squares: mean * mean * count + spread,
        }
    };
    Ok(base.map(window).collect())
}

/// One aggregation, in ascending order.
struct Column(Vec<AggregatePoint>);

impl Column {
    fn at(&self, timestamp: Timestamp) -> Option<f64> {
        let at = self
            .0
            .binary_search_by_key(&timestamp, |point| point.timestamp);
        self.0.get(at.ok()?).map(|point| point.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(archives: &[(f64, u64)]) -> ArchivePolicy {
        let definition = archives.iter().map(|(granularity, points)| {
            let granularity = Granularity::from_seconds(*granularity).unwrap();
            let definition = format!(
                r#"{{"granularity": {}, "points": {points}}}"#,
                granularity.seconds()
            );
            serde_json::from_str(&definition).unwrap()
        });
        ArchivePolicy::new("p", 0, definition.collect(), Aggregation::defaults()).unwrap()
    }

    fn ago(seconds: i64) -> Option<Timestamp> {
        let now = Timestamp::from(SystemTime::now()).0;
        Some(Timestamp(now - seconds * 1_000_000_000))
    }

    #[test]
    fn the_finest_windows_that_reach_back_are_taken() {
        let policy = policy(&[(3600.0, 24), (60.0, 60), (86400.0, 30)]);
        let chosen = |start, longest| {
            let chosen = granularity(&policy, start, longest).unwrap();
            chosen.seconds()
        };
        assert!((chosen(ago(600), None) - 60.0).abs() < 0.1);
        assert!((chosen(ago(7200), None) - 3600.0).abs() < 0.1);
        assert!((chosen(ago(100 * 86400), None) - 86400.0).abs() < 0.1);
        assert!((chosen(None, None) - 86400.0).abs() < 0.1);
        // A statistic by the hour is not made of days, nor one by the second of nothing.
        let hour = Some(3_600_000_000_000);
        assert!((chosen(None, hour) - 3600.0).abs() < 0.1);
        assert!((chosen(None, Some(1_000_000_000)) - 60.0).abs() < 0.1);
    }
}
