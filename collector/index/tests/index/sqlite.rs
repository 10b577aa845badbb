//! What is SQLite's alone: its files after a kill, a newer schema, what is no database, and that memory
//! needs none.

use collector_index::{Database, Defaults, EnsureResource};
use serde_json::json;
use sqlx::Connection as _;

use crate::common::{Fixture, Place, open, path_of, sqlite};
use crate::durability::{everything, lived_in};
use crate::ensure::{ensure_one, ids, wanted};

/// Opens a copy of the files as a killed process would leave them.
async fn after_a_kill(fixture: &Fixture) -> Fixture {
    let place = Place::new();
    let (from, to) = (path_of(&fixture.place), path_of(&place));
    for extension in ["db", "db-wal"] {
        std::fs::copy(from.with_extension(extension), to.with_extension(extension)).unwrap();
    }
    let index = open(place.database(), Defaults::Full).await.unwrap();
    Fixture { index, place }
}

#[tokio::test]
async fn what_has_returned_survives_a_kill() {
    let fixture = lived_in().await;
    let before = everything(&fixture).await;
    let killed = after_a_kill(&fixture).await;
    assert_eq!(everything(&killed).await, before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_name_and_number() {
    let fixture = Fixture::new().await;
    let path = path_of(&fixture.place);
    fixture.index.close().await;
    let mut connection = sqlite(&path).await;
    sqlx::raw_sql("INSERT INTO schema_version (version) VALUES (99)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = open(fixture.place.database(), Defaults::Full)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!(
            "cannot use {}: its schema is version 99",
            path.display()
        )),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_database_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index.db");
    std::fs::write(
        &path,
        "this is no database, whatever its name says, and it is long enough",
    )
    .unwrap();
    let error = open(Database::Sqlite(path.clone()), Defaults::Full)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot open {}", path.display())),
        "{error}"
    );
    let missing = dir.path().join("missing").join("index.db");
    let error = open(Database::Sqlite(missing.clone()), Defaults::Full)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot open {}", missing.display())),
        "{error}"
    );
}

#[tokio::test]
async fn an_unchanged_resource_needs_no_database_at_all() {
    let fixture = Fixture::new().await;
    let a = || wanted("a", json!({"host_name": "h"}), &["read"]);
    let first = ensure_one(&fixture, a()).await.unwrap();
    let mut other = sqlite(&path_of(&fixture.place)).await;
    // Nobody else gets to write, or to read what the write left behind.
    let mut locked = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    sqlx::raw_sql("DELETE FROM metric")
        .execute(&mut *locked)
        .await
        .unwrap();
    let again = ensure_one(&fixture, a()).await.unwrap();
    assert_eq!(ids(&again), ids(&first));
    let without_body = EnsureResource { body: None, ..a() };
    let again = ensure_one(&fixture, without_body).await.unwrap();
    assert_eq!(ids(&again), ids(&first));
}
