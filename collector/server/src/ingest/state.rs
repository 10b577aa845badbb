//! What is known of each target: whether its last scrape went well, and the counters of all scrapes. Read by the
//! page and by the collector's own metrics, written by the scrape loop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use exposition::{Families, MetricType};
use serde::Serialize;

use super::discovery::Found;
use super::mapping::Labels;
use super::targets::{TargetKey, Targets};

/// One target as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TargetState {
    /// Whole URL of its metrics.
    pub(crate) url: String,
    /// Its job; empty for those of the section `scrape`.
    pub(crate) job: String,
    /// Its labels, as its series have them in Prometheus.
    pub(crate) labels: Labels,
    /// Its labels before `relabel_configs`.
    pub(crate) discovered_labels: Labels,
    /// Whether the last scrape went well.
    pub(crate) up: bool,
    /// End of the last scrape, RFC 3339 in UTC; none yet before the first.
    pub(crate) last_scrape: Option<String>,
    /// How long the last scrape took, seconds.
    pub(crate) duration_seconds: Option<f64>,
    /// Samples of the last good scrape.
    pub(crate) samples: Option<usize>,
    /// Why the last scrape went wrong.
    pub(crate) error: Option<String>,
}

/// What a good scrape brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scraped {
    /// Samples in the exposition.
    pub(crate) samples: usize,
    /// Measures that the mapping made of them and the store acknowledged.
    pub(crate) measures: usize,
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    scrapes: u64,
    skipped: u64,
    failures: u64,
    samples: u64,
    measures: u64,
}

/// The state of all targets, shared.
#[derive(Debug, Default)]
pub(crate) struct ScrapeState {
    inner: Mutex<(BTreeMap<TargetKey, TargetState>, Totals)>,
    /// What service discoveries have told.
    pub(super) found: Arc<Found>,
}

impl ScrapeState {
    /// All targets in order of their URL.
    pub(crate) fn targets(&self) -> Vec<TargetState> {
        self.lock().0.values().cloned().collect()
    }

    /// How many targets there are, and how many of them are up.
    pub(crate) fn health(&self) -> (usize, usize) {
        let targets = &self.lock().0;
        let up = targets.values().filter(|target| target.up).count();
        (targets.len(), up)
    }

    /// Adds what is known of scrapes to the collector's own metrics.
    pub(crate) fn collect(&self, out: &mut Families) {
        self.found.collect(out);
        let inner = self.lock();
        let (targets, totals) = &*inner;
        let up = targets.values().filter(|target| target.up).count();
        out.family(
            "nephoscope_collector_targets",
            "Targets by the outcome of their last scrape.",
            MetricType::Gauge,
        )
        .sample(&[("state", "up")], up as f64)
        .sample(&[("state", "down")], (targets.len() - up) as f64);
        for (name, help, value) in [
            (
                "scrapes",
                "Scrapes of targets, failed ones included.",
                totals.scrapes,
            ),
            (
                "scrape_failures",
                "Scrapes of targets that failed.",
                totals.failures,
            ),
            (
                "scrapes_skipped",
                "Scrapes of targets that were left out because the one before was not over: the target or the store is slow.",
                totals.skipped,
            ),
            (
                "scraped_samples",
                "Samples in the expositions of targets.",
                totals.samples,
            ),
            (
                "scraped_measures",
                "Measures that the mapping made of scraped samples and that are stored.",
                totals.measures,
            ),
        ] {
            out.counter(
                &format!("nephoscope_collector_{name}_total"),
                help,
                value as f64,
            );
        }
    }

    /// Forgets targets that are gone and knows the new ones.
    pub(super) fn keep(&self, targets: &Targets) {
        let known = &mut self.lock().0;
        known.retain(|key, _| targets.contains_key(key));
        for (key, target) in targets {
            let state = known.entry(key.clone()).or_insert_with(|| TargetState {
                url: key.url.clone(),
                job: key.job.clone(),
                labels: key.labels.clone(),
                discovered_labels: Labels::new(),
                up: false,
                last_scrape: None,
                duration_seconds: None,
                samples: None,
                error: None,
            });
            state.discovered_labels.clone_from(&target.discovered);
        }
    }

    /// Counts a scrape that was left out because the one before was not over.
    pub(super) fn skipped(&self) {
        self.lock().1.skipped += 1;
    }

    /// Notes how a scrape ended. Returns whether the target's health, or the reason of its failure, is news.
    pub(super) fn note(
        &self,
        key: &TargetKey,
        took: Duration,
        result: &Result<Scraped, String>,
    ) -> bool {
        let mut inner = self.lock();
        let (targets, totals) = &mut *inner;
        totals.scrapes += 1;
        match result {
            Ok(scraped) => {
                totals.samples += scraped.samples as u64;
                totals.measures += scraped.measures as u64;
            }
            Err(_) => totals.failures += 1,
        }
        let Some(target) = targets.get_mut(key) else {
            return false;
        };
        let first = target.last_scrape.is_none();
        let news =
            first || target.up != result.is_ok() || target.error.as_ref() != result.as_ref().err();
        target.up = result.is_ok();
        target.last_scrape = Some(rfc3339(SystemTime::now()));
        target.duration_seconds = Some(took.as_secs_f64());
        target.error = result.as_ref().err().cloned();
        if let Ok(scraped) = result {
            target.samples = Some(scraped.samples);
        }
        news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (BTreeMap<TargetKey, TargetState>, Totals)> {
        // The state is replaced field by field and is whole even after a panic elsewhere.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::config::{ScrapeConfig, TargetGroup};
    use super::super::job::jobs;
    use super::super::targets;
    use super::*;

    /// The state of one target and what it is known by.
    fn state() -> (ScrapeState, TargetKey) {
        let job = jobs(&ScrapeConfig::default(), &[]).unwrap().remove(0);
        let group = TargetGroup {
            targets: vec!["a".to_owned()],
            labels: Labels::new(),
        };
        let mut found = Targets::new();
        targets::add(&Arc::new(job), &group, "here", &mut found, &mut Vec::new());
        let state = ScrapeState::default();
        state.keep(&found);
        let (key, _) = found.pop_first().unwrap();
        (state, key)
    }

    #[test]
    fn only_a_change_of_health_or_reason_is_news() {
        let (state, key) = state();
        let note =
            |result: Result<Scraped, String>| state.note(&key, Duration::from_millis(3), &result);
        assert!(note(Err("connection refused".to_owned())));
        assert!(!note(Err("connection refused".to_owned())));
        assert!(note(Err("timed out".to_owned())));
        assert!(note(Ok(Scraped::default())));
        assert!(!note(Ok(Scraped::default())));
        let mut families = Families::new();
        state.collect(&mut families);
        let mut text = String::new();
        exposition::encode(&families, exposition::Format::Text, &mut text);
        for line in [
            "nephoscope_collector_scrapes_total 5",
            "nephoscope_collector_scrape_failures_total 3",
            "nephoscope_collector_targets{state=\"up\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_target_that_is_gone_is_forgotten() {
        let (state, key) = state();
        assert_eq!(state.targets().len(), 1);
        state.keep(&Targets::new());
        assert!(state.targets().is_empty());
        assert!(!state.note(&key, Duration::ZERO, &Ok(Scraped::default())));
    }
}
