//! One module's walk of one device: filters first, then gets and subtrees at the same time. Columns that only give labels
//! are taken from the walk before where they may be.

mod filter;
mod memory;
mod pace;
mod proxy;
mod question;
mod range;
mod session;
mod shared;
mod sockets;
mod subtree;
mod wire;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_snmp::{Oid, VarBind};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::config::Module;
pub(crate) use memory::Asked;
use memory::{Lookups, Marks, marks};
pub(crate) use question::Peer;
use range::{parted, without};
use session::Session;
pub(crate) use shared::Shared;
use subtree::Found;

/// A module's walk of a device, and what it found.
pub(crate) struct Walk {
    /// Whom, what, and with which credentials.
    pub(crate) asked: Asked,
    /// All rows, in no order.
    pub(crate) rows: Vec<VarBind>,
    /// How many of them came from the device now.
    pub(crate) returned: usize,
    /// Whether each part was found whole, and why not.
    pub(crate) parts: Vec<(Part, Result<(), String>)>,
    /// How long it took.
    pub(crate) duration: Duration,
    /// `None` if it could not begin.
    session: Option<Arc<Session>>,
    /// What was taken from the walk before.
    remembered: Option<Arc<Lookups>>,
    marks: Option<Marks>,
}

/// A part of a module's walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All instances that are got.
    Get,
    /// A subtree, by its OID.
    Subtree(Oid),
}

impl Part {
    /// Gets come first, then subtrees in order.
    fn arcs(&self) -> &[u32] {
        match self {
            Self::Get => &[],
            Self::Subtree(root) => root.arcs(),
        }
    }
}

/// What a walk has to keep to.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Requests on their way to the device at a time.
    pub(crate) in_flight: Arc<Semaphore>,
    /// When it has to be done.
    pub(crate) deadline: Instant,
    /// How long lookup columns may be remembered; zero for not at all.
    pub(crate) lookup_interval: Duration,
}

impl Walk {
    /// Walks all that the module asks for.
    pub(crate) async fn run(shared: &Arc<Shared>, asked: Asked, limits: Limits) -> Self {
        let interval = limits.lookup_interval;
        let (rows_at_once, remembered) = shared.memory.recall(&asked, interval);
        let params = (asked.module.params, rows_at_once);
        let bounds = (limits.in_flight, limits.deadline);
        let session = Session::open(shared, &asked.peer, &asked.credentials, params, bounds).await;
        let mut walk = Self {
            asked,
            rows: Vec::new(),
            returned: 0,
            parts: Vec::new(),
            duration: Duration::ZERO,
            session: None,
            remembered,
            marks: None,
        };
        match session {
            Ok(session) => {
                let session = Arc::new(session);
                walk.session = Some(Arc::clone(&session));
                walk.walk(&session, !interval.is_zero()).await;
            }
            Err(reason) => walk.parts.push((Part::Get, Err(reason))),
        }
        walk
    }

    async fn walk(&mut self, session: &Arc<Session>, may_remember: bool) {
        let start = Instant::now();
        let module = Arc::clone(&self.asked.module);
        let (mut gets, mut subtrees) = (module.get.clone(), module.walk.clone());
        for filter in &module.filters {
            filter::apply(session, filter, &mut gets, &mut subtrees).await;
        }
        let has_gets = !gets.is_empty();
        let marks = if may_remember && !module.lookup_columns().is_empty() {
            marks()
        } else {
            Vec::new()
        };
        let only_marks: Vec<Oid> = marks
            .iter()
            .filter(|mark| !gets.contains(mark))
            .cloned()
            .collect();
        gets.extend(only_marks.iter().cloned());
        let mut tasks = JoinSet::new();
        if !gets.is_empty() {
            let session = Arc::clone(session);
            tasks.spawn(async move { (Part::Get, subtree::get(&session, &gets).await) });
        }
        for root in subtrees {
            let skipped = match &self.remembered {
                Some(_) => module.lookup_columns_within(&root),
                None => Vec::new(),
            };
            let part = Part::Subtree(root.clone());
            if skipped.contains(&root) {
                self.parts.push((part, Ok(())));
                continue;
            }
            let mut columns = module.columns_within(&root);
            let ranges = if skipped.is_empty() {
                parted(&root, if session.is_v1 { &columns } else { &[] })
            } else {
                columns.retain(|column| !skipped.iter().any(|skipped| column.starts_with(skipped)));
                without(&root, &skipped, &columns, session.is_v1)
            };
            let session = Arc::clone(session);
            tasks.spawn(async move { (part, subtree::walk(&session, &root, ranges).await) });
        }
        // A task that panicked is missing from the parts; the panic itself is logged.
        while let Some(joined) = tasks.join_next().await {
            let Ok((part, Found { mut rows, error })) = joined else {
                continue;
            };
            if part == Part::Get {
                if error.is_none() && !marks.is_empty() {
                    self.marks = Some(Marks::new(&rows, start));
                }
                rows.retain(|row| !only_marks.contains(&row.oid));
                if !has_gets {
                    continue;
                }
            }
            self.returned += rows.len();
            self.rows.append(&mut rows);
            self.parts
                .push((part, error.map_or(Ok(()), |error| Err(error.to_string()))));
        }
        self.parts.sort_by(|(a, _), (b, _)| a.arcs().cmp(b.arcs()));
        if let Some(remembered) = self.remembered.take() {
            if self.marks.is_some_and(|now| remembered.marks.holds(&now)) {
                self.rows.extend(remembered.rows.iter().cloned());
                self.remembered = Some(remembered);
            } else {
                self.walk_lookups(session).await;
            }
        }
        self.duration = start.elapsed();
    }

    /// Walks the lookup columns that were left out.
    async fn walk_lookups(&mut self, session: &Arc<Session>) {
        let mut tasks = JoinSet::new();
        for column in self.asked.module.lookup_columns().to_vec() {
            let session = Arc::clone(session);
            tasks.spawn(async move {
                let ranges = parted(&column, &[]);
                (subtree::walk(&session, &column, ranges).await, column)
            });
        }
        while let Some(joined) = tasks.join_next().await {
            let Ok((mut found, column)) = joined else {
                continue;
            };
            self.returned += found.rows.len();
            self.rows.append(&mut found.rows);
            if let Some(error) = found.error {
                let mut parts = self.parts.iter_mut();
                let part = parts.find(|(part, _)| match part {
                    Part::Subtree(root) => column.starts_with(root),
                    Part::Get => false,
                });
                if let Some((_, result)) = part {
                    *result = Err(error.to_string());
                }
            }
        }
    }

    /// Whether `missing`, what was looked up in vain, has something that is new since the columns were remembered.
    pub(crate) fn is_outdated(&self, missing: &HashSet<Vec<u32>>) -> bool {
        self.remembered
            .as_ref()
            .is_some_and(|remembered| !missing.is_subset(&remembered.missing))
    }

    /// Walks the lookup columns anew in place of what was remembered of them.
    pub(crate) async fn refresh(&mut self) {
        if let (Some(session), Some(_)) = (self.session.clone(), self.remembered.take()) {
            let start = Instant::now();
            let module = Arc::clone(&self.asked.module);
            self.rows.retain(|row| !is_lookup(&module, row));
            self.walk_lookups(&session).await;
            self.duration += start.elapsed();
        }
    }

    /// Whether the lookup columns are those of a walk before.
    pub(crate) fn has_remembered(&self) -> bool {
        self.remembered.is_some()
    }

    /// Keeps what the next walk can use. `missing` is what was looked up in vain.
    pub(crate) fn keep(self, shared: &Shared, missing: HashSet<Vec<u32>>) {
        let Some(session) = self.session else {
            return;
        };
        let is_whole = self.parts.iter().all(|(_, result)| result.is_ok());
        let module = &self.asked.module;
        let lookups = match self.marks {
            Some(marks) if is_whole && self.remembered.is_none() => Some(Lookups {
                rows: self
                    .rows
                    .iter()
                    .filter(|row| is_lookup(module, row))
                    .cloned()
                    .collect(),
                missing,
                marks,
            }),
            _ => None,
        };
        shared
            .memory
            .keep(&self.asked, session.pace.known_good(), lookups);
    }

    /// Requests sent, tries included, and how many of those were further tries.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.session
            .as_ref()
            .map_or((0, 0), |session| session.counts())
    }

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

fn is_lookup(module: &Module, row: &VarBind) -> bool {
    let columns = module.lookup_columns();
    let after = columns.partition_point(|column| column.arcs() <= row.oid.arcs());
    let column = after.checked_sub(1).and_then(|at| columns.get(at));
    column.is_some_and(|column| row.oid.starts_with(column))
}
