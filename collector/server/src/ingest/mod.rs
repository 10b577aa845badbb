//! What comes into the collector from Prometheus exporters: which targets there are, scraping them, and the mapping of
//! their series to Gnocchi's resources and metrics.

pub(crate) mod config;
mod fetch;
mod mapping;
mod scrape;
mod state;
mod store;
mod targets;

pub(crate) use config::ScrapeConfig;
pub(crate) use mapping::Mapping;
pub(crate) use scrape::Scraper;
pub(crate) use state::ScrapeState;
