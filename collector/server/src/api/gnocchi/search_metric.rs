//! `POST /v1/search/metric`: the points of metrics whose values fulfil a condition.

use std::sync::Arc;

use axum::extract::State;
use collector_index::Metric;
use collector_model::{Granularity, MetricId, TimespanError, parse_uuid};
use collector_storage::ReadQuery;
use serde_json::json;

use super::aggregates_measures::{has_granularity, method_of};
use super::auth::Caller;
use super::bounds::Bounds;
use super::computing::blocking;
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::openapi::{Endpoints, Operation};
use super::points::Point;
use super::points_answer::{Part, object, reply_parts};
use super::query::Params;
use super::value_query::ValueQuery;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new().post(
        Operation::new(
            "/search/metric",
            "Search measures of metrics by their values",
        )
        .query(&["metric_id", "start", "stop", "aggregation", "granularities"])
        .body("ValueFilter")
        .answers(200, "ValuesByMetric")
        .refuses(&[404]),
        search,
    )
}

async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    if params.get("metric_id").is_none() {
        return Err(ApiError::bad_request(
            "Missing mandatory argument: metric_id",
        ));
    }
    let bounds = Bounds::of(&app.api());
    // What is no id is no metric's, as those that do not exist.
    let ids = params.all("metric_id").filter_map(parse_uuid);
    let mut ids: Vec<MetricId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    bounds.check(ids.len(), "metrics")?;
    let metrics = app.index.metrics(&ids).await?;
    caller
        .require_of_metrics(&app, Action::SearchMetric, &metrics)
        .await?;
    if body.is_empty() {
        return Err(ApiError::bad_request("No query specified in body"));
    }
    let condition = ValueQuery::read(&body.json()?, caller.most_filter_depth)?;
    let invalid = |name| ApiError::bad_request(format!("Invalid value for {name}"));
    let start = params.moment("start").map_err(|_| invalid("start"))?;
    let stop = params.moment("stop").map_err(|_| invalid("stop"))?;
    let granularities = granularities(&params)?;
    let aggregation = params.get("aggregation").unwrap_or("mean");
    let mut reads = Vec::new();
    for metric in &metrics {
        for granularity in wanted(metric, &granularities) {
            let method = method_of(metric, aggregation)
                .filter(|_| has_granularity(metric, granularity))
                .ok_or_else(|| unknown(aggregation, granularity))?;
            let query = ReadQuery {
                granularity: Some(granularity),
                aggregation: method,
                start,
                stop,
            };
            reads.push((metric.id, query));
        }
    }
    let (store, mut left) = (Arc::clone(&app.store), bounds);
    let found = blocking(bounds, move || {
        let mut found: Vec<(MetricId, Vec<Point>)> = Vec::new();
        for (id, query) in reads {
            let points = left.read(store.as_ref(), id, &query)?;
            let points = points.into_iter().filter(|one| condition.holds(one.value));
            let points = points.map(Point::from);
            match found.last_mut() {
                Some((last, list)) if *last == id => list.extend(points),
                _ => found.push((id, points.collect())),
            }
        }
        Ok(found)
    });
    let found = found.await?.into_iter();
    let found = found.map(|(id, points)| (id, vec![Part::Points(points)]));
    reply_parts(&app, bounds, object(found)).await
}

/// The granularities asked for, coarsest first.
fn granularities(params: &Params) -> ApiResult<Vec<Granularity>> {
    let read = params.all("granularity").map(|text| {
        text.parse()
            .map_err(|error: TimespanError| ApiError::argument("granularity", error.to_string()))
    });
    let mut read: Vec<Granularity> = read.collect::<ApiResult<_>>()?;
    read.sort_unstable_by(|a, b| b.cmp(a));
    read.dedup();
    Ok(read)
}

/// Those asked for, or all of the metric.
fn wanted(metric: &Metric, asked: &[Granularity]) -> Vec<Granularity> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    let archives = metric.archive_policy.definition.iter();
    let mut own: Vec<Granularity> = archives.map(|archive| archive.granularity).collect();
    own.sort_unstable_by(|a, b| b.cmp(a));
    own
}

fn unknown(aggregation: &str, granularity: Granularity) -> ApiError {
    ApiError::bad_request(json!({
        "cause": "Aggregation does not exist",
        "detail": {"granularity": granularity.seconds(), "aggregation_method": aggregation},
    }))
}
