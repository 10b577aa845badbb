//! `/v1/aggregation`, which older clients use: points of several metrics put together into one series, the metrics
//! named by their ids or by one name on the resources that a search finds.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::any;
use collector_index::{IndexError, Metric};
use collector_model::operations::Method;
use collector_model::{Granularity, MetricId, parse_uuid};
use serde_json::json;

use super::aggregate_range::{Gaps, Range, unaggregable};
use super::aggregates_measures::{common_granularities, has_granularity, method_of};
use super::aggregates_resources::{grouped, groups, search};
use super::aggregation_work::Work;
use super::auth::Caller;
use super::bounds::Bounds;
use super::computing::blocking;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, to_text};
use super::openapi::{Endpoints, Operation};
use super::points::Point;
use super::points_answer::{self, Part, reply_parts};
use super::query::Params;
use super::resample::Sampling;
use super::resource_list::filter;
use super::schema::Node;
use crate::app::App;
use crate::auth::policy::Action;

/// What all of them can be asked for.
const AGGREGATED: [&str; 10] = [
    "start",
    "stop",
    "granularity",
    "aggregation",
    "reaggregation",
    "fill",
    "needed_overlap",
    "resample",
    "refresh",
    "details",
];

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let of_metrics = "/aggregation/metric";
    Endpoints::new()
        .get(
            Operation::new(of_metrics, "Aggregate several metrics into one series")
                .query(&AGGREGATED)
                .query(&["metric"])
                .answers(200, "LegacyAggregates")
                .refuses(&[404]),
            of_query,
        )
        .post(
            Operation::new(
                of_metrics,
                "Aggregate the metrics in the body into one series",
            )
            .query(&AGGREGATED)
            .body("MetricIds")
            .answers(200, "LegacyAggregates")
            .refuses(&[404]),
            of_body,
        )
        .post(
            Operation::new(
                "/aggregation/resource/{type}/metric/{name}",
                "Aggregate the metrics of a name of the resources that a filter finds",
            )
            .query(&AGGREGATED)
            .query(&["groupby", "filter"])
            .body("Filter")
            .answers(200, "LegacyAggregates"),
            of_resources,
        )
        // Gnocchi refuses the method where no metric is named.
        .with(|router| router.route("/aggregation/resource/{type}/metric", any(nothing_named)))
}

async fn nothing_named() -> ApiError {
    ApiError::bare(StatusCode::METHOD_NOT_ALLOWED)
}

async fn of_query(State(app): State<Arc<App>>, caller: Caller, params: Params) -> ApiResult {
    let ids = params.all("metric").enumerate().map(|(at, id)| {
        parse_uuid(id).ok_or_else(|| {
            ApiError::bad_request(format!("Invalid input: not a valid value @ data[{at}]"))
        })
    });
    let ids = ids.collect::<ApiResult<_>>()?;
    of_metrics(&app, &caller, &params, ids).await
}

async fn of_body(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let body = body.json()?;
    let ids = Node::root(&body).items()?.map(|node| {
        let id = node.value.as_str().and_then(parse_uuid);
        id.ok_or_else(|| node.invalid("not a valid value"))
    });
    let ids = ids.collect::<ApiResult<_>>()?;
    of_metrics(&app, &caller, &params, ids).await
}

async fn of_metrics(
    app: &App,
    caller: &Caller,
    params: &Params,
    mut ids: Vec<MetricId>,
) -> ApiResult {
    ids.sort_unstable();
    ids.dedup();
    let question = Question::of(app, caller, params);
    question.bounds.check(ids.len(), "metrics")?;
    let metrics = app.index.metrics(&ids).await?;
    let known: HashSet<MetricId> = metrics.iter().map(|metric| metric.id).collect();
    if let Some(missing) = ids.iter().find(|id| !known.contains(id)) {
        return Err(IndexError::NoSuchMetric(missing.to_string()).into());
    }
    question.reply(metrics).await
}

async fn of_resources(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((resource_type, name)): Path<(String, String)>,
    params: Params,
    body: RawBody,
) -> ApiResult {
    app.index.resource_type(&resource_type).await?;
    let groups = groups(&params);
    let filter = filter(&body, &params, &caller)?;
    let filter = caller.limit_resources(Action::SearchResource, filter)?;
    let mut question = Question::of(&app, &caller, &params);
    let found = search(&app, &resource_type, filter, &groups, &question.bounds).await?;
    let resources = found.map_err(|error| match error {
        IndexError::InvalidPagination(_) => ApiError::bad_request("Invalid groupby attribute"),
        other => ApiError::of_search(other),
    })?;
    let named = |resource: &collector_index::Resource| resource.metrics.get(&name).copied();
    if groups.is_empty() {
        let ids: Vec<MetricId> = resources.iter().filter_map(named).collect();
        let metrics = app.index.metrics(&ids).await?;
        return question.reply(metrics).await;
    }
    let mut results = Vec::new();
    for (group, members) in grouped(&resources, &resource_type, &groups) {
        let ids: Vec<MetricId> = members.into_iter().filter_map(named).collect();
        let metrics = app.index.metrics(&ids).await?;
        let points = Part::Points(question.points(metrics).await?);
        results.push((to_text(&group), vec![points]));
    }
    reply_parts(&app, question.bounds, points_answer::groups(results)).await
}

struct Question<'q> {
    app: &'q App,
    caller: &'q Caller,
    params: &'q Params,
    bounds: Bounds,
}

impl<'q> Question<'q> {
    fn of(app: &'q App, caller: &'q Caller, params: &'q Params) -> Self {
        Self {
            app,
            caller,
            params,
            bounds: Bounds::of(&app.api()),
        }
    }

    async fn reply(mut self, metrics: Vec<Arc<Metric>>) -> ApiResult {
        let points = Part::Points(self.points(metrics).await?);
        reply_parts(self.app, self.bounds, vec![points]).await
    }

    /// The one series of all metrics.
    async fn points(&mut self, metrics: Vec<Arc<Metric>>) -> ApiResult<Vec<Point>> {
        let range = Range::of(self.params, Gaps::Overlap(100.0), self.caller.dialect)?;
        let aggregation = self.params.get("aggregation").unwrap_or("mean");
        let (app, action) = (self.app, Action::GetMetric);
        self.caller
            .require_of_metrics(app, action, &metrics)
            .await?;
        let Some(first) = metrics.first() else {
            return Ok(Vec::new());
        };
        let sampling = self.sampling(&range)?;
        let granularities = granularities(&metrics, &range, aggregation)?;
        self.params.flag("refresh")?;
        let methods = metrics.iter().map(|metric| method_of(metric, aggregation));
        let Some(methods) = methods.collect::<Option<Vec<_>>>() else {
            if let [metric] = metrics.as_slice() {
                return Err(ApiError::not_found(json!({
                    "cause": "Aggregation method does not exist for this metric",
                    "detail": {"metric": metric.id, "aggregation_method": aggregation},
                })));
            }
            let mut without = metrics.iter();
            let without = without.find(|metric| method_of(metric, aggregation).is_none());
            let metric = without.unwrap_or(first);
            let definition = metric.archive_policy.definition.first();
            return Err(no_aggregation(
                metric,
                aggregation,
                definition.map(|archive| archive.granularity),
            ));
        };
        let again = self.params.get("reaggregation").unwrap_or(aggregation);
        let method = match Method::of(again) {
            Some(method) => Some(method),
            None if metrics.len() == 1 => None,
            None => {
                let error = format!("Unknown aggregation method '{again}'");
                return Err(ApiError::bad_request(error));
            }
        };
        let (store, bounds) = (Arc::clone(&self.app.store), self.bounds);
        bounds.check(metrics.len(), "metrics")?;
        let work = Work {
            metrics,
            aggregation: aggregation.to_owned(),
            methods,
            method,
            sampling,
            range,
        };
        let computed = blocking(bounds, move || {
            work.run(store.as_ref(), &granularities, bounds)
        });
        let (points, left) = computed.await?;
        self.bounds = left;
        Ok(points)
    }

    fn sampling(&self, range: &Range) -> ApiResult<Option<Sampling>> {
        match self.params.get("resample").filter(|text| !text.is_empty()) {
            Some(_) if range.granularity.is_none() => Err(ApiError::bad_request(
                "A granularity must be specified to resample",
            )),
            Some(text) => Ok(Some(Sampling::parse(text).map_err(ApiError::bad_request)?)),
            None => Ok(None),
        }
    }
}

/// The granularities to read, coarsest first.
fn granularities(
    metrics: &[Arc<Metric>],
    range: &Range,
    aggregation: &str,
) -> ApiResult<Vec<Granularity>> {
    let Some(one) = range.granularity else {
        let all: Vec<&Metric> = metrics.iter().map(|metric| &**metric).collect();
        let common = common_granularities(&all);
        if common.is_empty() {
            let detail = metrics.iter().map(|metric| json!([metric.id, aggregation]));
            return Err(unaggregable(
                range.dialect,
                "No granularity match",
                detail.collect(),
            ));
        }
        return Ok(common);
    };
    match metrics.iter().find(|metric| !has_granularity(metric, one)) {
        Some(metric) => Err(no_aggregation(metric, aggregation, Some(one))),
        None => Ok(vec![one]),
    }
}

fn no_aggregation(
    metric: &Metric,
    aggregation: &str,
    granularity: Option<Granularity>,
) -> ApiError {
    let seconds = granularity.map_or(f64::NAN, Granularity::seconds);
    ApiError::not_found(format!(
        "Aggregation method '{aggregation}' at granularity '{seconds:?}' for metric {} does not exist",
        metric.id
    ))
}
