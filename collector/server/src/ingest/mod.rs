//! What comes into the collector from elsewhere than Gnocchi's clients: which exporters there are, scraping them, and the
//! mapping of their series to Gnocchi's resources and metrics; and the formats of others that push, read without
//! knowing what becomes of it (`remote_write`, `line_protocol`).

pub(crate) mod amqp;
pub(crate) mod ceilometer;
mod client;
pub(crate) mod config;
mod discovery;
mod fetch;
mod job;
mod label_set;
pub(crate) mod line_protocol;
mod mapping;
mod relabel;
pub(crate) mod remote_write;
mod samples;
mod scrape;
mod state;
pub(crate) mod statsd;
mod store;
mod targets;
mod tasks;

pub(crate) use config::ScrapeConfig;
pub(crate) use job::{JobConfig, jobs};
pub(crate) use mapping::Mapping;
pub(crate) use scrape::Scraper;
pub(crate) use state::ScrapeState;
