//! What is asked: random requests about policies, types, resources, measures and aggregates, good and bad ones. Ids that
//! the servers make are written as names in braces, see [`crate::compare::Names`].

use serde_json::{Value, json};

use crate::random::Random;
use crate::support::gnocchi::Release;

mod catalogue;
mod conditional;
mod measures;
mod queries;
mod searches;
mod wrong;

/// One request.
pub(crate) struct Step {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// What the requests may refer to.
pub(crate) struct World {
    pub(crate) random: Random,
    /// Aggregations of points.
    methods: &'static [&'static str],
    /// Ways to fill gaps.
    fills: &'static [&'static str],
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
/// Debian's 4.4.2 fails on percentiles: its numpy has no `int` any more.
const METHODS_4_7: &[&str] = &[
    "mean", "min", "max", "sum", "std", "count", "first", "last", "median", "5pct", "50pct",
    "95pct",
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
const FILLS: &[&str] = &["0", "-1.5", "null", "dropna", "nonsense"];
const FILLS_4_7: &[&str] = &[
    "0",
    "null",
    "dropna",
    "ffill",
    "bfill",
    "full_ffill",
    "full_bfill",
];
const NAMES: &[&str] = &["cpu", "memory", "disk.read", "disk.write", "net"];
const PROJECTS: &[&str] = &["alpha", "beta", "gamma"];
const ALL_OPERATORS: &[&str] = &["=", "!=", "eq", "ne", "<", ">=", "like", "in"];
const GRANULARITIES: &[&str] = &["60", "300", "3600", "1"];
const BASE: i64 = 1_425_652_440; // 2015-03-06T14:34:00Z

impl World {
    pub(crate) fn new(seed: u64, judge: Release) -> Self {
        Self {
            random: Random::new(seed),
            methods: match judge {
                Release::V4_4 => METHODS,
                Release::V4_7 => METHODS_4_7,
            },
            fills: match judge {
                Release::V4_4 => FILLS,
                Release::V4_7 => FILLS_4_7,
            },
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
        match self.random.below(42) {
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
            39 | 40 => self.conditional(),
            _ => self.wrong(),
        }
    }

    fn any_policy(&mut self) -> String {
        let at = self.random.below(self.policies.len());
        self.policies[at].clone()
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

    /// Also one that is not there, now and then.
    pub(crate) fn any_metric(&mut self) -> String {
        if self.metrics == 0 || self.random.one_in(30) {
            return NO_METRIC.to_owned();
        }
        format!("{{m{}}}", self.random.below(self.metrics))
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
        headers: Vec::new(),
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
        headers: Vec::new(),
    }
}
