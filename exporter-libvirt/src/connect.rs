//! A connection to libvirt: opens it read-only, learns what is at the other end, and asks for statistics without
//! waiting for domains that are busy. Everything here may block for ever; `worker` and `monitor` see to that.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use crate::listing::Versions;
use crate::stats_ffi::{self, Record};

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
/// Performance counters that the domain's XML switches on; libvirtd reads them itself.
pub(crate) const PERF: u32 = sys::VIR_DOMAIN_STATS_PERF;
/// Each I/O thread, since libvirt 4.10; one question to each hypervisor process.
pub(crate) const IOTHREAD: u32 = 1 << 7;
/// How fast the guest writes to its memory, since libvirt 7.2; one question to each hypervisor process.
pub(crate) const DIRTYRATE: u32 = 1 << 9;
/// What KVM counts of each domain, since libvirt 8.9; one question to each hypervisor process.
pub(crate) const VM: u32 = 1 << 10;

/// The job of each domain. Not one of libvirt's groups but a question of its own.
pub(crate) const JOB: u32 = 1 << 31;

/// Why libvirt gave no list.
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

/// An open connection and what was learnt about its other end.
pub(crate) struct Link {
    pub(crate) connection: Connect,
    pub(crate) versions: Versions,
    flags: u32,
}

impl Link {
    /// Connects, and asks for the versions.
    ///
    /// # Errors
    /// [`LibvirtError::Connect`].
    pub(crate) fn open(uri: &str) -> Result<Link, LibvirtError> {
        let mut link = Link::open_plain(uri).map_err(|error| LibvirtError::Connect {
            uri: uri.to_owned(),
            message: error.message().to_owned(),
        })?;
        link.versions = Versions {
            hypervisor: link.connection.hyp_version().ok(),
            daemon: link.connection.lib_version().ok(),
            library: Connect::version().ok(),
        };
        Ok(link)
    }

    /// Connects and asks for nothing.
    ///
    /// # Errors
    /// Libvirt's.
    pub(crate) fn open_plain(uri: &str) -> Result<Link, Error> {
        Ok(Link {
            connection: Connect::open_read_only(Some(uri))?,
            versions: Versions::default(),
            flags: sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
        })
    }

    /// The statistics of every domain.
    ///
    /// # Errors
    /// Libvirt's.
    pub(crate) fn all_domain_stats(
        &mut self,
        stats: u32,
        each: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Error> {
        self.without_waiting(|connection, flags| {
            stats_ffi::all_domain_stats(connection, stats, flags, &mut *each)
        })
    }

    /// The statistics of domains of this connection. Those that are gone are left out.
    ///
    /// # Errors
    /// Libvirt's.
    pub(crate) fn stats_of(
        &mut self,
        domains: &[&Domain],
        stats: u32,
        each: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Error> {
        // Libvirt takes an empty list for a mistake.
        if domains.is_empty() {
            return Ok(());
        }
        self.without_waiting(|_, flags| stats_ffi::stats_of(domains, stats, flags, &mut *each))
    }

    fn without_waiting(
        &mut self,
        mut ask: impl FnMut(&Connect, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let answer = ask(&self.connection, self.flags);
        if answer.as_ref().is_err_and(is_unknown_flag) && self.flags != 0 {
            // Libvirt before 4.5 does not know NOWAIT.
            self.flags = 0;
            return ask(&self.connection, self.flags);
        }
        answer
    }
}

/// Whether the other end did not know a flag, rather than failed.
fn is_unknown_flag(error: &Error) -> bool {
    matches!(
        error.code().to_raw(),
        sys::VIR_ERR_INVALID_ARG | sys::VIR_ERR_ARGUMENT_UNSUPPORTED
    )
}
