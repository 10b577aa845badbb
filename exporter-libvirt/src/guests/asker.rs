//! How guests are asked: over a connection that may write, one domain after the other on each thread.

use std::time::{Duration, Instant};

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::guest_info_ffi::guest_info;
use super::info::GuestInfo;
use crate::monitor::{Asker, Question};

/// Ask the guest's agent.
pub(super) const AGENT: u32 = 1;
/// Have the balloon report.
pub(super) const PERIOD: u32 = 2;

/// Seconds between two reports of a balloon that is told to report; what Nova sets.
const PERIOD_SECONDS: i32 = 10;

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It was asked.
    Done {
        /// What the agent said and how long that took, or why it said nothing; `None` if it was not asked.
        info: Option<Result<(Duration, GuestInfo), String>>,
        /// Whether the balloon will report from now on.
        period_set: bool,
    },
    /// There is no connection that may write.
    Refused(String),
    /// There is no connection, as while libvirt starts anew.
    Unreachable(String),
}

/// Asks the libvirt at `uri`.
pub(super) fn asker(uri: &str) -> Asker<Answer> {
    let uri = uri.to_owned();
    let mut open: Option<Connect> = None;
    Box::new(move |question| {
        let ask = |uuid: &std::sync::Arc<str>| {
            let connection = match &open {
                Some(connection) if connection.is_alive().unwrap_or(false) => connection,
                _ => match Connect::open(Some(&uri)) {
                    Ok(connection) => open.insert(connection),
                    Err(error) => return Some((uuid.clone(), unconnected(&error))),
                },
            };
            let domain = connection.lookup_domain_by_uuid_string(uuid).ok()?;
            Some((uuid.clone(), ask_one(&domain, question)))
        };
        question.domains.iter().filter_map(ask).collect()
    })
}

fn ask_one(domain: &Domain, question: &Question) -> Answer {
    let mut period_set = false;
    if question.what & PERIOD != 0 {
        match domain.set_memory_stats_period(PERIOD_SECONDS, sys::VIR_DOMAIN_AFFECT_LIVE) {
            Ok(()) => period_set = true,
            Err(error) if is_refusal(&error) => return Answer::Refused(error.message().to_owned()),
            Err(error) => tracing::debug!(error = error.message(), "cannot have a balloon report"),
        }
    }
    let mut info = None;
    if question.what & AGENT != 0 {
        let started = Instant::now();
        info = Some(match guest_info(domain) {
            Ok(found) => Ok((started.elapsed(), found)),
            Err(error) if is_refusal(&error) => return Answer::Refused(error.message().to_owned()),
            Err(error) => Err(error.message().to_owned()),
        });
    }
    Answer::Done { info, period_set }
}

fn unconnected(error: &Error) -> Answer {
    let message = error.message().to_owned();
    if is_refusal(error) {
        Answer::Refused(message)
    } else {
        Answer::Unreachable(message)
    }
}

/// Whether libvirt forbids it to everybody who is connected so, rather than the domain to be asked.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.code().to_raw(),
        sys::VIR_ERR_OPERATION_DENIED | sys::VIR_ERR_ACCESS_DENIED | sys::VIR_ERR_AUTH_FAILED
    )
}
