//! The shipped Grafana dashboards: what they ask Prometheus, as Grafana would send it, and asking it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::http;
use crate::running::Running;

/// A dashboard and where it lies.
pub struct Dashboard {
    /// Its file.
    pub path: PathBuf,
    /// Its JSON.
    pub json: Value,
}

/// One query of a panel or of a variable.
pub struct Query {
    /// The panel's title, or the variable's name.
    pub title: String,
    /// PromQL with the variables filled in.
    pub expr: String,
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All dashboards of a language, `en` or `zh`, by name.
pub fn all(language: &str) -> Vec<Dashboard> {
    let folder = root().join("dashboards/grafana").join(language);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let json = serde_json::from_str(&text).unwrap();
        Dashboard { path, json }
    };
    paths.into_iter().map(read).collect()
}

impl Dashboard {
    /// The file's name without its ending.
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    }

    /// The panels and rows.
    pub fn panels(&self) -> &Vec<Value> {
        self.json["panels"].as_array().unwrap()
    }

    /// What its panels ask, as written.
    pub fn expressions(&self) -> Vec<Query> {
        let targets = |panel: &Value| {
            let title = text(&panel["title"]);
            let targets = panel["targets"].as_array().cloned().unwrap_or_default();
            let query = move |it: Value| Query {
                title: title.clone(),
                expr: text(&it["expr"]),
            };
            targets.into_iter().map(query)
        };
        self.panels().iter().flat_map(targets).collect()
    }

    /// What panels and variables ask, with everything selected and windows of `rate` and `range`.
    pub fn queries(&self, rate: &str, range: &str) -> Vec<Query> {
        let variables = self.json["templating"]["list"].as_array().unwrap();
        let of_variable = |it: &Value| {
            // label_values(METRIC{...}, LABEL)
            let inner = text(&it["query"]);
            let inner = inner.strip_prefix("label_values(")?;
            Some(Query {
                title: text(&it["name"]),
                expr: inner.rsplit_once(',').unwrap().0.to_owned(),
            })
        };
        let mut found = self.expressions();
        found.extend(variables.iter().filter_map(of_variable));
        for query in &mut found {
            let windows = query.expr.replace("$__rate_interval", rate);
            query.expr = windows.replace("$__range", range);
            for variable in variables {
                let name = format!("${}", text(&variable["name"]));
                query.expr = query.expr.replace(&name, ".*");
            }
        }
        found
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// PromQL as part of a URL.
pub fn encoded(query: &str) -> String {
    let each = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    query.bytes().map(each).collect()
}

/// What a running Prometheus answers to a query now.
pub fn ask(prometheus: &Running, query: &str) -> Vec<Value> {
    let url = prometheus.url(&format!("/api/v1/query?query={}", encoded(query)));
    let answer = http::get(&url);
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let result = answer.json()["data"]["result"].clone();
    // A scalar is a pair, not a list of series.
    match result.as_array() {
        Some(list) => list.clone(),
        None => vec![result],
    }
}
