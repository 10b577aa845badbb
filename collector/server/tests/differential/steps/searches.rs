//! Searches of resources by filters, and of measures by their values.

use serde_json::{Value, json};

use super::{ALL_OPERATORS, PROJECTS, Step, World, post};

impl World {
    pub(super) fn filter(&mut self, depth: usize) -> Value {
        if depth > 0 && self.random.one_in(3) {
            let (one, other) = (self.filter(depth - 1), self.filter(depth - 1));
            return match self.random.below(3) {
                0 => json!({"and": [one, other]}),
                1 => json!({"or": [one, other]}),
                _ => json!({"not": one}),
            };
        }
        let (field, value, operators): (_, _, &[&str]) = match self.random.below(6) {
            0 => (
                "project_id",
                json!(self.random.pick(PROJECTS)),
                ALL_OPERATORS,
            ),
            1 => ("id", json!(self.any_resource()), ALL_OPERATORS),
            2 => {
                let moments = ["2015-03-06T14:00:00", "2015-03-06", "nonsense"];
                let moment = json!(moments[self.random.below(3)]);
                ("started_at", moment, &["=", "!=", "<", ">=", "gt"])
            }
            3 => ("user_id", json!("someone"), ALL_OPERATORS),
            4 => ("ended_at", json!(null), &["=", "!=", "eq", "ne"]),
            _ => ("project_id", json!("%a"), ALL_OPERATORS),
        };
        let operator = self.random.pick(operators);
        let value = if operator == "in" {
            json!([value])
        } else {
            value
        };
        json!({operator: {field: value}})
    }

    pub(super) fn search(&mut self) -> Step {
        let kind = self.random.pick(&["vm", "generic"]);
        let mut query = String::from("?x=1");
        if self.random.one_in(3) {
            query.push_str("&history=true");
        }
        if self.random.one_in(3) {
            query.push_str("&details=true");
        }
        if self.random.one_in(3) {
            query.push_str(&format!("&limit={}", 1 + self.random.below(4)));
        }
        if self.random.one_in(3) {
            query.push_str(&format!(
                "&sort={}",
                self.random.pick(&[
                    "original_resource_id:asc",
                    "original_resource_id:asc",
                    "original_resource_id"
                ])
            ));
        }
        let mut filter = self.filter(2);
        if kind == "vm" && self.random.one_in(2) {
            filter = self
                .random
                .pick(&[
                    &json!({"=": {"host": "a"}}),
                    &json!({"like": {"host": "comp%"}}),
                    &json!({">": {"size": 500}}),
                    &json!({"=": {"active": true}}),
                    &json!({"<=": {"launched": "2015-03-06T23:00:00"}}),
                    &json!({"=": {"flavor": "7d2e38ac-1a0e-4d2b-b9f9-1a2ae0a2b001"}}),
                    &json!({"=": {"nonsense": 1}}),
                ])
                .clone();
        }
        post(format!("/v1/search/resource/{kind}{query}"), filter)
    }

    pub(super) fn search_values(&mut self) -> Step {
        // Of one metric only: Gnocchi takes the granularities of whichever comes first for all.
        let metric = self.any_metric();
        let condition = self
            .random
            .pick(&[
                &json!({">": 50}),
                &json!({"and": [{">=": 10}, {"<": 90}]}),
                &json!({"=": 12.5}),
                &json!({"≥": 1e10}),
                &json!({"not": {"<": 30}}),
                &json!({"nonsense": 1}),
            ])
            .clone();
        post(
            format!("/v1/search/metric?metric_id={metric}{}", self.range()),
            condition,
        )
    }
}
