//! The catalogue itself: its connections and what it keeps in memory. One connection writes, others read; what the
//! calls do is in the modules named after what they are about.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use collector_model::{MetricId, Timestamp};
use tokio::sync::MutexGuard;
use uuid::Uuid;

use crate::attribute_index::bring_in_line_at_start;
use crate::cache::Cache;
use crate::changes::Read;
use crate::db::{Database, DbConnection, Dialect, PATIENCE, Pools};
use crate::defaults::create_defaults;
use crate::ensure::{Fingerprints, Known};
use crate::migrate::migrate;
use crate::snapshot::Snapshot;
use crate::sql::to_micros;
use crate::{IndexError, Metric, Options};

/// The catalogue. All calls may run at once; those that write take turns.
#[derive(Debug)]
pub struct Index {
    pub(crate) pools: Pools,
    /// The place, for errors.
    place: String,
    /// Who holds it has the turn to write, and to fill what is kept in memory.
    turn: tokio::sync::Mutex<()>,
    clock: fn() -> Timestamp,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Resources that `ensure` has seen.
    pub(crate) known: Cache<Uuid, Arc<Known>>,
    pub(crate) fingerprints: Fingerprints,
    /// When resources have ended that measures came for.
    pub(crate) ends: Cache<Uuid, Option<Timestamp>>,
    /// Active metrics.
    pub(crate) metrics: Cache<MetricId, Arc<Metric>>,
    /// How far other collectors' changes have been read.
    pub(crate) read: Mutex<Read>,
}

/// The writing connection, in a transaction or not, for as long as it is one's turn.
#[derive(Debug)]
pub(crate) struct Turn<'i> {
    // Dropped first: the next one's turn begins after.
    connection: DbConnection,
    lock: MutexGuard<'i, ()>,
}

impl Deref for Turn<'_> {
    type Target = DbConnection;

    fn deref(&self) -> &DbConnection {
        &self.connection
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut DbConnection {
        &mut self.connection
    }
}

impl<'i> Turn<'i> {
    /// Ends the transaction, if there is one, without a change; it is still one's turn while the answer is held.
    pub(crate) fn end(self) -> MutexGuard<'i, ()> {
        self.lock
    }
}

impl Index {
    /// Opens a catalogue, or creates it with the defaults; the directory of a file must exist.
    ///
    /// # Errors
    /// As [`Index::open_with`].
    pub async fn open(database: impl Into<Database>) -> Result<Self, IndexError> {
        Self::open_with(database, Options::default()).await
    }

    /// Opens a catalogue, or creates it: a file of SQLite's, or the tables in a database of PostgreSQL's, which itself
    /// must exist.
    ///
    /// # Errors
    /// [`IndexError::NewerSchema`] where a newer version of the program has written it, [`IndexError::Open`] where it
    /// cannot be opened, created or brought up to date.
    pub async fn open_with(
        database: impl Into<Database>,
        options: Options,
    ) -> Result<Self, IndexError> {
        let database = database.into();
        let index = Self {
            pools: Pools::new(&database, options.readers.max(1), options.search_time),
            place: database.to_string(),
            turn: tokio::sync::Mutex::new(()),
            clock: options.clock,
            snapshot: RwLock::new(None),
            known: Cache::new(options.cached),
            fingerprints: Fingerprints::default(),
            ends: Cache::new(options.cached),
            metrics: Cache::new(options.cached),
            read: Mutex::new(Read::NOTHING),
        };
        let opening = |source| IndexError::Open {
            database: database.to_string(),
            source,
        };
        // The first connection creates the file; readers come after it.
        drop(index.pools.connect_first().await.map_err(opening)?);
        migrate(&index, index.dialect().migrations()).await?;
        create_defaults(&index, options.defaults, index.now()).await?;
        bring_in_line_at_start(&index).await?;
        Ok(index)
    }

    /// Waits for the calls that are running and closes the database. Without it nothing is lost either.
    pub async fn close(&self) {
        self.pools.close().await;
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.pools.dialect()
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Waits for the turn to write.
    pub(crate) async fn lock(&self) -> Result<MutexGuard<'_, ()>, IndexError> {
        let turn = tokio::time::timeout(PATIENCE, self.turn.lock()).await;
        turn.map_err(|_| IndexError::Busy)
    }

    /// Takes the turn to write.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, IndexError> {
        let lock = self.lock().await?;
        let mut connection = self.writer().await?;
        self.catch_up(&mut connection).await?;
        Ok(Turn { connection, lock })
    }

    /// Takes the turn and begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Turn<'_>, IndexError> {
        let lock = self.lock().await?;
        let connection = self.writer().await?;
        self.begin_in(Turn { connection, lock }).await
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin_in<'i>(&'i self, turn: Turn<'i>) -> Result<Turn<'i>, IndexError> {
        let Turn { connection, lock } = turn;
        let mut connection = connection.begin().await?;
        self.catch_up(&mut connection).await?;
        Ok(Turn { connection, lock })
    }

    /// Commits the transaction and ends the turn.
    pub(crate) async fn commit(&self, turn: Turn<'_>) -> Result<(), IndexError> {
        self.commit_in_turn(turn).await.map(drop)
    }

    /// Commits the transaction; it is still one's turn while the answer is held.
    pub(crate) async fn commit_in_turn<'i>(
        &'i self,
        turn: Turn<'i>,
    ) -> Result<MutexGuard<'i, ()>, IndexError> {
        let Turn {
            mut connection,
            lock,
        } = turn;
        let told = self.tell(&mut connection).await?;
        connection.commit().await?;
        self.told(told);
        Ok(lock)
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Result<DbConnection, IndexError> {
        let reader = self.pools.reader().await;
        reader.map_err(|error| self.no_connection(error))
    }

    /// A connection for what may take long; it is given up after a time.
    pub(crate) async fn searcher(&self) -> Result<DbConnection, IndexError> {
        let searcher = self.pools.searcher().await;
        searcher.map_err(|error| self.no_connection(error))
    }

    pub(crate) async fn writer(&self) -> Result<DbConnection, IndexError> {
        let writer = self.pools.writer().await;
        writer.map_err(|error| self.no_connection(error))
    }

    fn no_connection(&self, error: sqlx::Error) -> IndexError {
        match (self.dialect(), error) {
            (Dialect::Postgres, error) => IndexError::Unavailable {
                database: self.place.clone(),
                source: error,
            },
            (Dialect::Sqlite, error) => error.into(),
        }
    }

    /// The moment, to the microsecond.
    pub(crate) fn now(&self) -> Timestamp {
        to_micros((self.clock)())
    }

    /// Policies, rules and types.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, IndexError> {
        self.freshen().await?;
        match self.kept_snapshot() {
            Some(snapshot) => Ok(snapshot),
            None => {
                let mut turn = self.turn().await?;
                self.snapshot_in(&mut turn).await
            }
        }
    }

    /// The same for who has the turn; in a transaction only before it changes any of them.
    pub(crate) async fn snapshot_in(
        &self,
        connection: &mut DbConnection,
    ) -> Result<Arc<Snapshot>, IndexError> {
        if let Some(snapshot) = self.kept_snapshot() {
            return Ok(snapshot);
        }
        let snapshot = Arc::new(Snapshot::load(connection).await?);
        self.keep_snapshot(Some(Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    pub(crate) fn forget_snapshot(&self) {
        self.keep_snapshot(None);
    }

    fn kept_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep_snapshot(&self, snapshot: Option<Arc<Snapshot>>) {
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

#[cfg(test)]
mod tests;
