//! Reads of one metric, aggregates by operations, and the aggregates of old.

use serde_json::json;

use super::{BASE, GRANULARITIES, NAMES, RATES, Step, World, get, iso, post};

impl World {
    pub(super) fn range(&mut self) -> String {
        let mut query = String::new();
        for name in ["start", "stop"] {
            if self.random.one_in(3) {
                let seconds = BASE + i64::try_from(self.random.below(40_000)).unwrap();
                let moment = match self.random.below(8) {
                    0..4 => seconds.to_string(),
                    // More than twelve years ago, before all measures.
                    4 => "-110000%20hours".to_owned(),
                    _ => iso(seconds),
                };
                query.push_str(&format!("&{name}={moment}"));
            }
        }
        query
    }

    pub(super) fn method(&mut self) -> &'static str {
        match self.random.below(4) {
            0 => "mean",
            1 => self.random.pick(RATES),
            2 if self.random.one_in(8) => "nonsense",
            _ => self.random.pick(self.methods),
        }
    }

    pub(super) fn read(&mut self) -> Step {
        let mut query = format!(
            "?refresh=true&aggregation={}{}",
            self.method(),
            self.range()
        );
        if self.random.one_in(2) {
            query.push_str(&format!("&granularity={}", self.random.pick(GRANULARITIES)));
            if self.random.one_in(3) {
                query.push_str(&format!(
                    "&resample={}",
                    self.random.pick(&["600", "120", "7200", "H", "D", "M"])
                ));
            }
        }
        get(format!("/v1/metric/{}/measures{query}", self.any_metric()))
    }

    pub(super) fn gaps(&mut self) -> String {
        match self.random.below(6) {
            0..=2 => format!("&fill={}", self.random.pick(self.fills)),
            3 => format!("&needed_overlap={}", self.random.pick(&["0", "50", "100"])),
            _ => String::new(),
        }
    }

    pub(super) fn operation(&mut self, metric: &str) -> String {
        let method = self.random.pick(self.methods);
        let series = format!("(metric {metric} {method})");
        match self.random.below(12) {
            0 => format!("(aggregate mean {series})"),
            1 => format!(
                "(aggregate {} {series})",
                self.random.pick(&[
                    "sum",
                    "max",
                    "count",
                    "std",
                    "median",
                    "rate:mean",
                    "nonsense"
                ])
            ),
            2 => format!("(* {series} 2)"),
            3 => format!("(- 1 {series})"),
            4 => format!("(abs (negative {series}))"),
            5 => format!("(rolling mean 2 {series})"),
            6 => format!(
                "(resample {} 600 {series})",
                self.random.pick(&["mean", "max", "sum", "count"])
            ),
            7 => format!("(rateofchange {series})"),
            8 => format!("(> {series} 40)"),
            9 => format!("(clip_min {series} 10)"),
            10 => format!("(/ {series} (+ {series} 1))"),
            _ => series,
        }
    }

    pub(super) fn aggregates(&mut self) -> Step {
        let mut query = format!("?x=1{}{}", self.range(), self.gaps());
        if self.random.one_in(2) {
            query.push_str(&format!("&granularity={}", self.random.pick(GRANULARITIES)));
        }
        if self.random.one_in(2) {
            let (one, other) = (self.any_metric(), self.any_metric());
            let operations = match self.random.below(4) {
                0 => format!("(aggregate mean (metric ({one} mean) ({other} mean)))"),
                1 => format!(
                    "({} (metric {one} mean) (metric {other} max))",
                    self.random.pick(&["+", "-", "/", ">="])
                ),
                _ => self.operation(&one),
            };
            return post(
                format!("/v1/aggregates{query}"),
                json!({"operations": operations}),
            );
        }
        if self.random.one_in(3) {
            query.push_str(&format!(
                "&groupby={}",
                self.random.pick(&["project_id", "user_id"])
            ));
        }
        let name = self.random.pick(&["cpu", "disk.*", "memory", "absent"]);
        let operations = self.operation(name);
        post(
            format!("/v1/aggregates{query}"),
            json!({"operations": operations, "resource_type": "generic", "search": self.filter(2)}),
        )
    }

    pub(super) fn legacy(&mut self) -> Step {
        let mut query = format!(
            "aggregation={}{}{}",
            self.method(),
            self.range(),
            self.gaps()
        );
        if self.random.one_in(2) {
            query.push_str(&format!("&granularity={}", self.random.pick(GRANULARITIES)));
        }
        if self.random.one_in(4) {
            query.push_str(&format!(
                "&reaggregation={}",
                self.random.pick(&["mean", "max", "sum", "std", "count"])
            ));
        }
        if self.random.one_in(2) {
            let (one, other) = (self.any_metric(), self.any_metric());
            return get(format!(
                "/v1/aggregation/metric?metric={one}&metric={other}&{query}"
            ));
        }
        if self.random.one_in(2) {
            query.push_str("&groupby=project_id");
        }
        let name = self.random.pick(NAMES);
        post(
            format!("/v1/aggregation/resource/generic/metric/{name}?{query}"),
            self.filter(1),
        )
    }
}
