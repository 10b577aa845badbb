//! What sessions share over the agent's life: sockets, and keys and engines that are costly to find out again.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use async_snmp::v3::{DesSaltState, EngineCache, MasterKeys, PersistedDesSaltState};
use async_snmp::{Auth, UsmConfig};

use crate::config::{Credentials, Usm};
use crate::walk::memory::Memory;
use crate::walk::sockets::Sockets;
use crate::walk::wire::WireStats;

/// Engines of version 3 that are remembered between requests, so that they need not be discovered each time.
const ENGINES: usize = 10_000;

/// Shared by all sessions.
pub(crate) struct Shared {
    pub(crate) sockets: Sockets,
    pub(crate) wire: Arc<WireStats>,
    pub(crate) memory: Memory,
    /// Bytes that the rows of all walks take now.
    pub(super) held: AtomicUsize,
    /// Whether each request is logged.
    pub(super) is_traced: bool,
    pub(super) engines: Arc<EngineCache>,
    pub(super) salts: Option<DesSaltState>,
    keys: RwLock<Vec<(Arc<Credentials>, MasterKeys)>>,
}

impl Shared {
    /// Nothing known yet. Datagrams are sent from `source` if it is given; each request is logged if `is_traced`.
    pub(crate) fn new(source: Option<SocketAddr>, is_traced: bool) -> Self {
        // The salt begins with a number that no earlier run has used: the time.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let boots = u32::try_from(now.as_secs() & 0x7fff_fff0).unwrap_or_default();
        let salts = PersistedDesSaltState::new(boots.max(1))
            .and_then(|state| DesSaltState::restart(state, |_| Ok::<(), std::io::Error>(())));
        Self {
            sockets: Sockets::new(source),
            wire: Arc::default(),
            memory: Memory::default(),
            held: AtomicUsize::new(0),
            is_traced,
            engines: Arc::new(EngineCache::new().with_max_capacity(ENGINES)),
            salts: salts.ok(),
            keys: RwLock::default(),
        }
    }

    /// The keys of a user, made of the passwords once: each takes a hash of a megabyte.
    fn keys(&self, of: &Arc<Credentials>, usm: &Usm) -> Result<Option<MasterKeys>, String> {
        let Some((digest, password)) = &usm.auth else {
            return Ok(None);
        };
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, keys)) = known.iter().find(|(known, _)| Arc::ptr_eq(known, of)) {
            return Ok(Some(keys.clone()));
        }
        drop(known);
        let keys = MasterKeys::new(*digest, password.reveal().as_bytes());
        let keys = keys.and_then(|keys| match &usm.privacy {
            Some((cipher, password)) => keys.with_privacy(*cipher, password.reveal().as_bytes()),
            None => Ok(keys),
        });
        let keys = keys.map_err(|error| error.to_string())?;
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // Credentials that a reload has put away are held by nobody else.
        known.retain(|(credentials, _)| Arc::strong_count(credentials) > 1);
        known.push((Arc::clone(of), keys.clone()));
        Ok(Some(keys))
    }

    /// A user as the SNMP crate wants it.
    pub(super) fn user(
        &self,
        of: &Arc<Credentials>,
        usm: &Usm,
        context: Option<&str>,
    ) -> Result<UsmConfig, String> {
        let context = context.unwrap_or(&usm.context).to_owned();
        let user = UsmConfig::new(usm.username.clone()).context_name(context);
        match self.keys(of, usm)? {
            Some(keys) => user
                .with_master_keys(keys)
                .map_err(|error| error.to_string()),
            None => Ok(user),
        }
    }

    /// Credentials as the SNMP crate wants them.
    pub(super) fn auth(
        &self,
        of: &Arc<Credentials>,
        context: Option<&str>,
    ) -> Result<Auth, String> {
        match &**of {
            Credentials::V1(community) => Ok(Auth::v1(community.reveal().to_owned())),
            Credentials::V2(community) => Ok(Auth::v2c(community.reveal().to_owned())),
            Credentials::V3(usm) => self.user(of, usm, context).map(Auth::from),
        }
    }
}
