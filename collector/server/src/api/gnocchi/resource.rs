//! `/v1/resource/{type}/{id}`: one resource, from its creation to its end. Lists are in `resource_list`, its metrics
//! in `resource_metric`.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use collector_index::{IndexError, MetricsUpdate, NewResource, Resource, ResourceUpdate};
use collector_model::Timestamp;
use uuid::Uuid;

use super::auth::Caller;
use super::conditional::Revision;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, reply};
use super::openapi::{Endpoints, Operation};
use super::reply::created;
use super::resource_body::{read_change, read_new};
use super::resource_metric::register_new;
use super::url::BaseUrl;
use super::view;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let one = "/resource/{type}/{id}";
    Endpoints::new()
        .post(
            Operation::new("/resource/{type}", "Create a resource, and metrics of it")
                .body("NewResource")
                .answers(201, "Resource")
                .refuses(&[409]),
            create,
        )
        .get(
            Operation::new(one, "Show a resource")
                .answers(200, "Resource")
                .refuses(&[412]),
            show,
        )
        .patch(
            Operation::new(one, "Change attributes and metrics of a resource")
                .body("ResourceChange")
                .answers(200, "Resource")
                .refuses(&[409, 412]),
            update,
        )
        .delete(
            Operation::new(one, "Delete a resource and its metrics")
                .done(204)
                .refuses(&[412]),
            remove,
        )
}

/// A resource as a path names it; the type exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourcePath {
    /// Name of the type.
    pub(super) resource_type: String,
    /// The id that is meant.
    pub(super) id: Uuid,
}

impl ResourcePath {
    /// Looks up the type, and what the id means for the caller.
    pub(super) async fn of(
        app: &App,
        caller: &Caller,
        (resource_type, id): (String, String),
    ) -> ApiResult<Self> {
        app.index.resource_type(&resource_type).await?;
        match caller.resource_id(&id) {
            Ok(id) => Ok(Self { resource_type, id }),
            Err(_) => Err(ApiError::not_found(format!("Resource {id} does not exist"))),
        }
    }

    /// The resource.
    pub(super) async fn resource(&self, app: &App) -> ApiResult<Resource> {
        Ok(app.index.resource(&self.resource_type, self.id).await?)
    }
}

/// The refusal of a body that names metrics or policies which do not exist.
pub(super) fn bad_reference(error: IndexError) -> ApiError {
    match error {
        IndexError::NoSuchMetric(_) | IndexError::NoSuchArchivePolicy(_) => {
            ApiError::from(error).with_status(StatusCode::BAD_REQUEST)
        }
        other => other.into(),
    }
}

fn with_revision(mut response: Response, resource: &Resource) -> Response {
    Revision::of(resource.id, resource.revision_start).set(&mut response);
    response
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(resource_type): Path<String>,
    url: BaseUrl,
    body: RawBody,
) -> ApiResult {
    caller.require(Action::CreateResource)?;
    let kind = app.index.resource_type(&resource_type).await?;
    let now = Timestamp::from(SystemTime::now());
    let (id, fields) = read_new(&body.json()?, &kind.attributes, &caller, now)?;
    let metrics = fields.metrics.unwrap_or_default();
    let new = NewResource {
        id: id.id,
        original_resource_id: Some(id.original),
        resource_type: resource_type.clone(),
        creator: Some(caller.name),
        project_id: fields.project_id.flatten(),
        user_id: fields.user_id.flatten(),
        started_at: fields.started_at,
        ended_at: fields.ended_at,
        attributes: fields.attributes,
        metrics: metrics.clone(),
    };
    let resource = app
        .index
        .create_resource(new)
        .await
        .map_err(bad_reference)?;
    register_new(&app, &resource, &metrics).await?;
    let path = format!("/v1/resource/{resource_type}/{}", resource.id);
    let response = created(&url.of(&path), &view::resource(&resource, &resource_type));
    Ok(with_revision(response, &resource))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::GetResource, &resource)?;
    Revision::of(resource.id, resource.revision_start).check(&method, &headers)?;
    let response = reply(
        StatusCode::OK,
        &view::resource(&resource, &path.resource_type),
    );
    Ok(with_revision(response, &resource))
}

async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    body: RawBody,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::UpdateResource, &resource)?;
    Revision::of(resource.id, resource.revision_start).check(&Method::PATCH, &headers)?;
    let kind = app.index.resource_type(&path.resource_type).await?;
    let now = Timestamp::from(SystemTime::now());
    let body = body.json()?;
    let fields = read_change(&body, &kind.attributes, &caller, now)?;
    let metrics = fields.metrics.clone().unwrap_or_default();
    let update = ResourceUpdate {
        project_id: fields.project_id,
        user_id: fields.user_id,
        started_at: fields.started_at,
        ended_at: fields.ended_at.map(Some),
        attributes: fields.attributes,
        metrics: fields
            .metrics
            .map_or(MetricsUpdate::Keep, MetricsUpdate::Replace),
        // What the client has checked must still be so when it is changed.
        if_revision: headers
            .contains_key(header::IF_MATCH)
            .then_some(resource.revision_start),
    };
    let updated = app
        .index
        .update_resource(&path.resource_type, path.id, update)
        .await;
    let updated = updated.map_err(bad_reference)?;
    register_new(&app, &updated, &metrics).await?;
    let response = reply(
        StatusCode::OK,
        &view::resource(&updated, &path.resource_type),
    );
    // Gnocchi does not tell the revision where what was sent is so already; where nothing was sent, it does.
    let sent = body.as_object().filter(|sent| !sent.is_empty());
    let is_vain = updated.revision_start == resource.revision_start;
    if is_vain && sent.is_some_and(|sent| !sent.contains_key("metrics")) {
        return Ok(response);
    }
    Ok(with_revision(response, &updated))
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult {
    let path = ResourcePath::of(&app, &caller, path).await?;
    let resource = path.resource(&app).await?;
    caller.require_of_resource(Action::DeleteResource, &resource)?;
    Revision::of(resource.id, resource.revision_start).check(&Method::DELETE, &headers)?;
    let metrics = app.index.delete_resource(path.id).await?;
    app.measures.forget(metrics).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
