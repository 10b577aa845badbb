//! Whom a walk asks, what it asks, and why there may be no answer.

use std::fmt;
use std::net::SocketAddr;

use async_snmp::Oid;
use bytes::Bytes;

/// Why a request was not answered with values.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AskError {
    /// The device has nothing of the name that is the so many'th of the question, counted from 1; version 1 only.
    #[error("no such name")]
    NoSuchName(usize),
    /// The answer would be too big, however little was asked for.
    #[error("answer too big")]
    TooBig,
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
    /// The rows after this one.
    After(&'q Oid),
    /// The one row after each of these.
    AfterEach(&'q [Oid]),
}

impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, oids) = match self {
            Self::Get(oids) => ("get", *oids),
            Self::After(oid) => ("getbulk", std::slice::from_ref(*oid)),
            Self::AfterEach(oids) => ("getnext", *oids),
        };
        f.write_str(kind)?;
        oids.iter().try_for_each(|oid| write!(f, " {oid}"))
    }
}

/// Whom to ask: a device, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Whether over TCP.
    pub(crate) tcp: bool,
    /// The context of version 3, unless it is the one of the credentials.
    pub(crate) context: Option<String>,
    /// The engine of version 3 that is meant, if the device is only a proxy for it.
    pub(crate) engine: Option<Bytes>,
}
