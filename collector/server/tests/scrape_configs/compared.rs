//! What is compared of both sides: their targets with their labels, and the series with their values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Running, Shipped, http};

use crate::PATIENCE;

/// The names and labels of the series that are compared.
const SERIES: [&str; 9] = [
    "app_requests_total",
    "app_temperature",
    "app_moment",
    "app_internal_debug",
    "app_old_name",
    "app_new_name",
    "up",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
];
const LABELS: [&str; 25] = [
    "job",
    "instance",
    "method",
    "code",
    "env",
    "exported_env",
    "exported_exported_env",
    "exported_job",
    "exported_instance",
    "sensor",
    "path",
    "module",
    "zone",
    "row",
    "x",
    "shard",
    "upper",
    "code_2xx",
    "code_5xx",
    "file",
    "region",
    "owner_name",
    "tier",
    "port",
    "both",
];

/// A mapping that makes a resource of each set of labels.
fn mapping() -> String {
    let id = LABELS.map(|label| format!("{{{label}|}}")).join(",");
    let metrics = SERIES.map(|name| {
        format!("    {name}: {{unit: '', archive_policy: bool, from: [{{{name}: 1}}]}}\n")
    });
    format!(
        "resources:\n- type: generic\n  id: \"{id}\"\n  metrics:\n{}",
        metrics.concat()
    )
}

pub(crate) fn collector(dir: &Path, scrape_configs: &str) -> Running {
    let mapping_file = dir.join("mapping.yaml");
    std::fs::write(&mapping_file, mapping()).unwrap();
    let file = dir.join("collector.yml");
    let (store, mapping_file) = (dir.join("store"), mapping_file.display());
    let text = format!(
        "storage: {{path: {store:?}}}\nscrape: {{mapping_file: {mapping_file}}}\n{scrape_configs}"
    );
    std::fs::write(&file, text).unwrap();
    Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector"))
        .arg(format!("--config.file={}", file.display()))
        .start()
}

/// Labels and discovered labels by job and URL.
pub(crate) type Targets = BTreeSet<(
    String,
    String,
    BTreeMap<String, String>,
    BTreeMap<String, String>,
)>;

fn labels(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The targets of a list whose fields have these names: job, URL, labels and discovered labels.
fn targets(list: &Value, [job, url, after, before]: [&str; 4]) -> Targets {
    let targets = list.as_array().unwrap().iter().map(|target| {
        (
            text(&target[job]),
            text(&target[url]),
            labels(&target[after]),
            labels(&target[before]),
        )
    });
    targets.collect()
}

pub(crate) fn theirs(peer: &Running) -> Targets {
    let answer = http::get(&peer.url("/api/v1/targets?state=active"))
        .expect_status(200)
        .json();
    let names = ["scrapePool", "scrapeUrl", "labels", "discoveredLabels"];
    targets(&answer["data"]["activeTargets"], names)
}

pub(crate) fn ours(collector: &Running) -> Targets {
    let answer = http::get(&collector.url("/console/targets"))
        .expect_status(200)
        .json();
    targets(&answer, ["job", "url", "labels", "discovered_labels"])
}

/// Waits until both have the same targets, so many of them, in what is `seen` of them, all scraped with the same outcome.
/// Gives ours, whole.
pub(crate) fn same_targets(
    peer: &Running,
    collector: &Running,
    count: usize,
    what: &str,
    seen: impl Fn(Targets) -> Targets,
) -> Targets {
    let start = Instant::now();
    loop {
        let all = ours(collector);
        let (theirs, ours) = (seen(theirs(peer)), seen(all.clone()));
        if theirs == ours && ours.len() == count {
            return all;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{what}: expected {count}\nonly the peer has {:#?}\nonly we have {:#?}\n{}",
            theirs.difference(&ours),
            ours.difference(&theirs),
            collector.stderr()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Values by series: its name and its labels as the mapping writes them.
pub(crate) type Values = BTreeMap<(String, String), f64>;

pub(crate) fn their_values(prometheus: &Running) -> Values {
    let answer =
        http::get(&prometheus.url("/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D")).json();
    let mut values = Values::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let mut labels = labels(&series["metric"]);
        let name = labels.remove("__name__").unwrap();
        if !SERIES.contains(&name.as_str()) {
            continue;
        }
        let id = LABELS.map(|label| labels.remove(label).unwrap_or_default());
        assert!(
            labels.is_empty(),
            "{name} has labels that are not compared: {labels:?}"
        );
        let value = series["value"][1].as_str().unwrap().parse().unwrap();
        values.insert((name, id.join(",").replace('/', "_")), value);
    }
    values
}

pub(crate) fn our_values(collector: &Running) -> Values {
    let resources = http::get(&collector.url("/v1/resource/generic?limit=1000"))
        .expect_status(200)
        .json();
    let mut values = Values::new();
    for resource in resources.as_array().unwrap() {
        for (name, id) in resource["metrics"].as_object().unwrap() {
            let url = format!(
                "/v1/metric/{}/measures?aggregation=last",
                id.as_str().unwrap()
            );
            let measures = http::get(&collector.url(&url)).expect_status(200).json();
            let Some(last) = measures.as_array().unwrap().last() else {
                continue;
            };
            let value = last[2].as_f64().unwrap();
            values.insert(
                (name.clone(), text(&resource["original_resource_id"])),
                value,
            );
        }
    }
    values
}
