//! `…/measures` of one metric: what came in, aggregated; and what comes in.

use std::sync::Arc;

use axum::extract::{Path, State};
use collector_index::Metric;
use collector_model::Aggregation;
use collector_storage::ReadQuery;
use serde_json::json;

use super::auth::Caller;
use super::batch_body;
use super::bounds::Bounds;
use super::bring_back::bring_back;
use super::computing::{blocking, stream};
use super::error::{ApiError, ApiResult};
use super::json::RawBody;
use super::metric::find;
use super::openapi::{Endpoints, Operation};
use super::points_answer::{Part, reply_parts};
use super::query::Params;
use super::reply::accepted;
use super::resample::Sampling;
use super::series::Series;
use crate::app::App;
use crate::auth::policy::Action;
use crate::metrics::Input;

/// What measures of one metric can be asked for.
pub(super) const READ: [&str; 6] = [
    "start",
    "stop",
    "granularity",
    "aggregation",
    "resample",
    "refresh",
];

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let path = "/metric/{id}/measures";
    Endpoints::new()
        .get(
            Operation::new(path, "Read measures of a metric")
                .query(&READ)
                .answers(200, "Measures"),
            show,
        )
        .post(
            Operation::new(path, "Write measures of a metric")
                .body("NewMeasures")
                .done(202)
                .refuses(&[507]),
            add,
        )
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult {
    let metric = find(&app, &id).await?;
    read(&app, &caller, &metric, &params).await
}

async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: RawBody,
) -> ApiResult {
    let metric = find(&app, &id).await?;
    write(&app, &caller, &metric, &body).await
}

/// Answers a GET of a metric's measures.
pub(super) async fn read(
    app: &App,
    caller: &Caller,
    metric: &Metric,
    params: &Params,
) -> ApiResult {
    caller
        .require_of_metric(app, Action::GetMeasures, metric)
        .await?;
    let sampling = match params.get("resample").filter(|text| !text.is_empty()) {
        Some(_) if params.get("granularity").is_none() => {
            return Err(ApiError::bad_request(
                "A granularity must be specified to resample",
            ));
        }
        Some(text) => Some(Sampling::parse(text).map_err(ApiError::bad_request)?),
        None => None,
    };
    let (start, stop) = (params.moment("start")?, params.moment("stop")?);
    let granularity = params.granularity("granularity")?;
    let name = params.get("aggregation").unwrap_or("mean");
    let policy = &metric.archive_policy;
    let aggregation = name.parse::<Aggregation>().ok();
    let Some(aggregation) = aggregation.filter(|known| policy.aggregation_methods.contains(known))
    else {
        return Err(ApiError::not_found(json!({
            "cause": "Aggregation method does not exist for this metric",
            "detail": {"metric": metric.id, "aggregation_method": name},
        })));
    };
    if let Some(granularity) = granularity
        && !policy
            .definition
            .iter()
            .any(|archive| archive.granularity == granularity)
    {
        return Err(ApiError::not_found(format!(
            "Aggregation method '{name}' at granularity '{:?}' for metric {} does not exist",
            granularity.seconds(),
            metric.id
        )));
    }
    // There is no backlog to refresh: what was acknowledged is visible. The parameter is only checked.
    params.flag("refresh")?;
    let query = ReadQuery {
        granularity,
        aggregation,
        start,
        stop,
    };
    let (store, id, bounds) = (Arc::clone(&app.store), metric.id, Bounds::of(&app.api()));
    if let Some(sampling) = sampling {
        let points = blocking(bounds, move || {
            let store = store.as_ref();
            Series { store, metric: id }.resampled(&query, sampling, bounds)
        });
        return reply_parts(app, bounds, vec![Part::Points(points.await?)]).await;
    }
    let archives = policy.definition.iter();
    let mut granularities: Vec<_> = archives.map(|archive| archive.granularity).collect();
    granularities.retain(|own| granularity.is_none_or(|asked| asked == *own));
    granularities.sort_unstable_by(|a, b| b.cmp(a));
    let queries: Vec<_> = granularities
        .into_iter()
        .map(|granularity| ReadQuery {
            granularity: Some(granularity),
            ..query
        })
        .collect();
    stream(Arc::clone(&app.metrics), bounds, move |answer| {
        let store = store.as_ref();
        Series { store, metric: id }.write(&queries, answer)
    })
    .await
}

/// Answers a POST of measures of a metric.
pub(super) async fn write(
    app: &App,
    caller: &Caller,
    metric: &Metric,
    body: &RawBody,
) -> ApiResult {
    caller
        .require_of_metric(app, Action::PostMeasures, metric)
        .await?;
    let measures = batch_body::list(body)?;
    if !measures.is_empty() {
        let newest = measures.iter().map(|measure| measure.timestamp).max();
        app.measures
            .write(vec![(metric.id, measures)], Input::Gnocchi)
            .await?;
        bring_back(app, caller, [(metric, newest)].into_iter()).await?;
    }
    Ok(accepted())
}
