//! A server that goes away and comes back, one that is not there, and a schema that is too new.

use collector_index::{Database, Defaults, IndexError};
use testkit::Postgresql;

use crate::common::{generic, id_of, open};

#[tokio::test]
async fn a_lost_server_is_told_and_the_catalogue_goes_on_when_it_is_back() {
    let mut server = Postgresql::start();
    let database = Database::postgresql(&server.database()).unwrap();
    let index = open(database, Defaults::Full).await.unwrap();
    index.create_resource(generic("a")).await.unwrap();
    server.stop();
    for _ in 0..2 {
        let error = index.create_resource(generic("b")).await.unwrap_err();
        assert!(matches!(error, IndexError::Unavailable { .. }), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("catalogue's database is not available: "),
            "{error}"
        );
    }
    server.resume();
    index.create_resource(generic("b")).await.unwrap();
    index.resource("generic", id_of("a")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_at_once_without_the_password() {
    let url = "postgresql://me:secret@localhost/catalogue?host=/nonexistent";
    let error = open(Database::postgresql(url).unwrap(), Defaults::Full)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, IndexError::Open { .. }), "{text}");
    assert!(
        text.contains("/nonexistent") && !text.contains("secret"),
        "{text}"
    );
}

#[tokio::test]
async fn a_text_with_a_nul_is_refused_and_the_catalogue_goes_on() {
    let server = Postgresql::start();
    let database = Database::postgresql(&server.database()).unwrap();
    let index = open(database, Defaults::Full).await.unwrap();
    let mut new = generic("a");
    new.project_id = Some("x\0y".to_owned());
    let error = index.create_resource(new).await.unwrap_err();
    assert!(matches!(error, IndexError::NulCharacter), "{error}");
    index.create_resource(generic("a")).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_number() {
    let server = Postgresql::start();
    let database = Database::postgresql(&server.database()).unwrap();
    open(database.clone(), Defaults::Full)
        .await
        .unwrap()
        .close()
        .await;
    server.sql("test0", "INSERT INTO schema_version VALUES (99)");
    let error = open(database, Defaults::Full)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("its schema is version 99"), "{error}");
}

#[test]
fn what_is_no_url_is_refused_and_not_repeated() {
    for url in [
        "mysql://me:secret@host/x",
        "/some/path",
        "postgresql://[bad",
    ] {
        let error = Database::postgresql(url).unwrap_err().to_string();
        assert!(
            error.starts_with("no URL of a PostgreSQL database"),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}
