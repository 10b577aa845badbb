//! Reading: what memory has of a metric, and before that what segments have, without a lock held while the disk is read.

use collector_model::{AggregatePoint, Aggregation, MetricId};

use super::{Engine, Shared};
use crate::head::shard_of;
use crate::segment::lookup::Lookup;
use crate::segment::set::{self, Wanted};
use crate::{Each, ReadQuery, StoreError};

impl Engine {
    /// The aggregation methods of a metric.
    ///
    /// # Errors
    /// [`StoreError::UnknownMetric`].
    pub fn methods(&self, metric: MetricId) -> Result<Vec<Aggregation>, StoreError> {
        let shard = self.shared.head.shard(shard_of(metric));
        let series = shard.as_ref().and_then(|shard| shard.metrics.get(&metric));
        let plan = series.ok_or(StoreError::UnknownMetric(metric))?.plan();
        Ok(plan.policy().aggregation_methods.iter().copied().collect())
    }
}

impl Shared {
    /// Answers a query with its first so many points; fewer than all only of one granularity.
    pub(super) fn read(
        &self,
        metric: MetricId,
        query: &ReadQuery,
        most: usize,
        lookup: &mut Lookup,
    ) -> Result<Vec<AggregatePoint>, StoreError> {
        let segments = &self.live.segments;
        let (parts, list, since) = self.head.parts(metric, query, most, segments)?;
        let mut points = Vec::new();
        for part in parts {
            let wanted = Wanted {
                metric,
                granularity: part.granularity.nanos(),
                column: part.column,
                since,
            };
            let newest = match part.newest {
                None if part.expires() => set::newest(&list, lookup, &wanted)?,
                newest => newest,
            };
            let older = match part.older(newest) {
                Some(range) => set::read(&list, lookup, &wanted, range, most)?,
                None => Vec::new(),
            };
            part.finish(older, newest, most, &mut points);
        }
        Ok(points)
    }

    /// Answers queries in the order of their metrics, which is that of the blocks.
    pub(super) fn read_group(
        &self,
        wanted: &[(MetricId, ReadQuery)],
        most: usize,
        each: &mut Each<'_>,
    ) {
        let mut ordered: Vec<(usize, &(MetricId, ReadQuery))> = wanted.iter().enumerate().collect();
        ordered.sort_by_key(|(_, (metric, query))| (*metric, query.granularity));
        let mut lookup = Lookup::default();
        for (index, (metric, query)) in ordered {
            if each(index, self.read(*metric, query, most, &mut lookup)).is_break() {
                break;
            }
        }
    }
}
