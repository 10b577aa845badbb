//! Resources as the catalogue knows them: what a resource and a resource type are, what is said of new ones and of
//! changes, and which ones a list asks for. The id of a free-form text is made by the model.

use std::collections::{BTreeMap, BTreeSet};

use collector_model::{Attribute, MetricId, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Filter, MetricSpecs, Page};

pub(crate) mod check;
pub(crate) mod ends;
pub(crate) mod list;
pub(crate) mod row;
mod write;

/// A resource type: which attributes its resources have.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceType {
    /// Its name.
    pub name: String,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// When its attributes were changed last.
    pub updated_at: Timestamp,
}

/// An attribute that a resource type gets.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeChange {
    /// Its type.
    pub attribute: Attribute,
    /// What resources get, also in their history, that have no value yet; Gnocchi's `options.fill`.
    pub fill: Option<Value>,
}

/// A change of a resource type, applied as a whole; the removals first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResourceTypeChange {
    /// Attributes to remove, with their values.
    pub remove: BTreeSet<String>,
    /// Attributes to add, or to define anew where they exist.
    pub set: BTreeMap<String, AttributeChange>,
}

/// A resource, as it is or as it was in one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id.
    pub id: Uuid,
    /// Number of a revision in the history; -1 for the resource as it is.
    pub revision: i64,
    /// The id as its creator wrote it.
    pub original_resource_id: String,
    /// Name of its type.
    pub resource_type: String,
    /// Who created it: `user` or `user:project`.
    pub creator: Option<String>,
    /// Its owner's project.
    pub project_id: Option<String>,
    /// Its owner.
    pub user_id: Option<String>,
    /// Since when it exists; microseconds.
    pub started_at: Timestamp,
    /// Until when it existed.
    pub ended_at: Option<Timestamp>,
    /// When this revision came to be: two revisions of a resource never have the same.
    pub revision_start: Timestamp,
    /// When the next revision took its place; `None` for the resource as it is.
    pub revision_end: Option<Timestamp>,
    /// All attributes of its type, null where it has none; also where it was asked for as `generic`.
    pub attributes: Map<String, Value>,
    /// Its active metrics by name.
    pub metrics: BTreeMap<String, MetricId>,
}

/// What is said of a new resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewResource {
    /// Its id.
    pub id: Uuid,
    /// The id as its creator wrote it; `None` for a UUID.
    pub original_resource_id: Option<String>,
    /// Name of its type.
    pub resource_type: String,
    /// Who creates it: `user` or `user:project`.
    pub creator: Option<String>,
    /// Its owner's project.
    pub project_id: Option<String>,
    /// Its owner.
    pub user_id: Option<String>,
    /// Since when it exists; `None` for now.
    pub started_at: Option<Timestamp>,
    /// Until when it existed.
    pub ended_at: Option<Timestamp>,
    /// Attributes of its type; required ones must be there.
    pub attributes: Map<String, Value>,
    /// The metrics that it starts with.
    pub metrics: MetricSpecs,
}

/// A change of a resource; what is `None` stays, what is `Some(None)` becomes null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResourceUpdate {
    /// Its owner's project.
    pub project_id: Option<Option<String>>,
    /// Its owner.
    pub user_id: Option<Option<String>>,
    /// Since when it exists.
    pub started_at: Option<Timestamp>,
    /// Until when it existed.
    pub ended_at: Option<Option<Timestamp>>,
    /// Attributes to change.
    pub attributes: Map<String, Value>,
    /// Its metrics.
    pub metrics: MetricsUpdate,
    /// Only if the current revision started then (the resource that an `If-Match` was checked against).
    pub if_revision: Option<Timestamp>,
}

/// A change of a resource's metrics; makes no revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MetricsUpdate {
    /// They stay.
    #[default]
    Keep,
    /// These are added.
    Append(MetricSpecs),
    /// These take the place of all, which live on without a resource.
    Replace(MetricSpecs),
}

/// Which resources a list asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceQuery {
    /// Name of their type; `generic` gives those of every type.
    pub resource_type: String,
    /// On the fields of [`Resource`] (the type is `type`), on `lifespan`, `created_by_user_id`,
    /// `created_by_project_id`, and on the attributes of the type.
    pub filter: Option<Filter>,
    /// Also all former revisions.
    pub history: bool,
    /// Which part, in which order.
    pub page: Page,
}

/// What a deletion by filter has deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    /// How many resources.
    pub resources: u64,
    /// The metrics that they had, to be deleted in the store.
    pub metrics: Vec<MetricId>,
}
