//! One device as one request sees it: a socket, credentials, and requests that are tried again, counted and bounded by
//! the deadline. The SNMP crate is used here and nowhere else in `walk`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use async_snmp::transport::{TcpTransport, UdpHandle};
use async_snmp::v3::{DesSaltState, EngineCache, MasterKeys, PersistedDesSaltState};
use async_snmp::{
    Auth, ClientBuilder, Error, ErrorKind, ErrorStatus, Oid, PrivProtocol, Retry, UsmConfig,
    VarBind,
};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::config::{Credentials, Usm, WalkParams};

/// Engines of version 3 that are remembered between requests, so that they need not be discovered each time.
const ENGINES: usize = 10_000;

/// Why a request was not answered with values.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AskError {
    /// The device has nothing of that name; version 1 only.
    #[error("no such name")]
    NoSuchName,
    /// Nothing came back, however often it was tried.
    #[error("request timeout (after {0} retries)")]
    Silent(u32),
    /// The scraper waits no longer.
    #[error("no time left")]
    Late,
    /// Another subtree found that the device does not answer at all.
    #[error("request timeout (the target does not answer)")]
    Given,
    /// Anything else, in the SNMP crate's words.
    #[error("{0}")]
    Failed(String),
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question<'q> {
    /// These instances.
    Get(&'q [Oid]),
    /// What comes after this one.
    Next(&'q Oid),
}

enum Client {
    Udp(async_snmp::Client<UdpHandle>),
    Tcp(async_snmp::Client<TcpTransport>),
}

/// What sessions share over the agent's life: keys and engines that are costly to find out again.
pub(crate) struct Shared {
    engines: Arc<EngineCache>,
    keys: RwLock<Vec<(Arc<Credentials>, MasterKeys)>>,
    salts: Option<DesSaltState>,
}

impl Default for Shared {
    fn default() -> Self {
        // The salt begins with a number that no earlier run has used: the time.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let boots = u32::try_from(now.as_secs() & 0x7fff_fff0).unwrap_or_default();
        let salts = PersistedDesSaltState::new(boots.max(1))
            .and_then(|state| DesSaltState::restart(state, |_| Ok::<(), std::io::Error>(())));
        Self {
            engines: Arc::new(EngineCache::new().with_max_capacity(ENGINES)),
            keys: RwLock::default(),
            salts: salts.ok(),
        }
    }
}

impl Shared {
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

    fn auth(&self, of: &Arc<Credentials>, context: Option<&str>) -> Result<Auth, String> {
        let usm = match &**of {
            Credentials::V1(community) => return Ok(Auth::v1(community.reveal().to_owned())),
            Credentials::V2(community) => return Ok(Auth::v2c(community.reveal().to_owned())),
            Credentials::V3(usm) => usm,
        };
        let context = context.unwrap_or(&usm.context).to_owned();
        let config = UsmConfig::new(usm.username.clone()).context_name(context);
        let config = match self.keys(of, usm)? {
            Some(keys) => config
                .with_master_keys(keys)
                .map_err(|error| error.to_string())?,
            None => config,
        };
        Ok(Auth::from(config))
    }
}

/// One device during one request.
pub(crate) struct Session {
    client: Client,
    params: WalkParams,
    deadline: Instant,
    /// Whether the device speaks version 1, which knows no GETBULK and one mistake per request.
    pub(crate) is_v1: bool,
    in_flight: Arc<Semaphore>,
    packets: AtomicU64,
    retried: AtomicU64,
    has_answered: AtomicBool,
    is_silent: AtomicBool,
    repetitions: AtomicU32,
}

impl Session {
    /// Opens a socket to `address`. Not more than `in_flight` requests are on the way at a time.
    pub(crate) async fn open(
        shared: &Shared,
        (address, tcp): (SocketAddr, bool),
        credentials: &Arc<Credentials>,
        context: Option<&str>,
        params: WalkParams,
        (in_flight, deadline): (Arc<Semaphore>, Instant),
    ) -> Result<Self, String> {
        let auth = shared.auth(credentials, context)?;
        let mut builder = ClientBuilder::new(auth)
            .request_timeout(params.timeout)
            .retry(Retry::none())
            .max_oids_per_request(params.max_repetitions.max(1) as usize)
            .engine_cache(Arc::clone(&shared.engines));
        let uses_des = matches!(&**credentials, Credentials::V3(usm)
            if usm.privacy.as_ref().is_some_and(|(cipher, _)| *cipher == PrivProtocol::Des));
        if let Some(salts) = shared.salts.as_ref().filter(|_| uses_des) {
            builder = builder.des_salt_state(salts.clone());
        }
        let builder = builder
            .target(address)
            .construction_timeout(params.timeout)
            .strict_source(!params.any_source);
        let opened = async {
            Ok(if tcp {
                Client::Tcp(builder.connect_tcp().await?)
            } else {
                Client::Udp(builder.connect().await?)
            })
        };
        let opened = timeout_at(deadline.into(), opened.with_subscriber(NoSubscriber::new())).await;
        let client = opened
            .map_err(|_| AskError::Late.to_string())?
            .map_err(|error: Box<Error>| error.to_string())?;
        Ok(Self {
            client,
            params,
            deadline,
            is_v1: matches!(&**credentials, Credentials::V1(_)),
            in_flight,
            packets: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            has_answered: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            repetitions: AtomicU32::new(params.max_repetitions),
        })
    }

    /// How to ask.
    pub(crate) fn params(&self) -> &WalkParams {
        &self.params
    }

    /// Requests sent, tries included, and how many of those were further tries.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.packets), count(&self.retried))
    }

    /// Asks until there is an answer, the tries are used up or the time is. A GETBULK asks for fewer rows after one that
    /// was too big or not answered, and for more again after one that was.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Vec<VarBind>, AskError> {
        let mut tries = 0;
        // The turn is kept between tries, so that nobody else tries a device that may be off. The semaphore is never
        // closed.
        let turn = timeout_at(self.deadline.into(), self.in_flight.acquire());
        let _turn = turn.await.map_err(|_| AskError::Late)?;
        loop {
            if self.is_silent.load(Ordering::Relaxed) {
                return Err(AskError::Given);
            }
            let rows = self.repetitions.load(Ordering::Relaxed);
            let answer = timeout_at(self.deadline.into(), self.send(question, rows)).await;
            let error = match answer.map_err(|_| AskError::Late)? {
                Ok(values) => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    if rows < self.params.max_repetitions {
                        let more = (rows + rows / 4 + 1).min(self.params.max_repetitions);
                        self.repetitions.store(more, Ordering::Relaxed);
                    }
                    return Ok(values);
                }
                Err(error) => error,
            };
            let is_timeout = error.kind() == ErrorKind::Timeout;
            self.has_answered.fetch_or(!is_timeout, Ordering::Relaxed);
            let is_too_big = status(&error) == Some(ErrorStatus::TooBig);
            if is_timeout || is_too_big {
                self.repetitions.store((rows / 2).max(1), Ordering::Relaxed);
            }
            if is_timeout && tries < self.params.retries {
                tries += 1;
                self.retried.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if is_too_big && rows > 1 && matches!(question, Question::Next(_)) {
                continue;
            }
            return Err(self.explain(&error, is_timeout));
        }
    }

    fn explain(&self, error: &Error, is_timeout: bool) -> AskError {
        if is_timeout {
            if !self.has_answered.load(Ordering::Relaxed) {
                self.is_silent.store(true, Ordering::Relaxed);
            }
            return AskError::Silent(self.params.retries);
        }
        match status(error) {
            Some(ErrorStatus::NoSuchName) => AskError::NoSuchName,
            _ => AskError::Failed(error.to_string()),
        }
    }

    async fn send(&self, question: Question<'_>, rows: u32) -> Result<Vec<VarBind>, Box<Error>> {
        self.packets.fetch_add(1, Ordering::Relaxed);
        // The SNMP crate logs each failure as an error of its own; ours are told in the scrape.
        let quiet = NoSubscriber::new();
        match &self.client {
            Client::Udp(client) => {
                exchange(client, question, rows, self.is_v1)
                    .with_subscriber(quiet)
                    .await
            }
            Client::Tcp(client) => {
                exchange(client, question, rows, self.is_v1)
                    .with_subscriber(quiet)
                    .await
            }
        }
    }
}

async fn exchange<T: async_snmp::Transport + 'static>(
    client: &async_snmp::Client<T>,
    question: Question<'_>,
    rows: u32,
    is_v1: bool,
) -> Result<Vec<VarBind>, Box<Error>> {
    match question {
        Question::Get(oids) => Ok(client.get_many(oids).await?.varbinds),
        Question::Next(oid) if is_v1 => Ok(client.get_next(oid).await?.varbinds),
        Question::Next(oid) => client.get_bulk(std::slice::from_ref(oid), 0, rows).await,
    }
}

fn status(error: &Error) -> Option<ErrorStatus> {
    match error.exchange_source() {
        Error::Snmp { status, .. } => Some(*status),
        _ => None,
    }
}
