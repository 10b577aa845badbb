//! The metrics of protocols that name resources and metrics by themselves (Prometheus' remote write, InfluxDB's line
//! protocol): what they name is created where it is missing, metrics by the archive policy rules, and the caller's rights
//! are checked. The measures are written by who asked.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use collector_index::{EnsureBody, EnsureMetric, EnsureResource, Ensured, IndexError};
use collector_model::{Attribute, parse_uuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use crate::app::App;
use crate::auth::policy::Action;

/// A resource with the names of its metrics.
#[derive(Debug)]
pub(super) struct NamedResource<'m> {
    /// The id as the protocol says it.
    pub(super) original: String,
    /// Attributes that it is created with.
    pub(super) attributes: Map<String, Value>,
    /// Names of its metrics, each once.
    pub(super) metrics: Vec<&'m str>,
}

/// What the resources are.
pub(super) struct Kind<'k> {
    /// Name of the resource type.
    pub(super) name: &'k str,
    /// Its attributes, where the protocol may create it.
    pub(super) attributes: Option<BTreeMap<String, Attribute>>,
}

/// Creates what is missing. There is one answer for each resource, in their order, with its metrics in theirs; a resource
/// that is refused costs only itself.
pub(super) async fn resolve(
    app: &App,
    caller: &Caller,
    kind: &Kind<'_>,
    resources: &[NamedResource<'_>],
) -> ApiResult<Vec<ApiResult<Ensured>>> {
    let mut ids = Vec::with_capacity(resources.len());
    for resource in resources {
        ids.push(id(app, caller, resource).await);
    }
    let named = ids.iter().zip(resources);
    let wanted: Vec<EnsureResource<'_>> = named
        .filter_map(|(id, resource)| Some(wanted(*id.as_ref().ok()?, resource, kind, caller)))
        .collect();
    let mut outcomes = ensure(app, caller, kind, &wanted).await?.into_iter();
    let mut answers = Vec::with_capacity(resources.len());
    for id in ids {
        let answer = match id {
            Err(refused) => Err(refused),
            Ok(id) => match outcomes.next() {
                Some(Ok(ensured)) => allowed(app, caller, ensured).await,
                Some(Err(error)) => Err(refusal(error)),
                // There is an outcome for each.
                None => Err(refusal(IndexError::NoSuchResource(id))),
            },
        };
        answers.push(answer);
    }
    Ok(answers)
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
    let metrics = resource.metrics.iter().map(|name| EnsureMetric {
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
