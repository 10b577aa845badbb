//! What can go wrong in the store, in words for the operator. Which of these a client may repeat, and how they map to
//! HTTP, is the server's business.

use std::io;
use std::path::PathBuf;

use collector_model::{Aggregation, Granularity, MetricId};

/// Why the store refused or failed. Unless it says otherwise nothing of the refused call has been applied.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A metric that was never registered, or is deleted. Of a batch nothing was taken, also for its other metrics.
    #[error("unknown metric {0}")]
    UnknownMetric(MetricId),
    /// The metric's policy does not have the aggregation.
    #[error("metric {metric} has no aggregation {aggregation}")]
    UnknownAggregation {
        /// The metric asked for.
        metric: MetricId,
        /// The aggregation asked for.
        aggregation: Aggregation,
    },
    /// The metric's policy does not have the granularity.
    #[error("metric {metric} has no granularity {granularity}")]
    UnknownGranularity {
        /// The metric asked for.
        metric: MetricId,
        /// The granularity asked for.
        granularity: Granularity,
    },
    /// A policy without definition, or one that differs from the metric's in more than points and timespans.
    #[error("metric {metric} cannot take archive policy {policy}: {reason}")]
    UnsupportedPolicy {
        /// The first metric that cannot take it.
        metric: MetricId,
        /// The policy's name.
        policy: String,
        /// What is different.
        reason: &'static str,
    },
    /// A measure before 1970; of the batch nothing was taken.
    #[error("metric {0} has a measure before the epoch")]
    BeforeEpoch(MetricId),
    /// More measures than one batch may have.
    #[error("batch of {measures} measures: at most {limit} are taken at once")]
    BatchTooLarge {
        /// Measures in the batch.
        measures: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// The bounded queue before the commit thread is full; try again.
    #[error("write queue is full")]
    Busy,
    /// A write or fsync failed earlier: what is on disk is unknown, so writes are refused until a restart recovers
    /// from the log. Reads go on.
    #[error("store refuses writes until it is restarted: {0}")]
    Poisoned(String),
    /// No space for the log. Nothing is torn; writes go on by themselves once there is space.
    #[error("no space left for the log in {0}")]
    DiskFull(PathBuf),
    /// The store is shutting down.
    #[error("store is closed")]
    Closed,
    /// Another process has the directory open.
    #[error("store {0} is in use by another process")]
    Locked(PathBuf),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, such as `open`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds what no version of this store writes.
    #[error("corrupt file {path} at byte {offset}: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What was found.
        reason: String,
    },
}

impl StoreError {
    /// The same error for a further caller: one failed fsync fails all who waited for it.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::DiskFull(path) => Self::DiskFull(path.clone()),
            Self::Poisoned(reason) => Self::Poisoned(reason.clone()),
            Self::Io {
                action,
                path,
                source,
            } => {
                let source = io::Error::new(source.kind(), source.to_string());
                Self::Io {
                    action,
                    path: path.clone(),
                    source,
                }
            }
            Self::Corrupt {
                path,
                offset,
                reason,
            } => Self::Corrupt {
                path: path.clone(),
                offset: *offset,
                reason: reason.clone(),
            },
            // The rest concerns one caller's arguments and is never shared.
            _ => Self::Closed,
        }
    }
}
