//! `/v1/status`: what waits to be aggregated. Here that is only what the commit thread has not written yet, for an
//! acknowledged measure is aggregated.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::auth::Caller;
use super::error::ApiResult;
use super::json::reply;
use super::openapi::{Endpoints, Operation};
use super::query::Params;
use crate::app::App;
use crate::auth::policy::Action;

/// Its routes.
pub(super) fn endpoints() -> Endpoints {
    let operation = Operation::new("/status", "How much waits to be written");
    Endpoints::new().get(operation.query(&["details"]).answers(200, "Status"), show)
}

async fn show(State(app): State<Arc<App>>, caller: Caller, params: Params) -> ApiResult {
    caller.require(Action::GetStatus)?;
    let details = match params.get("details") {
        Some(_) => params.flag("details")?,
        None => true,
    };
    let store = app.store.stats();
    let summary = json!({"metrics": store.queue_depth, "measures": store.queue_measures});
    let mut storage = json!({"summary": summary});
    if let (true, Some(storage)) = (details, storage.as_object_mut()) {
        storage.insert("measures_to_process".to_owned(), json!({}));
    }
    let metricd = json!({"processors": ["nephoscope-collector"], "statistics": {}});
    Ok(reply(
        StatusCode::OK,
        &json!({"storage": storage, "metricd": metricd}),
    ))
}
