//! Which targets there are: the static ones and those of file_sd files, as Prometheus writes them. It reads files;
//! it scrapes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::{ScrapeConfig, TargetGroup};
use super::mapping::{Labels, one_line};

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whole URL of its metrics.
    pub(crate) url: String,
    /// Labels of its group, with `instance` and `host` always there.
    pub(crate) labels: Labels,
}

/// Targets by URL.
pub(crate) type Targets = BTreeMap<String, Target>;

/// Checks that every address of a group is one; the error names it.
pub(crate) fn check(group: &TargetGroup) -> Result<(), String> {
    group.targets.iter().try_for_each(|address| {
        let url = reqwest::Url::parse(&url_of(address, "/"));
        match url {
            Ok(url) if url.host_str().is_some() => Ok(()),
            _ => Err(format!("target {address:?}: expected host:port or a URL")),
        }
    })
}

/// All targets of the configuration now, and a line for every file that cannot be used. A bad file keeps what
/// `before` had of it, so that a half-written file does not make targets vanish.
pub(crate) fn discover(
    config: &ScrapeConfig,
    own_name: &str,
    files: &mut BTreeMap<String, Vec<TargetGroup>>,
) -> (Targets, Vec<String>) {
    let mut problems = Vec::new();
    let mut found = BTreeMap::new();
    for pattern in config.file_sd_configs.iter().flat_map(|sd| &sd.files) {
        let paths = match glob::glob(pattern) {
            Ok(paths) => paths.filter_map(Result::ok),
            Err(error) => {
                problems.push(format!("file_sd pattern {pattern:?}: {error}"));
                continue;
            }
        };
        for path in paths {
            let name = path.display().to_string();
            let groups = read(&path).or_else(|why| {
                problems.push(format!("file_sd {name}: {why}"));
                files.get(&name).cloned().ok_or(())
            });
            if let Ok(groups) = groups {
                found.insert(name, groups);
            }
        }
    }
    *files = found;
    let groups = config.static_configs.iter().chain(files.values().flatten());
    let targets = groups
        .flat_map(|group| group.targets.iter().map(move |a| (a, &group.labels)))
        .map(|(address, labels)| {
            let target = target(address, labels, &config.metrics_path, own_name);
            (target.url.clone(), target)
        })
        .collect();
    (targets, problems)
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read it: {error}"))?;
    let groups: Vec<TargetGroup> =
        serde_saphyr::from_str(&text).map_err(|error| one_line(&error.to_string()))?;
    groups.iter().try_for_each(check)?;
    Ok(groups)
}

fn url_of(address: &str, path: &str) -> String {
    if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}{path}")
    }
}

fn target(address: &str, labels: &Labels, path: &str, own_name: &str) -> Target {
    let url = url_of(address, path);
    let parsed = reqwest::Url::parse(&url).ok();
    let host = parsed
        .as_ref()
        .and_then(|u| u.host_str())
        .unwrap_or(address);
    let port = parsed
        .as_ref()
        .and_then(reqwest::Url::port_or_known_default);
    let instance = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    // What runs here is called by this machine's name, or every node's own collector would call it 127.0.0.1.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    let host = if local { own_name } else { bare };
    let mut all: Labels = [("instance", instance.as_str()), ("host", host)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    all.extend(labels.clone());
    Target { url, labels: all }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(files: &str) -> ScrapeConfig {
        ScrapeConfig {
            static_configs: Vec::new(),
            file_sd_configs: vec![super::super::config::FileSd {
                files: vec![files.to_owned()],
            }],
            ..ScrapeConfig::default()
        }
    }

    #[test]
    fn a_target_on_this_machine_is_called_by_the_machines_name() {
        let (targets, problems) =
            discover(&ScrapeConfig::default(), "compute-7", &mut BTreeMap::new());
        let target = &targets["http://127.0.0.1:9100/metrics"];
        assert_eq!(target.labels["host"], "compute-7");
        assert_eq!(target.labels["instance"], "127.0.0.1:9100");
        assert!(problems.is_empty());
    }

    #[test]
    fn labels_of_the_group_go_before_those_of_the_address() {
        let labels = [("host".to_owned(), "rack1-node2".to_owned())].into();
        let target = target("10.0.0.2:9100", &labels, "/metrics", "here");
        assert_eq!(target.url, "http://10.0.0.2:9100/metrics");
        assert_eq!(target.labels["host"], "rack1-node2");
        let whole = super::target(
            "https://[2001:db8::1]/m",
            &Labels::new(),
            "/metrics",
            "here",
        );
        assert_eq!(whole.url, "https://[2001:db8::1]/m");
        assert_eq!(whole.labels["host"], "2001:db8::1");
        assert_eq!(whole.labels["instance"], "[2001:db8::1]:443");
    }

    #[test]
    fn files_in_json_and_yaml_are_read_and_a_bad_one_keeps_its_targets() {
        let dir = tempfile::tempdir().unwrap();
        let yaml = dir.path().join("a.yml");
        let json = dir.path().join("b.json");
        std::fs::write(&yaml, "- targets: ['a:9100']\n  labels: {host: alpha}\n").unwrap();
        std::fs::write(&json, r#"[{"targets": ["b:9100"]}]"#).unwrap();
        let config = config(&dir.path().join("*").display().to_string());
        let mut files = BTreeMap::new();
        let (targets, problems) = discover(&config, "here", &mut files);
        assert_eq!(targets["http://a:9100/metrics"].labels["host"], "alpha");
        assert_eq!(targets["http://b:9100/metrics"].labels["host"], "b");
        assert!(problems.is_empty());

        std::fs::write(&yaml, "- targets: ['a:91").unwrap();
        std::fs::remove_file(&json).unwrap();
        let (targets, problems) = discover(&config, "here", &mut files);
        assert_eq!(targets.len(), 1, "a stays, b is gone");
        assert!(
            problems.len() == 1 && problems[0].contains("a.yml"),
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
    }
}
