//! What service discoveries have found, by job and place. It outlives a reload, so that targets stay while a discovery that
//! is configured as before is asked again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exposition::{Families, MetricType};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::ingest::config::TargetGroup;

/// Who finds targets: job, kind and place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    job: String,
    kind: &'static str,
    place: String,
}

/// What one of them has told.
#[derive(Debug, Default)]
struct Told {
    /// Groups by the part of the place (a file, a service) that they came from.
    parts: BTreeMap<String, Vec<TargetGroup>>,
    failures: u64,
    /// What is wrong now, by part; of the whole place under no name.
    problems: BTreeMap<String, String>,
}

/// What all of them have told.
#[derive(Debug, Default)]
pub(crate) struct Found {
    told: Mutex<BTreeMap<Id, Told>>,
    changed: Notify,
}

impl Found {
    /// Waits until something has changed since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The groups of a job.
    pub(crate) fn groups(&self, job: &str) -> Vec<TargetGroup> {
        let told = self.lock();
        let of_job = told.iter().filter(|(id, _)| id.job == job);
        let groups = of_job.flat_map(|(_, told)| told.parts.values().flatten());
        groups.cloned().collect()
    }

    /// Adds the failures to the collector's own metrics.
    pub(crate) fn collect(&self, out: &mut Families) {
        let mut failures: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for (id, told) in self.lock().iter() {
            *failures.entry((id.job.clone(), id.kind)).or_default() += told.failures;
        }
        let mut family = out.family(
            "nephoscope_collector_discovery_failures_total",
            "Times that a service discovery could not tell its targets, by job and kind; those known before stay.",
            MetricType::Counter,
        );
        for ((job, kind), count) in failures {
            family.sample(&[("job", &job), ("kind", kind)], count as f64);
        }
    }

    /// Forgets what others than these have told.
    pub(super) fn keep(&self, providers: &[Provider]) {
        let mut told = self.lock();
        told.retain(|id, _| providers.iter().any(|provider| *provider.id == *id));
        for provider in providers {
            told.entry((*provider.id).clone()).or_default();
        }
        drop(told);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Id, Told>> {
        // Replaced entry by entry, and whole after a panic elsewhere.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who find targets.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    found: Arc<Found>,
    id: Arc<Id>,
}

impl Provider {
    /// One of that job, kind (`http_sd`) and place.
    pub(super) fn new(found: &Arc<Found>, job: &str, kind: &'static str, place: String) -> Self {
        Self {
            found: Arc::clone(found),
            id: Arc::new(Id {
                job: job.to_owned(),
                kind,
                place,
            }),
        }
    }

    /// A part of the place has these groups now.
    pub(super) fn tell(&self, part: &str, groups: Vec<TargetGroup>) {
        self.with(|told| {
            let news = told.parts.get(part) != Some(&groups);
            told.parts.insert(part.to_owned(), groups);
            news
        });
    }

    /// Only these parts are there.
    pub(super) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.with(|told| {
            let before = told.parts.len();
            told.parts.retain(|part, _| is_there(part));
            told.problems
                .retain(|part, _| part.is_empty() || is_there(part));
            told.parts.len() != before
        });
    }

    /// A part of the place, or with no name all of it, could not be read.
    pub(super) fn fail(&self, part: &str, problem: String) {
        self.with(|told| {
            told.failures += 1;
            if told.problems.get(part) != Some(&problem) {
                let (job, kind, place) = (&self.id.job, self.id.kind, &self.id.place);
                warn!(job, kind, place, error = %problem, "targets not read, the known ones stay");
                told.problems.insert(part.to_owned(), problem);
            }
            false
        });
    }

    /// Nothing is wrong with that part.
    pub(super) fn succeed(&self, part: &str) {
        self.with(|told| {
            if told.problems.remove(part).is_some() {
                let (job, kind, place) = (&self.id.job, self.id.kind, &self.id.place);
                info!(job, kind, place, "targets are read again");
            }
            false
        });
    }

    /// Changes what was told, unless a reload has taken the place away.
    fn with(&self, act: impl FnOnce(&mut Told) -> bool) {
        let mut all = self.found.lock();
        let news = all.get_mut(&*self.id).is_some_and(act);
        drop(all);
        if news {
            self.found.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(address: &str) -> TargetGroup {
        TargetGroup {
            targets: vec![address.to_owned()],
            ..TargetGroup::default()
        }
    }

    #[test]
    fn a_failure_takes_no_target_away_and_is_counted() {
        let found = Arc::new(Found::default());
        let provider = Provider::new(&found, "node", "http_sd", "http://h/".to_owned());
        found.keep(std::slice::from_ref(&provider));
        provider.tell("", vec![group("a")]);
        provider.fail("", "gone".to_owned());
        provider.fail("", "gone".to_owned());
        assert_eq!(found.groups("node"), [group("a")]);
        let mut families = Families::new();
        found.collect(&mut families);
        let mut text = String::new();
        exposition::encode(&families, exposition::Format::Text, &mut text);
        let line = "nephoscope_collector_discovery_failures_total{job=\"node\",kind=\"http_sd\"} 2";
        assert!(text.contains(line), "{text}");
        // A reload with the same place keeps it, one without forgets it.
        found.keep(&[Provider::new(
            &found,
            "node",
            "http_sd",
            "http://h/".to_owned(),
        )]);
        assert_eq!(found.groups("node").len(), 1);
        found.keep(&[]);
        provider.tell("", vec![group("b")]);
        assert_eq!(found.groups("node"), []);
    }
}
