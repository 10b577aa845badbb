//! All metrics in memory, in shards that are locked one at a time: the commit thread folds into a shard while readers
//! and the checkpoint use the others. Each shard knows the last log entry that it has folded, so that a snapshot may
//! be taken shard by shard while writes go on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError};

use collector_model::{ArchivePolicy, MetricId};

use crate::segment::set::{List, Segments};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::{ReadQuery, StoreError};

mod closed;
pub(crate) mod copy;
mod fold;
mod part;
pub(crate) mod plan;
pub(crate) mod rows;
pub(crate) mod series;
mod waits;

pub(crate) use fold::Folded;
use part::Part;
use plan::{Plan, Plans};
use series::Series;
pub(crate) use waits::Cause;
use waits::Waits;

/// Number of shards; a metric's is the first byte of its id. Part of the snapshot's format.
pub(crate) const SHARDS: usize = 256;

/// Metrics by id. The table has nothing but ids and pointers: so small, it stays in the processor's cache, where every
/// batch looks for its metrics twice.
pub(crate) type Metrics = HashMap<MetricId, Box<Series>, BuildHasherDefault<IdHasher>>;

/// Hashes ids, which are random already: the server makes them, no client can choose colliding ones.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A part of the metrics.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) metrics: Metrics,
    /// Sequence number of the last log entry folded here; earlier ones are not folded again.
    pub(crate) applied: u64,
    /// Deleted metrics that segments may still have windows of, with the log entry that deleted them.
    pub(crate) tombstones: HashMap<MetricId, u64>,
}

/// All metrics.
#[derive(Debug)]
pub(crate) struct Head {
    shards: Vec<RwLock<Shard>>,
    plans: Mutex<Plans>,
    /// Log entry up to which all have been applied.
    done: AtomicU64,
    /// How often metrics were deleted: what was known before is known while this stays.
    deletions: AtomicU64,
    waits: Waits,
}

/// The shard of a metric.
pub(crate) fn shard_of(metric: MetricId) -> usize {
    let [first, ..] = *metric.as_bytes();
    usize::from(first)
}

impl Head {
    /// No metrics; entries up to `applied` count as folded.
    pub(crate) fn new(applied: u64) -> Self {
        let shard = || {
            RwLock::new(Shard {
                applied,
                ..Shard::default()
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            plans: Mutex::default(),
            done: AtomicU64::new(applied),
            deletions: AtomicU64::new(0),
            waits: Waits::default(),
        }
    }

    /// Log entry up to which all have been applied to their shards.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Notes that all entries up to `seq` have been applied.
    pub(crate) fn set_done(&self, seq: u64) {
        self.done.store(seq, Ordering::Release);
    }

    /// The shortest timespan that a policy in use keeps windows of this length for; `None` if all keep them for ever.
    pub(crate) fn shortest_timespan(&self, granularity: i64) -> Option<i64> {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .shortest_timespan(granularity)
    }

    /// The shared plan of a policy; `None` if it has no definition.
    pub(crate) fn plan(&self, policy: &ArchivePolicy) -> Option<Arc<Plan>> {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .intern(policy)
    }

    /// Locks a shard for reading; `None` beyond the last one.
    pub(crate) fn shard(&self, index: usize) -> Option<RwLockReadGuard<'_, Shard>> {
        // A panic while folding ends the commit thread and with it all writing; what is there may still be read.
        self.shards
            .get(index)
            .map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Locks a shard for changing; `None` beyond the last one.
    pub(crate) fn shard_mut(&self, index: usize) -> Option<RwLockWriteGuard<'_, Shard>> {
        self.shards
            .get(index)
            .map(|shard| shard.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number of metrics.
    pub(crate) fn len(&self) -> usize {
        (0..SHARDS)
            .filter_map(|index| Some(self.shard(index)?.metrics.len()))
            .sum()
    }

    /// How often metrics were deleted.
    pub(crate) fn deletions(&self) -> u64 {
        self.deletions.load(Ordering::Acquire)
    }

    /// Which of the metrics are not yet as `plan` says, or why one cannot become so.
    pub(crate) fn check_plan(
        &self,
        metrics: &[MetricId],
        plan: &Arc<Plan>,
    ) -> Result<Vec<MetricId>, StoreError> {
        let mut changed = Vec::new();
        for metric in metrics {
            let shard = self.shard_to_look_up(shard_of(*metric));
            match shard.as_ref().and_then(|shard| shard.metrics.get(metric)) {
                None => changed.push(*metric),
                Some(series) if Arc::ptr_eq(series.plan(), plan) => {}
                Some(series) => match series.plan().may_become(plan) {
                    Ok(()) => changed.push(*metric),
                    Err(reason) => {
                        let policy = plan.policy().name.clone();
                        return Err(StoreError::UnsupportedPolicy {
                            metric: *metric,
                            policy,
                            reason,
                        });
                    }
                },
            }
        }
        Ok(changed)
    }

    /// Those of the metrics that are registered.
    pub(crate) fn registered(&self, metrics: &[MetricId]) -> Vec<MetricId> {
        let registered = |metric: &MetricId| {
            self.shard(shard_of(*metric))
                .is_some_and(|shard| shard.metrics.contains_key(metric))
        };
        metrics.iter().copied().filter(registered).collect()
    }

    /// Applies the log entry `seq`: registers metrics or gives them the plan, in shards that have not done so yet. A
    /// metric keeps its back window where a longer one would open windows again that are in segments; it takes it on
    /// when it is given the plan once more later. Returns how many metrics are new.
    pub(crate) fn set_plan(&self, seq: u64, metrics: &[MetricId], plan: &Arc<Plan>) -> usize {
        self.apply(seq, metrics, |shard, metric| {
            match shard.metrics.get_mut(&metric) {
                Some(series) => {
                    let next = match series.may_reopen(plan) {
                        true => Some(Arc::clone(plan)),
                        false => self.plan(&ArchivePolicy {
                            back_window: series.plan().policy().back_window,
                            ..plan.policy().clone()
                        }),
                    };
                    if let Some(next) = next.filter(|next| series.plan().may_become(next).is_ok()) {
                        series.set_plan(next);
                    }
                    false
                }
                None => shard
                    .metrics
                    .insert(metric, Box::new(Series::new(Arc::clone(plan))))
                    .is_none(),
            }
        })
    }

    /// Applies the log entry `seq`: forgets metrics, in shards that have not done so yet. Returns how many there were.
    pub(crate) fn delete(&self, seq: u64, metrics: &[MetricId]) -> usize {
        let deleted = self.apply(seq, metrics, |shard, metric| {
            let series = shard.metrics.remove(&metric);
            if series.as_ref().is_some_and(|series| series.in_segments()) {
                shard.tombstones.insert(metric, seq);
            }
            // Deletions by the thousand shall give their memory back.
            if shard.metrics.capacity() > 64 + 4 * shard.metrics.len() {
                shard.metrics.shrink_to_fit();
            }
            series.is_some()
        });
        self.deletions.fetch_add(1, Ordering::AcqRel);
        deleted
    }

    fn apply(
        &self,
        seq: u64,
        metrics: &[MetricId],
        change: impl Fn(&mut Shard, MetricId) -> bool,
    ) -> usize {
        let mut sorted = metrics.to_vec();
        sorted.sort_unstable();
        let mut changed = 0;
        for group in sorted.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            let shard = group
                .first()
                .and_then(|metric| self.shard_for_write(shard_of(*metric)));
            let Some(mut shard) = shard.filter(|shard| shard.applied < seq) else {
                continue;
            };
            shard.applied = seq;
            changed += group
                .iter()
                .filter(|metric| change(&mut shard, **metric))
                .count();
        }
        changed
    }

    /// What memory has to say to a query, so many points of a granularity at most, the segments that have the rest, and the log entry that deleted an earlier
    /// metric of this id.
    pub(crate) fn parts(
        &self,
        metric: MetricId,
        query: &ReadQuery,
        most: usize,
        segments: &Segments,
    ) -> Result<(Vec<Part>, List, u64), StoreError> {
        let shard = self
            .shard(shard_of(metric))
            .ok_or(StoreError::UnknownMetric(metric))?;
        let series = shard
            .metrics
            .get(&metric)
            .ok_or(StoreError::UnknownMetric(metric))?;
        let parts = series.parts(metric, query, most)?;
        // Under the lock: what leaves memory is in the list before.
        let list = segments.list();
        let deleted = shard.tombstones.get(&metric).copied().unwrap_or(0);
        Ok((parts, list, deleted))
    }
}
