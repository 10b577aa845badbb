//! The host as a whole: what it is made of and how that is tied together, as operators ask for it (`GET /api/v1/node`,
//! described in `docs/node-inventory.md`, and the info metrics of the collector `inventory`). Each part is read by a file
//! of its own from the roots, here they are put together and kept as long as they hold.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;

use crate::roots::Roots;
use crate::sources::guest_links::GuestLinks;
use crate::sources::netlink::Netlink;

pub(crate) mod arm;
mod changes;
pub(crate) mod cpu;
pub(crate) mod disks;
mod filesystems;
pub(crate) mod host;
pub(crate) mod memory;
pub(crate) mod nics;
pub(crate) mod page;
mod smbios;
mod watch;

use changes::{Changes, Seen};
use nics::told::Told;
use nics::{Identity, Kind, Nic};

/// The version of the JSON document; it grows when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// All that is known of the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Node {
    pub(crate) schema_version: u32,
    /// When it was read, in seconds since the Unix epoch.
    pub(crate) time: f64,
    #[serde(flatten)]
    pub(crate) hardware: Hardware,
    pub(crate) disks: Vec<disks::Disk>,
    pub(crate) nics: Vec<Nic>,
}

/// What is read without asking for states.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Hardware {
    pub(crate) host: host::Host,
    pub(crate) cpu: cpu::Cpu,
    pub(crate) memory: memory::Memory,
    pub(crate) numa_nodes: Vec<memory::NumaNode>,
}

/// The reader. Its clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct Inventory {
    roots: Roots,
    guests: GuestLinks,
    /// Whether the kernel may be asked by netlink, too.
    may_ask: bool,
    changes: Arc<Mutex<Changes>>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    netlink: Netlink,
    /// `Some(true)` if the kernel's messages are listened to.
    is_watched: Option<bool>,
    /// The firmware's table does not change while the host runs.
    firmware: Option<smbios::Table>,
    identities: HashMap<String, Identity>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Inventory {
    /// Nothing is read before it is asked for.
    pub(crate) fn new(roots: &Roots, guests: &GuestLinks, may_ask: bool) -> Self {
        Self {
            roots: roots.clone(),
            guests: guests.clone(),
            may_ask,
            changes: Arc::default(),
            known: Arc::default(),
        }
    }

    /// Reads the whole host.
    pub(crate) fn node(&self) -> Node {
        let identities = self.identities();
        let told = self.told();
        let time = now();
        let mut nics = Vec::with_capacity(identities.len());
        for (name, identity) in identities {
            let state = nics::state(&self.roots, &name);
            let seen = Seen {
                is_up: state.is_up,
                operational: state.operational.clone().unwrap_or_default(),
                carrier_changes: state.carrier_changes.unwrap_or_default(),
            };
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            changes.see(&name, seen, time, false);
            let index = nics::index(&self.roots, &name);
            nics.push(Nic {
                index,
                state,
                addresses: told
                    .addresses(&name, index)
                    .iter()
                    .map(nics::with_prefix)
                    .collect(),
                last_change: changes.last(&name),
                identity,
                name,
            });
        }
        Node {
            schema_version: SCHEMA_VERSION,
            time,
            hardware: self.hardware(),
            disks: disks::read(&self.roots),
            nics,
        }
    }

    /// Host, processors and memory.
    pub(crate) fn hardware(&self) -> Hardware {
        let firmware = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let read = || {
                let mut table = self.roots.sys("firmware/dmi/tables/DMI");
                table.bytes().map(smbios::parse).unwrap_or_default()
            };
            known.firmware.get_or_insert_with(read).clone()
        };
        let machine = rustix::system::uname();
        Hardware {
            host: host::read(&self.roots, &machine.machine().to_string_lossy()),
            cpu: cpu::read(&self.roots, firmware.processors),
            memory: memory::read(&self.roots, firmware.modules),
            numa_nodes: memory::nodes(&self.roots),
        }
    }

    /// All block devices.
    pub(crate) fn disks(&self) -> Vec<disks::Disk> {
        disks::read(&self.roots)
    }

    /// What each network device is, by name. Where the kernel's messages are listened to only devices that they speak of
    /// are read again, and those that others are a part of.
    pub(crate) fn identities(&self) -> Vec<(String, Identity)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_watched = self.is_watched(&mut known);
        let mut names = nics::names(&self.roots);
        names.retain(|name| !self.guests.hides(name));
        let touched = {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            changes.keep(&names);
            changes.take_touched().filter(|_| is_watched)
        };
        let Known {
            identities,
            netlink,
            ..
        } = &mut *known;
        identities.retain(|name, identity| {
            let has_parts = !matches!(
                identity.kind,
                Kind::GuestTap | Kind::Virtual | Kind::Loopback
            );
            let is_old = touched
                .as_ref()
                .is_none_or(|touched| touched.contains(name) || (has_parts && !touched.is_empty()));
            !is_old && names.binary_search(name).is_ok()
        });
        if names.iter().any(|name| !identities.contains_key(name)) {
            let vlans = nics::vlans(&self.roots);
            let told = if self.may_ask {
                ask(netlink)
            } else {
                Told::default()
            };
            for name in &names {
                let read = || nics::identity(&self.roots, name, &vlans, &told);
                identities.entry(name.clone()).or_insert_with(read);
            }
        }
        let found = names
            .into_iter()
            .filter_map(|name| Some((identities.get(&name)?.clone(), name)));
        found.map(|(identity, name)| (name, identity)).collect()
    }

    /// When the state of a device changed last.
    pub(crate) fn last_change(&self, name: &str) -> Option<f64> {
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last(name)
    }

    /// Another number when the kernel told of a change; `None` where it is not listened to.
    pub(crate) fn generation(&self) -> Option<u64> {
        let is_watched =
            self.is_watched(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        is_watched.then(|| changes.generation())
    }

    /// Begins to listen at the first question, if these are the devices of this network namespace.
    fn is_watched(&self, known: &mut Known) -> bool {
        *known.is_watched.get_or_insert_with(|| {
            if !self.may_ask || self.roots.sysfs != Path::new("/sys") {
                return false;
            }
            let started = watch::start(&self.changes);
            if let Err(error) = &started {
                tracing::warn!(%error, "cannot listen to changes of network devices");
            }
            started.is_ok()
        })
    }

    fn told(&self) -> Told {
        if !self.may_ask {
            return Told::default();
        }
        ask(&mut self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .netlink)
    }
}

/// What cannot be had by netlink is absent.
fn ask(netlink: &mut Netlink) -> Told {
    Told::ask(netlink).unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot ask for network devices by netlink");
        Told::default()
    })
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
