//! Migrations on a real file: order, atomicity, and what is refused.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

use super::{MIGRATIONS, Migration, migrate, version};
use crate::IndexError;

const FIRST: Migration = Migration {
    version: 1,
    sql: "CREATE TABLE thing (name TEXT NOT NULL); INSERT INTO thing VALUES ('kept');",
};
const SECOND: Migration = Migration {
    version: 2,
    sql: "ALTER TABLE thing ADD COLUMN size INTEGER; UPDATE thing SET size = 7;",
};
const BROKEN: Migration = Migration {
    version: 2,
    sql: "ALTER TABLE thing ADD COLUMN size INTEGER; UPDATE nothing SET size = 7;",
};

async fn database() -> (TempDir, SqliteConnection) {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(dir.path().join("index.db"))
        .create_if_missing(true);
    let connection = options.connect().await.unwrap();
    (dir, connection)
}

async fn sizes(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT size FROM thing")
        .fetch_one(connection)
        .await
}

#[tokio::test]
async fn only_the_steps_that_are_missing_are_applied() {
    let (dir, mut connection) = database().await;
    migrate(&mut connection, dir.path(), &[FIRST])
        .await
        .unwrap();
    assert!(sizes(&mut connection).await.is_err());
    for _ in 0..2 {
        migrate(&mut connection, dir.path(), &[FIRST, SECOND])
            .await
            .unwrap();
        assert_eq!(sizes(&mut connection).await.unwrap(), Some(7));
        assert_eq!(version(&mut connection).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_behind() {
    let (dir, mut connection) = database().await;
    let error = migrate(&mut connection, dir.path(), &[FIRST, BROKEN])
        .await
        .unwrap_err();
    assert!(matches!(error, IndexError::Open { .. }), "{error}");
    assert_eq!(version(&mut connection).await.unwrap(), 1);
    assert!(sizes(&mut connection).await.is_err());
    migrate(&mut connection, dir.path(), &[FIRST, SECOND])
        .await
        .unwrap();
    assert_eq!(sizes(&mut connection).await.unwrap(), Some(7));
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (dir, mut connection) = database().await;
    migrate(&mut connection, dir.path(), &[FIRST, SECOND])
        .await
        .unwrap();
    let error = migrate(&mut connection, dir.path(), &[FIRST])
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("schema is version 2, this program knows up to 1"),
        "{text}"
    );
    assert_eq!(sizes(&mut connection).await.unwrap(), Some(7));
}

#[test]
fn the_shipped_steps_are_numbered_without_gaps() {
    let versions: Vec<i64> = MIGRATIONS.iter().map(|step| step.version).collect();
    let expected: Vec<i64> = (1..).take(versions.len()).collect();
    assert_eq!(versions, expected);
}
