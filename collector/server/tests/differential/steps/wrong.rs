//! What is refused.

use serde_json::json;

use super::{Step, World, get, post};

impl World {
    pub(super) fn wrong(&mut self) -> Step {
        match self.random.below(9) {
            0 => post(
                "/v1/archive_policy",
                json!({"name": "bad", "definition": [{"granularity": 0}]}),
            ),
            1 => post(
                "/v1/archive_policy",
                json!({"name": "p0", "definition": [{"granularity": 60}]}),
            ),
            2 => post("/v1/resource/absent", json!({"id": "x"})),
            3 => post("/v1/resource/generic", json!({"id": "a/b"})),
            4 => post(
                format!("/v1/metric/{}/measures", self.any_metric()),
                json!([{"timestamp": "no time", "value": 1}]),
            ),
            5 => post(
                format!("/v1/metric/{}/measures", self.any_metric()),
                json!([{"timestamp": 1, "value": null}]),
            ),
            6 => Step {
                method: "DELETE",
                path: format!("/v1/archive_policy/{}", self.any_policy()),
                body: None,
                headers: Vec::new(),
            },
            7 => get("/v1/metric/no-uuid"),
            _ => post(
                "/v1/aggregates",
                json!({"operations": "(nonsense (metric x mean))"}),
            ),
        }
    }
}
