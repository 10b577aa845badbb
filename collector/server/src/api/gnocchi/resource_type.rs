//! `/v1/resource_type`: which attributes resources of a type have.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use collector_index::{AttributeChange, IndexError, ResourceTypeChange};
use collector_model::Timestamp;
use serde_json::Value;

use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, reply};
use super::openapi::{Endpoints, Operation};
use super::reply::created;
use super::resource_type_body::{TypeChange, read_patch, read_type};
use super::url::BaseUrl;
use super::view;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let one = "/resource_type/{name}";
    Endpoints::new()
        .get(
            Operation::new("/resource_type", "List resource types").answers(200, "ResourceTypes"),
            list,
        )
        .post(
            Operation::new("/resource_type", "Create a resource type")
                .body("NewResourceType")
                .answers(201, "ResourceType")
                .refuses(&[409]),
            create,
        )
        .get(
            Operation::new(one, "Show a resource type").answers(200, "ResourceType"),
            show,
        )
        .patch(
            Operation::new(one, "Add, remove and change attributes of a resource type")
                .body_of("application/json-patch+json", "JsonPatch")
                .answers(200, "ResourceType"),
            update,
        )
        .delete(
            Operation::new(one, "Delete a resource type that no resource has")
                .done(204)
                .refuses(&[400]),
            remove,
        )
}

async fn list(State(app): State<Arc<App>>, caller: Caller) -> ApiResult {
    caller.require(Action::ListResourceType)?;
    let types = app.index.resource_types().await?;
    let types: Vec<Value> = types.iter().map(|kind| view::resource_type(kind)).collect();
    Ok(reply(StatusCode::OK, &types))
}

async fn show(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> ApiResult {
    caller.require(Action::GetResourceType)?;
    let kind = app.index.resource_type(&name).await?;
    Ok(reply(StatusCode::OK, &view::resource_type(&kind)))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    body: RawBody,
) -> ApiResult {
    caller.require(Action::CreateResourceType)?;
    let new = read_type(&body.json()?, caller.dialect)?;
    let kind = app
        .index
        .create_resource_type(&new.name, new.attributes)
        .await?;
    let path = format!("/v1/resource_type/{}", kind.name);
    Ok(created(&url.of(&path), &view::resource_type(&kind)))
}

async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: RawBody,
) -> ApiResult {
    let kind = app.index.resource_type(&name).await?;
    caller.require(Action::UpdateResourceType)?;
    let patch = body.json_of("application/json-patch+json")?;
    let change = read_patch(
        &patch,
        &kind,
        caller.dialect,
        Timestamp::from(SystemTime::now()),
    )?;
    if change == TypeChange::default() {
        return Ok(reply(StatusCode::OK, &view::resource_type(&kind)));
    }
    let set = change
        .add
        .into_iter()
        .map(|(name, (attribute, fill))| (name, AttributeChange { attribute, fill }));
    let change = ResourceTypeChange {
        remove: change.remove,
        set: set.collect(),
    };
    let kind = app.index.update_resource_type(&name, change).await?;
    Ok(reply(StatusCode::OK, &view::resource_type(&kind)))
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult {
    app.index.resource_type(&name).await?;
    caller.require(Action::DeleteResourceType)?;
    let result = app.index.delete_resource_type(&name).await;
    result.map_err(|error| match error {
        IndexError::NoSuchResourceType(_) => {
            ApiError::from(error).with_status(StatusCode::BAD_REQUEST)
        }
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
