//! What is known of each domain from its XML, kept from scrape to scrape: reading XML is a question per domain, and
//! the answer changes rarely. Decides when to read again; how to read is the caller's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use crate::stats::DomainStats;
use crate::xml::Description;

/// A domain's XML is read again after this time even if nothing seems to have changed: Nova rewrites the metadata of
/// a running instance when it is renamed, and neither its id nor its state tells.
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
    devices: Vec<String>,
    read_at: Instant,
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
        stats: &DomainStats,
        now: Instant,
        read: impl FnOnce() -> Result<String, Unread>,
    ) -> Option<Arc<Description>> {
        let known = self.0.get_mut(uuid);
        if let Some(known) = known {
            known.seen = true;
            if known.holds_for(id, stats, now) {
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
            state: stats.state,
            devices: device_names(stats).map(str::to_owned).collect(),
            read_at: now,
            description: Arc::new(description),
            seen: true,
        };
        let description = Arc::clone(&known.description);
        self.0.insert(uuid.to_owned(), known);
        Some(description)
    }

    /// Forgets the domains that were not asked for since the last call.
    pub(crate) fn forget_unseen(&mut self) {
        self.0
            .retain(|_, known| std::mem::replace(&mut known.seen, false));
    }
}

impl Known {
    /// Whether the description still is the domain's: same process, same state, same devices, and not too old.
    fn holds_for(&self, id: Option<u32>, stats: &DomainStats, now: Instant) -> bool {
        self.id == id
            && self.state == stats.state
            && self
                .devices
                .iter()
                .map(String::as_str)
                .eq(device_names(stats))
            && now.saturating_duration_since(self.read_at) < MAX_AGE
    }
}

/// The names of disks and interfaces; a change means that something was plugged in or out.
fn device_names(stats: &DomainStats) -> impl Iterator<Item = &str> {
    let disks = stats.blocks.iter().map(|block| block.name.as_str());
    disks.chain(stats.interfaces.iter().map(|nic| nic.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Block;

    fn stats(state: i32, disks: &[&str]) -> DomainStats {
        let blocks = disks.iter().map(|name| Block {
            name: (*name).to_owned(),
            ..Block::default()
        });
        DomainStats {
            state: Some(state),
            blocks: blocks.collect(),
            ..DomainStats::default()
        }
    }

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
            .of("u", Some(1), &stats(1, &["vda"]), now, || xml("q35"))
            .unwrap();
        assert_eq!(first.machine, "q35");
        let again = descriptions
            .of("u", Some(1), &stats(1, &["vda"]), now, unasked)
            .unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn the_xml_is_read_again_when_id_state_or_devices_change_and_after_a_while() {
        let now = Instant::now();
        let later = now + MAX_AGE;
        for (id, state, disks, when) in [
            (Some(2), 1, ["vda"].as_slice(), now),
            (None, 1, &["vda"], now),
            (Some(1), 3, &["vda"], now),
            (Some(1), 1, &["vda", "vdb"], now),
            (Some(1), 1, &[], now),
            (Some(1), 1, &["vda"], later),
        ] {
            let mut descriptions = Descriptions::default();
            descriptions.of("u", Some(1), &stats(1, &["vda"]), now, || xml("old"));
            let new = descriptions
                .of("u", id, &stats(state, disks), when, || xml("new"))
                .unwrap();
            assert_eq!(new.machine, "new", "{id:?} {state} {disks:?}");
        }
    }

    #[test]
    fn a_domain_that_vanished_keeps_what_was_known_and_an_unknown_one_is_dropped() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        let gone = || Err(Unread::Gone);
        assert_eq!(
            descriptions.of("u", Some(1), &stats(1, &[]), now, gone),
            None
        );
        descriptions.of("u", Some(1), &stats(1, &[]), now, || xml("q35"));
        let known = descriptions
            .of("u", Some(1), &stats(5, &[]), now, gone)
            .unwrap();
        assert_eq!(known.machine, "q35");
    }

    #[test]
    fn a_domain_whose_xml_is_refused_or_broken_is_there_without_description() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        let refused = descriptions
            .of("u", None, &stats(5, &[]), now, || Err(Unread::Refused))
            .unwrap();
        assert_eq!(*refused, Description::default());
        let broken = descriptions
            .of("v", None, &stats(5, &[]), now, || Ok("<domain>".into()))
            .unwrap();
        assert_eq!(*broken, Description::default());
    }

    #[test]
    fn domains_that_are_not_seen_any_more_are_forgotten() {
        let (mut descriptions, now) = (Descriptions::default(), Instant::now());
        for uuid in ["a", "b"] {
            descriptions.of(uuid, None, &stats(5, &[]), now, || xml("q35"));
        }
        descriptions.forget_unseen();
        assert_eq!(descriptions.0.len(), 2);
        descriptions.of("a", None, &stats(5, &[]), now, unasked);
        descriptions.forget_unseen();
        assert_eq!(descriptions.0.keys().collect::<Vec<_>>(), ["a"]);
    }
}
