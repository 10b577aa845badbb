//! Metrics as the catalogue knows them: what a metric is, what is said of a new one, and which ones a list asks for.
//! Their measures are in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_model::{ArchivePolicy, MetricId};
use uuid::Uuid;

use crate::{Filter, Page};

pub(crate) mod attach;
mod list;
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

/// What is said of a new metric. Its id is given by the catalogue; ids ascend with time.
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
