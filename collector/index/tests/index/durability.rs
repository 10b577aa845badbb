//! What survives: a restart, a kill, a half-done change, an older schema; and what is refused: a newer one.

use std::path::Path;

use collector_index::{Defaults, EnsureResource, IndexError, ResourceUpdate};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::common::{Fixture, all, generic, host, id_of, names, open};

async fn sqlite(path: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// All that a client can see.
async fn everything(fixture: &Fixture) -> String {
    let mut history = all("generic");
    history.history = true;
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        fixture.index.archive_policies().await.unwrap(),
        fixture.index.archive_policy_rules().await.unwrap(),
        fixture.index.resource_types().await.unwrap(),
        fixture.list(history).await,
        fixture
            .index
            .list_metrics(&Default::default())
            .await
            .unwrap(),
    )
}

async fn lived_in() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.resource(host("a")).await;
    let b = fixture.resource(generic("b")).await;
    fixture.metric_on(&b, "cpu").await;
    let update = ResourceUpdate {
        attributes: json!({"host_name": "renamed"}).as_object().unwrap().clone(),
        ..ResourceUpdate::default()
    };
    fixture
        .index
        .update_resource("host", id_of("a"), update)
        .await
        .unwrap();
    fixture
        .index
        .delete_archive_policy_rule("default")
        .await
        .unwrap();
    fixture.index.delete_archive_policy("bool").await.unwrap();
    fixture.index.delete_resource_type("stack").await.unwrap();
    fixture
}

#[tokio::test]
async fn reopening_keeps_everything_and_brings_no_defaults_back() {
    let fixture = lived_in().await;
    let before = everything(&fixture).await;
    let fixture = fixture.reopen().await;
    assert_eq!(everything(&fixture).await, before);
}

#[tokio::test]
async fn what_has_returned_survives_a_kill() {
    let fixture = lived_in().await;
    let before = everything(&fixture).await;
    let killed = fixture.after_a_kill().await;
    assert_eq!(everything(&killed).await, before);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_all_of_its_change_or_none() {
    let fixture = Fixture::new().await;
    let mut whole = 0;
    for polls in 0..40 {
        let name = format!("r{polls}");
        let metrics = ["a", "b", "c"].map(|name| collector_index::EnsureMetric {
            name,
            unit: None,
            archive_policy_name: None,
        });
        let wanted = [EnsureResource {
            id: id_of(&name),
            body: Some(collector_index::EnsureBody {
                resource_type: "generic",
                original_resource_id: &name,
                project_id: None,
                user_id: None,
                attributes: Default::default(),
            }),
            creator: None,
            metrics: metrics.to_vec(),
        }];
        {
            let mut call = Box::pin(fixture.index.ensure(&wanted));
            let mut left = polls;
            std::future::poll_fn(|context| {
                if left == 0 || call.as_mut().poll(context).is_ready() {
                    return std::task::Poll::Ready(());
                }
                left -= 1;
                std::task::Poll::Pending
            })
            .await;
        }
        match fixture.index.resource("generic", id_of(&name)).await {
            Ok(resource) => {
                assert_eq!(resource.metrics.len(), 3);
                whole += 1;
            }
            Err(error) => assert!(matches!(error, IndexError::NoSuchResource(_)), "{error}"),
        }
        // The next call is as if nothing had happened.
        let ensured = fixture
            .index
            .ensure(&wanted)
            .await
            .unwrap()
            .remove(0)
            .unwrap();
        assert_eq!(ensured.metrics.len(), 3);
    }
    assert!((1..40).contains(&whole), "{whole}");
}

#[tokio::test]
async fn a_catalogue_of_schema_1_is_opened_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index.db");
    let mut connection = sqlite(&path).await;
    sqlx::raw_sql(include_str!("../fixtures/schema-1.sql"))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let index = open(path, Defaults::Full).await.unwrap();
    let fixture = Fixture { index, dir };
    assert_eq!(names(&fixture.list(all("generic")).await), ["b", "a"]);
    let a = fixture.index.resource("host", id_of("a")).await.unwrap();
    assert_eq!(a.attributes["host_name"], "renamed");
    let mut history = all("host");
    history.history = true;
    assert_eq!(fixture.list(history).await.len(), 2);
    let cpu = fixture
        .index
        .metric_of_resource(id_of("b"), "cpu")
        .await
        .unwrap();
    assert_eq!(cpu.archive_policy.name, "low");
    let policies = fixture.index.archive_policies().await.unwrap();
    assert!(!policies.is_empty() && policies.iter().all(|policy| policy.name != "bool"));
    fixture.resource(host("c")).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_name_and_number() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    fixture.index.close().await;
    let mut connection = sqlite(&path).await;
    sqlx::raw_sql("INSERT INTO schema_version (version) VALUES (99)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = open(path.clone(), Defaults::Full)
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
    let error = open(path.clone(), Defaults::Full).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot open {}", path.display())),
        "{error}"
    );
    let missing = dir.path().join("missing").join("index.db");
    let error = open(missing.clone(), Defaults::Full).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot open {}", missing.display())),
        "{error}"
    );
}
