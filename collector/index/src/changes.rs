//! How what is kept in memory stays true. In one process the turn to write sees to it: what a transaction changes is
//! forgotten before its commit, and only who has the turn fills the memory. Collectors that share a PostgreSQL write
//! down in the table `change` what others have to forget; each reads it whenever it takes the turn, and before it
//! answers from memory where its last look is older than [`FRESH`]. So an answer from memory is at most that old, and
//! a write never builds on anything old.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use uuid::Uuid;

#[cfg(doc)]
use crate::Current;
use crate::db::{DbConnection, Dialect, Statement, query, query_scalar};
use crate::{Index, IndexError};

/// How long an answer from memory may go without a look at what others have changed.
pub(crate) const FRESH: Duration = Duration::from_millis(250);

/// Who has not looked for so long forgets everything, for older notes are deleted after an hour.
const LONG_AGO: Duration = Duration::from_secs(1_800);

/// Notes that are deleted at once: each so many.
const CLEAN_EVERY: i64 = 256;

/// What is no longer as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Policies, rules or types, such that nothing else that is kept depends on it.
    Definitions,
    /// Policies, rules or types, and with them what is kept of resources and metrics.
    Everything,
    /// A resource, or which metrics it has.
    Resource(Uuid),
    /// A metric.
    Metric(Uuid),
}

/// How far the notes of all collectors have been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    /// Number of the last one.
    last: i64,
    /// When that was; `None` before the first look.
    at: Option<Instant>,
}

impl Read {
    pub(crate) const NOTHING: Self = Self { last: 0, at: None };
}

impl Change {
    fn code(self) -> (i64, Option<Uuid>) {
        match self {
            Self::Definitions => (1, None),
            Self::Everything => (2, None),
            Self::Resource(id) => (3, Some(id)),
            Self::Metric(id) => (4, Some(id)),
        }
    }

    /// What is not understood, written by a later version, is taken for the worst.
    fn of_code(code: i64, id: Option<Uuid>) -> Self {
        match (code, id) {
            (1, _) => Self::Definitions,
            (3, Some(id)) => Self::Resource(id),
            (4, Some(id)) => Self::Metric(id),
            _ => Self::Everything,
        }
    }
}

impl Index {
    /// Looks at what other collectors have changed, where nobody has for a while: to be called before [`Current`]s are
    /// asked. The calls that answer from memory do so themselves.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn freshen(&self) -> Result<(), IndexError> {
        if !self.is_fresh() {
            let lock = self.lock().await?;
            // While waiting for the turn another task may have done it.
            if !self.is_fresh() {
                let mut connection = self.writer().await?;
                self.catch_up(&mut connection).await?;
            }
            drop(lock);
        }
        Ok(())
    }

    fn is_fresh(&self) -> bool {
        let fresh = || self.read().at.is_some_and(|at| at.elapsed() < FRESH);
        self.dialect() == Dialect::Sqlite || fresh()
    }

    fn read(&self) -> Read {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_read(&self, last: i64, at: Instant) {
        let read = Read { last, at: Some(at) };
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = read;
    }

    /// Forgets what other collectors have changed since the last look; for who has the turn.
    pub(crate) async fn catch_up(&self, connection: &mut DbConnection) -> Result<(), IndexError> {
        if connection.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let now = Instant::now();
        let Read { last, at } = self.read();
        if at.is_none_or(|at| now.duration_since(at) > LONG_AGO) {
            let newest = query_scalar("SELECT coalesce(max(number), 0) FROM change")
                .fetch_one(connection)
                .await?;
            self.forget(Change::Everything);
            self.set_read(newest, now);
            return Ok(());
        }
        let notes = query("SELECT number, kind, id FROM change WHERE number > $1 ORDER BY number");
        let mut newest = last;
        for row in notes.bind(last).fetch_all(connection).await? {
            newest = row.try_get(0)?;
            self.forget(Change::of_code(row.try_get(1)?, row.try_get(2)?));
        }
        self.set_read(newest, now);
        Ok(())
    }

    fn forget(&self, change: Change) {
        match change {
            Change::Definitions => self.forget_snapshot(),
            Change::Everything => {
                self.forget_snapshot();
                self.known.clear();
                self.ends.clear();
                self.metrics.clear();
            }
            Change::Resource(id) => {
                self.known.remove(&id);
                self.ends.remove(&id);
            }
            Change::Metric(id) => self.metrics.remove(&id),
        }
    }

    /// Tells the other collectors what the transaction changes, and forgets it here; just before the commit. Gives how
    /// far the notes are read once it is committed.
    pub(crate) async fn tell(
        &self,
        connection: &mut DbConnection,
    ) -> Result<Option<i64>, IndexError> {
        let changes = connection.take_changes();
        let mut newest = None;
        if connection.dialect() == Dialect::Postgres {
            for chunk in changes.chunks(crate::sql::CHUNK) {
                let mut note = Statement::new("INSERT INTO change (kind, id) VALUES ");
                for (at, change) in chunk.iter().enumerate() {
                    let (kind, id) = change.code();
                    note.push(if at > 0 { ", (" } else { "(" });
                    note.push_bind(kind).push(", ").push_bind(id).push(")");
                }
                note.push(" RETURNING number");
                for row in note.fetch_all(connection).await? {
                    newest = newest.max(Some(row.try_get::<i64>(0)?));
                }
            }
            if newest.is_some_and(|newest| newest % CLEAN_EVERY < changes.len() as i64) {
                query("DELETE FROM change WHERE noted_at < now() - interval '1 hour'")
                    .execute(connection)
                    .await?;
            }
        }
        changes.into_iter().for_each(|change| self.forget(change));
        Ok(newest)
    }

    /// The notes up to this one are this collector's own, or read.
    pub(crate) fn told(&self, newest: Option<i64>) {
        if let (Some(newest), Some(at)) = (newest, self.read().at) {
            self.set_read(newest, at);
        }
    }
}
