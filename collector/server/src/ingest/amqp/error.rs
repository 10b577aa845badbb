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

/// Whose fault it is that messages could not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// What was sent: it cannot be stored later either.
    Message,
    /// Store or catalogue, whatever was sent.
    Outage,
    /// The catalogue failed and does not say why: it may be this message alone.
    Unclear,
}

impl Fault {
    /// Whose the error says it is.
    pub(super) fn of(error: &MeasureError) -> Self {
        use IndexError::{
            Corrupt, Database, FilterValue, InvalidFilter, NulCharacter, ResourceValue,
        };
        use StoreError::{BatchTooLarge, BeforeEpoch, UnsupportedPolicy};
        match error {
            MeasureError::Store(
                BeforeEpoch(_) | BatchTooLarge { .. } | UnsupportedPolicy { .. },
            )
            | MeasureError::Index(
                NulCharacter | InvalidFilter | FilterValue { .. } | ResourceValue { .. },
            ) => Self::Message,
            MeasureError::Index(Database(_) | Corrupt { .. }) => Self::Unclear,
            MeasureError::Store(_) | MeasureError::Index(_) | MeasureError::Slow => Self::Outage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_outage_and_a_wrong_moment_is_the_messages_fault() {
        for error in [
            StoreError::DiskFull("/data".into()).into(),
            StoreError::Busy.into(),
            StoreError::Poisoned("fsync".to_owned()).into(),
            IndexError::Busy.into(),
            IndexError::DiskFull.into(),
        ] {
            assert_eq!(Fault::of(&error), Fault::Outage, "{error}");
        }
        let old = StoreError::BeforeEpoch(uuid::Uuid::nil());
        assert_eq!(Fault::of(&old.into()), Fault::Message);
        assert_eq!(Fault::of(&IndexError::NulCharacter.into()), Fault::Message);
        let strange = IndexError::Corrupt {
            what: "resource",
            id: "i".to_owned(),
            reason: "r".to_owned(),
        };
        assert_eq!(Fault::of(&strange.into()), Fault::Unclear);
    }
}
