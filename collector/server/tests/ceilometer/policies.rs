//! Archive policies of Ceilometer's names that keep seconds, so that single values can be compared.

use serde_json::json;
use testkit::http::request;

use crate::support::{ACCEPT_JSON, ADMIN, JSON};

/// Puts them in place of what a Gnocchi without metrics has.
pub(crate) fn keep_seconds(endpoint: &str) {
    let url = format!("{endpoint}/v1/archive_policy");
    let accept = [ADMIN, ACCEPT_JSON];
    let there = request("GET", &url, &accept, b"").expect_status(200).text();
    for (name, methods) in [
        ("ceilometer-low", json!(["mean"])),
        ("ceilometer-low-rate", json!(["mean", "rate:mean"])),
    ] {
        if there.contains(&format!("\"{name}\"")) {
            let old = request("DELETE", &format!("{url}/{name}"), &accept, b"");
            old.expect_status(204);
        }
        let policy = json!({
            "name": name, "back_window": 0, "aggregation_methods": methods,
            "definition": [{"granularity": "1s", "timespan": "1d"}],
        });
        let headers = [ADMIN, ACCEPT_JSON, JSON];
        request("POST", &url, &headers, policy.to_string().as_bytes()).expect_status(201);
    }
}
