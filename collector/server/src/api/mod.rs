//! What the collector answers over HTTP. Each API has a folder; the page is in `console`.

mod body_budget;
mod config;
mod cors;
pub(crate) mod gnocchi;

pub(crate) use body_budget::BodyBudget;
pub(crate) use config::{ApiConfig, AuthMode, Compatibility};
