//! `use_history=true` of an aggregate by groups: a resource counts for the group that it was in when the measures were
//! taken, by its revisions. A window that a revision covers in part counts by that part.

use std::collections::{BTreeMap, HashMap};

use collector_index::{Filter, Operator, Page, Resource, ResourceQuery};
use collector_model::{Granularity, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::aggregate_range::Range;
use super::bounds::Bounds;
use super::points::Point;
use super::resample::Sampling;
use super::view;

/// A resource in one group for some time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stay {
    /// The resource, as its first revision in that time shows it.
    pub(super) resource: Resource,
    /// Since when; `None` is as early as there are measures.
    pub(super) start: Option<Timestamp>,
    /// Until when; `None` is until now and after.
    pub(super) stop: Option<Timestamp>,
}

/// A group: the values of its attributes, and what was in it.
pub(super) type Group = (Map<String, Value>, Vec<Stay>);

/// The query for all revisions that were in the range of time.
pub(super) fn revisions(
    resource_type: &str,
    filter: Option<Filter>,
    range: &Range,
    bounds: &Bounds,
) -> ResourceQuery {
    let mut filters: Vec<Filter> = filter.into_iter().collect();
    if let (Some(start), Some(stop)) = (range.start, range.stop) {
        let ended = Filter::compare("revision_end", Operator::Ge, start.to_string());
        filters.push(Filter::compare(
            "revision_start",
            Operator::Lt,
            stop.to_string(),
        ));
        filters.push(Filter::Or(vec![
            ended,
            Filter::eq("revision_end", Value::Null),
        ]));
    }
    ResourceQuery {
        resource_type: resource_type.to_owned(),
        filter: (!filters.is_empty()).then_some(Filter::And(filters)),
        history: true,
        page: Page {
            limit: Some(bounds.resources()),
            marker: None,
            sort: Vec::new(),
        },
    }
}

/// The stays of resources in groups, from their revisions; the groups in the order of their values' texts.
pub(super) fn stays(
    mut revisions: Vec<Resource>,
    resource_type: &str,
    groups: &[String],
    range: &Range,
) -> Vec<Group> {
    revisions.sort_by_key(|one| (one.id, one.revision_start));
    let mut last: Option<Uuid> = None;
    let mut found: BTreeMap<Vec<String>, Group> = BTreeMap::new();
    for revision in revisions {
        let first = last.replace(revision.id) != Some(revision.id);
        let start = if first {
            range.start
        } else {
            Some(revision.revision_start.max(range.start.unwrap_or_default()))
        };
        let stop = match (revision.revision_end, range.stop) {
            (Some(end), Some(stop)) => Some(end.min(stop)),
            (end, stop) => end.or(stop),
        };
        let mut key = view::resource(&revision, resource_type);
        key.retain(|name, _| groups.contains(name));
        let order = groups.iter().map(|name| match key.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        let (_, stays) = found
            .entry(order.collect())
            .or_insert_with(|| (key, Vec::new()));
        match stays.last_mut() {
            // Both began before the range: one stay.
            Some(stay) if stay.resource.id == revision.id && stay.start == start => {
                stay.stop = stop;
            }
            _ => stays.push(Stay {
                resource: revision,
                start,
                stop,
            }),
        }
    }
    found.into_values().collect()
}

/// Series of the stays of one group, added up: each point by the share of its window that the stay covers.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// By granularity, coarsest first, and moment.
    points: HashMap<Granularity, BTreeMap<Timestamp, f64>>,
}

impl Sum {
    /// Adds a stay's points.
    pub(super) fn add(&mut self, stay: &Stay, points: Vec<Point>) {
        for point in points {
            let Sampling::Fixed(granularity) = point.sampling else {
                continue;
            };
            let (start, length) = (point.timestamp.nanos(), granularity.nanos());
            let end = start.saturating_add(length);
            let from = stay.start.map_or(start, |at| at.nanos().max(start));
            let to = stay.stop.map_or(end, |at| at.nanos().min(end));
            let share = to.saturating_sub(from) as f64 / length as f64;
            let sums = self.points.entry(granularity).or_default();
            *sums.entry(point.timestamp).or_default() += point.value * share;
        }
    }

    /// All points, coarsest granularity first.
    pub(super) fn points(self) -> Vec<Point> {
        let mut by_granularity: Vec<_> = self.points.into_iter().collect();
        by_granularity.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let points = by_granularity
            .into_iter()
            .flat_map(|(granularity, points)| {
                points.into_iter().map(move |(timestamp, value)| Point {
                    timestamp,
                    sampling: Sampling::Fixed(granularity),
                    value,
                })
            });
        points.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gnocchi::aggregate_range::Gaps;

    const HOUR: i64 = 3_600_000_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp(hours * HOUR)
    }

    fn revision(project: &str, start: i64, end: Option<i64>) -> Resource {
        Resource {
            id: Uuid::from_u128(7),
            revision: 0,
            original_resource_id: "vm".to_owned(),
            resource_type: "generic".to_owned(),
            creator: None,
            project_id: Some(project.to_owned()),
            user_id: None,
            started_at: at(0),
            ended_at: None,
            revision_start: at(start),
            revision_end: end.map(at),
            attributes: Map::new(),
            metrics: BTreeMap::new(),
        }
    }

    fn spans(start: Option<i64>, stop: Option<i64>) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
        let range = Range {
            start: start.map(at),
            stop: stop.map(at),
            granularity: None,
            gaps: Gaps::Overlap(0.0),
            dialect: crate::api::Compatibility::V4_7,
        };
        let revisions = vec![
            revision("b", 10, None),
            revision("a", 2, Some(6)),
            revision("a", 6, Some(10)),
        ];
        let groups = ["project_id".to_owned()];
        let found = stays(revisions, "generic", &groups, &range);
        let stays = found.into_iter().flat_map(|(_, stays)| stays);
        stays.map(|stay| (stay.start, stay.stop)).collect()
    }

    #[test]
    fn a_stay_is_from_revision_to_revision_within_the_range() {
        assert_eq!(
            spans(None, None),
            [
                (None, Some(at(6))),
                (Some(at(6)), Some(at(10))),
                (Some(at(10)), None)
            ]
        );
        assert_eq!(
            spans(Some(8), Some(12)),
            [(Some(at(8)), Some(at(10))), (Some(at(10)), Some(at(12)))]
        );
    }

    #[test]
    fn a_window_counts_by_the_part_that_was_stayed() {
        let granularity = Granularity::from_nanos(HOUR).unwrap();
        let point = |hours: i64| Point {
            timestamp: at(hours),
            sampling: Sampling::Fixed(granularity),
            value: 8.0,
        };
        let stay = |start: i64, stop: i64| Stay {
            resource: revision("a", 0, None),
            start: Some(Timestamp(start * HOUR / 4)),
            stop: Some(Timestamp(stop * HOUR / 4)),
        };
        let mut sum = Sum::default();
        sum.add(&stay(1, 5), vec![point(0), point(1)]);
        sum.add(&stay(6, 8), vec![point(1)]);
        let values: Vec<f64> = sum.points().iter().map(|point| point.value).collect();
        assert_eq!(values, [6.0, 6.0]);
    }
}
