//! `GET /v2/capabilities`: what of Ceilometer's API there is.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::super::auth::Caller;
use super::super::json::reply;

/// Ceilometer's names for the parts of its API, and whether they are here.
const API: [(&str, bool); 20] = [
    ("meters:pagination", false),
    ("meters:query:simple", true),
    ("meters:query:metadata", true),
    ("resources:pagination", false),
    ("resources:query:simple", true),
    ("resources:query:metadata", true),
    ("samples:pagination", false),
    ("samples:query:simple", true),
    ("samples:query:metadata", true),
    ("samples:query:complex", false),
    ("statistics:groupby", true),
    ("statistics:query:simple", true),
    ("statistics:query:metadata", true),
    ("statistics:aggregation:standard", true),
    ("statistics:aggregation:selectable:max", true),
    ("statistics:aggregation:selectable:min", true),
    ("statistics:aggregation:selectable:sum", true),
    ("statistics:aggregation:selectable:avg", true),
    ("statistics:aggregation:selectable:count", true),
    ("statistics:aggregation:selectable:stddev", true),
];

/// What there is of it.
pub(super) async fn show(_: Caller) -> Response {
    let mut api: Map<String, Value> = API
        .iter()
        .map(|(name, has)| ((*name).to_owned(), json!(has)))
        .collect();
    api.insert(
        "statistics:aggregation:selectable:cardinality".to_owned(),
        json!(true),
    );
    api.insert("events:query:simple".to_owned(), json!(false));
    let body = json!({
        "api": api,
        "storage": {"storage:production_ready": true},
        "event_storage": {"storage:production_ready": false},
    });
    reply(StatusCode::OK, &body)
}
