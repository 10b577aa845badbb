//! One device as one request sees it: credentials and requests that are tried again, counted and bounded by the deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use async_snmp::{
    Client, ClientBuilder, Error, ErrorKind, ErrorStatus, PrivProtocol, Retry, TcpTransport,
    VarBind,
};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::config::{Credentials, WalkParams};
use crate::walk::pace::Pace;
use crate::walk::proxy::Proxy;
use crate::walk::question::{AskError, Peer, Question};
use crate::walk::shared::Shared;
use crate::walk::wire::{Way, Wire};

/// What the rows of all walks may take together, in bytes: what comes beyond fails its subtree.
const HELD: usize = 1 << 30;

impl Drop for Session {
    fn drop(&mut self) {
        let held = self.held.load(Ordering::Relaxed);
        self.shared.held.fetch_sub(held, Ordering::Relaxed);
    }
}

/// One device during one request.
pub(crate) struct Session {
    client: Client<Wire>,
    shared: Arc<Shared>,
    peer: SocketAddr,
    params: WalkParams,
    deadline: Instant,
    /// Whether the device speaks version 1, which knows no GETBULK and one mistake per request.
    pub(crate) is_v1: bool,
    in_flight: Arc<Semaphore>,
    packets: AtomicU64,
    retried: AtomicU64,
    has_answered: AtomicBool,
    is_silent: AtomicBool,
    is_tcp: bool,
    /// Rows to ask for at once.
    pub(crate) pace: Pace,
    /// Bytes that the rows of this session take.
    held: AtomicUsize,
}

impl Session {
    /// Gets ready to ask `peer`, at first for so many `rows` at once. Not more than `in_flight` requests are on the way at
    /// a time.
    pub(crate) async fn open(
        shared: &Arc<Shared>,
        peer: &Peer,
        credentials: &Arc<Credentials>,
        (params, rows): (WalkParams, u32),
        (in_flight, deadline): (Arc<Semaphore>, Instant),
    ) -> Result<Self, String> {
        let context = peer.context.as_deref();
        let mut builder = ClientBuilder::new(shared.auth(credentials, context)?)
            .request_timeout(params.timeout)
            .retry(Retry::none())
            .max_oids_per_request(params.max_repetitions.max(1) as usize)
            .engine_cache(Arc::clone(&shared.engines));
        let mut proxy = None;
        if let Credentials::V3(usm) = &**credentials {
            let uses_des = usm
                .privacy
                .as_ref()
                .is_some_and(|(cipher, _)| *cipher == PrivProtocol::Des);
            let salts = shared.salts.as_ref().filter(|_| uses_des);
            if let Some(salts) = salts {
                builder = builder.des_salt_state(salts.clone());
            }
            if let Some(engine) = &peer.engine {
                let user = shared.user(credentials, usm, context)?;
                let made = Proxy::new(engine.clone(), user, salts.cloned());
                proxy = Some(made.map_err(|error| error.to_string())?);
            }
        }
        let way = if peer.tcp {
            let connected = TcpTransport::connect_timeout(peer.address, params.timeout);
            let connected = connected.with_subscriber(NoSubscriber::new());
            let connected = timeout_at(deadline.into(), connected).await;
            let connected = connected.map_err(|_| AskError::Late.to_string())?;
            Way::Tcp(connected.map_err(|error| error.to_string())?)
        } else {
            Way::Udp(
                shared
                    .sockets
                    .handle(peer.address, params.any_source)
                    .await?,
            )
        };
        let wire = Wire {
            way,
            proxy,
            stats: Arc::clone(&shared.wire),
        };
        let client = builder.build_with_transport(wire);
        Ok(Self {
            client: client.map_err(|error| error.to_string())?,
            shared: Arc::clone(shared),
            peer: peer.address,
            params,
            deadline,
            is_v1: matches!(&**credentials, Credentials::V1(_)),
            in_flight,
            packets: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            has_answered: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            is_tcp: peer.tcp,
            pace: Pace::new(rows.min(params.max_repetitions)),
            held: AtomicUsize::new(0),
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

    /// Takes account of the memory of `rows` until the session ends. `Err` if all walks together have too much.
    pub(crate) fn hold(&self, rows: &[VarBind]) -> Result<(), AskError> {
        let octets = |row: &VarBind| row.value.as_bytes().map_or(0, <[u8]>::len);
        let bytes: usize = rows
            .iter()
            .map(|row| size_of::<VarBind>() + octets(row))
            .sum();
        self.held.fetch_add(bytes, Ordering::Relaxed);
        let all = self.shared.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > HELD {
            let reason = format!(
                "too much for all walks together (limit of {} MiB)",
                HELD >> 20
            );
            return Err(AskError::Failed(reason));
        }
        Ok(())
    }

    /// Asks until there is an answer, the tries are used up or the time is. Fewer rows are asked for at once
    /// after an answer that was too big or did not come, and more again after one that came.
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
            let rows = self.pace.rows();
            let answer = timeout_at(self.deadline.into(), self.send(question, rows)).await;
            let answer = answer.map_err(|_| AskError::Late)?;
            if self.shared.is_traced {
                let (target, values) = (self.peer, answer.as_ref().map_or(0, Vec::len));
                let error = answer.as_ref().err().map(tracing::field::display);
                tracing::info!(%target, %question, rows, values, error, "asked");
            }
            let error = match answer {
                Ok(values) => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    if !matches!(question, Question::Get(_)) {
                        self.pace.faster(rows);
                    }
                    self.hold(&values)?;
                    return Ok(values);
                }
                Err(error) => error,
            };
            let is_timeout = error.kind() == ErrorKind::Timeout;
            self.has_answered.fetch_or(!is_timeout, Ordering::Relaxed);
            let is_too_big = status(&error) == Some(ErrorStatus::TooBig);
            if is_too_big || (is_timeout && !matches!(question, Question::Get(_))) {
                self.pace.slower(rows);
            }
            if is_timeout && tries < self.params.retries {
                tries += 1;
                self.retried.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if is_too_big && rows > 1 && matches!(question, Question::After(_)) {
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
        if error.kind() == ErrorKind::Closed && !self.is_tcp {
            self.shared.sockets.replace(self.peer);
        }
        match error.exchange_source() {
            Error::Snmp {
                status: ErrorStatus::NoSuchName,
                index,
                ..
            } => AskError::NoSuchName(*index as usize),
            Error::Snmp {
                status: ErrorStatus::TooBig,
                ..
            } => AskError::TooBig,
            _ => AskError::Failed(error.to_string()),
        }
    }

    async fn send(&self, question: Question<'_>, rows: u32) -> Result<Vec<VarBind>, Box<Error>> {
        self.packets.fetch_add(1, Ordering::Relaxed);
        // The SNMP crate logs each failure as an error of its own; ours are told in the scrape.
        Box::pin(self.exchange(question, rows))
            .with_subscriber(NoSubscriber::new())
            .await
    }

    async fn exchange(
        &self,
        question: Question<'_>,
        rows: u32,
    ) -> Result<Vec<VarBind>, Box<Error>> {
        let client = &self.client;
        match question {
            Question::Get(oids) => Ok(client.get_many(oids).await?.varbinds),
            Question::After(oid) => client.get_bulk(std::slice::from_ref(oid), 0, rows).await,
            Question::AfterEach(oids) => Ok(client.get_next_many(oids).await?.varbinds),
        }
    }
}

fn status(error: &Error) -> Option<ErrorStatus> {
    match error.exchange_source() {
        Error::Snmp { status, .. } => Some(*status),
        _ => None,
    }
}
