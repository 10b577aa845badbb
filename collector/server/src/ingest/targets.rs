//! From groups of addresses with labels to targets, as Prometheus makes them: the job's own labels are added, the job's
//! `relabel_configs` applied, and what begins with `__` then says how a target is reached. It reads no files and asks
//! nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::config::{TargetGroup, read_duration};
use super::job::{Job, check_times, prometheus_duration};
use super::label_set::LabelSet;
use super::mapping::Labels;
use super::relabel;

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";

/// What makes two targets one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TargetKey {
    /// Whole URL of its metrics.
    pub(crate) url: String,
    /// Name of its job; empty for those of the section `scrape`.
    pub(crate) job: String,
    /// Its labels after relabelling, without those that begin with `__`.
    pub(crate) labels: Labels,
    /// Time between two scrapes.
    pub(crate) interval: Duration,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// Something to scrape.
#[derive(Debug)]
pub(crate) struct Target {
    /// What it is known by.
    pub(crate) key: TargetKey,
    /// Its labels before relabelling.
    pub(crate) discovered: Labels,
    /// What the mapping finds beside the labels of a sample: `host` always, and its labels unless samples have them.
    pub(super) for_mapping: Labels,
    pub(super) job: Arc<Job>,
}

/// Targets by what they are known by.
pub(crate) type Targets = BTreeMap<TargetKey, Arc<Target>>;

/// Checks what stands for the addresses of a group: relabelling may make something else of them, so only what can be
/// nothing at all is wrong. The error names it.
pub(crate) fn check(group: &TargetGroup) -> Result<(), String> {
    let wrong = |address: &&String| address.is_empty() || address.contains(char::is_whitespace);
    match group.targets.iter().find(wrong) {
        Some(address) => Err(format!("target {address:?}: expected host:port or a URL")),
        None => Ok(()),
    }
}

/// Adds the targets of a group. What relabelling drops is none; what cannot be scraped is told in `problems`.
pub(super) fn add(
    job: &Arc<Job>,
    group: &TargetGroup,
    own_name: &str,
    targets: &mut Targets,
    problems: &mut Vec<String>,
) {
    for address in &group.targets {
        match target(job, address, &group.labels, own_name) {
            Ok(Some(target)) => {
                targets.insert(target.key.clone(), Arc::new(target));
            }
            Ok(None) => {}
            Err(why) => problems.push(format!("job {:?}: target {address:?}: {why}", job.name())),
        }
    }
}

fn target(
    job: &Arc<Job>,
    address: &str,
    group: &Labels,
    own_name: &str,
) -> Result<Option<Target>, String> {
    let mut labels = discovered(job, address, group);
    let discovered = labels.to_labels();
    if !relabel::apply(&job.config.relabel_configs, &mut labels) {
        return Ok(None);
    }
    if labels.get(ADDRESS).contains("://") {
        take_apart(&mut labels)?;
    }
    let (scheme, address) = (labels.get(SCHEME), labels.get(ADDRESS));
    let address = with_port(address, scheme)?;
    if address.contains('/') {
        return Err(format!("{address:?} is no address: expected host:port"));
    }
    let time = |name: &str| read_duration(labels.get(name)).map_err(|why| format!("{name}: {why}"));
    let (interval, timeout) = (time(INTERVAL)?, time(TIMEOUT)?);
    check_times(interval, timeout)?;
    let url = url(job, &labels, scheme, &address)?;
    let host = host_of(&url, own_name);
    if labels.find("instance").is_none() {
        labels.set("instance", address);
    }
    labels.retain(|name| !name.starts_with("__"));
    let labels = labels.to_labels();
    let mut for_mapping = match job.joins_labels() {
        true => Labels::new(),
        false => labels.clone(),
    };
    for_mapping.entry("host".to_owned()).or_insert(host);
    Ok(Some(Target {
        key: TargetKey {
            url: url.into(),
            job: job.name().to_owned(),
            labels,
            interval,
            timeout,
        },
        discovered,
        for_mapping,
        job: Arc::clone(job),
    }))
}

/// An address that is a whole URL, which Prometheus does not take, as address, scheme, path and parameters.
fn take_apart(labels: &mut LabelSet<'_>) -> Result<(), String> {
    let address = labels.get(ADDRESS);
    let url = Url::parse(address).map_err(|error| format!("{address:?} is no URL: {error}"))?;
    labels.set(ADDRESS, url.authority().to_owned());
    labels.set(SCHEME, url.scheme().to_owned());
    labels.set(PATH, url.path().to_owned());
    for (name, value) in url.query_pairs() {
        labels.set(format!("{PARAM}{name}"), value.into_owned());
    }
    Ok(())
}

/// The labels that `relabel_configs` see.
fn discovered(job: &Job, address: &str, group: &Labels) -> LabelSet<'static> {
    let config = &job.config;
    let mut labels: LabelSet<'static> = group.clone().into_iter().collect();
    labels.set(ADDRESS, address.to_owned());
    for (name, value) in [
        ("job", job.name().to_owned()),
        (INTERVAL, prometheus_duration(job.interval)),
        (TIMEOUT, prometheus_duration(job.timeout)),
        (PATH, config.metrics_path.clone()),
        (SCHEME, config.scheme.clone()),
    ] {
        if labels.find(name).is_none() {
            labels.set(name, value);
        }
    }
    for (name, values) in &config.params {
        if let Some(first) = values.first() {
            labels.set(format!("{PARAM}{name}"), first.clone());
        }
    }
    labels
}

/// The address with the scheme's port, if it has none.
fn with_port(address: &str, scheme: &str) -> Result<String, String> {
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => {
            return Err(format!(
                "__scheme__: expected http or https, found {scheme:?}"
            ));
        }
    };
    // Of an IPv6 address only what is behind the bracket.
    let behind = address.rsplit(']').next().unwrap_or_default();
    Ok(match (address, behind.contains(':')) {
        ("", _) => return Err("it has no __address__".to_owned()),
        (_, true) => address.to_owned(),
        (_, false) => format!("{address}:{default}"),
    })
}

fn url(job: &Job, labels: &LabelSet<'_>, scheme: &str, address: &str) -> Result<Url, String> {
    let mut params: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, values) in &job.config.params {
        params.insert(name, values.iter().map(String::as_str).collect());
    }
    for (name, value) in labels.iter() {
        if let Some(name) = name.strip_prefix(PARAM) {
            let values = params.entry(name).or_default();
            match values.first_mut() {
                Some(first) => *first = value,
                None => values.push(value),
            }
        }
    }
    let written = format!("{scheme}://{address}{}", labels.get(PATH));
    let mut url = Url::parse(&written).map_err(|error| format!("{written:?}: {error}"))?;
    if url.host_str().is_none() {
        return Err(format!("{written:?} has no host"));
    }
    if params.values().any(|values| !values.is_empty()) {
        let mut pairs = url.query_pairs_mut();
        pairs.clear();
        for (name, values) in &params {
            for value in values {
                pairs.append_pair(name, value);
            }
        }
    }
    Ok(url)
}

/// What the mapping calls the target. What runs here is called by this machine's name, or every node's own collector
/// would call it 127.0.0.1.
fn host_of(url: &Url, own_name: &str) -> String {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    if local { own_name } else { bare }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::config::ScrapeConfig;
    use super::super::job::jobs;
    use super::*;

    /// The targets of the last job of these, and what is wrong with others.
    fn targets(scrape_configs: &str) -> (Vec<Arc<Target>>, Vec<String>) {
        let configs: Vec<_> = serde_saphyr::from_str(scrape_configs).unwrap();
        let job = jobs(&ScrapeConfig::default(), &configs)
            .unwrap()
            .pop()
            .unwrap();
        let job = Arc::new(job);
        let (mut found, mut problems) = (Targets::new(), Vec::new());
        for group in &job.config.static_configs {
            add(&job, group, "compute-7", &mut found, &mut problems);
        }
        (found.into_values().collect(), problems)
    }

    #[test]
    fn a_target_on_this_machine_is_called_by_the_machines_name() {
        let (found, problems) = targets("[]");
        assert!(problems.is_empty() && found.len() == 2, "{problems:?}");
        assert_eq!(found[0].key.url, "http://127.0.0.1:9100/metrics");
        assert_eq!(found[0].for_mapping["host"], "compute-7");
        assert_eq!(found[0].key.labels["instance"], "127.0.0.1:9100");
        assert!(!found[0].key.labels.contains_key("job"));
    }

    #[test]
    fn labels_of_the_group_go_before_those_of_the_address() {
        let (found, _) = targets(
            "[{job_name: n, static_configs: [{targets: ['10.0.0.2:9100'], labels: {host: rack1-node2}},\
             {targets: ['https://[2001:db8::1]/m?x=1']}]}]",
        );
        let urls: Vec<_> = found.iter().map(|target| target.key.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                "http://10.0.0.2:9100/metrics",
                "https://[2001:db8::1]/m?x=1"
            ]
        );
        assert_eq!(found[0].for_mapping["host"], "rack1-node2");
        assert_eq!(found[1].for_mapping["host"], "2001:db8::1");
        assert_eq!(found[1].key.labels["instance"], "[2001:db8::1]:443");
        assert_eq!(found[1].key.labels["job"], "n");
    }

    #[test]
    fn relabelling_decides_what_is_scraped_how_and_how_often() {
        let (found, problems) = targets(
            "[{job_name: probe, metrics_path: /probe, params: {module: [icmp, x], target: [none]}, relabel_configs: [\
               {source_labels: [__address__], target_label: __param_target},\
               {source_labels: [__param_target], target_label: instance},\
               {source_labels: [rack], regex: dark, action: drop},\
               {source_labels: [every], target_label: __scrape_interval__, regex: (.+)},\
               {target_label: __address__, replacement: 'prober:9115'}, {regex: rack|every, action: labeldrop}],\
              static_configs: [{targets: [unseen], labels: {rack: dark}}, {targets: ['https://web-1/x'], labels: {every: 1m}},\
               {targets: [web-2], labels: {every: soon}}]}]",
        );
        let [one] = found.as_slice() else {
            panic!("{found:?} {problems:?}")
        };
        assert_eq!(
            one.key.url,
            "http://prober:9115/probe?module=icmp&module=x&target=https%3A%2F%2Fweb-1%2Fx"
        );
        assert_eq!(one.key.interval, Duration::from_secs(60));
        let labels: Vec<_> = one
            .key
            .labels
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(labels, ["instance=https://web-1/x", "job=probe"]);
        assert_eq!(one.discovered["__address__"], "https://web-1/x");
        assert!(
            problems.len() == 1
                && problems[0].contains("\"web-2\": __scrape_interval__: expected a duration"),
            "{problems:?}"
        );
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let group = TargetGroup {
            targets: vec!["not an address".to_owned()],
            labels: Labels::new(),
        };
        assert!(check(&group).unwrap_err().contains("\"not an address\""));
        let (found, problems) = targets(
            "[{job_name: n, relabel_configs: [{source_labels: [a], target_label: __address__}],\
              static_configs: [{targets: [h]}, {targets: [h], labels: {a: x/y}}]}]",
        );
        assert!(found.is_empty());
        assert!(
            problems[0].contains("no __address__") && problems[1].contains("\"x/y:80\""),
            "{problems:?}"
        );
    }
}
