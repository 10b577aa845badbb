//! Which domains are not what they were: their XML has to be read again. Libvirt's events tell, and so does whoever
//! finds a disk that the XML does not have. Shared by clones.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use virt::connect::Connect;

use crate::events_ffi::{self, Subscription};

/// The UUIDs of domains that have changed since they were last taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Arc<Mutex<HashSet<String>>>);

impl Changes {
    /// Notes that a domain has changed.
    pub(crate) fn tell(&self, uuid: &str) {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(uuid.to_owned());
    }

    /// The domains that have changed; none of them is told again.
    pub(crate) fn take(&self) -> HashSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what libvirt's events say, as long as the subscription lives. What a driver without events changes is
    /// found out by the age of the description.
    pub(crate) fn watch(&self, connection: &Connect) -> Subscription {
        let changes = self.clone();
        events_ffi::on_change(connection, move |uuid| changes.tell(uuid))
    }
}
