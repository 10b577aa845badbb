//! One module's walk of one device: filters first, then gets and subtrees at the same time.

mod session;
mod subtree;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_snmp::{Oid, VarBind};
use tokio::task::JoinSet;

use crate::config::{FilterFile, Kind, Module};
use crate::render::push_text;
pub(crate) use session::{Session, Shared};
use subtree::Found;

/// What a module's walk found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// All rows, in no order.
    pub(crate) rows: Vec<VarBind>,
    /// Whether each part was found whole, and why not.
    pub(crate) parts: Vec<(Part, Result<(), String>)>,
    /// How long it took.
    pub(crate) duration: Duration,
    /// Requests sent, tries included.
    pub(crate) packets: u64,
    /// Further tries.
    pub(crate) retried: u64,
}

/// A part of a module's walk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// All instances that are got.
    Get,
    /// A subtree, by its OID.
    Subtree(String),
}

impl Walked {
    /// Why there is nothing at all, if so.
    pub(crate) fn failure(&self) -> Option<&str> {
        let mut errors = self
            .parts
            .iter()
            .filter_map(|(_, result)| result.as_ref().err());
        errors
            .next()
            .filter(|_| self.rows.is_empty())
            .map(String::as_str)
    }
}

/// Walks all that `module` asks for.
pub(crate) async fn walk(session: Session, module: &Module) -> Walked {
    let start = Instant::now();
    let session = Arc::new(session);
    let (mut gets, mut subtrees) = (module.get.clone(), module.walk.clone());
    for filter in &module.filters {
        apply(&session, filter, &mut gets, &mut subtrees).await;
    }
    let mut tasks = JoinSet::new();
    if !gets.is_empty() {
        let session = Arc::clone(&session);
        tasks.spawn(async move { (Part::Get, subtree::get(&session, &gets).await) });
    }
    for root in subtrees {
        let session = Arc::clone(&session);
        tasks.spawn(async move {
            let found = subtree::walk(&session, &root).await;
            (Part::Subtree(root.to_string()), found)
        });
    }
    let mut walked = Walked::default();
    // A task that panicked is missing from the parts; the panic itself is logged.
    while let Some(joined) = tasks.join_next().await {
        if let Ok((part, Found { mut rows, error })) = joined {
            walked.rows.append(&mut rows);
            walked
                .parts
                .push((part, error.map_or(Ok(()), |error| Err(error.to_string()))));
        }
    }
    walked.parts.sort_by(|(a, _), (b, _)| a.cmp(b));
    walked.duration = start.elapsed();
    (walked.packets, walked.retried) = session.counts();
    walked
}

/// Takes the filter's targets out of what is asked for, and puts in the rows of them that the filter lets through. If
/// the deciding column cannot be read, nothing is filtered.
async fn apply(
    session: &Session,
    filter: &FilterFile,
    gets: &mut Vec<Oid>,
    subtrees: &mut Vec<Oid>,
) {
    let deciding = subtree::walk(session, &filter.oid.0).await;
    if let Some(error) = deciding.error {
        tracing::info!(oid = %filter.oid.0, %error, "cannot read the column of a filter, nothing is filtered by it");
        return;
    }
    let is_target = |oid: &Oid| filter.targets.iter().any(|target| target.0 == *oid);
    subtrees.retain(|subtree| !is_target(subtree));
    gets.retain(|get| {
        !filter
            .targets
            .iter()
            .any(|target| get.starts_with(&target.0))
    });
    let allowed: Vec<u32> = deciding
        .rows
        .iter()
        .filter(|row| {
            let mut text = String::new();
            push_text(&row.value, Some(Kind::DisplayString), "", &mut text);
            filter
                .values
                .iter()
                .any(|value| value.regex.is_match(&text))
        })
        .filter_map(|row| row.oid.arcs().last().copied())
        .collect();
    for target in &filter.targets {
        gets.extend(allowed.iter().map(|&index| target.0.child(index)));
    }
}
