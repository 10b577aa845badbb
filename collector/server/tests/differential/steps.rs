//! What is asked: random requests about policies, types, resources, measures and aggregates, good and bad ones. Ids that
//! the servers make are written as names in braces, see [`crate::compare::Names`].

use serde_json::{Value, json};

use crate::random::Random;

/// One request, and whether it is asked with `refresh`.
pub(crate) struct Step {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

/// What the requests may refer to.
pub(crate) struct World {
    pub(crate) random: Random,
    policies: Vec<String>,
    /// Numbers of resources by type, `vm` and `generic`; an id is the type and the number.
    resources: [usize; 2],
    /// Names of metrics, as [`crate::compare::Names`] gives them.
    pub(crate) metrics: usize,
    created: usize,
}

/// An id that no metric has.
pub(crate) const NO_METRIC: &str = "00000000-0000-4000-8000-000000000000";
const METHODS: &[&str] = &[
    "mean", "min", "max", "sum", "std", "count", "first", "last", "median",
];
const RATES: &[&str] = &[
    "rate:mean",
    "rate:min",
    "rate:max",
    "rate:sum",
    "rate:std",
    "rate:count",
    "rate:first",
    "rate:last",
];
const NAMES: &[&str] = &["cpu", "memory", "disk.read", "disk.write", "net"];
const PROJECTS: &[&str] = &["alpha", "beta", "gamma"];
const ALL_OPERATORS: &[&str] = &["=", "!=", "eq", "ne", "<", ">=", "like", "in"];
const GRANULARITIES: &[&str] = &["60", "300", "3600", "1"];
const BASE: i64 = 1_425_652_440; // 2015-03-06T14:34:00Z

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            policies: Vec::new(),
            resources: [0, 0],
            metrics: 0,
            created: 0,
        }
    }

    /// What every run begins with, so that there is something to refer to.
    pub(crate) fn foundation(&mut self) -> Vec<Step> {
        let attributes = json!({
            "host": {"type": "string", "required": false},
            "flavor": {"type": "uuid", "required": false},
            "size": {"type": "number", "required": false, "min": -10, "max": 1000},
            "active": {"type": "bool", "required": false},
            "launched": {"type": "datetime", "required": false},
        });
        let mut steps = vec![post(
            "/v1/resource_type",
            json!({"name": "vm", "attributes": attributes}),
        )];
        for _ in 0..4 {
            steps.push(self.policy());
        }
        steps.push(post(
            "/v1/archive_policy_rule",
            json!({"name": "all", "metric_pattern": "*", "archive_policy_name": "p0"}),
        ));
        for _ in 0..4 {
            steps.push(self.resource());
        }
        steps
    }

    /// A random request.
    pub(crate) fn step(&mut self) -> Step {
        match self.random.below(40) {
            0 => self.policy(),
            1 => self.policy_change(),
            2 => self.new_metric(),
            3 | 4 => self.resource(),
            5 | 6 => self.resource_change(),
            7 => self.removal(),
            8..=17 => self.measures(),
            18 | 19 => self.batch(),
            20..=26 => self.read(),
            27..=29 => self.aggregates(),
            30 | 31 => self.legacy(),
            32..=34 => self.search(),
            35 => self.search_values(),
            36 => self.lists(),
            37 => self.type_change(),
            38 => self.rule(),
            _ => self.wrong(),
        }
    }

    fn policy(&mut self) -> Step {
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
            let mut methods = [vec!["mean"], self.random.some(&METHODS[1..])].concat();
            if self.random.one_in(2) {
                methods.extend(self.random.some(RATES));
            }
            body["aggregation_methods"] = json!(methods);
        }
        self.policies.push(name);
        post("/v1/archive_policy", body)
    }

    fn any_policy(&mut self) -> String {
        let at = self.random.below(self.policies.len());
        self.policies[at].clone()
    }

    fn policy_change(&mut self) -> Step {
        let points = 2 + self.random.below(30);
        let granularity = [60, 300, 3600][self.random.below(3)];
        let body = json!({"definition": [{"granularity": granularity, "points": points}]});
        send(
            "PATCH",
            format!("/v1/archive_policy/{}", self.any_policy()),
            body,
        )
    }

    fn new_metric(&mut self) -> Step {
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

    fn attributes(&mut self, body: &mut Value) {
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

    fn resource(&mut self) -> Step {
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

    fn any_resource(&mut self) -> String {
        let kind = self.random.pick(&["vm", "generic"]);
        self.any_resource_of(kind)
    }

    fn any_resource_of(&mut self, kind: &str) -> String {
        // Now and then one that is not there yet.
        let count = self.resources[usize::from(kind == "generic")];
        format!("{kind}{}", self.random.below(count + 1))
    }

    fn resource_change(&mut self) -> Step {
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

    fn removal(&mut self) -> Step {
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
        }
    }

    /// Also one that is not there, now and then.
    pub(crate) fn any_metric(&mut self) -> String {
        if self.metrics == 0 || self.random.one_in(30) {
            return NO_METRIC.to_owned();
        }
        format!("{{m{}}}", self.random.below(self.metrics))
    }

    fn points(&mut self) -> Value {
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

    fn measures(&mut self) -> Step {
        let path = format!("/v1/metric/{}/measures", self.any_metric());
        post(path, self.points())
    }

    fn batch(&mut self) -> Step {
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

    fn range(&mut self) -> String {
        let mut query = String::new();
        for name in ["start", "stop"] {
            if self.random.one_in(3) {
                let seconds = BASE + i64::try_from(self.random.below(40_000)).unwrap();
                let moment = if self.random.one_in(2) {
                    seconds.to_string()
                } else {
                    iso(seconds)
                };
                query.push_str(&format!("&{name}={moment}"));
            }
        }
        query
    }

    fn method(&mut self) -> &'static str {
        match self.random.below(4) {
            0 => "mean",
            1 => self.random.pick(RATES),
            2 if self.random.one_in(8) => "nonsense",
            _ => self.random.pick(METHODS),
        }
    }

    fn read(&mut self) -> Step {
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

    fn gaps(&mut self) -> String {
        match self.random.below(6) {
            0 => "&fill=0".to_owned(),
            1 => "&fill=null".to_owned(),
            2 => "&fill=dropna".to_owned(),
            3 => format!("&needed_overlap={}", self.random.pick(&["0", "50", "100"])),
            _ => String::new(),
        }
    }

    fn operation(&mut self, metric: &str) -> String {
        let method = self.random.pick(METHODS);
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

    fn aggregates(&mut self) -> Step {
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

    fn legacy(&mut self) -> Step {
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

    fn filter(&mut self, depth: usize) -> Value {
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

    fn search(&mut self) -> Step {
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

    fn search_values(&mut self) -> Step {
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

    fn lists(&mut self) -> Step {
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

    fn type_change(&mut self) -> Step {
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

    fn rule(&mut self) -> Step {
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

    fn wrong(&mut self) -> Step {
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
            },
            7 => get("/v1/metric/no-uuid"),
            _ => post(
                "/v1/aggregates",
                json!({"operations": "(nonsense (metric x mean))"}),
            ),
        }
    }
}

fn iso(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let (of_day, march_first) = (seconds.rem_euclid(86_400), 16_495); // 2015-03-01 in days since the epoch
    let day = days - march_first + 1;
    format!(
        "2015-03-{day:02}T{:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

pub(crate) fn get(path: impl Into<String>) -> Step {
    Step {
        method: "GET",
        path: path.into(),
        body: None,
    }
}

fn post(path: impl Into<String>, body: Value) -> Step {
    send("POST", path, body)
}

fn send(method: &'static str, path: impl Into<String>, body: Value) -> Step {
    Step {
        method,
        path: path.into(),
        body: Some(body),
    }
}
