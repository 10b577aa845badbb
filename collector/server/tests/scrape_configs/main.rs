//! `scrape_configs` as Debian's Prometheus understands them, and its vmagent where Consul is asked: the same list is given to
//! it and to the shipped collector, and both have the same targets with the same labels, before and after relabelling, and
//! the same series with the same values.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails loudly where something is missing"
)]

mod consul;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use consul::{Consul, instance};
use serde_json::{Value, json};
use server::{Answer, serve};
use testkit::{Peer, Running, Shipped, http, metric, prometheus, scrape};

/// How long a change may take to show.
const PATIENCE: Duration = Duration::from_secs(90);

/// What an exporter of the test tells; it has labels that targets have too, and a sample with a moment of its own.
fn exposition(path: &str, module: &str) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let moment = now.as_millis() - 20_000;
    format!(
        "# TYPE app_requests_total counter\n\
         app_requests_total{{method=\"GET\",code=\"200\",job=\"inner\",instance=\"in:1\"}} 17\n\
         app_requests_total{{method=\"POST\",code=\"500\",env=\"own\"}} 3\n\
         app_temperature{{sensor=\"cpu-0\"}} 41.5\n\
         app_moment{{path=\"{path}\",module=\"{module}\"}} 7 {moment}\n\
         app_internal_debug 1\n\
         app_old_name{{zone=\"Zone.A\"}} 2\n"
    )
}

/// The jobs of both. Prometheus' own words only.
fn scrape_configs(dir: &Path, exporter: &str, other: &str, sd: &str) -> String {
    let files = dir.join("targets*.yml").display().to_string();
    format!(
        r#"scrape_configs:
- job_name: static
  scrape_interval: 2s
  scrape_timeout: 2s
  metrics_path: /deep/metrics
  params: {{module: [one, two], empty: []}}
  static_configs:
  - targets: ["{exporter}", "{other}"]
    labels: {{env: prod, __rack_row: "12", __tmp_x: gone}}
  - targets: ["127.0.0.1:1"]
    labels: {{env: unwanted}}
  relabel_configs:
  - {{source_labels: [env], regex: un.*, action: drop}}
  - {{source_labels: [__address__], regex: '(.+):(\d+)', target_label: port, replacement: '${{2}}'}}
  - {{source_labels: [__address__, env], separator: '@', target_label: both}}
  - {{regex: __rack_(.+), action: labelmap}}
  - {{source_labels: [__address__], modulus: 8, target_label: shard, action: hashmod}}
  - {{source_labels: [env], target_label: upper, action: uppercase}}
  - {{source_labels: [module], target_label: nothing, regex: (.+)}}
  metric_relabel_configs:
  - {{source_labels: [__name__], regex: app_internal_.*, action: drop}}
  - {{source_labels: [__name__], regex: app_old_(.*), target_label: __name__, replacement: app_new_$1}}
  - {{source_labels: [zone], target_label: zone, action: lowercase}}
  - {{source_labels: [code], regex: (.)00, target_label: 'code_${{1}}xx', replacement: 'yes'}}
  - {{regex: both|port, action: labeldrop}}
- job_name: honored
  honor_labels: true
  honor_timestamps: false
  scrape_interval: 2s
  scrape_timeout: 2s
  static_configs: [{{targets: ["{exporter}"], labels: {{env: target, exported_env: taken}}}}]
- job_name: exported
  scrape_interval: 2s
  scrape_timeout: 2s
  static_configs: [{{targets: ["{exporter}"], labels: {{env: target, exported_env: taken, sensor: ""}}}}]
- job_name: prober
  scrape_interval: 2s
  scrape_timeout: 2s
  metrics_path: /probe
  params: {{module: [http_2xx]}}
  static_configs: [{{targets: ["https://web.example/a?b=c", "db.example:5432"]}}]
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__param_target], target_label: instance}}
  - {{target_label: __address__, replacement: "{exporter}"}}
- job_name: files
  scrape_interval: 2s
  scrape_timeout: 2s
  file_sd_configs: [{{files: ["{files}"], refresh_interval: 1s}}]
  relabel_configs:
  - {{source_labels: [__meta_filepath], regex: '.*/([^/]+)', target_label: file}}
- job_name: http
  scrape_interval: 2s
  scrape_timeout: 2s
  http_sd_configs: [{{url: "http://{sd}/targets", refresh_interval: 1s, basic_auth: {{username: me, password: secret}}}}]
  relabel_configs:
  - {{regex: __meta_datacenter_(.+), action: labelmap}}
"#
    )
}

/// The jobs whose targets a Consul names.
fn consul_configs(consul: &str) -> String {
    let token = consul::TOKEN;
    format!(
        r#"scrape_configs:
- job_name: consul
  scrape_interval: 2s
  scrape_timeout: 2s
  consul_sd_configs: [{{server: "{consul}", token: {token}, tags: [metrics], tag_separator: '|', refresh_interval: 1s}}]
  relabel_configs:
  - {{regex: __meta_consul_service_metadata_(.+), action: labelmap}}
  - {{source_labels: [__meta_consul_tags], regex: '.*\|tier-([^|]+)\|.*', target_label: tier}}
  - {{source_labels: [__meta_consul_health], regex: passing|warning, action: keep}}
- job_name: consul-named
  scrape_interval: 2s
  scrape_timeout: 2s
  consul_sd_configs: [{{server: "{consul}", token: {token}, datacenter: dc1, services: [web], refresh_interval: 1s}}]
"#
    )
}

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

fn collector(dir: &Path, scrape_configs: &str) -> Running {
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
type Targets = BTreeSet<(
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

fn theirs(prometheus: &Running) -> Targets {
    let answer = http::get(&prometheus.url("/api/v1/targets?state=active"))
        .expect_status(200)
        .json();
    let targets = answer["data"]["activeTargets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            let (job, url) = (text(&target["scrapePool"]), text(&target["scrapeUrl"]));
            (
                job,
                url,
                labels(&target["labels"]),
                labels(&target["discoveredLabels"]),
            )
        });
    targets.collect()
}

fn ours(collector: &Running) -> Targets {
    let answer = http::get(&collector.url("/console/targets"))
        .expect_status(200)
        .json();
    let targets = answer.as_array().unwrap().iter().map(|target| {
        let (job, url) = (text(&target["job"]), text(&target["url"]));
        (
            job,
            url,
            labels(&target["labels"]),
            labels(&target["discovered_labels"]),
        )
    });
    targets.collect()
}

/// Waits until both have the same targets, so many of them, all scraped with the same outcome.
fn same_targets(prometheus: &Running, collector: &Running, count: usize, what: &str) -> Targets {
    let start = Instant::now();
    loop {
        let (theirs, ours) = (theirs(prometheus), ours(collector));
        if theirs == ours && ours.len() == count {
            return ours;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{what}: expected {count}\nonly Prometheus has {:#?}\nonly we have {:#?}\n{}",
            theirs.difference(&ours),
            ours.difference(&theirs),
            collector.stderr()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Values by series: its name and its labels as the mapping writes them.
type Values = BTreeMap<(String, String), f64>;

fn their_values(prometheus: &Running) -> Values {
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

fn our_values(collector: &Running) -> Values {
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

/// An exporter of the test.
fn exporter() -> String {
    serve(|request| {
        let module = request.parameter("module").unwrap_or_default();
        Answer::of(
            "text/plain; version=0.0.4",
            exposition(&request.path, module),
        )
    })
}

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

    // static 2, honored, exported, prober 2, files 2, http 2.
    let targets = same_targets(&prometheus, &collector, 10, "at the start");
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
    let changed = same_targets(&prometheus, &collector, 9, "after the changes");
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
        let start = Instant::now();
        loop {
            let all = ours(&collector);
            // vmagent does not show what has changed before relabelling alone, and writes the labels that are not
            // Consul's in its own way.
            let seen = |targets: &Targets| -> Targets {
                let targets = targets.iter().cloned();
                let seen = targets.map(|(_, url, labels, discovered)| {
                    let discovered = match before {
                        true => consul_labels(discovered),
                        false => BTreeMap::new(),
                    };
                    (labels["job"].clone(), url, labels, discovered)
                });
                seen.collect()
            };
            let (theirs, ours) = (seen(&theirs(&vmagent)), seen(&all));
            if theirs == ours && ours.len() == count {
                return all;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{what}: expected {count}\nonly vmagent has {:#?}\nonly we have {:#?}\n{}",
                theirs.difference(&ours),
                ours.difference(&theirs),
                collector.stderr()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
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
