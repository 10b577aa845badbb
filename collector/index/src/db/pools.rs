//! Pools of connections: one connection that writes, others that read, and others that search, which may take long and
//! is given up after a time.

use std::time::{Duration, Instant};

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Pool, Postgres, Sqlite};

use super::{Bare, Database, DbConnection, Dialect};

/// How long a call waits for its turn, or for another process that writes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a call waits for a server that does not answer, or that has no connection left.
const SERVER_PATIENCE: Duration = Duration::from_secs(5);

/// How much of the write-ahead log's file is kept for the next writes once its content is in the database.
const WAL_KEPT_BYTES: &str = "67108864";

/// Pages (of 4 KiB) of the write-ahead log from which on its content goes to the database: with SQLite's 1,000 every
/// transaction that creates a few thousand metrics would write them twice.
const WAL_PAGES: &str = "8192";

/// The writer's page cache, as SQLite writes KiB: new metrics go to many places of five indexes.
const WRITER_CACHE: &str = "-65536";

/// Where what takes back a statement of many rows is kept while it runs: in a file, as is SQLite's default, every page
/// that it changes would be written once more.
const UNDO_IN_MEMORY: &str = "memory";

/// Rows that SQLite's thread reads ahead of who takes them: with sqlx's 50 the two wake each other for every page of a
/// list.
const ROWS_AHEAD: usize = 1_000;

/// Instructions of SQLite's machine between two looks at the clock: some 100 microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Connections to one database.
#[derive(Debug)]
pub(crate) enum Pools {
    Sqlite(Pair<Sqlite>),
    Postgres(Pair<Postgres>),
}

#[derive(Debug)]
pub(crate) struct Pair<D: sqlx::Database> {
    readers: Pool<D>,
    searchers: Pool<D>,
    /// How long one of the searchers may be used.
    search_time: Duration,
    /// Has one connection.
    writer: Pool<D>,
}

impl Pools {
    /// Pools for a database; nothing is opened yet.
    pub(crate) fn new(database: &Database, readers: u32, search_time: Duration) -> Self {
        match database {
            Database::Sqlite(path) => {
                let connect = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(PATIENCE)
                    .pragma("journal_size_limit", WAL_KEPT_BYTES)
                    .pragma("wal_autocheckpoint", WAL_PAGES)
                    .row_buffer_size(ROWS_AHEAD)
                    .disable_statement_logging();
                Self::Sqlite(Pair {
                    readers: pool(readers, PATIENCE).connect_lazy_with(connect.clone()),
                    searchers: pool(readers, PATIENCE).connect_lazy_with(connect.clone()),
                    search_time,
                    writer: pool(1, PATIENCE).connect_lazy_with(
                        connect
                            .pragma("cache_size", WRITER_CACHE)
                            .pragma("temp_store", UNDO_IN_MEMORY),
                    ),
                })
            }
            Database::Postgres(options) => {
                let connect = options
                    .as_ref()
                    .clone()
                    .options([
                        ("synchronous_commit", "on"),
                        ("lock_timeout", "30s"),
                        // A process that stands still must not hold the lock that all others wait for.
                        ("idle_in_transaction_session_timeout", "60s"),
                        ("client_encoding", "UTF8"),
                    ])
                    .disable_statement_logging();
                // Of each statement; 0 would be without end.
                let milliseconds = search_time.as_millis().max(1).to_string();
                let search = connect
                    .clone()
                    .options([("statement_timeout", milliseconds)]);
                Self::Postgres(Pair {
                    readers: pool(readers, SERVER_PATIENCE).connect_lazy_with(connect.clone()),
                    searchers: pool(readers, SERVER_PATIENCE).connect_lazy_with(search),
                    search_time,
                    writer: pool(1, SERVER_PATIENCE).connect_lazy_with(connect),
                })
            }
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn reader(&self) -> Result<DbConnection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pair) => pair.readers.acquire().await?.into(),
            Self::Postgres(pair) => pair.readers.acquire().await?.into(),
        })
    }

    /// A connection whose statements end when the time for a search is over, also where nobody waits for them any more.
    pub(crate) async fn searcher(&self) -> Result<DbConnection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pair) => {
                let mut connection = pair.searchers.acquire().await?;
                let end = Instant::now() + pair.search_time;
                let goes_on = move || Instant::now() < end;
                let mut handle = connection.lock_handle().await?;
                handle.set_progress_handler(STEPS_BETWEEN_LOOKS, goes_on);
                drop(handle);
                connection.into()
            }
            Self::Postgres(pair) => pair.searchers.acquire().await?.into(),
        })
    }

    pub(crate) async fn writer(&self) -> Result<DbConnection, sqlx::Error> {
        match self {
            Self::Sqlite(pair) => loop {
                let connection = pair.writer.acquire().await?;
                if !sqlx::Connection::is_in_transaction(&*connection) {
                    return Ok(connection.into());
                }
                // SQLite ends a transaction by itself where it cannot go on, on a full disk for one, and sqlx, which
                // does not see that, would take no new one on this connection.
                connection.close().await?;
            },
            Self::Postgres(pair) => Ok(pair.writer.acquire().await?.into()),
        }
    }

    /// As [`Pools::writer`], but where a server cannot be reached it says why at once instead of trying again.
    pub(crate) async fn connect_first(&self) -> Result<DbConnection, sqlx::Error> {
        if let Self::Postgres(pair) = self {
            let connection = pair.writer.connect_options().connect().await?;
            sqlx::Connection::close(connection).await?;
        }
        self.writer().await
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pair) => pair.close().await,
            Self::Postgres(pair) => pair.close().await,
        }
    }
}

impl<D: sqlx::Database> Pair<D> {
    async fn close(&self) {
        self.readers.close().await;
        self.searchers.close().await;
        self.writer.close().await;
    }
}

fn pool<D: sqlx::Database>(connections: u32, patience: Duration) -> PoolOptions<D> {
    // A connection is a file handle or a socket and prepared statements: there is no reason to renew it.
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .idle_timeout(None)
        .max_lifetime(None)
}

impl DbConnection {
    /// Runs statements without values.
    pub(crate) async fn run(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        match self.bare() {
            Bare::Sqlite(link) => sqlx::raw_sql(statements).execute(link).await.map(|_| ()),
            Bare::Postgres(link) => sqlx::raw_sql(statements).execute(link).await.map(|_| ()),
        }
    }
}
