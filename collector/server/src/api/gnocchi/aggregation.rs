//! `/v1/aggregation`, which older clients use: points of several metrics put together into one series, the metrics
//! named by their ids or by one name on the resources that a search finds.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::any;
use collector_index::{IndexError, Metric};
use collector_model::operations::{Method, aggregate, resample};
use collector_model::{Granularity, MetricId, parse_uuid};
use serde_json::{Value, json};

use super::aggregate_range::{Bounds, Gaps, Range, unaggregable};
use super::aggregates_measures::{common_granularities, has_granularity, method_of, points};
use super::aggregates_resources::{grouped, groups, search};
use super::auth::Caller;
use super::computing::blocking;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, reply_text, to_text};
use super::openapi::{Endpoints, Operation};
use super::points::{Point, points_text};
use super::query::Params;
use super::resample::{Sampling, resample_within, whole_files};
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
    let text = question.points(metrics).await?;
    Ok(reply_text(StatusCode::OK, text))
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
    let question = Question::of(&app, &caller, &params);
    let found = search(&app, &resource_type, filter, &groups, &question.bounds).await?;
    let resources = found.map_err(|error| match error {
        IndexError::InvalidPagination(_) => ApiError::bad_request("Invalid groupby attribute"),
        other => ApiError::from(other).with_status(StatusCode::BAD_REQUEST),
    })?;
    let named = |resource: &collector_index::Resource| resource.metrics.get(&name).copied();
    if groups.is_empty() {
        let ids: Vec<MetricId> = resources.iter().filter_map(named).collect();
        let metrics = app.index.metrics(&ids).await?;
        let text = question.points(metrics).await?;
        return Ok(reply_text(StatusCode::OK, text));
    }
    let mut results = Vec::new();
    for (group, members) in grouped(&resources, &resource_type, &groups) {
        let ids: Vec<MetricId> = members.into_iter().filter_map(named).collect();
        let metrics = app.index.metrics(&ids).await?;
        let (group, measures) = (to_text(&group), question.points(metrics).await?);
        results.push(format!("{{\"group\": {group}, \"measures\": {measures}}}"));
    }
    Ok(reply_text(
        StatusCode::OK,
        format!("[{}]", results.join(", ")),
    ))
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

    /// The one series of all metrics, as JSON.
    async fn points(&self, metrics: Vec<Arc<Metric>>) -> ApiResult<String> {
        let range = Range::of(self.params, Gaps::Overlap(100.0), self.caller.dialect)?;
        let aggregation = self.params.get("aggregation").unwrap_or("mean");
        for metric in &metrics {
            self.caller
                .require_of_metric(self.app, Action::GetMetric, metric)
                .await?;
        }
        let Some(first) = metrics.first() else {
            return Ok("[]".to_owned());
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
        let detail: Value = metrics
            .iter()
            .map(|metric| json!([metric.id, aggregation]))
            .collect();
        let (store, mut bounds) = (Arc::clone(&self.app.store), self.bounds);
        bounds.check(metrics.len(), "metrics")?;
        blocking(bounds, move || {
            let mut out: Vec<Point> = Vec::new();
            for granularity in granularities {
                let queries = metrics.iter().zip(&methods);
                let queries: Vec<_> = queries
                    .map(|(metric, method)| (metric.id, range.query(*method, granularity)))
                    .collect();
                let is_alone = method.is_none() || metrics.len() < 2;
                let wanted = queries.iter().map(|(id, query)| match sampling {
                    Some(_) if is_alone => (*id, whole_files(*query)),
                    _ => (*id, *query),
                });
                let wanted: Vec<_> = wanted.collect();
                let series = bounds.read_all(store.as_ref(), &wanted)?;
                let fixed = Sampling::Fixed(granularity);
                let (Some(method), [_, _, ..]) = (method, series.as_slice()) else {
                    // One metric is not put together with anything.
                    for (one, (_, query)) in series.into_iter().zip(&queries) {
                        match sampling {
                            Some(sampling) => out.extend(resample_within(&one, sampling, query)),
                            None => out.extend(one.into_iter().map(Point::from)),
                        }
                    }
                    continue;
                };
                let mut grid = range.grid(granularity, &series, &bounds, || detail.clone())?;
                if let (Some(sampling), Some(aggregation)) = (sampling, methods.first()) {
                    grid = resample(grid, *aggregation, |at| sampling.start(at));
                }
                let grid = aggregate(grid, method);
                let values = grid.columns.first().map(Vec::as_slice).unwrap_or_default();
                let shown = sampling.unwrap_or(fixed);
                out.extend(points(&grid.timestamps, values, shown, range.drops()));
            }
            Ok(points_text(out))
        })
        .await
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
