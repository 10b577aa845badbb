//! Gnocchi's own command line client (python3-gnocchiclient) against the shipped binary: each of its commands that
//! this API has.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod aggregates;
mod commands;
mod functional;
mod metrics;
mod policies;
mod resources;

use serde_json::Value;
use support::Collector;
use testkit::tools::{run, try_run};

/// The client, as the user `admin` of Gnocchi's basic mode.
struct Client<'c>(&'c Collector);

impl Client<'_> {
    fn args<'a>(&self, command: &[&'a str], format: &[&'a str]) -> Vec<String> {
        let endpoint = self.0.running.url("");
        let own = [
            "--os-auth-type",
            "gnocchi-basic",
            "--user",
            "admin",
            "--endpoint",
            &endpoint,
        ];
        let all = own
            .into_iter()
            .chain(command.iter().copied())
            .chain(format.iter().copied());
        all.map(str::to_owned).collect()
    }

    /// What a command prints, as JSON.
    fn json(&self, command: &[&str]) -> Value {
        let printed = run("gnocchi", self.args(command, &["-f", "json"]));
        serde_json::from_str(&printed)
            .unwrap_or_else(|error| panic!("{command:?}: {error} in {printed:?}"))
    }

    /// A command that prints nothing.
    fn silent(&self, command: &[&str]) {
        assert_eq!(
            run("gnocchi", self.args(command, &[])).trim(),
            "",
            "{command:?}"
        );
    }

    /// What a command that fails says.
    fn error(&self, command: &[&str]) -> String {
        try_run("gnocchi", self.args(command, &[])).unwrap_err()
    }
}

/// The values of a column of a table.
fn column<'v>(table: &'v Value, name: &str) -> Vec<&'v Value> {
    table
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row[name])
        .collect()
}
