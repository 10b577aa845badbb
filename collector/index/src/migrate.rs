//! Brings a database to the schema that this program knows: numbered SQL files, forward only, each in a transaction
//! together with its number in `schema_version`, under the lock of those who write, so that programs that start
//! together do it once. What the tables hold is told in the files.

use crate::db::{DbConnection, Dialect, query, query_scalar};
use crate::{Index, IndexError};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Its number; numbers ascend by one.
    pub(crate) version: i64,
    /// Statements.
    pub(crate) sql: &'static str,
}

macro_rules! steps {
    ($($version:literal: $file:literal),*) => {
        &[$(Migration { version: $version, sql: include_str!(concat!("../migrations/", $file)) }),*]
    };
}

impl Dialect {
    /// All steps, in order. A released step is never changed: what has to change gets a new one.
    pub(crate) fn migrations(self) -> &'static [Migration] {
        match self {
            Self::Sqlite => steps!(
                1: "sqlite/0001_catalogue.sql",
                2: "sqlite/0002_original_ids.sql",
                3: "sqlite/0003_creators_project.sql"
            ),
            Self::Postgres => steps!(
                1: "postgresql/0001_catalogue.sql",
                2: "postgresql/0002_original_ids.sql",
                3: "postgresql/0003_creators_project.sql"
            ),
        }
    }
}

/// Applies the steps that the database does not have yet.
///
/// # Errors
/// [`IndexError::NewerSchema`] where it has steps that are not known; nothing is touched then.
pub(crate) async fn migrate(index: &Index, migrations: &[Migration]) -> Result<(), IndexError> {
    let opening = |source| IndexError::Open {
        database: index.place().to_owned(),
        source,
    };
    let known = migrations.last().map_or(0, |migration| migration.version);
    loop {
        let writer = index.writer().await?;
        let mut transaction = writer.begin().await.map_err(opening)?;
        let found = version(&mut transaction).await.map_err(opening)?;
        if found > known {
            return Err(IndexError::NewerSchema {
                database: index.place().to_owned(),
                found,
                known,
            });
        }
        let next = migrations.iter().find(|step| step.version > found);
        if let Some(step) = next {
            apply(&mut transaction, step).await.map_err(opening)?;
        }
        transaction.commit().await.map_err(opening)?;
        if next.is_none() {
            return Ok(());
        }
    }
}

/// The number of the newest step that was applied; 0 in an empty database.
async fn version(connection: &mut DbConnection) -> Result<i64, sqlx::Error> {
    connection
        .run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)")
        .await?;
    query_scalar("SELECT coalesce(max(version), 0) FROM schema_version")
        .fetch_one(connection)
        .await
}

async fn apply(connection: &mut DbConnection, step: &Migration) -> Result<(), sqlx::Error> {
    connection.run(step.sql).await?;
    query("INSERT INTO schema_version (version) VALUES ($1)")
        .bind(step.version)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
