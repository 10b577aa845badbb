//! Each command of the client, good and bad, against a real Gnocchi and against the shipped binary.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::functional::script;
use crate::support::Collector;
use crate::support::gnocchi::{Release, start_gnocchi};

#[derive(serde::Deserialize)]
struct Outcome {
    differences: Vec<Value>,
    commands: Vec<String>,
    /// What `gnocchi complete` says: shell code, with a line for the words behind each command.
    known: String,
    /// The commands that the plugin of `openstack` has, as `metric archive-policy create`.
    in_openstack: Vec<String>,
    /// Those of them that were run.
    commands_of_openstack: Vec<String>,
}

impl Outcome {
    /// The commands that the client has, as `archive-policy create`.
    fn known(&self) -> BTreeSet<String> {
        let line = |name: &str| {
            let start = format!("  cmds{name}='");
            let mut lines = self.known.lines();
            let words =
                lines.find_map(|line| Some(line.strip_prefix(&start)?.trim_end_matches('\'')));
            let words = words.unwrap_or_default().split(' ');
            words
                .filter(|word| !word.is_empty() && !word.starts_with('-'))
                .collect::<Vec<_>>()
        };
        let mut found = BTreeSet::new();
        let mut waiting: Vec<Vec<&str>> = line("").into_iter().map(|word| vec![word]).collect();
        while let Some(command) = waiting.pop() {
            let name: String = command
                .iter()
                .map(|word| format!("_{}", word.replace('-', "_")))
                .collect();
            let further = line(&name);
            if further.is_empty() {
                found.insert(command.join(" "));
            }
            waiting.extend(
                further
                    .into_iter()
                    .map(|word| [command.as_slice(), &[word]].concat()),
            );
        }
        found
    }
}

#[test]
fn every_command_of_the_client_and_of_openstack_metric_says_what_it_says_of_a_real_gnocchi() {
    let dir = tempfile::tempdir().unwrap();
    let gnocchi = start_gnocchi(dir.path(), Release::V4_7);
    let [collector, further] = [0; 2].map(|_| {
        Collector::configured(
            "storage: {defaults: bare}\napi: {auth_mode: basic, compatibility: \"4.7\"}\n",
        )
    });
    let urls = [
        gnocchi.url(""),
        collector.running.url(""),
        further.running.url(""),
    ];
    let urls = urls.each_ref().map(|url| url.trim_end_matches('/'));
    let outcome: Outcome = script("commands.py", &urls);
    assert!(outcome.differences.is_empty(), "{:#?}", outcome.differences);
    let known = outcome.known();
    assert!(
        known.len() > 35 && known.contains("archive-policy create"),
        "{known:?}"
    );
    let left = |known: Vec<&String>, run: &[String]| -> Vec<String> {
        let is_left = |command: &&String| !run.iter().any(|one| one.starts_with(command.as_str()));
        known.into_iter().filter(is_left).cloned().collect()
    };
    let unrun = left(known.iter().collect(), &outcome.commands);
    assert!(unrun.is_empty(), "commands that were not run: {unrun:?}");
    assert!(
        outcome.in_openstack.len() > 35,
        "{:?}",
        outcome.in_openstack
    );
    let of_openstack = outcome.in_openstack.iter().collect();
    let unrun = left(of_openstack, &outcome.commands_of_openstack);
    assert!(
        unrun.is_empty(),
        "commands of openstack that were not run: {unrun:?}"
    );
}
