//! The conversation with libvirt: opens a read-only connection, asks for a [`Snapshot`], reads the XML of domains
//! that are new or have changed, and opens the connection anew when it broke. The only user of the `virt` crate
//! besides `stats_ffi`. Everything here may block for ever; `worker` sees to that.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use virt::connect::Connect;
use virt::sys;

use crate::descriptions::{Descriptions, Unread};
use crate::domain::{Domain, Snapshot, Versions};
use crate::params::domain_stats;
use crate::stats_ffi::{Record, all_domain_stats};

/// State and reason; costs libvirt nothing.
pub(crate) const STATE: u32 = sys::VIR_DOMAIN_STATS_STATE;
/// CPU time of the domain.
pub(crate) const CPU_TOTAL: u32 = sys::VIR_DOMAIN_STATS_CPU_TOTAL;
/// Memory; one question to each hypervisor process.
pub(crate) const BALLOON: u32 = sys::VIR_DOMAIN_STATS_BALLOON;
/// Each vCPU; one question to each hypervisor process.
pub(crate) const VCPU: u32 = sys::VIR_DOMAIN_STATS_VCPU;
/// Each network interface.
pub(crate) const INTERFACE: u32 = sys::VIR_DOMAIN_STATS_INTERFACE;
/// Each disk; several questions to each hypervisor process, the dearest group.
pub(crate) const BLOCK: u32 = sys::VIR_DOMAIN_STATS_BLOCK;

/// Why libvirt gave no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LibvirtError {
    /// No connection; the text is libvirt's.
    #[error("cannot connect to {uri}: {message}")]
    Connect { uri: String, message: String },
    /// A connection, but no statistics.
    #[error("cannot get domain statistics from {uri}: {message}")]
    Stats { uri: String, message: String },
}

/// Keeps libvirt's C library from writing each error to standard error: what matters is logged once, by us.
pub(crate) fn silence_library() {
    virt::error::clear_error_callback();
}

/// One conversation, on one thread.
pub(crate) struct Session {
    uri: String,
    stats: u32,
    link: Option<Link>,
    descriptions: Descriptions,
}

/// An open connection and what was learnt about its other end.
struct Link {
    connection: Connect,
    versions: Versions,
    flags: u32,
}

impl Session {
    /// A conversation with the libvirt at `uri` about the groups `stats`. Connects when first asked.
    pub(crate) fn new(uri: &str, stats: u32) -> Session {
        Session {
            uri: uri.to_owned(),
            stats,
            link: None,
            descriptions: Descriptions::default(),
        }
    }

    /// Asks for everything once. A connection that turns out to be broken, as after a restart of libvirt, is replaced
    /// and the question repeated.
    ///
    /// # Errors
    /// When there is no libvirt at the address, or it cannot answer.
    pub(crate) fn snapshot(&mut self) -> Result<Snapshot, LibvirtError> {
        let fresh = self.link.is_none();
        match self.attempt() {
            Err(LibvirtError::Stats { .. }) if !fresh => self.attempt(),
            result => result,
        }
    }

    fn attempt(&mut self) -> Result<Snapshot, LibvirtError> {
        // Taken out, so that a link that failed is dropped.
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Link::open(&self.uri)?,
        };
        let domains = self
            .domains(&mut link)
            .map_err(|error| LibvirtError::Stats {
                uri: self.uri.clone(),
                message: error.message().to_owned(),
            })?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let snapshot = Snapshot {
            taken_at: since_epoch.unwrap_or_default().as_secs_f64(),
            versions: link.versions,
            domains,
        };
        self.link = Some(link);
        Ok(snapshot)
    }

    fn domains(&mut self, link: &mut Link) -> Result<Vec<Domain>, virt::error::Error> {
        let mut domains = Vec::new();
        let stats = self.stats;
        let mut visit = |record: &Record<'_>| domains.extend(self.domain(record));
        let mut answer = all_domain_stats(&link.connection, stats, link.flags, &mut visit);
        if answer.as_ref().is_err_and(is_unknown_flag) && link.flags != 0 {
            // Libvirt before 4.5 does not know NOWAIT.
            link.flags = 0;
            answer = all_domain_stats(&link.connection, stats, link.flags, &mut visit);
        }
        answer?;
        self.descriptions.forget_unseen();
        Ok(domains)
    }

    /// The domain of a record; `None` when it vanished meanwhile.
    fn domain(&mut self, record: &Record<'_>) -> Option<Domain> {
        let handle = record.domain().ok()?;
        let (name, uuid, id) = (handle.name().ok()?, handle.uuid_string().ok()?, handle.id());
        let stats = domain_stats(record.params());
        let read = || handle.xml_desc(0).map_err(|error| unread(&error));
        let description = self
            .descriptions
            .of(&uuid, id, &stats, Instant::now(), read)?;
        Some(Domain::new(name, uuid, id, stats, description))
    }
}

impl Link {
    fn open(uri: &str) -> Result<Link, LibvirtError> {
        let connection =
            Connect::open_read_only(Some(uri)).map_err(|error| LibvirtError::Connect {
                uri: uri.to_owned(),
                message: error.message().to_owned(),
            })?;
        let versions = Versions {
            hypervisor: connection.hyp_version().ok(),
            daemon: connection.lib_version().ok(),
            library: Connect::version().ok(),
        };
        Ok(Link {
            connection,
            versions,
            flags: sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
        })
    }
}

/// Whether the other end did not know a flag, rather than failed.
fn is_unknown_flag(error: &virt::error::Error) -> bool {
    matches!(
        error.code().to_raw(),
        sys::VIR_ERR_INVALID_ARG | sys::VIR_ERR_ARGUMENT_UNSUPPORTED
    )
}

fn unread(error: &virt::error::Error) -> Unread {
    match error.code().to_raw() {
        sys::VIR_ERR_NO_DOMAIN => Unread::Gone,
        _ => Unread::Refused,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Libvirt's built-in driver: one running domain in this process, and no NOWAIT.
    const BUILT_IN: &str = "test:///default";

    #[test]
    fn the_built_in_driver_gives_its_domain_with_state_and_description() {
        let mut session = Session::new(BUILT_IN, STATE);
        let snapshot = session.snapshot().unwrap();
        assert!(snapshot.taken_at > 0.0);
        assert!(
            snapshot
                .versions
                .library
                .is_some_and(|version| version > 1_000_000)
        );
        let [domain] = snapshot.domains.as_slice() else {
            panic!("expected one domain, found {:?}", snapshot.domains);
        };
        assert_eq!(domain.name, "test");
        assert_eq!(domain.stats.state, Some(1));
        assert_eq!(domain.uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
        assert!(!domain.description.os_type.is_empty());
    }

    #[test]
    fn a_description_is_kept_from_one_snapshot_to_the_next() {
        let mut session = Session::new(BUILT_IN, STATE);
        let first = session.snapshot().unwrap();
        let second = session.snapshot().unwrap();
        let [first, second] = [&first, &second].map(|snapshot| &snapshot.domains[0].description);
        assert!(Arc::ptr_eq(first, second));
    }

    #[test]
    fn an_address_without_a_libvirt_is_an_error_that_names_it() {
        let uri = "qemu:///system?socket=/nonexistent/libvirt-sock";
        let error = Session::new(uri, STATE).snapshot().unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("cannot connect to {uri}: ")),
            "{text}"
        );
    }
}
