//! Why nothing comes from the broker, and why what came cannot be stored now or ever.

use collector_index::IndexError;
use collector_storage::StoreError;

use crate::measures::MeasureError;

/// Why a connection, or the taking of messages over it, ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// No broker is configured.
    #[error("no broker is configured")]
    NoBroker,
    /// The broker, or the way to it.
    #[error("{0}")]
    Broker(#[from] lapin::Error),
    /// The file of certificates.
    #[error("ca_file: {file}: {source}")]
    Certificates {
        /// Its path.
        file: String,
        /// Why it was not read.
        #[source]
        source: std::io::Error,
    },
    /// The broker took longer than it may.
    #[error("{0}: no answer in time")]
    TimedOut(&'static str),
    /// The broker ended a consumer: its queue was deleted.
    #[error("queue {0}: the broker sends no more of it")]
    Cancelled(String),
    /// A task of ours fell.
    #[error("queue task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Whether the fault is in what was sent, so that it cannot be stored later either.
pub(super) fn is_hopeless(error: &MeasureError) -> bool {
    match error {
        MeasureError::Store(error) => matches!(
            error,
            StoreError::BeforeEpoch(_) | StoreError::BatchTooLarge { .. }
        ),
        MeasureError::Index(error) => matches!(
            error,
            IndexError::NulCharacter
                | IndexError::InvalidFilter
                | IndexError::FilterValue { .. }
                | IndexError::ResourceValue { .. }
        ),
        MeasureError::Slow => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_waited_for_and_a_wrong_moment_is_not() {
        let full = StoreError::DiskFull("/data".into());
        assert!(!is_hopeless(&full.into()));
        assert!(!is_hopeless(&StoreError::Busy.into()));
        assert!(!is_hopeless(
            &StoreError::Poisoned("fsync".to_owned()).into()
        ));
        assert!(!is_hopeless(&IndexError::Busy.into()));
        let old = StoreError::BeforeEpoch(uuid::Uuid::nil());
        assert!(is_hopeless(&old.into()));
        assert!(is_hopeless(&IndexError::NulCharacter.into()));
    }
}
