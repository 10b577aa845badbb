//! What the collector acknowledged is there after it was killed at any moment, by whichever input it came.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod random;
mod requests;
mod resources;
mod unasked;

/// Times that the collector is killed.
const ROUNDS: u64 = 20;
