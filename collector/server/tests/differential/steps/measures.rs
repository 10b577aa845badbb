//! Measures: late, twice, out of order, negative, huge, as texts; one metric at a time and in batches.

use serde_json::{Value, json};

use super::{BASE, NAMES, Step, World, iso, post};

impl World {
    pub(super) fn points(&mut self) -> Value {
        let count = 1 + self.random.below(8);
        let form = self.random.below(3);
        let centre = BASE + 60 * i64::try_from(self.random.below(600)).unwrap();
        let points = (0..count).map(|_| {
            let spread = if self.random.one_in(10) { 40_000 } else { 900 };
            let seconds = centre + i64::try_from(self.random.below(spread)).unwrap();
            let timestamp = match form {
                0 => json!(seconds),
                1 => json!(seconds as f64 + 0.25 * self.random.below(4) as f64),
                _ => json!(iso(seconds)),
            };
            let value = match self.random.below(24) {
                0 => json!("1.5"),
                1 => json!(-1e15),
                2 => json!(1e300),
                3 => json!(-0.25),
                4 if self.random.one_in(4) => json!("nan"),
                _ => json!(self.random.below(1000) as f64 / 8.0),
            };
            json!({"timestamp": timestamp, "value": value})
        });
        points.collect()
    }

    pub(super) fn measures(&mut self) -> Step {
        let path = format!("/v1/metric/{}/measures", self.any_metric());
        post(path, self.points())
    }

    pub(super) fn batch(&mut self) -> Step {
        if self.random.one_in(2) {
            let mut body = json!({});
            for _ in 0..3 {
                let metric = self.any_metric();
                body[metric] = self.points();
            }
            return post("/v1/batch/metrics/measures", body);
        }
        let mut body = json!({});
        for _ in 0..2 {
            let resource = self.any_resource();
            let mut metrics = json!({});
            for name in self.random.some(NAMES) {
                metrics[name] = self.points();
            }
            body[resource] = metrics;
        }
        let create = if self.random.one_in(2) {
            "?create_metrics=true"
        } else {
            ""
        };
        post(
            format!("/v1/batch/resources/metrics/measures{create}"),
            body,
        )
    }
}
