//! Policies and rules, resource types, resources and metrics: made, changed, listed, deleted.

use serde_json::{Value, json};

use super::{NAMES, PROJECTS, RATES, Step, World, get, post, send};

impl World {
    pub(super) fn policy(&mut self) -> Step {
        let name = format!("p{}", self.policies.len());
        let count = 1 + self.random.below(3);
        let mut definition = Vec::new();
        for at in 0..count {
            let granularity = [60, 300, 3600][at];
            definition.push(match self.random.below(4) {
                0 => json!({"granularity": granularity}),
                1 => json!({"granularity": granularity, "points": 3 + self.random.below(20)}),
                2 => {
                    json!({"granularity": format!("{granularity} s"), "timespan": granularity * 30})
                }
                _ => json!({"points": 12, "timespan": granularity * 12}),
            });
        }
        let mut body =
            json!({"name": name, "definition": definition, "back_window": self.random.below(4)});
        if !self.random.one_in(3) {
            // The mean is what a read with refresh, which makes Gnocchi aggregate, asks for.
            let mut methods = [vec!["mean"], self.random.some(&self.methods[1..])].concat();
            if self.random.one_in(2) {
                methods.extend(self.random.some(RATES));
            }
            body["aggregation_methods"] = json!(methods);
        }
        self.policies.push(name);
        post("/v1/archive_policy", body)
    }

    pub(super) fn policy_change(&mut self) -> Step {
        let mut definition = Vec::new();
        for granularity in &[60, 300, 3600][..1 + self.random.below(3)] {
            let points = 2 + self.random.below(30);
            definition.push(json!({"granularity": granularity, "points": points}));
        }
        let mut body = json!({"definition": definition});
        if self.random.one_in(12) {
            body = json!({});
        }
        if self.random.one_in(3) {
            body["back_window"] = match self.random.below(8) {
                0 => json!("2"),
                1 => json!(-1),
                2 => json!("x"),
                _ => json!(self.random.below(4)),
            };
        }
        send(
            "PATCH",
            format!("/v1/archive_policy/{}", self.any_policy()),
            body,
        )
    }

    pub(super) fn new_metric(&mut self) -> Step {
        self.created += 1;
        let mut body = json!({"name": format!("own{}", self.created)});
        if self.random.one_in(2) {
            body["archive_policy_name"] = json!(self.any_policy());
        }
        if self.random.one_in(3) {
            body["unit"] = json!("B");
        }
        post("/v1/metric", body)
    }

    pub(super) fn attributes(&mut self, body: &mut Value) {
        let random = &mut self.random;
        for (name, value) in [
            ("host", json!(random.pick(&["a", "b", "compute-1", "ü"]))),
            (
                "flavor",
                json!(random.pick(&[
                    "7d2e38ac-1a0e-4d2b-b9f9-1a2ae0a2b001",
                    "7D2E38AC1A0E4D2BB9F91A2AE0A2B002",
                    "none"
                ])),
            ),
            ("size", json!(random.below(1200))),
            ("active", json!(random.one_in(2))),
            (
                "launched",
                json!(random.pick(&[
                    "2015-03-06T14:33:57",
                    "2015-03-07T00:00:00+02:00",
                    "1425652437.5"
                ])),
            ),
        ] {
            if random.one_in(3) {
                body[name] = value;
            }
        }
    }

    pub(super) fn resource(&mut self) -> Step {
        let typed = self.random.one_in(2);
        let kind = if typed { "vm" } else { "generic" };
        let id = if self.random.one_in(8) {
            self.any_resource_of(kind)
        } else {
            let count = &mut self.resources[usize::from(!typed)];
            *count += 1;
            format!("{kind}{}", *count - 1)
        };
        let mut body = json!({"id": id, "started_at": "2015-03-06T14:00:00"});
        if !self.random.one_in(4) {
            body["project_id"] = json!(self.random.pick(PROJECTS));
        }
        if self.random.one_in(4) {
            body["user_id"] = json!("someone");
        }
        if self.random.one_in(6) {
            body["ended_at"] = json!(
                self.random
                    .pick(&["2015-03-06T15:00:00", "2015-03-05T15:00:00"])
            );
        }
        let mut metrics = json!({});
        for name in self.random.some(NAMES) {
            metrics[name] = if self.random.one_in(3) {
                json!({})
            } else {
                json!({"archive_policy_name": self.any_policy()})
            };
        }
        body["metrics"] = metrics;
        if typed {
            self.attributes(&mut body);
        }
        post(
            if typed {
                "/v1/resource/vm"
            } else {
                "/v1/resource/generic"
            },
            body,
        )
    }

    pub(super) fn resource_change(&mut self) -> Step {
        // Under its own type: a revision made under another loses attributes in Gnocchi's history.
        let kind = self.random.pick(&["vm", "generic"]);
        let path = format!("/v1/resource/{kind}/{}", self.any_resource_of(kind));
        if self.random.one_in(4) {
            let mut metrics = json!({});
            metrics[self.random.pick(NAMES)] = json!({"archive_policy_name": self.any_policy()});
            return post(format!("{path}/metric"), metrics);
        }
        let mut body = json!({});
        if self.random.one_in(2) {
            body["project_id"] = json!(self.random.pick(PROJECTS));
        }
        if self.random.one_in(4) {
            body["ended_at"] = json!("2015-03-06T16:00:00");
        }
        if kind == "vm" {
            self.attributes(&mut body);
        }
        send("PATCH", path, body)
    }

    pub(super) fn removal(&mut self) -> Step {
        let path = match self.random.below(3) {
            0 => format!("/v1/resource/generic/{}", self.any_resource()),
            1 => format!("/v1/metric/{}", self.any_metric()),
            _ => format!(
                "/v1/resource/generic/{}/metric/{}",
                self.any_resource(),
                self.random.pick(NAMES)
            ),
        };
        Step {
            method: "DELETE",
            path,
            body: None,
            headers: Vec::new(),
        }
    }

    pub(super) fn type_change(&mut self) -> Step {
        self.created += 1;
        let name = format!("extra{:04}", self.created);
        let definition = match self.random.below(4) {
            0 => json!({"type": "string", "required": true, "options": {"fill": "x"}}),
            1 => json!({"type": "number", "required": true}),
            2 => json!({"type": "bool", "required": false}),
            _ => json!({"type": "uuid", "required": true, "options": {"fill": "no uuid"}}),
        };
        send(
            "PATCH",
            "/v1/resource_type/vm",
            json!([{"op": "add", "path": format!("/attributes/{name}"), "value": definition}]),
        )
    }

    pub(super) fn rule(&mut self) -> Step {
        self.created += 1;
        let name = format!("rule{}", self.created);
        match self.random.below(3) {
            0 => post(
                "/v1/archive_policy_rule",
                json!({"name": name, "metric_pattern": "own*", "archive_policy_name": self.any_policy()}),
            ),
            1 => post(
                "/v1/archive_policy_rule",
                json!({"name": name, "metric_pattern": "*", "archive_policy_name": "absent"}),
            ),
            _ => get("/v1/archive_policy_rule"),
        }
    }

    pub(super) fn lists(&mut self) -> Step {
        let resource = self.any_resource();
        get(match self.random.below(8) {
            0 => "/v1/archive_policy".to_owned(),
            1 => format!("/v1/archive_policy/{}", self.any_policy()),
            2 => "/v1/resource/vm?sort=original_resource_id:asc&limit=3".to_owned(),
            3 => format!("/v1/resource/generic/{resource}"),
            4 => format!("/v1/resource/generic/{resource}/history?sort=revision_start:asc"),
            5 => format!("/v1/resource/generic/{resource}/metric"),
            6 => format!("/v1/metric/{}", self.any_metric()),
            _ => "/v1/resource/generic?sort=original_resource_id:asc&details=true".to_owned(),
        })
    }
}
