//! The catalogue itself: its connections and what it keeps in memory. One connection writes, others read; what the
//! calls do is in the modules named after what they are about.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use collector_model::{MetricId, Timestamp};
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Pool};
use uuid::Uuid;

use crate::cache::Cache;
use crate::defaults::create_defaults;
use crate::ensure::{Fingerprints, Known};
use crate::migrate::{MIGRATIONS, migrate};
use crate::snapshot::Snapshot;
use crate::sql::{Db, DbConnection, to_micros};
use crate::{IndexError, Metric, Options};

/// How long a call waits for a connection, or for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of the write-ahead log's file is kept for the next writes once its content is in the database.
const WAL_KEPT_BYTES: &str = "67108864";

/// The catalogue in one SQLite file. All calls may run at once; those that write take turns.
#[derive(Debug)]
pub struct Index {
    readers: Pool<Db>,
    /// Has one connection: who holds it has the turn to write, and to fill what is kept in memory.
    writer: Pool<Db>,
    clock: fn() -> Timestamp,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Resources that `ensure` has seen.
    pub(crate) known: Cache<Uuid, Arc<Known>>,
    pub(crate) fingerprints: Fingerprints,
    /// Active metrics.
    pub(crate) metrics: Cache<MetricId, Arc<Metric>>,
}

/// The writing connection.
pub(crate) type Turn = PoolConnection<Db>;

impl Index {
    /// Opens the catalogue in a file, or creates it with the defaults; its directory must exist.
    ///
    /// # Errors
    /// As [`Index::open_with`].
    pub async fn open(path: &Path) -> Result<Self, IndexError> {
        Self::open_with(path, Options::default()).await
    }

    /// Opens the catalogue in a file, or creates it.
    ///
    /// # Errors
    /// [`IndexError::NewerSchema`] where a newer version of the program has written it, [`IndexError::Open`] where it
    /// cannot be opened, created or brought up to date.
    pub async fn open_with(path: &Path, options: Options) -> Result<Self, IndexError> {
        let opening = |source| IndexError::Open {
            path: PathBuf::from(path),
            source,
        };
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .pragma("journal_size_limit", WAL_KEPT_BYTES)
            .disable_statement_logging();
        // The first connection creates the file; readers come after it.
        let writer = pool(1).connect_with(connect.clone()).await;
        let writer = writer.map_err(opening)?;
        let mut turn = writer.acquire().await.map_err(opening)?;
        migrate(&mut turn, path, MIGRATIONS).await?;
        let index = Self {
            readers: pool(options.readers.max(1)).connect_lazy_with(connect),
            writer,
            clock: options.clock,
            snapshot: RwLock::new(None),
            known: Cache::new(options.cached),
            fingerprints: Fingerprints::default(),
            metrics: Cache::new(options.cached),
        };
        create_defaults(&mut turn, options.defaults, index.now()).await?;
        Ok(index)
    }

    /// Waits for the calls that are running and closes the database. Without it nothing is lost either.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Takes the turn to write.
    pub(crate) async fn turn(&self) -> Result<Turn, IndexError> {
        loop {
            let turn = self.writer.acquire().await?;
            if !turn.is_in_transaction() {
                return Ok(turn);
            }
            // SQLite ends a transaction by itself where it cannot go on, on a full disk for one, and sqlx, which does
            // not see that, would take no new one on this connection.
            turn.close().await?;
        }
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Db>, IndexError> {
        Ok(self.readers.acquire().await?)
    }

    /// The moment, to the microsecond.
    pub(crate) fn now(&self) -> Timestamp {
        to_micros((self.clock)())
    }

    /// Policies, rules and types.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, IndexError> {
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

    /// To be called before a commit that changes policies, rules or types.
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

fn pool(connections: u32) -> PoolOptions<Db> {
    // A connection is a file handle and prepared statements: there is no reason to renew it.
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
}

#[cfg(test)]
mod tests;
