//! Brings a database to the schema that this program knows: numbered SQL files, forward only, each in a transaction
//! together with its number in `schema_version`. What the tables hold is told in the files.

use std::path::Path;

use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::IndexError;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Its number; numbers ascend by one.
    pub(crate) version: i64,
    /// Statements.
    pub(crate) sql: &'static str,
}

/// All steps, in order. A released step is never changed: what has to change gets a new one.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: include_str!("../migrations/sqlite/0001_catalogue.sql"),
}];

/// Applies the steps that the database does not have yet.
///
/// # Errors
/// [`IndexError::NewerSchema`] where it has steps that are not known; nothing is touched then.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &[Migration],
) -> Result<(), IndexError> {
    let opening = |source| IndexError::Open {
        path: path.to_owned(),
        source,
    };
    let found = version(connection).await.map_err(opening)?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(IndexError::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for migration in migrations {
        if migration.version > found {
            apply(connection, migration).await.map_err(opening)?;
        }
    }
    Ok(())
}

/// The number of the newest step that was applied; 0 in an empty database.
async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY) STRICT",
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query("SELECT coalesce(max(version), 0) FROM schema_version")
        .fetch_one(connection)
        .await?;
    row.try_get(0)
}

async fn apply(
    connection: &mut SqliteConnection,
    migration: &Migration,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Another process may have been faster while this one waited for its turn.
    if version(&mut transaction).await? >= migration.version {
        return Ok(());
    }
    sqlx::raw_sql(migration.sql)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
        .bind(migration.version)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests;
