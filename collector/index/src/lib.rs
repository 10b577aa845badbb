//! The catalogue: archive policies with their rules, resource types, resources with their history, and metrics, in SQL.
//! The only crate that speaks SQL. It holds no measures: those are in the store, under the metrics' ids.
//!
//! Everything that a call has changed is durable when it returns: SQLite in WAL mode with `synchronous=FULL`, PostgreSQL
//! with `synchronous_commit`. A call that is dropped half-way, or a process that is killed, leaves all of its change or
//! none.
#![forbid(unsafe_code)]

mod attribute_index;
mod cache;
mod changes;
mod db;
mod defaults;
mod ensure;
mod error;
mod filter;
#[cfg(fuzzing)]
pub mod fuzz;
mod index;
mod metric;
mod migrate;
mod options;
mod page;
mod policy;
mod probe;
mod resource;
mod resource_type;
mod rule;
#[cfg(test)]
mod search_plans;
mod snapshot;
mod sql;

pub use db::Database;
pub use defaults::ceilometer_attributes;
pub use ensure::{Current, EnsureBody, EnsureMetric, EnsureResource, Ensured, EnsuredMetric};
pub use error::IndexError;
pub use filter::{Filter, MAX_FILTER_DEPTH, Operator};
pub use index::Index;
pub use metric::{Metric, MetricQuery, MetricSpec, MetricSpecs, MetricStatus, NewMetric};
pub use options::{Defaults, Options};
pub use page::Page;
pub use resource::{
    AttributeChange, Deleted, MetricsUpdate, NewResource, Resource, ResourceQuery, ResourceType,
    ResourceTypeChange, ResourceUpdate,
};
