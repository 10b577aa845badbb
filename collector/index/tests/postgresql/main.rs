//! The suite of `tests/index` on a real PostgreSQL, and what is PostgreSQL's alone.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may, as tests do"
)]

/// Whether the suite is about PostgreSQL.
const POSTGRESQL: bool = true;

#[path = "../index/common.rs"]
mod common;
#[path = "../index/durability.rs"]
mod durability;
#[path = "../index/ensure.rs"]
mod ensure;
#[path = "../index/ensure_memory.rs"]
mod ensure_memory;
#[path = "../index/filter_property.rs"]
mod filter_property;
#[path = "../index/filters.rs"]
mod filters;
#[path = "../index/lists.rs"]
mod lists;
#[path = "../index/metric_lists.rs"]
mod metric_lists;
#[path = "../index/metrics.rs"]
mod metrics;
#[path = "../index/policies.rs"]
mod policies;
#[path = "../index/released.rs"]
mod released;
#[path = "../index/resource_types.rs"]
mod resource_types;
#[path = "../index/resources.rs"]
mod resources;
#[path = "../index/revisions.rs"]
mod revisions;
mod server;
mod shared;
#[path = "../index/tasks.rs"]
mod tasks;
