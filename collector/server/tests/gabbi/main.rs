//! Gnocchi's own functional suites (gabbi), of Debian's 4.4.2 and of PyPI's 4.7.1, live against the shipped binary: each
//! file against an empty collector of its own. What may fail is what real Gnocchi fails, named here one by one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints the table of what ran"
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::Collector;
use testkit::tools::run_with_input;

/// What the suite's own fixture configures.
const CONFIG: &str = r#"storage: {defaults: bare}
api:
  auth_mode: basic
  max_limit: 7
  enable_proxy_headers_parsing: true
  path_prefix: /gnocchi
  cors: {allowed_origin: ["http://foobar.com"]}
  compatibility: "#;

/// Real Gnocchi answers a HEAD with an error that its own suite says should not be; here it is answered.
const HEAD_IS_ANSWERED: &str = "influxdb: ping influxdb status with head: xpass";

/// Outcome and message by file and test.
type Outcomes = BTreeMap<String, BTreeMap<String, (String, String)>>;

/// Runs the suite in `directory` and gives the tests that did not end as the suite expects, after printing the table.
fn surprises(directory: &Path, release: &str, tests: usize) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: packaging/dev/install-deps test installs it",
            directory.display()
        )
    });
    let names = entries.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".yaml")?.to_owned()).filter(|name| !name.starts_with('.'))
    });
    let config = format!("{CONFIG}\"{release}\"\n");
    let servers: BTreeMap<String, Collector> = names
        .map(|name| (name, Collector::configured(&config)))
        .collect();
    let lines = servers
        .iter()
        .map(|(name, server)| format!("{name} {}\n", server.running.url("/gnocchi")));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../../target/python/bin/python");
    let script = root.join("tests/gabbi/run.py");
    let args = [script.as_os_str(), directory.as_os_str()];
    let printed = run_with_input(&python.to_string_lossy(), args, &lines.collect::<String>());
    let outcomes: Outcomes = serde_json::from_str(&printed).unwrap();
    let mut surprises = Vec::new();
    eprintln!("{:<40} tests  pass xfail  rest", directory.display());
    for (file, tests) in &outcomes {
        let count = |wanted: &str| {
            tests
                .values()
                .filter(|(outcome, _)| outcome == wanted)
                .count()
        };
        let (pass, xfail) = (count("pass"), count("xfail"));
        eprintln!(
            "{file:<40} {:>5} {pass:>5} {xfail:>5} {:>5}",
            tests.len(),
            tests.len() - pass - xfail
        );
        for (test, (outcome, message)) in tests {
            if outcome != "pass" && outcome != "xfail" {
                eprintln!("  {outcome}: {test}: {message}");
                surprises.push(format!("{file}: {test}: {outcome}"));
            }
        }
    }
    assert_eq!(
        outcomes.values().map(BTreeMap::len).sum::<usize>(),
        tests,
        "tests that ran"
    );
    surprises
}

#[test]
fn the_suite_of_gnocchi_4_4_passes() {
    let directory =
        PathBuf::from("/usr/lib/python3/dist-packages/gnocchi/tests/functional/gabbits");
    assert_eq!(surprises(&directory, "4.4", 644), [HEAD_IS_ANSWERED]);
}

#[test]
fn the_suite_of_gnocchi_4_7_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory = root.join("target/python/gnocchi-4.7.1/gnocchi/tests/functional/gabbits");
    assert_eq!(surprises(&directory, "4.7", 671), [HEAD_IS_ANSWERED]);
}
