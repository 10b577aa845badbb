//! Targets that the agent polls by itself, `poll` of the configuration: what it is told about them, checked.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::scalar::GoDuration;
use crate::query::{Query, engine};
use crate::target::Target;

/// One entry of `poll`: targets that are polled alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollFile {
    /// `HOST`, `HOST:PORT`, `tcp://HOST`, as `target=` of a request.
    pub(crate) targets: Vec<String>,
    /// Modules by name.
    #[serde(default = "if_mib")]
    pub(crate) modules: Vec<String>,
    /// Credentials by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<String>,
    /// The context of version 3, as `snmp_context=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    /// The engine of version 3 behind the target, as `snmp_engineid=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine_id: Option<String>,
    /// How often.
    #[serde(default = "minute")]
    pub(crate) interval: GoDuration,
    /// How long one poll may take; the interval if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<GoDuration>,
    /// How long values are exported that could not be renewed; three intervals if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<GoDuration>,
    /// Labels for all series of these targets, beside `target`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

fn if_mib() -> Vec<String> {
    vec!["if_mib".to_owned()]
}

fn minute() -> GoDuration {
    GoDuration(Duration::from_secs(60))
}

/// A target that is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Poll {
    /// What to scrape.
    pub(crate) query: Query,
    /// How often.
    pub(crate) interval: Duration,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// How long values are exported that could not be renewed.
    pub(crate) max_age: Duration,
    /// `target`, then the labels of the configuration.
    pub(crate) labels: Vec<(String, String)>,
}

/// The label that tells which target a series is of.
const TARGET: &str = "target";

/// No switch likes to be asked more often.
const SHORTEST: Duration = Duration::from_secs(1);

impl PollFile {
    /// The targets one by one. `known` are those that other entries poll. `Err` names the key and what was expected.
    pub(crate) fn check(self, known: &mut HashSet<Query>) -> Result<Vec<Poll>, String> {
        let time = |key: &str, time: GoDuration| {
            if time.0 < SHORTEST {
                return Err(format!("{key}: expected at least 1s, found {:?}", time.0));
            }
            Ok(time.0)
        };
        let interval = time("interval", self.interval)?;
        let timeout = self
            .timeout
            .map_or(Ok(interval), |given| time("timeout", given))?;
        let max_age = self
            .max_age
            .map_or(Ok(interval * 3), |given| time("max_age", given))?;
        for name in self.labels.keys() {
            if !is_label(name) || name == TARGET {
                return Err(format!(
                    "labels: expected a label's name other than target, found {name:?}"
                ));
            }
        }
        if self.modules.is_empty() || self.targets.is_empty() {
            return Err("expected at least one target and one module".to_owned());
        }
        let mut polls = Vec::new();
        for text in &self.targets {
            let query = Query {
                target: Target::parse(text)?,
                modules: self.modules.clone(),
                auth: self.auth.clone(),
                context: self.context.clone(),
                engine: self.engine_id.as_deref().map(engine).transpose()?,
            };
            if !known.insert(query.clone()) {
                return Err(format!(
                    "targets: {text} is polled for the same modules twice"
                ));
            }
            let own = self
                .labels
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            let target = (TARGET.to_owned(), text.clone());
            polls.push(Poll {
                query,
                interval,
                timeout,
                max_age,
                labels: [target].into_iter().chain(own).collect(),
            });
        }
        Ok(polls)
    }
}

fn is_label(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter)
        && !name.starts_with("__")
        && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}
