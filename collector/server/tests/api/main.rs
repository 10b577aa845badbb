//! The Gnocchi API of the shipped binary, over HTTP: a file for each part of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod aggregates;
mod aggregation;
mod batches;
mod console;
mod errors;
mod grafana;
mod limits;
mod lists;
mod measures;
mod policies;
mod prometheus;
mod resources;
mod rights;
mod self_metrics;
mod start;
