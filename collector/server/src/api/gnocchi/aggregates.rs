//! `POST /v1/aggregates`: operations on the points of many metrics, named by their ids or found on resources.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::State;
use collector_index::{Filter, IndexError, Resource};
use collector_model::grid::Fill;
use collector_model::operations::Operation;
use collector_model::{MetricId, parse_uuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregate_range::{Gaps, Range};
use super::aggregates_body::{Scope, read_body};
use super::aggregates_history::{Sum, revisions, stays};
use super::aggregates_measures::{Measures, Selected, compute, no_metrics};
use super::aggregates_resources::{grouped, groups, search, select};
use super::auth::Caller;
use super::bounds::Bounds;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, to_text};
use super::openapi::{self, Endpoints};
use super::points_answer::{self, Part, reply_parts};
use super::query::Params;
use super::view;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::new().post(
        openapi::Operation::new(
            "/aggregates",
            "Compute over metrics, by id or by a search of their resources",
        )
        .query(&[
            "start",
            "stop",
            "granularity",
            "fill",
            "needed_overlap",
            "groupby",
            "details",
            "use_history",
        ])
        .body("AggregatesRequest")
        .answers(200, "Aggregates")
        .refuses(&[404]),
        aggregate,
    )
}

async fn aggregate(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    body: RawBody,
) -> ApiResult {
    let details = params.flag("details")?;
    let range = Range::of(&params, Gaps::Fill(Fill::Drop), caller.dialect)?;
    let (operation, scope) = read_body(&body.json()?, &caller, app.api().max_operation_depth)?;
    let question = Question {
        app: &app,
        operation: Arc::new(operation),
        range,
        bounds: Bounds::of(&app.api()),
        details,
    };
    match scope {
        Scope::Ids => question.by_ids(&caller).await,
        Scope::Resources {
            resource_type,
            filter,
        } => {
            let filter = caller.limit_resources(Action::SearchResource, filter)?;
            let groups = groups(&params);
            if params.flag("use_history")? && !groups.is_empty() {
                return question.by_history(resource_type, filter, &groups).await;
            }
            question.by_search(resource_type, filter, &groups).await
        }
    }
}

struct Question<'q> {
    app: &'q App,
    operation: Arc<Operation>,
    range: Range,
    bounds: Bounds,
    details: bool,
}

impl Question<'_> {
    async fn compute(&mut self, selected: Vec<Selected>) -> ApiResult<Measures> {
        let computed = compute(self.app, selected, &self.operation, self.range, self.bounds);
        let (measures, left) = computed.await?;
        self.bounds = left;
        Ok(measures)
    }

    async fn by_ids(mut self, caller: &Caller) -> ApiResult {
        let references = self.operation.references();
        self.bounds.check(references.len(), "metrics")?;
        let ids = references.iter().map(|one| parse_uuid(&one.name));
        let Some(ids) = ids.collect::<Option<Vec<MetricId>>>() else {
            let detail = references
                .iter()
                .map(|one| json!([one.name, one.aggregation]));
            return Err(ApiError::bad_request(json!({
                "cause": "Invalid metric references",
                "reason": "badly formed hexadecimal UUID string",
                "detail": detail.collect::<Value>(),
            })));
        };
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        let metrics = self.app.index.metrics(&unique).await?;
        if metrics.len() < unique.len() {
            let known = |id: &Uuid| metrics.iter().any(|metric| metric.id == *id);
            unique.retain(|id| !known(id));
            return Err(ApiError::not_found(json!({
                "cause": "Unknown metrics",
                "reason": "Provided metrics don't exists",
                "detail": unique,
            })));
        }
        caller
            .require_of_metrics(self.app, Action::GetMetric, &metrics)
            .await?;
        let by_id: HashMap<MetricId, _> =
            metrics.iter().map(|metric| (metric.id, metric)).collect();
        let selected = references
            .into_iter()
            .zip(ids)
            .filter_map(|(reference, id)| {
                Some(Selected {
                    metric: Arc::clone(by_id.get(&id)?),
                    reference,
                    resource: None,
                })
            });
        let measures = self.compute(selected.collect()).await?;
        let views = metrics.iter().map(|metric| view::metric(metric));
        let shown = self.details.then(|| to_text(&views.collect::<Vec<_>>()));
        reply_parts(self.app, self.bounds, fields(measures, shown)).await
    }

    async fn by_search(
        mut self,
        resource_type: String,
        filter: Option<Filter>,
        groups: &[String],
    ) -> ApiResult {
        self.known_type(&resource_type).await?;
        let found = search(self.app, &resource_type, filter, groups, &self.bounds).await?;
        let resources = found.map_err(ApiError::of_search)?;
        if groups.is_empty() {
            let resources: Vec<&Resource> = resources.iter().collect();
            let answer = self.of_resources(&resources, &resource_type).await?;
            let answer = answer.ok_or_else(|| no_metrics(self.range.dialect, &self.operation))?;
            return reply_parts(self.app, self.bounds, answer).await;
        }
        let mut results = Vec::new();
        for (group, members) in grouped(&resources, &resource_type, groups) {
            if let Some(measures) = self.of_resources(&members, &resource_type).await? {
                results.push((to_text(&group), measures));
            }
        }
        self.groups(results).await
    }

    async fn groups(&self, found: Vec<(String, Vec<Part>)>) -> ApiResult {
        if found.is_empty() {
            return Err(no_metrics(self.range.dialect, &self.operation));
        }
        reply_parts(self.app, self.bounds, points_answer::groups(found)).await
    }

    async fn known_type(&self, name: &str) -> ApiResult<()> {
        match self.app.index.resource_type(name).await {
            Err(IndexError::NoSuchResourceType(name)) => Err(ApiError::bad_request(
                json!({"cause": "Resource type does not exist", "detail": name}),
            )),
            known => Ok(known.map(drop)?),
        }
    }

    async fn by_history(
        mut self,
        resource_type: String,
        filter: Option<Filter>,
        groups: &[String],
    ) -> ApiResult {
        self.known_type(&resource_type).await?;
        let query = revisions(&resource_type, filter, &self.range, &self.bounds);
        let found = self.app.index.list_resources(&query).await;
        let found = found.map_err(ApiError::of_search)?;
        self.bounds.check(found.len(), "revisions of resources")?;
        let range = self.range;
        let mut results = Vec::new();
        for (group, stays) in stays(found, &resource_type, groups, &range) {
            let (mut sum, mut shown) = (Sum::default(), Vec::new());
            for stay in stays {
                let selected =
                    select(self.app, &self.operation, &[&stay.resource], &self.bounds).await?;
                if selected.is_empty() {
                    continue;
                }
                (self.range.start, self.range.stop) = (stay.start, stay.stop);
                let Measures::Aggregated(points) = self.compute(selected).await? else {
                    let reason = "use_history needs operations that aggregate";
                    return Err(ApiError::bad_request(reason));
                };
                sum.add(&stay, points);
                shown.push(view::resource(&stay.resource, &resource_type));
            }
            let points = sum.points();
            if !points.is_empty() {
                let shown = self.details.then(|| to_text(&shown));
                let measures = fields(Measures::Aggregated(points), shown);
                results.push((to_text(&group), measures));
            }
        }
        self.groups(results).await
    }

    /// The answer for these resources; `None` where none has any of the metrics.
    async fn of_resources(
        &mut self,
        resources: &[&Resource],
        resource_type: &str,
    ) -> ApiResult<Option<Vec<Part>>> {
        let selected = select(self.app, &self.operation, resources, &self.bounds).await?;
        if selected.is_empty() {
            return Ok(None);
        }
        let shown = self.details.then(|| {
            let used: HashSet<Option<Uuid>> = selected.iter().map(|one| one.resource).collect();
            let used = resources.iter().filter(|one| used.contains(&Some(one.id)));
            let views = used.map(|resource| view::resource(resource, resource_type));
            to_text(&views.collect::<Vec<_>>())
        });
        let measures = self.compute(selected).await?;
        Ok(Some(fields(measures, shown)))
    }
}

fn fields(measures: Measures, references: Option<String>) -> Vec<Part> {
    let references = references.map(|text| ("references", vec![Part::Text(text)]));
    let measures = ("measures", vec![Part::Measures(measures)]);
    points_answer::object(std::iter::once(measures).chain(references))
}
