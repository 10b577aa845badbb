//! The database under the catalogue: which one it is, connections to it and transactions on it. All else in the crate
//! speaks to either through these types; what one database says otherwise than another is in `sql`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::pool::{MaybePoolConnection, PoolConnection};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, Postgres, SqlStr, Sqlite, SqliteConnection};

mod pools;
mod row;
mod statement;

pub(crate) use pools::{PATIENCE, Pools};
pub(crate) use row::DbRow;
pub(crate) use statement::{Bound, Statement, query, query_scalar};

use crate::IndexError;
use crate::changes::Change;

/// Which database a catalogue is in.
#[derive(Clone)]
pub enum Database {
    /// A file of SQLite's, created where it is missing; for one collector.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, which several collectors may share.
    Postgres(Box<PgConnectOptions>),
}

impl Database {
    /// A database of PostgreSQL's by its URL, as libpq reads it: `postgresql://user:password@host:5432/name`, or
    /// `postgresql:///name?host=/run/postgresql`. A password that is not in it is looked up in `PGPASSFILE`.
    ///
    /// # Errors
    /// [`IndexError::Url`], which does not repeat the URL.
    pub fn postgresql(url: &str) -> Result<Self, IndexError> {
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(IndexError::Url(
                "expected postgresql://USER@HOST/DATABASE".to_owned(),
            ));
        }
        let options = PgConnectOptions::from_str(url);
        let options = options.map_err(|error| IndexError::Url(error.to_string()))?;
        Ok(Self::Postgres(Box::new(options)))
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

/// The place without the password.
impl fmt::Display for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(out),
            Self::Postgres(options) => write!(
                out,
                "postgresql://{}:{}/{}",
                options
                    .get_socket()
                    .map_or_else(|| options.get_host().into(), |path| path.to_string_lossy()),
                options.get_port(),
                options.get_database().unwrap_or(options.get_username()),
            ),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// How the database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A connection, maybe within a transaction, with what the transaction will have changed of what collectors keep in
/// memory.
#[derive(Debug)]
pub(crate) struct DbConnection {
    link: Link,
    changes: Vec<Change>,
}

#[derive(Debug)]
enum Link {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

/// The bare connection of either kind.
pub(crate) enum Bare<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl DbConnection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self.link {
            Link::Sqlite(_) | Link::SqliteTransaction(_) => Dialect::Sqlite,
            Link::Postgres(_) | Link::PostgresTransaction(_) => Dialect::Postgres,
        }
    }

    pub(crate) fn bare(&mut self) -> Bare<'_> {
        match &mut self.link {
            Link::Sqlite(connection) => Bare::Sqlite(connection),
            Link::Postgres(connection) => Bare::Postgres(connection),
            Link::SqliteTransaction(transaction) => Bare::Sqlite(transaction),
            Link::PostgresTransaction(transaction) => Bare::Postgres(transaction),
        }
    }

    /// Notes what is no longer as it was once the transaction is committed.
    pub(crate) fn will_change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// What has been noted, each once.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// Begins a transaction that writes, with the lock that only one has at a time, in whichever process.
    pub(crate) async fn begin(self) -> Result<Self, sqlx::Error> {
        let link = match self.link {
            Link::Sqlite(connection) => {
                let connection = MaybePoolConnection::PoolConnection(connection);
                let begin = Some(SqlStr::from_static(Dialect::Sqlite.begin_write()));
                Link::SqliteTransaction(sqlx::Transaction::begin(connection, begin).await?)
            }
            Link::Postgres(connection) => {
                let connection = MaybePoolConnection::PoolConnection(connection);
                let begin = Some(SqlStr::from_static(Dialect::Postgres.begin_write()));
                Link::PostgresTransaction(sqlx::Transaction::begin(connection, begin).await?)
            }
            begun => begun,
        };
        Ok(Self { link, ..self })
    }

    /// Commits; a connection outside of a transaction has nothing to commit.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.link {
            Link::SqliteTransaction(transaction) => transaction.commit().await,
            Link::PostgresTransaction(transaction) => transaction.commit().await,
            Link::Sqlite(_) | Link::Postgres(_) => Ok(()),
        }
    }
}

impl From<PoolConnection<Sqlite>> for DbConnection {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Self {
            link: Link::Sqlite(connection),
            changes: Vec::new(),
        }
    }
}

impl From<PoolConnection<Postgres>> for DbConnection {
    fn from(connection: PoolConnection<Postgres>) -> Self {
        Self {
            link: Link::Postgres(connection),
            changes: Vec::new(),
        }
    }
}
