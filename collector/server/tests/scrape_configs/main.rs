//! `scrape_configs` as Debian's Prometheus understands them, and its vmagent where Consul is asked: the same list is given to
//! it and to the shipped collector, and both have the same targets with the same labels, before and after relabelling, and
//! the same series with the same values.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails loudly where something is missing"
)]

mod compared;
mod consul;
mod jobs;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use compared::{Targets, collector, our_values, ours, same_targets, their_values};
use consul::{Consul, instance};
use jobs::{consul_configs, exporter, scrape_configs};
use serde_json::json;
use server::{Answer, serve};
use testkit::{Peer, Running, metric, prometheus, scrape};

/// How long a change may take to show.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until so many kinds of discovery have failed and been counted, with the targets staying as they are.
fn failures_are_counted(collector: &Running, kinds: &[&str], targets: &Targets) {
    let failures = |kind: &str| {
        let families = scrape(&collector.url("/metrics"));
        let total = testkit::series(&families, "nephoscope_collector_discovery_failures_total");
        let of_kind = total.iter().filter(|(labels, _)| labels["kind"] == kind);
        of_kind.map(|(_, value)| value).sum::<f64>()
    };
    let start = Instant::now();
    while kinds.iter().any(|kind| failures(kind) < 1.0) {
        assert!(start.elapsed() < PATIENCE, "{}", collector.stderr());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(ours(collector), *targets);
    let log = collector.stderr();
    assert!(
        log.contains("targets not read, the known ones stay") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn the_same_jobs_give_the_same_targets_and_series_as_prometheus() {
    let dir = tempfile::tempdir().unwrap();
    let (exporter, other) = (exporter(), exporter());
    let file = dir.path().join("targets.yml");
    std::fs::write(
        &file,
        format!("- targets: [\"{exporter}\", \"{other}\"]\n  labels: {{region: north}}\n"),
    )
    .unwrap();
    let groups = json!([{"targets": [exporter, "127.0.0.1:1"], "labels": {"__meta_datacenter_region": "south"}}]);
    let answer = Arc::new(Mutex::new(Some(groups)));
    let shared = Arc::clone(&answer);
    let sd = serve(move |request| {
        let allowed = request.header("authorization") == Some("Basic bWU6c2VjcmV0");
        match &*shared.lock().unwrap() {
            Some(groups) if allowed => Answer::of("application/json", groups.to_string()),
            _ => Answer::error(500),
        }
    });
    let configs = scrape_configs(dir.path(), &exporter, &other, &sd);
    let config = dir.path().join("prometheus.yml");
    std::fs::write(&config, &configs).unwrap();
    let prometheus = prometheus::start(&config);
    let collector = collector(dir.path(), &configs);

    let whole = |targets| targets;
    // static 2, honored, exported, prober 2, files 2, http 2.
    let targets = same_targets(&prometheus, &collector, 10, "at the start", whole);
    let probed = targets
        .iter()
        .any(|(_, url, ..)| url.contains("target=https%3A%2F%2Fweb.example%2Fa%3Fb%3Dc"));
    assert!(probed, "{targets:#?}");
    let start = Instant::now();
    loop {
        let (theirs, ours) = (their_values(&prometheus), our_values(&collector));
        if theirs == ours && theirs.len() > 75 {
            break;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{} and {} series\nonly Prometheus: {:#?}\nonly ours: {:#?}",
            theirs.len(),
            ours.len(),
            theirs
                .iter()
                .filter(|(key, value)| ours.get(key) != Some(value))
                .collect::<Vec<_>>(),
            ours.iter()
                .filter(|(key, value)| theirs.get(key) != Some(value))
                .collect::<Vec<_>>(),
        );
        std::thread::sleep(Duration::from_millis(500));
    }

    // What names the targets changes, then breaks: the last known ones stay.
    std::fs::write(&file, format!("- targets: [\"{other}\"]\n")).unwrap();
    *answer.lock().unwrap() =
        Some(json!([{"targets": [other]}, {"targets": [exporter], "labels": {"region": "x"}}]));
    let changed = same_targets(&prometheus, &collector, 9, "after the changes", whole);
    assert_ne!(changed, targets);
    *answer.lock().unwrap() = None;
    std::fs::write(&file, "- targets: ['half").unwrap();
    failures_are_counted(&collector, &["http_sd", "file_sd"], &changed);
    let families = scrape(&collector.url("/metrics"));
    assert!(metric(&families, "nephoscope_collector_scrapes_total", &[]).unwrap() > 0.0);
}

fn consul_labels(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    // It leaves out what is empty only in some versions.
    let labels = labels.into_iter();
    labels
        .filter(|(name, value)| name.starts_with("__meta_consul") && !value.is_empty())
        .collect()
}

/// Debian's Prometheus is built without Consul, its vmagent is not.
#[test]
fn consul_names_the_same_targets_as_it_does_to_vmagent() {
    let dir = tempfile::tempdir().unwrap();
    let (exporter, other, third) = (exporter(), exporter(), exporter());
    let web = |id: &str, address: &str, status: &str| {
        instance("web", id, address, &["metrics", "tier-front", "x"], status)
    };
    let first = web("web-1", &exporter, "passing");
    let critical = web("web-2", &other, "critical");
    let db = instance("db", "db-bare", &other, &["metrics"], "warning");
    let hidden = instance("hidden", "hidden-1", &other, &["x"], "passing");
    let consul = Consul::start(vec![first.clone(), critical, db, hidden.clone()]);
    let configs = consul_configs(&consul.address);
    let config = dir.path().join("vmagent.yml");
    std::fs::write(&config, &configs).unwrap();
    let vmagent = Peer::new("vmagent")
        .args([
            format!("-promscrape.config={}", config.display()),
            "-promscrape.config.strictParse=false".to_owned(),
            "-promscrape.consulSDCheckInterval=1s".to_owned(),
            "-remoteWrite.url=http://127.0.0.1:1/".to_owned(),
            format!(
                "-remoteWrite.tmpDataPath={}",
                dir.path().join("queue").display()
            ),
            "-httpListenAddr=127.0.0.1:{port}".to_owned(),
        ])
        .wait_http("/metrics")
        .start();
    let collector = collector(dir.path(), &configs);
    let same = |count: usize, before: bool, what: &str| {
        // vmagent does not show what has changed before relabelling alone, and writes the labels that are not
        // Consul's in its own way.
        let seen = |targets: Targets| -> Targets {
            let seen = targets.into_iter().map(|(_, url, labels, discovered)| {
                let discovered = match before {
                    true => consul_labels(discovered),
                    false => BTreeMap::new(),
                };
                (labels["job"].clone(), url, labels, discovered)
            });
            seen.collect()
        };
        same_targets(&vmagent, &collector, count, what, seen)
    };
    // web-1 and db of those with the tag that are well, and both of web.
    same(4, true, "at the start");
    // One service less, one instance more and one that is well again.
    let new = instance("web", "web-3", &third, &["metrics", "tier-back"], "passing");
    consul.set(vec![first, web("web-2", &other, "warning"), new, hidden]);
    let changed = same(6, false, "after the changes");
    consul.break_down();
    failures_are_counted(&collector, &["consul_sd"], &changed);
}
