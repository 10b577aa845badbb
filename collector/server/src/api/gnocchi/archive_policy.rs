//! `/v1/archive_policy`: the policies by which measures are aggregated and kept.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use collector_index::IndexError;

use super::archive_policy_body::{read_policy, read_policy_change};
use super::auth::Caller;
use super::error::{ApiError, ApiResult};
use super::json::{RawBody, reply};
use super::openapi::{Endpoints, Operation};
use super::reply::created;
use super::url::BaseUrl;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let one = "/archive_policy/{name}";
    Endpoints::new()
        .get(
            Operation::new("/archive_policy", "List archive policies")
                .answers(200, "ArchivePolicies"),
            list,
        )
        .post(
            Operation::new("/archive_policy", "Create an archive policy")
                .body("NewArchivePolicy")
                .answers(201, "ArchivePolicy")
                .refuses(&[409]),
            create,
        )
        .get(
            Operation::new(one, "Show an archive policy").answers(200, "ArchivePolicy"),
            show,
        )
        .patch(
            Operation::new(one, "Change how much an archive policy keeps")
                .body("ArchivePolicyChange")
                .answers(200, "ArchivePolicy"),
            update,
        )
        .delete(
            Operation::new(one, "Delete an archive policy that no metric has")
                .done(204)
                .refuses(&[400]),
            remove,
        )
}

async fn list(State(app): State<Arc<App>>, caller: Caller) -> ApiResult {
    caller.require(Action::ListArchivePolicy)?;
    let policies = app.index.archive_policies().await?;
    let policies: Vec<_> = policies.iter().map(AsRef::as_ref).collect();
    Ok(reply(StatusCode::OK, &policies))
}

async fn show(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> ApiResult {
    caller.require(Action::GetArchivePolicy)?;
    let policy = app.index.archive_policy(&name).await?;
    Ok(reply(StatusCode::OK, policy.as_ref()))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    body: RawBody,
) -> ApiResult {
    caller.require(Action::CreateArchivePolicy)?;
    let policy = read_policy(&body.json()?)?;
    app.index.create_archive_policy(&policy).await?;
    let path = format!("/v1/archive_policy/{}", policy.name);
    Ok(created(&url.of(&path), &policy))
}

async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: RawBody,
) -> ApiResult {
    app.index.archive_policy(&name).await?;
    caller.require(Action::UpdateArchivePolicy)?;
    let (definition, back_window) = read_policy_change(&body.json()?, caller.dialect)?;
    let updated = app
        .index
        .update_archive_policy(&name, definition, back_window);
    let policy = updated.await?;
    let metrics = app.index.metrics_of_archive_policy(&name).await?;
    app.measures
        .set_policy(metrics, Arc::clone(&policy))
        .await?;
    Ok(reply(StatusCode::OK, policy.as_ref()))
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Response> {
    caller.require(Action::DeleteArchivePolicy)?;
    app.index.delete_archive_policy(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The same refusal under 400: the policy is not what the path names, but what a body asks for.
pub(super) fn unknown_policy_is_bad(error: IndexError) -> ApiError {
    match error {
        IndexError::NoSuchArchivePolicy(_) => {
            ApiError::from(error).with_status(StatusCode::BAD_REQUEST)
        }
        other => other.into(),
    }
}
