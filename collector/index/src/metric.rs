//! Metrics as the catalogue knows them: what a metric is, what is said of a new one, and which ones a list asks for.
//! Their measures are in the store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

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

/// So many metrics that are made one after the other come to the same shard of the store. Were each to come to another,
/// a few hundred metrics that are made together would touch as many pages of each of the database's indexes.
const TOGETHER: u64 = 256;

/// An id for a new metric. Its first byte is the shard, because the store spreads metrics by that; then comes the moment,
/// so that metrics made together are together in a database's index and in the store's files; the rest is random.
pub(crate) fn new_id() -> MetricId {
    // Begins anywhere, for processes that make a few each must not all give them to the same shard.
    static MADE: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(Uuid::new_v4().as_u64_pair().0));
    id_in(shard(MADE.fetch_add(1, Ordering::Relaxed)))
}

/// The shard of the metric that is made after so many: all take turns.
fn shard(made: u64) -> u8 {
    let [.., shard] = (made / TOGETHER).to_be_bytes();
    shard
}

fn id_in(shard: u8) -> MetricId {
    // The shard and the moment without its last byte, which goes to the end; in between a count and what is random.
    let [a, b, c, d, e, f, rest @ .., _] = Uuid::now_v7().into_bytes();
    let mut bytes = [shard, a, b, c, d, e, 0, 0, 0, 0, 0, 0, 0, 0, 0, f];
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
    fn ids_are_unique_and_metrics_made_together_share_a_shard() {
        let ids: BTreeSet<MetricId> = (0..20_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 20_000);
        let shards: BTreeSet<u8> = ids.iter().map(|id| id.as_bytes()[0]).collect();
        // Other tests make some meanwhile.
        assert!((79..250).contains(&shards.len()), "{shards:?}");
        assert_eq!(id_in(7).as_bytes()[0], 7);
    }

    #[test]
    fn all_shards_get_as_many_metrics() {
        let begin = u64::MAX / TOGETHER - 5_000_000;
        let mut counts = [0_u64; 256];
        for made in begin..begin + 256 * TOGETHER {
            counts[usize::from(shard(made))] += 1;
        }
        assert_eq!(counts, [TOGETHER; 256]);
    }
}
