//! Measures of protocols that name resources and metrics by themselves (Prometheus' remote write, InfluxDB's line
//! protocol): what they name is created where it is missing, metrics by the archive policy rules, then the measures are
//! written as one batch.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use collector_index::{EnsureBody, EnsureMetric, EnsureResource, Ensured, IndexError};
use collector_model::{Attribute, Measure, parse_uuid};
use collector_storage::Batch;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use crate::app::App;
use crate::auth::policy::Action;
use crate::metrics::Source;

/// A resource with measures of its metrics.
#[derive(Debug)]
pub(super) struct NamedResource<'m> {
    /// The id as the protocol says it.
    pub(super) original: String,
    /// Attributes that it is created with.
    pub(super) attributes: Map<String, Value>,
    /// Measures by name of the metric; each name once.
    pub(super) metrics: Vec<(&'m str, Vec<Measure>)>,
}

impl NamedResource<'_> {
    fn measures(&self) -> usize {
        self.metrics
            .iter()
            .map(|(_, measures)| measures.len())
            .sum()
    }
}

/// What the resources are.
pub(super) struct Kind<'k> {
    /// Name of the resource type.
    pub(super) name: &'k str,
    /// Its attributes, where the protocol may create it.
    pub(super) attributes: Option<BTreeMap<String, Attribute>>,
}

/// What is to be written, and what is not.
#[derive(Default)]
struct Sorted {
    batch: Batch,
    /// The first refusal.
    refused: Option<ApiError>,
    /// Measures of refused resources.
    lost: usize,
}

impl Sorted {
    fn refuse(&mut self, resource: &NamedResource<'_>, error: ApiError) {
        self.lost += resource.measures();
        self.refused.get_or_insert(error);
    }
}

/// Creates what is missing and writes the measures. A resource that is refused costs only itself; the first refusal is
/// told after the rest is written.
pub(super) async fn write_partly(
    app: &App,
    caller: &Caller,
    kind: Kind<'_>,
    resources: Vec<NamedResource<'_>>,
) -> ApiResult<()> {
    let Sorted {
        batch,
        refused,
        lost,
    } = sort(app, caller, kind, resources).await?;
    if lost > 0 {
        app.metrics.rejected("resource", lost);
    }
    write(app, batch).await?;
    refused.map_or(Ok(()), Err)
}

/// The same, but where a resource is refused nothing is written.
pub(super) async fn write_whole(
    app: &App,
    caller: &Caller,
    kind: Kind<'_>,
    resources: Vec<NamedResource<'_>>,
) -> ApiResult<()> {
    let sorted = sort(app, caller, kind, resources).await?;
    match sorted.refused {
        Some(error) => Err(error),
        None => write(app, sorted.batch).await,
    }
}

async fn write(app: &App, batch: Batch) -> ApiResult<()> {
    if !batch.is_empty() {
        app.measures.write(batch, Source::Api).await?;
    }
    Ok(())
}

async fn sort(
    app: &App,
    caller: &Caller,
    kind: Kind<'_>,
    resources: Vec<NamedResource<'_>>,
) -> ApiResult<Sorted> {
    let mut sorted = Sorted::default();
    let mut named = Vec::with_capacity(resources.len());
    for resource in resources {
        match id(app, caller, &resource).await {
            Ok(id) => named.push((id, resource)),
            Err(error) => sorted.refuse(&resource, error),
        }
    }
    let wanted: Vec<EnsureResource<'_>> = named
        .iter()
        .map(|(id, resource)| wanted(*id, resource, &kind, caller))
        .collect();
    let outcomes = ensure(app, caller, &kind, &wanted).await?;
    drop(wanted);
    for ((_, resource), outcome) in named.into_iter().zip(outcomes) {
        let metrics = match outcome {
            Ok(ensured) => allowed(app, caller, ensured).await,
            Err(error) => Err(refusal(error)),
        };
        match metrics {
            Ok(ensured) => {
                let ids = ensured.metrics.iter().map(|metric| metric.metric.id);
                let measures = resource.metrics.into_iter().map(|(_, measures)| measures);
                sorted.batch.extend(ids.zip(measures));
            }
            Err(error) => sorted.refuse(&resource, error),
        }
    }
    Ok(sorted)
}

/// The id that the caller means. One that is a UUID may be another's resource.
async fn id(app: &App, caller: &Caller, resource: &NamedResource<'_>) -> ApiResult<Uuid> {
    let id = caller
        .resource_id(&resource.original)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let any = caller.require(Action::UpdateResource).is_ok();
    if !any && parse_uuid(&resource.original).is_some() {
        match app.index.resource("generic", id).await {
            Ok(known) => caller.require_of_resource(Action::UpdateResource, &known)?,
            Err(IndexError::NoSuchResource(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(id)
}

fn wanted<'r>(
    id: Uuid,
    resource: &'r NamedResource<'_>,
    kind: &'r Kind<'_>,
    caller: &'r Caller,
) -> EnsureResource<'r> {
    let metrics = resource.metrics.iter().map(|(name, _)| EnsureMetric {
        name,
        unit: None,
        archive_policy_name: None,
    });
    EnsureResource {
        id,
        body: Some(EnsureBody {
            resource_type: kind.name,
            original_resource_id: &resource.original,
            project_id: None,
            user_id: None,
            attributes: resource.attributes.clone(),
        }),
        creator: Some(&caller.name),
        metrics: metrics.collect(),
    }
}

/// Makes sure of the resources, and of their type where the protocol may create it.
async fn ensure(
    app: &App,
    caller: &Caller,
    kind: &Kind<'_>,
    wanted: &[EnsureResource<'_>],
) -> ApiResult<Vec<Result<Ensured, IndexError>>> {
    let outcomes = app.measures.ensure(wanted).await?;
    let no_type =
        |outcome: &Result<_, _>| matches!(outcome, Err(IndexError::NoSuchResourceType(_)));
    let Some(attributes) = &kind.attributes else {
        return Ok(outcomes);
    };
    if !outcomes.iter().any(no_type) {
        return Ok(outcomes);
    }
    caller.require(Action::CreateResourceType)?;
    match app
        .index
        .create_resource_type(kind.name, attributes.clone())
        .await
    {
        Ok(_) | Err(IndexError::ResourceTypeAlreadyExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(app.measures.ensure(wanted).await?)
}

fn refusal(error: IndexError) -> ApiError {
    match error {
        IndexError::ResourceAlreadyExists(id) => ApiError::new(
            StatusCode::CONFLICT,
            json!({"cause": "Resource already exists", "detail": id}),
        ),
        other => super::resource::bad_reference(other),
    }
}

async fn allowed(app: &App, caller: &Caller, ensured: Ensured) -> ApiResult<Ensured> {
    for metric in &ensured.metrics {
        let action = Action::PostMeasures;
        caller
            .require_of_metric(app, action, &metric.metric)
            .await?;
    }
    Ok(ensured)
}
