//! Migrations on a real file: order, atomicity, and what is refused.

use tempfile::TempDir;

use super::{Migration, migrate, version};
use crate::db::{Dialect, query_scalar};
use crate::{Index, IndexError};

/// Steps that follow on those of an empty catalogue.
const FIRST: Migration = Migration {
    version: 101,
    sql: "CREATE TABLE thing (name TEXT NOT NULL); INSERT INTO thing VALUES ('kept');",
};
const SECOND: Migration = Migration {
    version: 102,
    sql: "ALTER TABLE thing ADD COLUMN size BIGINT; UPDATE thing SET size = 7;",
};
const BROKEN: Migration = Migration {
    version: 102,
    sql: "ALTER TABLE thing ADD COLUMN size BIGINT; UPDATE nothing SET size = 7;",
};

async fn catalogue() -> (TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(&*dir.path().join("index.db")).await.unwrap();
    (dir, index)
}

async fn size(index: &Index) -> Result<i64, sqlx::Error> {
    let mut reader = index.reader().await.unwrap();
    query_scalar("SELECT size FROM thing")
        .fetch_one(&mut reader)
        .await
}

async fn version_of(index: &Index) -> i64 {
    version(&mut index.writer().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn only_the_steps_that_are_missing_are_applied() {
    let (_dir, index) = catalogue().await;
    migrate(&index, &[FIRST]).await.unwrap();
    assert!(size(&index).await.is_err());
    for _ in 0..2 {
        migrate(&index, &[FIRST, SECOND]).await.unwrap();
        assert_eq!(size(&index).await.unwrap(), 7);
        assert_eq!(version_of(&index).await, 102);
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_behind() {
    let (_dir, index) = catalogue().await;
    let error = migrate(&index, &[FIRST, BROKEN]).await.unwrap_err();
    assert!(matches!(error, IndexError::Open { .. }), "{error}");
    assert_eq!(version_of(&index).await, 101);
    assert!(size(&index).await.is_err());
    migrate(&index, &[FIRST, SECOND]).await.unwrap();
    assert_eq!(size(&index).await.unwrap(), 7);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (_dir, index) = catalogue().await;
    migrate(&index, &[FIRST, SECOND]).await.unwrap();
    let text = migrate(&index, &[FIRST]).await.unwrap_err().to_string();
    assert!(
        text.contains("schema is version 102, this program knows up to 101"),
        "{text}"
    );
    assert_eq!(size(&index).await.unwrap(), 7);
}

#[test]
fn the_shipped_steps_are_numbered_without_gaps() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let steps = dialect.migrations().iter();
        let versions: Vec<i64> = steps.map(|step| step.version).collect();
        let expected: Vec<i64> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected, "{dialect:?}");
    }
}
