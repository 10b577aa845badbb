//! Resources as Ceilometer shows them: their ids, when they were first and last measured, and their meters.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use collector_index::{Filter, Metric, Operator, Page, Resource, ResourceQuery};
use collector_model::{MetricId, Timestamp};
use serde_json::{Map, Value, json};

use super::super::auth::Caller;
use super::super::bounds::Bounds;
use super::super::computing::blocking;
use super::super::error::{ApiError, ApiResult};
use super::super::json::reply;
use super::super::query::Params;
use super::super::url::{BaseUrl, encode_query};
use super::condition::{Conditions, SOURCE};
use super::meter::limit;
use super::numbers::extent;
use super::samples::{metadata, moment, object};
use crate::app::App;
use crate::auth::policy::Action;

/// Resources that the catalogue is asked for at a time.
const PAGE: u32 = 500;

/// `GET /v2/resources`. `meter_links=0` leaves out the links to the meters.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    params: Params,
) -> ApiResult {
    let conditions = Conditions::of(&params)?;
    let limit = limit(&app, &params)?;
    let has_links = params.get("meter_links") != Some("0");
    let bounds = Bounds::of(&app.api());
    let resources = find(&app, &caller, &conditions, limit, &bounds).await?;
    let views = views(&app, resources, bounds, &url, has_links).await?;
    Ok(reply(StatusCode::OK, &views))
}

/// `GET /v2/resources/ID`; the id may have slashes in it.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult {
    let query = [("q.field", "resource_id"), ("q.value", id.as_str())];
    let conditions = Conditions::of(&Params::of_form(encode_query(query).as_bytes()))?;
    let bounds = Bounds::of(&app.api());
    let resources = find(&app, &caller, &conditions, 1, &bounds).await?;
    let views = views(&app, resources, bounds, &url, true).await?;
    let found = views.first();
    let found = found.ok_or_else(|| ApiError::not_found(format!("Resource {id} Not Found")))?;
    Ok(reply(StatusCode::OK, found))
}

async fn find(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    most: usize,
    bounds: &Bounds,
) -> ApiResult<Vec<Resource>> {
    let mut found = Vec::new();
    if conditions.impossible {
        return Ok(found);
    }
    let mut filters: Vec<Filter> = conditions.filters("").collect();
    // Those that lived in the time that is asked for.
    if let Some(stop) = conditions.stop {
        filters.push(Filter::compare(
            "started_at",
            Operator::Lt,
            stop.to_string(),
        ));
    }
    if let Some(start) = conditions.start {
        filters.push(Filter::Or(vec![
            Filter::eq("ended_at", Value::Null),
            Filter::compare("ended_at", Operator::Ge, start.to_string()),
        ]));
    }
    let mut query = ResourceQuery {
        resource_type: "generic".to_owned(),
        filter: caller.limit_resources(Action::ListResource, Some(Filter::And(filters)))?,
        history: false,
        page: Page {
            limit: Some(PAGE),
            sort: vec!["id".to_owned()],
            ..Page::default()
        },
    };
    loop {
        bounds.check_time()?;
        let resources = app.index.list_resources(&query).await?;
        let is_last = resources.len() < PAGE as usize;
        query.page.marker = resources.last().map(|resource| resource.id.to_string());
        let is_asked = |it: &Resource| conditions.takes_metadata(&it.attributes);
        found.extend(resources.into_iter().filter(is_asked));
        if is_last || found.len() >= most {
            found.truncate(most);
            return Ok(found);
        }
    }
}

async fn views(
    app: &App,
    resources: Vec<Resource>,
    bounds: Bounds,
    url: &BaseUrl,
    has_links: bool,
) -> ApiResult<Vec<Map<String, Value>>> {
    let ids = resources.iter().flat_map(|it| it.metrics.values());
    let ids: Vec<MetricId> = ids.copied().collect();
    let metrics = app.index.metrics(&ids).await?;
    let metrics: BTreeMap<MetricId, Arc<Metric>> = metrics
        .into_iter()
        .map(|metric| (metric.id, metric))
        .collect();
    let (store, mut left) = (Arc::clone(&app.store), bounds);
    let measured = blocking(bounds, move || {
        let mut measured = Vec::with_capacity(resources.len());
        for resource in resources {
            let mut of_resource = resource.metrics.values().filter_map(|id| metrics.get(id));
            // All of them are measured together; the first that has been at all tells.
            let told = of_resource.find_map(|it| extent(store.as_ref(), &mut left, it).transpose());
            let start = resource.started_at;
            let unmeasured = (start, resource.ended_at.unwrap_or(start));
            measured.push((resource, told.transpose()?.unwrap_or(unmeasured)));
        }
        Ok(measured)
    });
    let measured = measured.await?;
    let views = measured
        .iter()
        .map(|(resource, times)| view(resource, *times, url, has_links));
    Ok(views.collect())
}

fn view(
    resource: &Resource,
    (first, last): (Timestamp, Timestamp),
    url: &BaseUrl,
    has_links: bool,
) -> Map<String, Value> {
    let id = &resource.original_resource_id;
    let mut links = vec![json!({"rel": "self", "href": url.of(&format!("/v2/resources/{id}"))})];
    if has_links {
        let query = encode_query([("q.field", "resource_id"), ("q.value", id.as_str())]);
        links.extend(resource.metrics.keys().map(|name| {
            let meter = url.of(&format!("/v2/meters/{name}"));
            json!({"rel": name, "href": format!("{meter}?{query}")})
        }));
    }
    object([
        ("resource_id", json!(id)),
        ("project_id", json!(resource.project_id)),
        ("user_id", json!(resource.user_id)),
        ("source", json!(SOURCE)),
        ("first_sample_timestamp", json!(moment(first))),
        ("last_sample_timestamp", json!(moment(last))),
        ("metadata", metadata(&resource.attributes)),
        ("links", json!(links)),
    ])
}
