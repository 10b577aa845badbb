//! `GET /api/v1/node`: the inventory as JSON. It is read when it is asked for, by one request at a time, so that a kernel
//! file that hangs holds one thread and no more.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use super::Inventory;

/// Where the page is.
pub(crate) const PATH: &str = "/api/v1/node";

/// How long a request waits for its turn and its answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Page {
    inventory: Inventory,
    turn: Arc<Semaphore>,
}

/// The page.
pub(crate) fn router(inventory: &Inventory) -> Router {
    let page = Page {
        inventory: inventory.clone(),
        turn: Arc::new(Semaphore::new(1)),
    };
    Router::new().route(PATH, get(node)).with_state(page)
}

async fn node(State(Page { inventory, turn }): State<Page>) -> Response {
    let read = async {
        let turn = turn.acquire_owned().await.ok();
        let reading = tokio::task::spawn_blocking(move || {
            // The turn ends when the reading does, even if nobody waits for it any more.
            let _turn = turn;
            serde_json::to_vec_pretty(&inventory.node())
        });
        reading.await
    };
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(Ok(json))) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Ok(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot read the inventory\n",
        )
            .into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the inventory is not read in time: a kernel file hangs\n",
        )
            .into_response(),
    }
}
