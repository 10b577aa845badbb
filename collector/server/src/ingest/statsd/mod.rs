//! statsd over UDP, as gnocchi-statsd takes it: what comes in between two flushes becomes one measure for each name, of a
//! metric called `name|type` on one configured resource. `line` is the protocol, `buffer` what waits for the flush,
//! `kernel` what the kernel threw away before it was read, `listener` the socket and the flush.

mod buffer;
mod config;
mod kernel;
mod line;
mod listener;
mod outcome;

pub(crate) use config::StatsdConfig;
pub(crate) use listener::Listener;
pub(crate) use outcome::Counters;
