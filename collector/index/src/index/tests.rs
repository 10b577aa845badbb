//! What the catalogue makes of a database that fails: each time a named error, and it goes on afterwards.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::Index;
use crate::IndexError;

async fn index() -> (TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(&*dir.path().join("index.db")).await.unwrap();
    (dir, index)
}

impl Index {
    async fn execute(&self, sql: &'static str) {
        let mut turn = self.turn().await.unwrap();
        turn.run(sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_overcome() {
    let (_dir, index) = index().await;
    // SQLite sets the bound to what the database has already.
    index.execute("PRAGMA max_page_count = 1").await;
    let mut created = 0;
    let error = loop {
        let name = format!("{created}{}", "x".repeat(2_000));
        match index.create_resource_type(&name, BTreeMap::new()).await {
            Ok(_) => created += 1,
            Err(error) => break error,
        }
        assert!(created < 100);
    };
    assert!(matches!(error, IndexError::DiskFull), "{error}");
    assert_eq!(index.resource_types().await.unwrap().len(), 24 + created);
    index.execute("PRAGMA max_page_count = 10000").await;
    let now = index.create_resource_type("now", BTreeMap::new()).await;
    assert_eq!(now.unwrap().name, "now");
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_busy() {
    let (_dir, index) = index().await;
    index.execute("PRAGMA busy_timeout = 1").await;
    let mut other = index.reader().await.unwrap();
    other.run("BEGIN IMMEDIATE").await.unwrap();
    let error = index.create_resource_type("now", BTreeMap::new()).await;
    assert!(matches!(error, Err(IndexError::Busy)), "{error:?}");
    other.run("ROLLBACK").await.unwrap();
    index
        .create_resource_type("now", BTreeMap::new())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let (_dir, index) = index().await;
    index
        .execute("UPDATE archive_policy SET definition = '[]x' WHERE name = 'low'")
        .await;
    let error = index.archive_policies().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "corrupt catalogue: archive policy low: definition, methods or back window cannot be read"
    );
}
