//! The catalogue through its public interface, on real SQLite files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may, as tests do"
)]

/// Whether the suite is about PostgreSQL.
const POSTGRESQL: bool = false;

mod common;
mod durability;
mod ensure;
mod ensure_memory;
mod filter_property;
mod filters;
mod lists;
mod metric_lists;
mod metrics;
mod policies;
mod released;
mod resource_types;
mod resources;
mod revisions;
mod sqlite;
mod tasks;
