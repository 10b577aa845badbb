//! The penalty box: domains whose hypervisor did not answer in time. While the question that found out still hangs,
//! nobody asks again; when it comes back the domain is tried apart from the others, sooner or later by how often it
//! has failed. One answer in time lets it out. Pure book-keeping, time comes from the caller.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time between two tries.
const LONGEST: Duration = Duration::from_secs(60);

/// How a domain is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// With the others.
    Normal,
    /// Apart: nobody waits for the answer when all others have theirs.
    Apart,
    /// Not at all.
    Never,
}

/// Who is in, by UUID.
#[derive(Debug, Default)]
pub(crate) struct Penalty(HashMap<Arc<str>, Entry>);

#[derive(Debug)]
struct Entry {
    failures: u32,
    /// When it may be tried; `None` while a question hangs.
    not_before: Option<Instant>,
}

impl Penalty {
    /// A domain did not answer in time, and the question still hangs.
    pub(crate) fn failed(&mut self, uuid: &Arc<str>) {
        let entry = self.0.entry(Arc::clone(uuid)).or_insert(Entry {
            failures: 0,
            not_before: None,
        });
        entry.failures = entry.failures.saturating_add(1);
        entry.not_before = None;
    }

    /// The question that hung has come back, late.
    pub(crate) fn returned(&mut self, uuid: &str, now: Instant) {
        if let Some(entry) = self.0.get_mut(uuid) {
            // At once after the first time, so that a domain that was stopped for once is whole in the next scrape.
            let wait = match entry.failures {
                0 | 1 => Duration::ZERO,
                failures => Duration::from_secs(1 << failures.min(10)).min(LONGEST),
            };
            entry.not_before = Some(now + wait);
        }
    }

    /// The domain answered in time.
    pub(crate) fn answered(&mut self, uuid: &str) {
        self.0.remove(uuid);
    }

    /// How the domain is to be asked now.
    pub(crate) fn turn(&self, uuid: &str, now: Instant) -> Turn {
        match self.0.get(uuid) {
            None => Turn::Normal,
            Some(Entry {
                not_before: Some(time),
                ..
            }) if *time <= now => Turn::Apart,
            Some(_) => Turn::Never,
        }
    }

    /// Whether the domain is in the box.
    pub(crate) fn holds(&self, uuid: &str) -> bool {
        self.0.contains_key(uuid)
    }

    /// Forgets domains that are gone.
    pub(crate) fn keep(&mut self, exists: impl Fn(&str) -> bool) {
        self.0.retain(|uuid, _| exists(uuid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_left_alone_while_its_question_hangs_and_tried_apart_when_it_is_back() {
        let (mut penalty, now, uuid) = (Penalty::default(), Instant::now(), Arc::from("u"));
        assert_eq!(penalty.turn("u", now), Turn::Normal);
        penalty.failed(&uuid);
        assert!(penalty.holds("u"));
        assert_eq!(penalty.turn("u", now + LONGEST), Turn::Never);
        penalty.returned("u", now);
        assert_eq!(penalty.turn("u", now), Turn::Apart);
        penalty.answered("u");
        assert_eq!(penalty.turn("u", now), Turn::Normal);
        assert!(!penalty.holds("u"));
    }

    #[test]
    fn each_further_failure_doubles_the_wait_up_to_a_minute() {
        let (mut penalty, now, uuid) = (Penalty::default(), Instant::now(), Arc::from("u"));
        let mut waits = Vec::new();
        for _ in 0..8 {
            penalty.failed(&uuid);
            penalty.returned("u", now);
            let until = (0..).find(|second| {
                penalty.turn("u", now + Duration::from_secs(*second)) == Turn::Apart
            });
            waits.push(until.unwrap());
        }
        assert_eq!(waits, [0, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn domains_that_are_gone_are_forgotten() {
        let mut penalty = Penalty::default();
        penalty.failed(&Arc::from("a"));
        penalty.failed(&Arc::from("b"));
        penalty.keep(|uuid| uuid == "b");
        assert!(!penalty.holds("a") && penalty.holds("b"));
        penalty.returned("a", Instant::now());
        assert!(!penalty.holds("a"));
    }
}
