//! What is known of each domain from its XML, kept from scrape to scrape: reading XML is a question per domain, and
//! the answer changes rarely. Decides when to read again; how to read is the caller's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use crate::xml::Description;

/// A domain's XML is read again after this time even if nothing seems to have changed: not every driver sends events,
/// and neither id nor state tells that Nova has renamed a running instance.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Why the XML could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The domain does not exist any more.
    Gone,
    /// Libvirt did not give it: busy, forbidden.
    Refused,
}

/// The descriptions of all domains, by UUID.
#[derive(Default)]
pub(crate) struct Descriptions(HashMap<String, Known>);

/// A description and what it was read for.
struct Known {
    id: Option<u32>,
    state: Option<i32>,
    read_at: Option<Instant>,
    description: Arc<Description>,
    seen: bool,
}

impl Descriptions {
    /// What is known of the domain; `read` from its XML when it never was, or when it may have changed. `None` when
    /// the domain is gone before anything was known of it.
    pub(crate) fn of(
        &mut self,
        uuid: &str,
        id: Option<u32>,
        state: Option<i32>,
        now: Instant,
        read: impl FnOnce() -> Result<String, Unread>,
    ) -> Option<Arc<Description>> {
        let known = self.0.get_mut(uuid);
        if let Some(known) = known {
            known.seen = true;
            if known.holds_for(id, state, now) {
                return Some(Arc::clone(&known.description));
            }
        }
        let description = match read() {
            Ok(xml) => Description::parse(&xml).unwrap_or_else(|error| {
                warn!(domain = uuid, %error, "a domain has no disks, interfaces and metadata");
                Description::default()
            }),
            // Old knowledge is better than none, and a domain that nobody ever knew need not be told of.
            Err(unread) => match self.0.get(uuid) {
                Some(known) => return Some(Arc::clone(&known.description)),
                None if unread == Unread::Gone => return None,
                None => return Some(Arc::default()),
            },
        };
        let known = Known {
            id,
            state,
            read_at: Some(now),
            description: Arc::new(description),
            seen: true,
        };
        let description = Arc::clone(&known.description);
        self.0.insert(uuid.to_owned(), known);
        Some(description)
    }

    /// Has the domain's XML read again when it is next asked for; until then, and if that fails, what is known holds.
    pub(crate) fn forget(&mut self, uuid: &str) {
        if let Some(known) = self.0.get_mut(uuid) {
            known.read_at = None;
        }
    }

    /// [`Descriptions::forget`] for all.
    pub(crate) fn distrust(&mut self) {
        for known in self.0.values_mut() {
            known.read_at = None;
        }
    }

    /// Forgets the domains that were not asked for since the last call.
    pub(crate) fn forget_unseen(&mut self) {
        self.0
            .retain(|_, known| std::mem::replace(&mut known.seen, false));
    }
}

impl Known {
    /// Whether the description still is the domain's: same process, same state, and not too old.
    fn holds_for(&self, id: Option<u32>, state: Option<i32>, now: Instant) -> bool {
        let is_young = |read_at| now.saturating_duration_since(read_at) < MAX_AGE;
        self.id == id && self.state == state && self.read_at.is_some_and(is_young)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Option<i32> = Some(1);
    const OFF: Option<i32> = Some(5);

    fn xml(machine: &str) -> Result<String, Unread> {
        Ok(format!(
            "<domain><os><type machine='{machine}'>hvm</type></os></domain>"
        ))
    }

    fn unasked() -> Result<String, Unread> {
        panic!("the XML was read again")
    }

    #[test]
    fn the_xml_is_read_once_while_nothing_changes() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        let first = descriptions
            .of("u", Some(1), RUNNING, now, || xml("q35"))
            .unwrap();
        assert_eq!(first.machine, "q35");
        let again = descriptions
            .of("u", Some(1), RUNNING, now, unasked)
            .unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn the_xml_is_read_again_when_id_or_state_change_and_after_a_while() {
        let now = Instant::now();
        let later = now + MAX_AGE;
        for (id, state, when) in [
            (Some(2), RUNNING, now),
            (None, RUNNING, now),
            (Some(1), Some(3), now),
            (Some(1), RUNNING, later),
        ] {
            let mut descriptions = Descriptions::default();
            descriptions.of("u", Some(1), RUNNING, now, || xml("old"));
            let new = descriptions
                .of("u", id, state, when, || xml("new"))
                .unwrap();
            assert_eq!(new.machine, "new", "{id:?} {state:?}");
        }
    }

    #[test]
    fn the_xml_is_read_again_when_a_change_was_told_and_kept_when_that_fails() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        for uuid in ["a", "b"] {
            descriptions.of(uuid, Some(1), RUNNING, now, || xml("old"));
        }
        descriptions.forget("a");
        let kept = descriptions
            .of("a", Some(1), RUNNING, now, || Err(Unread::Refused))
            .unwrap();
        assert_eq!(kept.machine, "old");
        let new = descriptions
            .of("a", Some(1), RUNNING, now, || xml("new"))
            .unwrap();
        assert_eq!(new.machine, "new");
        descriptions.of("b", Some(1), RUNNING, now, unasked);
        descriptions.distrust();
        assert_eq!(
            descriptions
                .of("b", Some(1), RUNNING, now, || xml("new"))
                .unwrap()
                .machine,
            "new"
        );
    }

    #[test]
    fn a_domain_that_vanished_keeps_what_was_known_and_an_unknown_one_is_dropped() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        let gone = || Err(Unread::Gone);
        assert_eq!(descriptions.of("u", Some(1), RUNNING, now, gone), None);
        descriptions.of("u", Some(1), RUNNING, now, || xml("q35"));
        let known = descriptions.of("u", Some(1), OFF, now, gone).unwrap();
        assert_eq!(known.machine, "q35");
    }

    #[test]
    fn a_domain_whose_xml_is_refused_or_broken_is_there_without_description() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        let refused = descriptions
            .of("u", None, OFF, now, || Err(Unread::Refused))
            .unwrap();
        assert_eq!(*refused, Description::default());
        let broken = descriptions
            .of("v", None, OFF, now, || Ok("<domain>".into()))
            .unwrap();
        assert_eq!(*broken, Description::default());
    }

    #[test]
    fn domains_that_are_not_seen_any_more_are_forgotten() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        for uuid in ["a", "b"] {
            descriptions.of(uuid, None, OFF, now, || xml("q35"));
        }
        descriptions.forget_unseen();
        assert_eq!(descriptions.0.len(), 2);
        descriptions.of("a", None, OFF, now, unasked);
        descriptions.forget_unseen();
        assert_eq!(descriptions.0.keys().collect::<Vec<_>>(), ["a"]);
    }
}
