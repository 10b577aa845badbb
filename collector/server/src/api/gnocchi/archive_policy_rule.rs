//! `/v1/archive_policy_rule`: which policy a metric gets by its name.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use collector_index::IndexError;
use serde_json::json;

use super::archive_policy_body::{read_rule, read_rule_name};
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
    let one = "/archive_policy_rule/{name}";
    Endpoints::new()
        .get(
            Operation::new("/archive_policy_rule", "List archive policy rules")
                .answers(200, "ArchivePolicyRules"),
            list,
        )
        .post(
            Operation::new("/archive_policy_rule", "Create an archive policy rule")
                .body("ArchivePolicyRule")
                .answers(201, "ArchivePolicyRule")
                .refuses(&[409]),
            create,
        )
        .get(
            Operation::new(one, "Show an archive policy rule").answers(200, "ArchivePolicyRule"),
            show,
        )
        .patch(
            Operation::new(one, "Rename an archive policy rule")
                .body("ArchivePolicyRuleChange")
                .answers(200, "ArchivePolicyRule")
                .refuses(&[409]),
            rename,
        )
        .delete(
            Operation::new(one, "Delete an archive policy rule")
                .done(204)
                .refuses(&[400]),
            remove,
        )
}

async fn list(State(app): State<Arc<App>>, caller: Caller) -> ApiResult {
    caller.require(Action::ListArchivePolicyRule)?;
    Ok(reply(
        StatusCode::OK,
        &app.index.archive_policy_rules().await?,
    ))
}

async fn show(State(app): State<Arc<App>>, caller: Caller, Path(name): Path<String>) -> ApiResult {
    caller.require(Action::GetArchivePolicyRule)?;
    Ok(reply(
        StatusCode::OK,
        &app.index.archive_policy_rule(&name).await?,
    ))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    url: BaseUrl,
    body: RawBody,
) -> ApiResult {
    caller.require(Action::CreateArchivePolicyRule)?;
    let rule = read_rule(&body.json()?)?;
    let result = app.index.create_archive_policy_rule(&rule).await;
    result.map_err(|error| match error {
        IndexError::NoSuchArchivePolicy(name) => {
            ApiError::bad_request(json!({"cause": "Archive policy does not exist", "detail": name}))
        }
        other => other.into(),
    })?;
    let path = format!("/v1/archive_policy_rule/{}", rule.name);
    Ok(created(&url.of(&path), &rule))
}

async fn rename(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    body: RawBody,
) -> ApiResult {
    app.index.archive_policy_rule(&name).await?;
    let new_name = read_rule_name(&body.json()?)?;
    caller.require(Action::UpdateArchivePolicyRule)?;
    let rule = app
        .index
        .rename_archive_policy_rule(&name, &new_name)
        .await?;
    Ok(reply(StatusCode::OK, &rule))
}

async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult {
    app.index.archive_policy_rule(&name).await?;
    caller.require(Action::DeleteArchivePolicyRule)?;
    app.index.delete_archive_policy_rule(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
