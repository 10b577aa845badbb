//! What the collector answers over HTTP. Each API has a folder; the page is in `console`.

mod body_budget;
pub(crate) mod gnocchi;

pub(crate) use body_budget::BodyBudget;
