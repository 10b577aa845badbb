//! The way into and out of the store for everybody who has measures: the API and the scrapes. Keeps store and catalogue
//! in step: a metric that the catalogue has is registered in the store before its first measure, one that is deleted
//! leaves both. Asynchronous around the store's blocking calls.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use collector_index::{EnsureResource, Ensured, Index, IndexError, Metric};
use collector_model::{Measure, MetricId};
use collector_storage::{Ack, Batch, SortedBatch, Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::metrics::{Input, Metrics};

/// Metrics that are registered or deleted in one call of the store.
const CHUNK: usize = 10_000;
/// How long a request waits for the store's acknowledgement: less than the half minute that Prometheus waits for ours.
const ACK_TIME: Duration = Duration::from_secs(25);

/// Why measures or metrics could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    /// The catalogue refused or failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has not acknowledged in time. It may still do so.
    #[error("store is slow: not on stable storage within {} s", ACK_TIME.as_secs())]
    Slow,
}

impl MeasureError {
    /// It as the value of a label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Index(_) => "catalogue",
            Self::Slow => "slow",
            Self::Store(StoreError::Busy) => "busy",
            Self::Store(StoreError::DiskFull(_)) => "disk_full",
            Self::Store(StoreError::Poisoned(_)) => "poisoned",
            Self::Store(StoreError::UnknownMetric(_)) => "unknown_metric",
            Self::Store(_) => "store",
        }
    }
}

/// Store and catalogue together.
pub(crate) struct Measures {
    index: Arc<Index>,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Measures {
    /// Over this catalogue and store; what goes through is counted in `metrics`.
    pub(crate) fn new(index: Arc<Index>, store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self {
            index,
            store,
            metrics,
        }
    }

    /// Brings the store to what the catalogue says, after a start that may follow a crash between the two: registers
    /// all metrics, and finishes deletions.
    pub(crate) async fn reconcile(&self) -> Result<(), MeasureError> {
        for policy in self.index.archive_policies().await? {
            let ids = self.index.metrics_of_archive_policy(&policy.name).await?;
            self.set_policy(ids, policy).await?;
        }
        let deleted = self.index.deleted_metrics().await?;
        self.forget(deleted).await
    }

    /// Writes measures of known metrics. Ok means: on stable storage and visible. Measures that come too late for
    /// their metric's back window are dropped and counted, as Gnocchi does. What is not taken is counted, too.
    pub(crate) async fn write(&self, batch: Batch, input: Input) -> Result<(), MeasureError> {
        let count = batch.iter().map(|(_, measures)| measures.len()).sum();
        self.write_counted(SortedBatch::new(batch), input, count)
            .await
    }

    /// The same of metrics whose measures are stretches of one list.
    pub(crate) async fn write_stretches(
        &self,
        stretches: Vec<(MetricId, Range<usize>)>,
        measures: &[Measure],
        input: Input,
    ) -> Result<(), MeasureError> {
        let count = stretches.iter().map(|(_, stretch)| stretch.len()).sum();
        let batch = SortedBatch::of_stretches(stretches, measures);
        self.write_counted(batch, input, count).await
    }

    /// The same of a batch that is in order already.
    pub(crate) async fn write_sorted(
        &self,
        batch: SortedBatch,
        input: Input,
    ) -> Result<(), MeasureError> {
        let count = batch.received();
        self.write_counted(Ok(batch), input, count).await
    }

    /// As [`Measures::write`], for callers who try again or count by themselves what was not taken.
    pub(crate) async fn try_write(&self, batch: Batch, input: Input) -> Result<(), MeasureError> {
        let batch = Arc::new(SortedBatch::new(batch)?);
        self.write_registered(batch, input).await
    }

    /// Counts measures that were not taken.
    pub(crate) fn rejected(&self, input: Input, reason: &'static str, measures: usize) {
        self.metrics.inputs.rejected(input, reason, measures);
    }

    /// Writes a batch of so many measures, and counts them where they are not taken.
    async fn write_counted(
        &self,
        batch: Result<SortedBatch, StoreError>,
        input: Input,
        measures: usize,
    ) -> Result<(), MeasureError> {
        let written = match batch {
            Ok(batch) => self.write_registered(Arc::new(batch), input).await,
            Err(error) => Err(error.into()),
        };
        written.inspect_err(|error| self.rejected(input, error.reason(), measures))
    }

    async fn write_registered(
        &self,
        batch: Arc<SortedBatch>,
        input: Input,
    ) -> Result<(), MeasureError> {
        match self.submit(Arc::clone(&batch), input).await {
            Err(MeasureError::Store(StoreError::UnknownMetric(_))) => {}
            result => return result,
        }
        // The catalogue had the metric when the caller looked: its registration failed, or it was deleted since.
        let ids: Vec<MetricId> = batch.metrics().collect();
        let known = self.index.metrics(&ids).await?;
        self.register(&known).await?;
        self.submit(batch, input).await
    }

    async fn submit(&self, batch: Arc<SortedBatch>, input: Input) -> Result<(), MeasureError> {
        let (done, outcome) = oneshot::channel();
        let (measures, newest) = (batch.received(), batch.newest());
        let waiting = self.metrics.inputs.waits(input, measures, newest);
        let completion = Box::new(move |result: Result<Ack, StoreError>| {
            // Counted here, for the measures are written also where nobody waits any more.
            if let Ok(ack) = &result {
                waiting.stored(*ack);
            }
            drop(waiting);
            let _ = done.send(result.map(drop));
        });
        self.store.submit_sorted(batch, completion)?;
        let outcome = match input.is_http() {
            true => timeout(ACK_TIME, outcome)
                .await
                .map_err(|_| MeasureError::Slow)?,
            // What comes by itself waits, one batch at a time.
            false => outcome.await,
        };
        Ok(outcome.unwrap_or(Err(StoreError::Closed))?)
    }

    /// Makes metrics of the catalogue known to the store.
    pub(crate) async fn register(&self, metrics: &[Arc<Metric>]) -> Result<(), MeasureError> {
        let mut by_policy: BTreeMap<&str, (&Arc<Metric>, Vec<MetricId>)> = BTreeMap::new();
        for metric in metrics {
            let entry = by_policy.entry(&metric.archive_policy.name);
            entry.or_insert((metric, Vec::new())).1.push(metric.id);
        }
        for (metric, ids) in by_policy.into_values() {
            self.set_policy(ids, Arc::clone(&metric.archive_policy))
                .await?;
        }
        Ok(())
    }

    /// Registers metrics with a policy, or tells the store of the policy's new points and timespans.
    pub(crate) async fn set_policy(
        &self,
        ids: Vec<MetricId>,
        policy: Arc<collector_model::ArchivePolicy>,
    ) -> Result<(), MeasureError> {
        self.blocking(move |store| {
            let mut chunks = ids.chunks(CHUNK);
            chunks.try_for_each(|chunk| store.set_policy(chunk, &policy))
        })
        .await
    }

    /// Deletes the measures of metrics that the catalogue has marked as deleted, then the marks.
    pub(crate) async fn forget(&self, ids: Vec<MetricId>) -> Result<(), MeasureError> {
        for chunk in ids.chunks(CHUNK) {
            let gone = chunk.to_vec();
            self.blocking(move |store| store.delete_metrics(&gone))
                .await?;
            self.index.expunge_metrics(chunk).await?;
        }
        Ok(())
    }

    /// Makes sure that resources and their metrics are in the catalogue and known to the store.
    pub(crate) async fn ensure(
        &self,
        wanted: &[EnsureResource<'_>],
    ) -> Result<Vec<Result<Ensured, IndexError>>, MeasureError> {
        let ensured = self.index.ensure(wanted).await?;
        let resources = ensured.iter().filter_map(|resource| resource.as_ref().ok());
        let metrics = resources.flat_map(|resource| &resource.metrics);
        let created: Vec<Arc<Metric>> = metrics
            .filter(|metric| metric.created)
            .map(|metric| Arc::clone(&metric.metric))
            .collect();
        self.register(&created).await?;
        Ok(ensured)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, MeasureError> {
        let store = Arc::clone(&self.store);
        let result = tokio::task::spawn_blocking(move || call(store.as_ref())).await;
        // The task is never cancelled; a panic in the store has been reported by its hook.
        Ok(result.unwrap_or(Err(StoreError::Closed))?)
    }
}
