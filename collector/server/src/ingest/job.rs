//! One entry of `scrape_configs` with Prometheus' keys, so that an operator can take his own; and what has been made of it
//! with the defaults of the section `scrape`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::client::{Access, check_scheme, with_client_keys};
use super::config::{FileSd, ScrapeConfig, TargetGroup, optional_duration};
use super::discovery::{ConsulSd, HttpSd};
use super::relabel::Rule;

with_client_keys! {
    /// A job as it is written.
    struct JobConfig {
        /// The value of its targets' label `job`.
        job_name: String = String::new(),
        /// Whether labels of a sample go before those of its target, instead of being called `exported_`.
        honor_labels: bool = false,
        /// Whether a sample's own moment counts.
        honor_timestamps: bool = true,
        /// Parameters of the URL.
        params: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// Time between two scrapes; that of `scrape` where none is given.
        #[serde(deserialize_with = "optional_duration")]
        scrape_interval: Option<Duration> = None,
        /// How long a target may take; that of `scrape`, within the interval, where none is given.
        #[serde(deserialize_with = "optional_duration")]
        scrape_timeout: Option<Duration> = None,
        /// Path of the metrics.
        metrics_path: String = "/metrics".to_owned(),
        /// `http` or `https`.
        scheme: String = "http".to_owned(),
        /// Largest body after decompression, bytes; with 0 that of `scrape`.
        #[serde(deserialize_with = "size")]
        body_size_limit: usize = 0,
        /// Most samples of a scrape after `metric_relabel_configs`; with 0 as many as `scrape` allows.
        sample_limit: usize = 0,
        /// Most labels of a series; 0 is no limit.
        label_limit: usize = 0,
        /// Longest name of a label, bytes; 0 is no limit.
        label_name_length_limit: usize = 0,
        /// Longest value of a label, bytes; 0 is no limit.
        label_value_length_limit: usize = 0,
        /// Targets named here.
        static_configs: Vec<TargetGroup> = Vec::new(),
        /// Targets named in files.
        file_sd_configs: Vec<FileSd> = Vec::new(),
        /// Targets that a web server names.
        http_sd_configs: Vec<HttpSd> = Vec::new(),
        /// Targets that Consul names.
        consul_sd_configs: Vec<ConsulSd> = Vec::new(),
        /// What becomes of targets.
        relabel_configs: Vec<Rule> = Vec::new(),
        /// What becomes of their series.
        metric_relabel_configs: Vec<Rule> = Vec::new(),
    }
}

/// Limits of one answer; what is beyond one fails the scrape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes.
    pub(super) body: usize,
    /// Samples after relabelling.
    pub(super) samples: usize,
    /// Labels of a series; 0 is no limit.
    pub(super) labels: usize,
    /// Bytes of a label's name; 0 is no limit.
    pub(super) label_name: usize,
    /// Bytes of a label's value; 0 is no limit.
    pub(super) label_value: usize,
}

/// A job with everything that its scrapes need.
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) config: JobConfig,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) limits: Limits,
    pub(super) access: Access,
}

impl Job {
    /// A job with the defaults of that section. The error names job and key.
    pub(crate) fn new(config: JobConfig, defaults: &ScrapeConfig) -> Result<Self, String> {
        let interval = config.scrape_interval.unwrap_or(defaults.interval);
        let timeout = config
            .scrape_timeout
            .unwrap_or(defaults.timeout.min(interval));
        let or = |limit: usize, default: usize| if limit == 0 { default } else { limit };
        let limits = Limits {
            body: or(config.body_size_limit, defaults.body_size_limit),
            samples: or(config.sample_limit, defaults.sample_limit),
            labels: config.label_limit,
            label_name: config.label_name_length_limit,
            label_value: config.label_value_length_limit,
        };
        let access = config
            .check(interval, timeout)
            .and_then(|()| config.client());
        let access = access.map_err(|reason| {
            format!("scrape_configs: job_name {:?}: {reason}", config.job_name)
        })?;
        Ok(Self {
            config,
            interval,
            timeout,
            limits,
            access,
        })
    }

    /// Whether each sample gets its target's labels before it is looked at, as relabelling and limits of labels need it.
    pub(super) fn joins_labels(&self) -> bool {
        let Limits {
            labels,
            label_name,
            label_value,
            ..
        } = self.limits;
        !self.config.metric_relabel_configs.is_empty()
            || (labels, label_name, label_value) != (0, 0, 0)
    }

    /// The value of its targets' label `job`; empty for the targets of the section `scrape`.
    pub(super) fn name(&self) -> &str {
        &self.config.job_name
    }
}

/// The job of the section `scrape` and those of `scrape_configs`. The error is one line that names the place.
pub(crate) fn jobs(scrape: &ScrapeConfig, configs: &[JobConfig]) -> Result<Vec<Job>, String> {
    let mut names = BTreeSet::new();
    for config in configs {
        if config.job_name.is_empty() {
            return Err("scrape_configs: expected a job_name in each entry".to_owned());
        }
        if !names.insert(&config.job_name) {
            return Err(format!(
                "scrape_configs: job_name {:?} is there twice",
                config.job_name
            ));
        }
    }
    let own = scrape.own_job(configs.is_empty());
    let all = std::iter::once(own).chain(configs.iter().cloned());
    all.map(|config| Job::new(config, scrape)).collect()
}

impl JobConfig {
    fn check(&self, interval: Duration, timeout: Duration) -> Result<(), String> {
        check_times(interval, timeout)?;
        if !self.metrics_path.starts_with('/') {
            return Err("metrics_path: expected a path that starts with /".to_owned());
        }
        check_scheme(&self.scheme)?;
        for group in &self.static_configs {
            super::targets::check(group).map_err(|why| format!("static_configs: {why}"))?;
        }
        for sd in &self.http_sd_configs {
            sd.check()
                .map_err(|why| format!("http_sd_configs: {why}"))?;
        }
        for sd in &self.consul_sd_configs {
            sd.check()
                .map_err(|why| format!("consul_sd_configs: {why}"))?;
        }
        Ok(())
    }
}

/// Whether a target can be scraped so often within that time. The error names the key.
pub(super) fn check_times(interval: Duration, timeout: Duration) -> Result<(), String> {
    if interval < Duration::from_secs(1) {
        return Err("scrape_interval: expected at least 1s".to_owned());
    }
    if timeout.is_zero() || timeout > interval {
        return Err(
            "scrape_timeout: expected more than 0s and no more than scrape_interval".to_owned(),
        );
    }
    Ok(())
}

/// Reads a number of bytes, or one with a unit such as `10MB` or `512KiB`, both by 1024 as in Prometheus.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_size(&text)
        .ok_or_else(|| de::Error::custom(format!("expected a size such as 10MB, found {text:?}")))
}

fn read_size(text: &str) -> Option<usize> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: usize = number.parse().ok()?;
    let power = match unit {
        "" | "B" => 0,
        "KB" | "KiB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        _ => return None,
    };
    number.checked_mul(1 << (10 * power))
}

/// A duration as Prometheus writes it: `1m30s`.
pub(super) fn prometheus_duration(duration: Duration) -> String {
    const DAY: u128 = 24 * 3_600_000;
    // Weeks and years only where nothing is left.
    const UNITS: [(&str, u128, bool); 7] = [
        ("y", 365 * DAY, true),
        ("w", 7 * DAY, true),
        ("d", DAY, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ];
    let mut left = duration.as_millis();
    if left == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, millis, exact) in UNITS {
        if exact && !left.is_multiple_of(millis) {
            continue;
        }
        if left >= millis {
            out.push_str(&format!("{}{unit}", left / millis));
            left %= millis;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Vec<Job>, String> {
        let configs: Vec<JobConfig> =
            serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        jobs(&ScrapeConfig::default(), &configs)
    }

    #[test]
    fn a_job_has_its_own_values_and_else_the_sections() {
        let found = read(
            "[{job_name: a}, {job_name: b, scrape_interval: 5s, body_size_limit: 10MB, sample_limit: 7}]",
        )
        .unwrap();
        let [own, a, b] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert!(own.config.static_configs.is_empty(), "there are jobs");
        let times = |job: &Job| (job.interval.as_secs(), job.timeout.as_secs());
        assert_eq!((times(a), times(b)), ((15, 10), (5, 5)));
        assert_eq!((a.limits.body, a.limits.samples), (64 << 20, 1_000_000));
        assert_eq!((b.limits.body, b.limits.samples), (10 << 20, 7));
        assert!(a.config.honor_timestamps && !a.config.honor_labels);
        let alone = read("[]").unwrap();
        assert_eq!(alone[0].config.static_configs[0].targets.len(), 2);
    }

    #[test]
    fn a_wrong_job_is_one_line_with_its_name_and_key() {
        for (yaml, words) in [
            ("[{scheme: http}]", "expected a job_name"),
            (
                "[{job_name: a}, {job_name: a}]",
                "job_name \"a\" is there twice",
            ),
            (
                "[{job_name: a, scheme: ftp}]",
                "job_name \"a\": scheme: expected http or https",
            ),
            (
                "[{job_name: a, metrics_path: m}]",
                "metrics_path: expected a path",
            ),
            (
                "[{job_name: a, scrape_interval: 5s, scrape_timeout: 6s}]",
                "scrape_timeout: expected",
            ),
            (
                "[{job_name: a, body_size_limit: 3 apples}]",
                "a size such as 10MB",
            ),
            (
                "[{job_name: a, static_configs: [{targets: ['x y']}]}]",
                "static_configs: target \"x y\"",
            ),
            (
                "[{job_name: a, http_sd_configs: [{url: '/x'}]}]",
                "http_sd_configs: url: expected",
            ),
            (
                "[{job_name: a, consul_sd_configs: [{server: ''}]}]",
                "consul_sd_configs: server: expected",
            ),
            (
                "[{job_name: a, kubernetes_sd_configs: []}]",
                "kubernetes_sd_configs",
            ),
            (
                "[{job_name: a, relabel_configs: [{action: keep, regex: '('}]}]",
                "regex \"(\" is not valid",
            ),
            (
                "[{job_name: a, tls_config: {ca_file: /no/such}}]",
                "job_name \"a\": tls_config: ca_file",
            ),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(words), "{yaml}: {error}");
        }
    }

    #[test]
    fn durations_are_written_as_prometheus_does() {
        for (millis, text) in [
            (0, "0s"),
            (15_000, "15s"),
            (90_000, "1m30s"),
            (1_500, "1s500ms"),
            (86_400_000, "1d"),
            (7 * 86_400_000, "1w"),
        ] {
            assert_eq!(prometheus_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(
            (read_size("512KiB"), read_size("7"), read_size("1.5MB")),
            (Some(524_288), Some(7), None)
        );
    }
}
