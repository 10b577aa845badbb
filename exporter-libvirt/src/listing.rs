//! Which domains there are, and what each is: one cheap call to libvirt per scrape, which asks no hypervisor, and the
//! XML of domains that are new or have changed. It runs on a thread of its own, for any call may hang; `worker` sees to
//! that.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use virt::sys;

use crate::changes::Changes;
use crate::connect::{LibvirtError, Link};
use crate::descriptions::{Descriptions, Unread};
use crate::events_ffi::{self, Subscription};
use crate::params::domain_stats;
use crate::stats_ffi::Record;
use crate::xml::Description;

/// What libvirt lists at one moment.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// When, in seconds since the Unix epoch by this host's clock.
    pub(crate) taken_at: f64,
    /// The versions of the parts that answered.
    pub(crate) versions: Versions,
    /// Every domain that libvirt knows, running or not, in libvirt's order.
    pub(crate) domains: Vec<Listed>,
}

/// Versions as libvirt's numbers, `1000000 * major + 1000 * minor + release`. `None` where libvirt did not say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The hypervisor, e.g. QEMU (`virConnectGetVersion`).
    pub(crate) hypervisor: Option<u32>,
    /// The daemon at the other end of the connection (`virConnectGetLibVersion`).
    pub(crate) daemon: Option<u32>,
    /// The libvirt library that this process loaded (`virGetVersion`).
    pub(crate) library: Option<u32>,
}

/// One domain, without its numbers.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Libvirt's name of the domain, e.g. `instance-0000002a`.
    pub(crate) name: Arc<str>,
    /// The UUID in its canonical text form; Nova's instance id is the same.
    pub(crate) uuid: Arc<str>,
    /// Libvirt's number of the running domain, another one after each start; `None` when it is shut off.
    pub(crate) id: Option<u32>,
    /// `virDomainState`.
    pub(crate) state: Option<i32>,
    /// The reason of that state, numbered apart for each state.
    pub(crate) reason: Option<i32>,
    /// What the domain's XML said when it was last read.
    pub(crate) description: Arc<Description>,
}

/// The conversation about the list.
pub(crate) struct Lister {
    uri: String,
    link: Option<(Subscription, Link)>,
    descriptions: Descriptions,
    changes: Changes,
}

impl Lister {
    /// A conversation with the libvirt at `uri`. Connects when first asked. Domains that are named in `changes` have
    /// their XML read anew.
    pub(crate) fn new(uri: &str, changes: Changes) -> Lister {
        Lister {
            uri: uri.to_owned(),
            link: None,
            descriptions: Descriptions::default(),
            changes,
        }
    }

    /// Asks once. A connection that turns out to be broken, as after a restart of libvirt, is replaced and the
    /// question repeated.
    ///
    /// # Errors
    /// When there is no libvirt at the address, or it cannot answer.
    pub(crate) fn list(&mut self) -> Result<Listing, LibvirtError> {
        let fresh = self.link.is_none();
        match self.attempt() {
            Err(LibvirtError::Stats { .. }) if !fresh => self.attempt(),
            result => result,
        }
    }

    fn attempt(&mut self) -> Result<Listing, LibvirtError> {
        // Taken out, so that a link that failed is dropped.
        let (subscription, mut link) = match self.link.take() {
            Some(both) => both,
            None => {
                // What changed while there was no connection, nobody told.
                self.descriptions.distrust();
                events_ffi::deliver();
                let link = Link::open(&self.uri)?;
                (self.changes.watch(&link.connection), link)
            }
        };
        events_ffi::deliver();
        for uuid in self.changes.take() {
            self.descriptions.forget(&uuid);
        }
        let mut domains = Vec::new();
        link.all_domain_stats(sys::VIR_DOMAIN_STATS_STATE, &mut |record| {
            domains.extend(self.listed(record));
        })
        .map_err(|error| LibvirtError::Stats {
            uri: self.uri.clone(),
            message: error.message().to_owned(),
        })?;
        self.descriptions.forget_unseen();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let listing = Listing {
            taken_at: since_epoch.unwrap_or_default().as_secs_f64(),
            versions: link.versions,
            domains,
        };
        self.link = Some((subscription, link));
        Ok(listing)
    }

    /// The domain of a record; `None` when it vanished meanwhile.
    fn listed(&mut self, record: &Record<'_>) -> Option<Listed> {
        let handle = record.domain().ok()?;
        let (name, uuid, id) = (handle.name().ok()?, handle.uuid_string().ok()?, handle.id());
        let stats = domain_stats(record.params());
        let read = || {
            handle
                .xml_desc(0)
                .map_err(|error| match error.code().to_raw() {
                    sys::VIR_ERR_NO_DOMAIN => Unread::Gone,
                    _ => Unread::Refused,
                })
        };
        let description = self
            .descriptions
            .of(&uuid, id, stats.state, Instant::now(), read)?;
        Some(Listed {
            name: name.into(),
            uuid: uuid.into(),
            id,
            state: stats.state,
            reason: stats.reason,
            description,
        })
    }
}

#[cfg(test)]
impl Listed {
    /// A domain that is shut off and of which nothing else is known.
    pub(crate) fn named(name: &str, uuid: &str) -> Listed {
        Listed {
            name: name.into(),
            uuid: uuid.into(),
            id: None,
            state: None,
            reason: None,
            description: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Libvirt's built-in driver: one running domain in this process, and no NOWAIT.
    const BUILT_IN: &str = "test:///default";

    fn lister(uri: &str) -> Lister {
        Lister::new(uri, Changes::default())
    }

    #[test]
    fn the_built_in_driver_gives_its_domain_with_state_and_description() {
        let listing = lister(BUILT_IN).list().unwrap();
        assert!(listing.taken_at > 0.0);
        assert!(
            listing
                .versions
                .library
                .is_some_and(|version| version > 1_000_000)
        );
        let [domain] = listing.domains.as_slice() else {
            panic!("expected one domain, found {:?}", listing.domains);
        };
        assert_eq!(&*domain.name, "test");
        assert_eq!(domain.state, Some(1));
        assert_eq!(&*domain.uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
        assert!(!domain.description.os_type.is_empty());
    }

    #[test]
    fn a_description_is_kept_until_a_change_is_told() {
        let mut lister = lister(BUILT_IN);
        let description =
            |lister: &mut Lister| Arc::clone(&lister.list().unwrap().domains[0].description);
        let first = description(&mut lister);
        assert!(Arc::ptr_eq(&first, &description(&mut lister)));
        lister.changes.tell("6695eb01-f6a4-8304-79aa-97f2502e193f");
        let second = description(&mut lister);
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(first, second);
    }

    #[test]
    fn an_address_without_a_libvirt_is_an_error_that_names_it() {
        let uri = "qemu:///system?socket=/nonexistent/libvirt-sock";
        let text = lister(uri).list().unwrap_err().to_string();
        assert!(
            text.starts_with(&format!("cannot connect to {uri}: ")),
            "{text}"
        );
    }
}
