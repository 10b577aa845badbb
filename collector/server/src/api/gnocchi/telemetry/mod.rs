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
mod statistic;
mod statistics;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use super::count;
use super::openapi::{CEILOMETER, Descriptions, Endpoints, Operation};
use crate::app::App;

/// The conditions that all lists take, each with as many values.
const CONDITIONS: [&str; 4] = ["q.field", "q.op", "q.type", "q.value"];

/// What is below `/v2`.
pub(super) fn endpoints() -> Endpoints {
    let list = |path: &str, summary: &'static str| Operation::new(path, summary).query(&CONDITIONS);
    Endpoints::new()
        .get(
            list("/meters", "List meters")
                .query(&["limit", "unique"])
                .answers(200, "Meters"),
            meter::list,
        )
        .get(
            list(
                "/meters/{name}",
                "List the samples of a meter, the newest first",
            )
            .query(&["limit"])
            .answers(200, "OldSamples"),
            samples::list_of_meter,
        )
        .get(
            list(
                "/meters/{name}/statistics",
                "Put the samples of a meter together, by periods and groups",
            )
            .query(&["period", "groupby", "aggregate.func", "aggregate.param"])
            .answers(200, "Statistics"),
            statistics::show,
        )
        .get(
            list("/samples", "List samples, the newest first")
                .query(&["limit"])
                .answers(200, "Samples"),
            samples::list,
        )
        .get(
            Operation::new("/samples/{id}", "Show a sample")
                .answers(200, "Sample")
                .refuses(&[400]),
            samples::show,
        )
        .get(
            list("/resources", "List resources")
                .query(&["limit", "meter_links"])
                .answers(200, "MeteredResources"),
            resources::list,
        )
        .get(
            Operation::new("/resources/{*id}", "Show a resource")
                .answers(200, "MeteredResource")
                .refuses(&[400]),
            resources::show,
        )
        .get(
            Operation::new("/capabilities", "What of Ceilometer's API there is")
                .answers(200, "TelemetryCapabilities"),
            capabilities::show,
        )
}

/// Its routes, with their own form of errors, and what is said of them.
pub(super) fn router(app: &Arc<App>) -> (Router<Arc<App>>, Descriptions) {
    let (router, descriptions) = endpoints().finish(CEILOMETER);
    let router = Router::new()
        .nest(CEILOMETER.prefix, router)
        .route_layer(from_fn_with_state(Arc::clone(app), count::count))
        .layer(from_fn(fault::write_faults));
    (router, descriptions)
}
