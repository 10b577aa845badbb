//! `/v2`: the part of Ceilometer's API, version 2, that reads, for the pages of clouds that knew Ceilometer before
//! Gnocchi: meters, samples, statistics, resources and what of it there is. What was a sample is here a window of the
//! finest granularity that reaches far enough back. Stands below Gnocchi's API to share its users, bounds and errors.

mod capabilities;
mod condition;
mod fault;
mod meter;
mod numbers;
mod resources;
mod samples;
mod statistics;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use super::count;
use crate::app::App;

/// Its routes, with their own form of errors.
pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/v2/meters", get(meter::list))
        .route("/v2/meters/{name}", get(samples::list_of_meter))
        .route("/v2/meters/{name}/statistics", get(statistics::show))
        .route("/v2/samples", get(samples::list))
        .route("/v2/samples/{id}", get(samples::show))
        .route("/v2/resources", get(resources::list))
        .route("/v2/resources/{*id}", get(resources::show))
        .route("/v2/capabilities", get(capabilities::show))
        .route_layer(from_fn_with_state(Arc::clone(app), count::count))
        .layer(from_fn(fault::write_faults))
}
