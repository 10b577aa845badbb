//! Metrics as the catalogue knows them: what a metric is, what is said of a new one, and which ones a list asks for.
//! Their measures are in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_model::{ArchivePolicy, MetricId};
use uuid::Uuid;

use crate::{Filter, Page};

pub(crate) mod attach;
pub(crate) mod list;
pub(crate) mod row;
mod write;

/// Whether a metric is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricStatus {
    /// It takes measures.
    #[default]
    Active,
    /// It is deleted, but its measures may still be in the store; expunge it once they are not.
    Delete,
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its id, also in the store.
    pub id: MetricId,
    /// Who created it: `user` or `user:project`.
    pub creator: Option<String>,
    /// Its name, unique on its resource.
    pub name: Option<String>,
    /// Unit of its values.
    pub unit: Option<String>,
    /// The resource that it measures.
    pub resource_id: Option<Uuid>,
    /// How its measures are aggregated.
    pub archive_policy: Arc<ArchivePolicy>,
    /// Whether it is in use.
    pub status: MetricStatus,
}

/// What is said of a new metric. Its id is given by the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewMetric {
    /// Who creates it: `user` or `user:project`.
    pub creator: Option<String>,
    /// Its name, unique on its resource.
    pub name: Option<String>,
    /// Unit of its values.
    pub unit: Option<String>,
    /// The resource that it measures.
    pub resource_id: Option<Uuid>,
    /// Name of the archive policy; `None` leaves it to the rules.
    pub archive_policy_name: Option<String>,
}

/// A metric that a resource is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricSpec {
    /// An active metric of the resource's creator, which is moved to the resource.
    Existing(MetricId),
    /// A new one.
    New {
        /// Unit of its values.
        unit: Option<String>,
        /// Name of the archive policy; `None` leaves it to the rules.
        archive_policy_name: Option<String>,
    },
}

/// Metrics of a resource by name.
pub type MetricSpecs = BTreeMap<String, MetricSpec>;

/// An id for a new metric. Its first byte is random, because the store spreads metrics over its shards by that; then
/// comes the moment, so that metrics made together are together in a database's index and in the store's files; the
/// rest is random.
pub(crate) fn new_id() -> MetricId {
    // The moment in six bytes, a count in the next six, four random ones: the last of these changes places with the
    // moment's last.
    let [a, b, c, d, e, f, rest @ .., random] = Uuid::now_v7().into_bytes();
    let mut bytes = [random, a, b, c, d, e, 0, 0, 0, 0, 0, 0, 0, 0, 0, f];
    if let Some(middle) = bytes.get_mut(6..15) {
        middle.copy_from_slice(&rest);
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Which metrics a list asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricQuery {
    /// Active ones or deleted ones.
    pub status: MetricStatus,
    /// On `id`, `name`, `unit`, `creator`, `created_by_user_id`, `created_by_project_id`, `archive_policy_name`,
    /// `resource_id`, and on the fields of its resource as `resource.project_id` and so on.
    pub filter: Option<Filter>,
    /// Which part, in which order; sorts by the fields of the metric.
    pub page: Page,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_spread_over_all_first_bytes() {
        let ids: BTreeSet<MetricId> = (0..20_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 20_000);
        let mut counts = [0_usize; 256];
        for id in &ids {
            counts[usize::from(id.as_bytes()[0])] += 1;
        }
        // 78 are expected of each; a byte of the clock would have nearly all.
        assert!(
            counts.iter().all(|count| (20..200).contains(count)),
            "{counts:?}"
        );
    }
}
