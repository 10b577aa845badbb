//! Meters: the named metrics of resources. Finds those that are asked for, and answers the list of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use collector_index::{Filter, Metric, MetricQuery, Operator, Page, Resource, ResourceQuery};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::auth::Caller;
use super::super::bounds::Bounds;
use super::super::error::{ApiError, ApiResult};
use super::super::json::reply;
use super::super::query::Params;
use super::condition::{Conditions, SOURCE};
use crate::app::App;
use crate::auth::policy::Action;

/// Metrics that the catalogue is asked for at a time.
const PAGE: u32 = 500;
/// Entries of a list where no limit is asked for, as in Ceilometer.
const LIMIT: usize = 100;

/// A metric with its resource.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    /// The metric, which has a name.
    pub(super) metric: Arc<Metric>,
    /// What it measures.
    pub(super) resource: Arc<Resource>,
}

impl Meter {
    /// The name.
    pub(super) fn name(&self) -> &str {
        self.metric.name.as_deref().unwrap_or_default()
    }

    /// What kind of numbers: those with a rate count up.
    pub(super) fn kind(&self) -> &'static str {
        let mut methods = self.metric.archive_policy.aggregation_methods.iter();
        match methods.any(|method| method.rate) {
            true => "cumulative",
            false => "gauge",
        }
    }
}

/// The caller's meters that fulfil the conditions, `most` at most, found in time.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    most: usize,
    bounds: &Bounds,
) -> ApiResult<Vec<Meter>> {
    let mut found = Vec::new();
    if conditions.impossible {
        return Ok(found);
    }
    let mut filters = vec![Filter::compare("resource_id", Operator::Ne, Value::Null)];
    let name = conditions.meter.as_deref();
    filters.extend(name.map(|name| Filter::eq("name", name)));
    filters.extend(conditions.filters("resource."));
    let mut query = MetricQuery {
        filter: caller.limit_metrics(Action::ListMetric, Some(Filter::And(filters)))?,
        page: Page {
            limit: Some(PAGE),
            sort: vec!["id".to_owned()],
            ..Page::default()
        },
        ..MetricQuery::default()
    };
    loop {
        bounds.check_time()?;
        let metrics = app.index.list_metrics(&query).await?;
        let resources = resources_of(app, &metrics).await?;
        let is_last = metrics.len() < PAGE as usize;
        query.page.marker = metrics.last().map(|metric| metric.id.to_string());
        for metric in metrics.into_iter().filter(|it| it.name.is_some()) {
            let resource = metric.resource_id.and_then(|id| resources.get(&id));
            let Some(resource) = resource.filter(|it| conditions.takes_metadata(&it.attributes))
            else {
                continue;
            };
            let resource = Arc::clone(resource);
            found.push(Meter { metric, resource });
            if found.len() >= most {
                return Ok(found);
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}

async fn resources_of(
    app: &App,
    metrics: &[Arc<Metric>],
) -> ApiResult<BTreeMap<Uuid, Arc<Resource>>> {
    let mut ids: Vec<String> = metrics
        .iter()
        .filter_map(|metric| Some(metric.resource_id?.to_string()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let query = ResourceQuery {
        resource_type: "generic".to_owned(),
        filter: Some(Filter::one_of("id", ids)),
        history: false,
        page: Page::default(),
    };
    let resources = app.index.list_resources(&query).await?;
    let by_id = resources.into_iter().map(|it| (it.id, Arc::new(it)));
    Ok(by_id.collect())
}

/// How many entries are asked for.
pub(super) fn limit(app: &App, params: &Params) -> ApiResult<usize> {
    let Some(text) = params.get("limit") else {
        return Ok(LIMIT);
    };
    let most = usize::try_from(app.api().max_limit).unwrap_or(usize::MAX);
    match text.parse::<usize>() {
        Ok(limit) if limit > 0 => Ok(limit.min(most)),
        _ => Err(ApiError::bad_request("Limit must be positive")),
    }
}

/// `GET /v2/meters`. With `unique=true` each name stands once.
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller, params: Params) -> ApiResult {
    let conditions = Conditions::of(&params)?;
    let limit = limit(&app, &params)?;
    let bounds = Bounds::of(&app.api());
    if params.flag("unique")? {
        let most = usize::try_from(app.api().max_aggregate_metrics).unwrap_or(usize::MAX);
        let meters = find(&app, &caller, &conditions, most, &bounds).await?;
        let unique: BTreeMap<&str, &Meter> = meters.iter().map(|it| (it.name(), it)).collect();
        let views: Vec<_> = unique.into_values().take(limit).map(unique_view).collect();
        return Ok(reply(StatusCode::OK, &views));
    }
    let meters = find(&app, &caller, &conditions, limit, &bounds).await?;
    let views: Vec<_> = meters.iter().map(view).collect();
    Ok(reply(StatusCode::OK, &views))
}

fn view(meter: &Meter) -> Map<String, Value> {
    let mut view = unique_view(meter);
    let resource = &meter.resource;
    let id = &resource.original_resource_id;
    view.insert(
        "meter_id".to_owned(),
        json!(meter_id(Some(id), meter.name())),
    );
    view.insert("resource_id".to_owned(), json!(id));
    view.insert("project_id".to_owned(), json!(resource.project_id));
    view.insert("user_id".to_owned(), json!(resource.user_id));
    view
}

fn unique_view(meter: &Meter) -> Map<String, Value> {
    let fields = [
        ("name", json!(meter.name())),
        ("type", json!(meter.kind())),
        (
            "unit",
            json!(meter.metric.unit.as_deref().unwrap_or_default()),
        ),
        ("source", json!(SOURCE)),
        ("resource_id", Value::Null),
        ("project_id", Value::Null),
        ("user_id", Value::Null),
        ("meter_id", json!(meter_id(None, meter.name()))),
    ];
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    fields.collect()
}

/// What Ceilometer calls a meter of a resource.
fn meter_id(resource: Option<&str>, name: &str) -> String {
    STANDARD.encode(format!("{}+{name}", resource.unwrap_or("None")))
}
