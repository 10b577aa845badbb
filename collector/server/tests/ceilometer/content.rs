//! All that a Gnocchi, real or ours, holds, in a form that can be compared: without what every store makes anew (ids of
//! metrics, moments of creation).

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Value, json};
use testkit::http::request;

use crate::support::{ACCEPT_JSON, ADMIN};

/// Fields of a resource that say when it was written.
const MOMENTS: [&str; 3] = ["started_at", "revision_start", "revision_end"];

/// Resources by id, with history and measures.
pub(crate) fn content(endpoint: &str) -> BTreeMap<String, Value> {
    let resources = get(endpoint, "/v1/resource/generic?limit=1000");
    let resources = resources.as_array().unwrap().iter();
    resources
        .map(|resource| {
            let id = resource["id"].as_str().unwrap().to_owned();
            (id, one(endpoint, resource))
        })
        .collect()
}

/// As the API writes moments, to the second.
pub(crate) fn moment(at: SystemTime) -> String {
    let mut text = humantime::format_rfc3339_seconds(at).to_string();
    text.truncate("2026-01-01T00:00:00".len());
    text
}

/// The newest value of measures if it is of that moment or later.
pub(crate) fn last_since(measures: &Value, since: &str) -> Option<f64> {
    let last = measures.as_array()?.last()?;
    let at = last[0].as_str()?.get(..since.len())?;
    (at >= since).then(|| last[2].as_f64())?
}

fn get(endpoint: &str, path: &str) -> Value {
    let url = format!("{endpoint}{path}");
    request("GET", &url, &[ADMIN, ACCEPT_JSON], b"")
        .expect_status(200)
        .json()
}

fn one(endpoint: &str, resource: &Value) -> Value {
    let path = format!(
        "/v1/resource/{}/{}",
        resource["type"].as_str().unwrap(),
        resource["id"].as_str().unwrap()
    );
    let history = get(endpoint, &format!("{path}/history"));
    let history: Vec<Value> = history.as_array().unwrap().iter().map(revision).collect();
    let metrics = resource["metrics"].as_object().unwrap().iter();
    let metrics: BTreeMap<&String, Value> = metrics
        .map(|(name, id)| (name, metric(endpoint, id.as_str().unwrap())))
        .collect();
    json!({"history": history, "metrics": metrics})
}

/// What a resource is in one revision.
fn revision(resource: &Value) -> Value {
    let mut fields = resource.as_object().unwrap().clone();
    for moment in MOMENTS {
        fields.remove(moment);
    }
    fields.remove("metrics");
    // Gnocchi prints every number as a float.
    for value in fields.values_mut() {
        if let Some(number) = value.as_f64() {
            *value = number.into();
        }
    }
    let ended = !fields["ended_at"].is_null();
    fields.insert("ended_at".to_owned(), ended.into());
    fields.into()
}

fn metric(endpoint: &str, id: &str) -> Value {
    let metric = get(endpoint, &format!("/v1/metric/{id}"));
    let policy = &metric["archive_policy"];
    let methods = policy["aggregation_methods"].as_array().unwrap().iter();
    let measures: BTreeMap<&str, Value> = methods
        .map(|method| {
            let method = method.as_str().unwrap();
            let path = format!("/v1/metric/{id}/measures?aggregation={method}&refresh=true");
            (method, get(endpoint, &path))
        })
        .collect();
    json!({
        "unit": metric["unit"], "policy": policy["name"], "creator": metric["creator"], "measures": measures,
    })
}
