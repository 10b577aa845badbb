//! The alert rules, recording rules and dashboards: Debian's promtool and Prometheus accept them, every alert has words
//! in both languages, a runbook and its tests, and nothing asks for a series that no shipped program exports.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and fails loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::dashboards::{self, Dashboard, encoded};
use testkit::process::profile_dir;
use testkit::{Running, Shipped, http, tools};

/// Metrics that rules and dashboards use and that no scrape of these tests has, by the reason.
const NOT_IN_A_SCRAPE: [(&str, &str); 9] = [
    (
        "Prometheus makes them",
        "ALERTS scrape_duration_seconds scrape_samples_scraped up",
    ),
    (
        "the test machine has no such hardware or kernel module",
        "node_bonding_active node_bonding_slaves node_md_disks node_md_disks_required
        node_nf_conntrack_entries node_nf_conntrack_entries_limit
        node_edac_correctable_errors_total node_edac_uncorrectable_errors_total
        node_hwmon_fan_rpm node_hwmon_temp_celsius node_hwmon_temp_crit_celsius",
    ),
    (
        "there is no guest's agent to ask",
        "libvirt_domain_filesystem_size_bytes libvirt_domain_filesystem_used_bytes
        libvirt_domain_guest_agent_age_seconds libvirt_domain_guest_agent_up",
    ),
    (
        "of a collector that is off unless asked for",
        "node_systemd_service_restart_total node_systemd_unit_state",
    ),
    (
        "the module prometheus of Ceph's manager",
        "ceph_cluster_total_bytes ceph_cluster_total_used_bytes ceph_health_status ceph_mon_quorum_status
        ceph_osd_apply_latency_ms ceph_osd_commit_latency_ms ceph_osd_in ceph_osd_stat_bytes
        ceph_osd_stat_bytes_used ceph_osd_up ceph_pg_active ceph_pg_total ceph_pool_metadata ceph_pool_rd_bytes
        ceph_pool_stored ceph_pool_wr_bytes",
    ),
    (
        "openstack-exporter",
        "openstack_cinder_agent_state openstack_cinder_pool_capacity_free_gb
        openstack_cinder_pool_capacity_total_gb openstack_cinder_up openstack_glance_up openstack_identity_up
        openstack_neutron_agent_state openstack_neutron_up openstack_nova_agent_state openstack_nova_up
        openstack_placement_up",
    ),
    (
        "smartctl_exporter, smartmon's textfile script, ipmi_exporter",
        "ipmi_sensor_state smartctl_device_percentage_used smartctl_device_smart_status
        smartmon_device_smart_healthy",
    ),
    (
        "Prometheus' and vmagent's own, of those who write remotely",
        "prometheus_remote_storage_highest_timestamp_in_seconds
        prometheus_remote_storage_queue_highest_sent_timestamp_seconds vmagent_remotewrite_pending_data_bytes",
    ),
    (
        "absent until the first measure came",
        "nephoscope_collector_input_lag_seconds",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of `dashboards/DIR`, sorted.
fn files(dir: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("dashboards").join(dir)).unwrap();
    let mut found: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    found.sort();
    found
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Debian's Prometheus with all rules loaded and nothing to scrape.
fn prometheus(dir: &Path) -> Running {
    let config = dir.join("prometheus.yml");
    let ours = root().join("dashboards").canonicalize().unwrap();
    let rules = ["alerts/*.yml", "recording/*.yml"].map(|it| ours.join(it));
    std::fs::write(&config, format!("rule_files: {rules:?}\n")).unwrap();
    testkit::prometheus::start(&config)
}

/// Every rule as Prometheus has read it.
fn rules(prometheus: &Running) -> Vec<Value> {
    let answer = http::get(&prometheus.url("/api/v1/rules")).json();
    let groups = answer["data"]["groups"].as_array().unwrap();
    let all = groups.iter().flat_map(|it| it["rules"].as_array().unwrap());
    all.cloned().collect()
}

/// The name and severity of every alert, and all of it.
fn alerts() -> Vec<(String, String, Value)> {
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(&prometheus(dir.path())).into_iter();
    rules
        .filter(|it| it["type"] == "alerting")
        .map(|it| (text(&it["name"]), text(&it["labels"]["severity"]), it))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The dashboards of both languages.
fn all_dashboards() -> Vec<Dashboard> {
    ["en", "zh"].into_iter().flat_map(dashboards::all).collect()
}

/// The words of PromQL and the labels that appear in its lists (`by (...)`); any other word is a metric's name.
const NO_METRICS: &str =
    "and or unless bool by without on ignoring group_left group_right sum avg min max count topk rate increase
    deriv predict_linear histogram_quantile min_over_time max_over_time clamp time label_replace
    group vector code collector cpu device domain instance job method mode name pool_id project_id remote_name route state
    url uuid vcpu";

/// The metric names in PromQL: words outside of matchers, ranges and strings. No matcher here has a brace in its string.
fn metric_names(query: &str) -> BTreeSet<String> {
    let known: BTreeSet<_> = NO_METRICS.split_whitespace().collect();
    let query: String = query.split('"').step_by(2).collect();
    let parts = query.split(['{', '[']);
    let bare = parts.map(|it| it.rsplit(['}', ']']).next().unwrap());
    bare.flat_map(|it| it.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':'))
        .filter(|it| it.starts_with(|c: char| c.is_ascii_alphabetic()) && !known.contains(it))
        .map(str::to_owned)
        .collect()
}

/// The sample names of an exposition, `_bucket` and its kind included.
fn sample_names(text: &str) -> impl Iterator<Item = String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
}

/// What the shipped programs export: both exporters and the collector run, the guests' series are those of the libvirt
/// exporter's golden file, for there need be no libvirt here.
fn exported() -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("collector.yml");
    let store = dir.path().join("store");
    std::fs::write(&config, format!("storage: {{path: {store:?}}}\n")).unwrap();
    let modules = root().join("agents/snmp/snmp.yml");
    let programs = [
        Shipped::new("nephoscope-agent-snmp")
            .arg(format!("--config.file={}", modules.display()))
            .start(),
        Shipped::new("nephoscope-exporter-host").start(),
        Shipped::new("nephoscope-exporter-libvirt")
            .arg("--libvirt.uri=qemu+unix:///system?socket=/no/such/socket")
            .start(),
        Shipped::new("nephoscope-collector")
            .arg(format!("--config.file={}", config.display()))
            .start(),
    ];
    // The collector counts requests once it has answered one.
    let _ = http::get(&programs[3].url("/v1/archive_policy"));
    let golden = read(root().join("exporter-libvirt/tests/golden/families.txt"));
    let mut names: BTreeSet<_> = sample_names(&golden).collect();
    // The SNMP agent exports what its modules name.
    let modules = read(root().join("agents/snmp/snmp.yml"));
    let named = modules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- name: "));
    names.extend(named.map(str::to_owned));
    for program in &programs {
        let scraped = http::get(&program.url("/metrics")).expect_status(200);
        names.extend(sample_names(&scraped.text()));
    }
    names
}

#[test]
fn promtool_accepts_the_rules_and_finds_that_they_do_what_their_tests_say() {
    let rules = [files("alerts"), files("recording")].concat();
    for (what, files) in [("check", rules), ("test", files("tests"))] {
        let arguments = [what, "rules"].map(PathBuf::from).into_iter().chain(files);
        let said = tools::run("promtool", arguments);
        assert!(!said.contains("FAILED"), "{said}");
    }
}

#[test]
fn every_alert_has_words_in_both_languages_and_a_runbook() {
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mut sections = BTreeSet::new();
    for (name, severity, alert) in alerts() {
        assert!(severity == "warning" || severity == "critical", "{name}");
        let annotations = &alert["annotations"];
        for key in ["summary", "description", "summary_zh", "description_zh"] {
            let words = text(&annotations[key]);
            assert!(!words.is_empty(), "{name} lacks {key}");
            assert_eq!(is_chinese(&words), key.ends_with("_zh"), "{name}: {words}");
        }
        let url = text(&annotations["runbook_url"]);
        let (path, anchor) = url.split_once('#').unwrap();
        assert_eq!(anchor, name.to_lowercase());
        let runbook = read(root().join(path));
        let mut all = runbook.split("\n## ");
        let section = all.find_map(|it| it.strip_prefix(&format!("{name}\n")));
        let section = section.unwrap_or_else(|| panic!("no section for {url}"));
        let (english, chinese) = section.split_once("**中文**").unwrap();
        assert!(!is_chinese(english) && english.trim().len() > 40, "{name}");
        assert!(is_chinese(chinese), "{name}");
        sections.insert(format!("{path} {name}"));
    }
    let runbooks = std::fs::read_dir(root().join("docs/runbooks")).unwrap();
    for entry in runbooks {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("docs/runbooks/{name}");
        let runbook = read(root().join(&path));
        for title in runbook.lines().filter_map(|it| it.strip_prefix("## ")) {
            let known = sections.contains(&format!("{path} {title}"));
            assert!(known, "{path}: no alert is called {title}");
        }
    }
}

#[test]
fn every_alert_has_a_case_that_fires_and_one_that_is_silent() {
    let tests: Vec<_> = files("tests").iter().map(read).collect();
    let cases = tests.iter().flat_map(|it| it.split("\n  - name: ").skip(1));
    let cases: BTreeMap<_, _> = cases.filter_map(|it| it.split_once('\n')).collect();
    for (name, severity, _) in alerts() {
        let case = cases.get(name.as_str());
        let case = case.unwrap_or_else(|| panic!("no test is called {name}"));
        let (input, expected) = case.split_once("promql_expr_test:").unwrap();
        let asks = format!("ALERTS{{alertname=\"{name}\", alertstate=\"firing\"}}");
        assert!(expected.contains(&asks), "{name}");
        let fires = expected.contains(&format!("severity=\"{severity}\""));
        assert!(fires, "{name} never fires with {severity}");
        let fine = "instance=\"fine\"";
        let silent = input.contains(fine) && !expected.contains(fine);
        assert!(silent, "{name} has no silent case");
    }
}

#[test]
fn the_alerts_of_node_mixin_are_here_by_their_names() {
    let names: BTreeSet<_> = alerts().into_iter().map(|(name, ..)| name).collect();
    for name in "NodeBondingDegraded NodeCPUHighUsage NodeClockNotSynchronising NodeClockSkewDetected NodeDiskIOSaturation
        NodeFileDescriptorLimit NodeFilesystemAlmostOutOfFiles NodeFilesystemAlmostOutOfSpace
        NodeFilesystemFilesFillingUp NodeFilesystemSpaceFillingUp NodeHighNumberConntrackEntriesUsed
        NodeMemoryHighUtilization NodeMemoryMajorPagesFaults NodeNetworkReceiveErrs NodeNetworkTransmitErrs
        NodeRAIDDegraded NodeRAIDDiskFailure NodeSystemSaturation NodeSystemdServiceCrashlooping
        NodeSystemdServiceFailed NodeTextFileCollectorScrapeError"
        .split_whitespace()
    {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn dashboards_and_alerts_are_what_their_sources_make() {
    let script = root().join("dashboards/generate.py");
    tools::run("python3", [script.as_os_str(), "--check".as_ref()]);
}

#[test]
fn dashboards_have_unique_ids_and_ask_the_same_in_both_languages() {
    let all = all_dashboards();
    let uids: BTreeSet<_> = all.iter().map(|it| it.json["uid"].to_string()).collect();
    assert_eq!(uids.len(), all.len(), "{uids:?}");
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for dashboard in &all {
        let panels = dashboard.panels();
        let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{}", dashboard.path.display());
        let asked = dashboard.queries("5m", "1h").into_iter().map(|it| it.expr);
        by_name
            .entry(dashboard.name())
            .or_default()
            .push(asked.collect::<Vec<_>>());
    }
    for (name, versions) in by_name {
        assert_eq!(versions.len(), 2, "{name}");
        assert_eq!(versions[0], versions[1], "{name}");
    }
}

#[test]
fn no_panel_has_a_window_that_the_user_cannot_change() {
    for dashboard in dashboards::all("en") {
        for query in dashboard.expressions() {
            for window in query.expr.split('[').skip(1) {
                let window = window.split(']').next().unwrap();
                let follows = window == "$__rate_interval" || window == "$__range";
                assert!(
                    follows,
                    "{}: {}: {}",
                    dashboard.name(),
                    query.title,
                    query.expr
                );
            }
        }
    }
}

#[test]
fn the_dashboards_are_what_grafanas_schema_allows() {
    // Grafana publishes its schema as types; they and their compiler are npm packages, named and fixed in the lock file.
    let work = profile_dir().join("../grafana-schema");
    let from = root().join("dashboards/schema");
    std::fs::create_dir_all(&work).unwrap();
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(from.join(file), work.join(file)).unwrap();
    }
    let mut install = Command::new(tools::find_program("npm"));
    install.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
    ]);
    tools::try_run_command(install.current_dir(&work)).unwrap();
    let mut check = Command::new(tools::find_program("node"));
    check
        .arg(from.join("check.mjs"))
        .args(all_dashboards().iter().map(|it| &it.path));
    let modules = work.join("node_modules").canonicalize().unwrap();
    let said = tools::try_run_command(check.env("NODE_PATH", modules)).unwrap();
    let checked: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert!(checked > 500 && said.contains(" 0 errors"), "{said}");
}

#[test]
fn prometheus_accepts_every_query_and_the_programs_export_what_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let prometheus = prometheus(dir.path());
    let rules = rules(&prometheus);
    let ask = |rule: &Value| (text(&rule["name"]), text(&rule["query"]));
    let mut asked: Vec<_> = rules.iter().map(ask).collect();
    for dashboard in all_dashboards() {
        let place = dashboard.path.display().to_string();
        let queries = dashboard.queries("5m", "1h").into_iter();
        asked.extend(queries.map(|it| (place.clone(), it.expr)));
    }
    let mut known = exported();
    let recorded = rules.iter().filter(|rule| rule["type"] == "recording");
    known.extend(recorded.map(|rule| text(&rule["name"])));
    let excused = NOT_IN_A_SCRAPE
        .iter()
        .flat_map(|it| it.1.split_whitespace());
    let excused: BTreeSet<_> = excused.collect();
    let mut used = BTreeSet::new();
    for (place, query) in asked {
        let path = format!("/api/v1/format_query?query={}", encoded(&query));
        let answer = http::get(&prometheus.url(&path));
        assert_eq!(answer.status, 200, "{place}: {query}: {}", answer.text());
        let names = metric_names(&query);
        assert!(
            !names.is_empty() || query.contains("__name__"),
            "{place}: {query}"
        );
        for name in names {
            let exists = known.contains(&name) || excused.contains(name.as_str());
            assert!(exists, "{place}: nothing exports {name}");
            used.insert(name);
        }
    }
    let unused: Vec<_> = excused.iter().filter(|it| !used.contains(**it)).collect();
    assert!(unused.is_empty(), "excused but not used: {unused:?}");
}
