//! The narrow trait that the collector knows the store by, with its questions and answers. The engine behind it is
//! `engine`; other engines (on many machines) will implement the same.

use std::ops::ControlFlow;
use std::sync::Arc;

use collector_model::{
    AggregatePoint, Aggregation, ArchivePolicy, Granularity, Measure, MetricId, Timestamp,
};

use crate::batch::SortedBatch;
use crate::{StoreError, StoreStats};

/// Measures of many metrics, taken as one: all or nothing. A metric's measures may be in any order; of several with
/// one timestamp the smallest value counts, as in Gnocchi.
pub type Batch = Vec<(MetricId, Vec<Measure>)>;

/// What became of the measures of a batch that is on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ack {
    /// Measures that the client sent, those below among them.
    pub received: u64,
    /// Measures dropped because they came too late for their metric's back window.
    pub late: u64,
    /// Those of them that are older than everything that the metric's policy keeps.
    pub expired: u64,
    /// Measures of a metric and moment that another one is of too: in the same batch, where one of them counts, or from
    /// an earlier batch, whose value they replace.
    pub duplicates: u64,
}

/// Called once with the outcome of a submitted batch, on the store's own thread: it must be quick and not block.
pub type Completion = Box<dyn FnOnce(Result<Ack, StoreError>) + Send>;

/// Called with the answers to a group of queries, one at a time.
pub type Each<'a> =
    dyn FnMut(usize, Result<Vec<AggregatePoint>, StoreError>) -> ControlFlow<()> + 'a;

/// What of a metric is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadQuery {
    /// One granularity; `None` is all of them, coarsest first.
    pub granularity: Option<Granularity>,
    /// One of the policy's aggregation methods.
    pub aggregation: Aggregation,
    /// First moment; rounded down to the granularity.
    pub start: Option<Timestamp>,
    /// End, itself excluded; not rounded.
    pub stop: Option<Timestamp>,
}

impl ReadQuery {
    /// Everything of one aggregation.
    #[must_use]
    pub fn all(aggregation: Aggregation) -> Self {
        Self {
            granularity: None,
            aggregation,
            start: None,
            stop: None,
        }
    }
}

/// A durable store of aggregated time series with Gnocchi's semantics.
///
/// `Ok` of a changing call means: on stable storage (survives a kill at any moment and a power cut) and visible to
/// every read that begins afterwards.
pub trait Store: Send + Sync {
    /// Registers metrics with their archive policy, or changes points and timespans of registered ones. May be
    /// repeated: what is already so costs nothing.
    ///
    /// # Errors
    /// [`StoreError::UnsupportedPolicy`] where a registered metric has other granularities, methods or back window.
    fn set_policy(&self, metrics: &[MetricId], policy: &ArchivePolicy) -> Result<(), StoreError>;

    /// Writes a batch and waits until it is durable and visible; waits also for a place in the queue. Measures that
    /// come too late for their metric's back window are dropped and counted, not an error.
    ///
    /// # Errors
    /// [`StoreError::UnknownMetric`] and [`StoreError::BeforeEpoch`] for the whole batch; [`StoreError::DiskFull`]
    /// and [`StoreError::Poisoned`] for the state of the disk.
    fn write(&self, batch: Batch) -> Result<(), StoreError>;

    /// As [`Store::write`], without blocking the caller: `done` gets the outcome.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the bounded queue is full, or what can be said of the batch at once; `done` is then
    /// never called.
    fn submit(&self, batch: Batch, done: Completion) -> Result<(), StoreError> {
        self.submit_sorted(Arc::new(SortedBatch::new(batch)?), done)
    }

    /// The same of a batch that is in order already, and that the caller may keep for another try.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the bounded queue is full, or what can be said at once; `done` is then never called.
    fn submit_sorted(&self, batch: Arc<SortedBatch>, done: Completion) -> Result<(), StoreError>;

    /// Aggregated points of a metric, each granularity in ascending order.
    ///
    /// # Errors
    /// [`StoreError::UnknownMetric`], [`StoreError::UnknownAggregation`], [`StoreError::UnknownGranularity`].
    fn read(&self, metric: MetricId, query: &ReadQuery) -> Result<Vec<AggregatePoint>, StoreError> {
        self.read_first(metric, query, usize::MAX)
    }

    /// Reads many metrics, in an order of the store's own, so that what is on the disk together is read once. `each`
    /// gets the index of a query with its answer as of [`Store::read_first`], and ends the reading by a break.
    fn read_group(&self, wanted: &[(MetricId, ReadQuery)], most: usize, each: &mut Each<'_>);

    /// The first so many of the points that [`Store::read`] gives, of a query of one granularity: who reads on behind the
    /// last of them never holds them all in memory.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn read_first(
        &self,
        metric: MetricId,
        query: &ReadQuery,
        most: usize,
    ) -> Result<Vec<AggregatePoint>, StoreError>;

    /// Deletes metrics with all their points; unknown ones are passed over. An id is never to be used again.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and [`StoreError::Poisoned`] for the state of the disk.
    fn delete_metrics(&self, metrics: &[MetricId]) -> Result<(), StoreError>;

    /// Makes a checkpoint and waits for it: after that a restart has nothing to replay.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::DiskFull`]; the log is then kept, nothing is lost.
    fn flush(&self) -> Result<(), StoreError>;

    /// Figures for the self-metrics; cheap.
    fn stats(&self) -> StoreStats;
}
