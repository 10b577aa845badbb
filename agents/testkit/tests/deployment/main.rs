//! What is shipped beside the programs: units, configurations, examples. Each is loaded by the program that it is for.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and fails loudly"
)]

mod examples;
mod nginx;
mod programs;
