//! gnocchiclient's own functional tests (of Debian's package), the `openstack metric` plugin's among them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use testkit::tools::run;

use crate::support::Collector;

/// Runs a script of this folder with Debian's Python, which has the client.
pub(crate) fn script<T: serde::de::DeserializeOwned>(name: &str, args: &[&str]) -> T {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gnocchi_client");
    let script = script.join(name).display().to_string();
    let args = [&[script.as_str()], args].concat();
    let printed = run("/usr/bin/python3", args);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{name}: {error} in {printed:?}"))
}

/// What `gnocchi-upgrade` leaves in a new Gnocchi and the tests rely on.
pub(crate) fn with_gnocchis_defaults() -> Collector {
    let collector = Collector::configured("storage: {defaults: bare}\napi: {auth_mode: basic}\n");
    for (name, granularity, points) in
        [("low", 300, 8640), ("medium", 60, 10080), ("high", 1, 3600)]
    {
        let definition = json!([{"granularity": granularity, "points": points}]);
        let policy = json!({"name": name, "definition": definition});
        collector
            .post("/v1/archive_policy", &policy)
            .expect_status(201);
    }
    let rule = json!({"name": "default", "metric_pattern": "*", "archive_policy_name": "low"});
    collector
        .post("/v1/archive_policy_rule", &rule)
        .expect_status(201);
    collector
}

#[test]
fn the_clients_own_functional_tests_pass() {
    let collector = with_gnocchis_defaults();
    let outcomes: BTreeMap<String, Value> = script(
        "functional.py",
        &[collector.running.url("").trim_end_matches('/')],
    );
    let failed: BTreeMap<_, _> = outcomes
        .iter()
        .filter(|(_, error)| !error.is_null())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(outcomes.len(), 21, "{outcomes:?}");
}
