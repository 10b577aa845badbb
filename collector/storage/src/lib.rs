//! The collector's time-series store: durable, on one machine, with Gnocchi's semantics. Sync: no async runtime, no
//! HTTP, no SQL; what a metric is called and whose it is belongs to the catalogue.
#![forbid(unsafe_code)]

mod batch;
mod checkpoint;
mod codec;
mod counters;
mod engine;
mod error;
mod file;
#[cfg(fuzzing)]
pub mod fuzz;
mod head;
pub mod inspect;
mod manifest;
mod poison;
mod quarantine;
mod queue;
mod rollup;
mod segment;
mod stats;
mod store;
mod sync;
mod wal;

pub use batch::{MAX_BATCH_MEASURES, SortedBatch};
pub use engine::{CHECKPOINT_WAL_BYTES, Engine, HEAD_BYTES, Options};
pub use error::StoreError;
pub use queue::{QUEUE_CALLS, QUEUE_MEASURES};
pub use stats::{LatencyHistogram, Pauses, ReplayReport, SYNC_BUCKETS, StoreStats};
pub use store::{Ack, Batch, Completion, Each, ReadQuery, Store};
