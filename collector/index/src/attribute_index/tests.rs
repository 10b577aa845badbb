//! The indexes follow the types, in either database.

use std::collections::{BTreeMap, BTreeSet};

use collector_model::Attribute;
use serde_json::{Value, json};
use testkit::Postgresql;

use super::{MOST, MOST_OF_A_TYPE, bring_in_line_at_start, name};
use crate::db::{Database, query_scalar};
use crate::{AttributeChange, Defaults, Index, Options, ResourceTypeChange};

async fn open(database: Database) -> Index {
    let options = Options {
        defaults: Defaults::Bare,
        ..Options::default()
    };
    Index::open_with(database, options).await.unwrap()
}

async fn indexes(index: &Index) -> BTreeSet<String> {
    let mut reader = index.reader().await.unwrap();
    let names: Vec<String> = query_scalar(index.dialect().attribute_indexes())
        .fetch_all(&mut reader)
        .await
        .unwrap();
    names.into_iter().collect()
}

fn expected(of: &[(&str, &str)]) -> BTreeSet<String> {
    let names = of
        .iter()
        .map(|(resource_type, attribute)| name(resource_type, attribute));
    names.collect()
}

fn attribute(kind: Value) -> Attribute {
    serde_json::from_value(kind).unwrap()
}

fn text() -> Attribute {
    attribute(json!({"type": "string", "required": false}))
}

fn set(attribute: Attribute) -> AttributeChange {
    AttributeChange {
        attribute,
        fill: None,
    }
}

async fn indexes_follow_the_types(database: Database) {
    let index = open(database.clone()).await;
    assert_eq!(indexes(&index).await, BTreeSet::new());
    // Names that would end a text or a name that was not quoted.
    let odd = "it's \"odd\"; DROP TABLE resource; --";
    let attributes = BTreeMap::from([
        ("it's".to_owned(), text()),
        (
            "owner".to_owned(),
            attribute(json!({"type": "uuid", "required": false})),
        ),
        (
            "size".to_owned(),
            attribute(json!({"type": "number", "required": false})),
        ),
    ]);
    index.create_resource_type(odd, attributes).await.unwrap();
    assert_eq!(
        indexes(&index).await,
        expected(&[(odd, "it's"), (odd, "owner")])
    );

    let change = ResourceTypeChange {
        remove: BTreeSet::from(["it's".to_owned()]),
        set: BTreeMap::from([
            ("zone".to_owned(), set(text())),
            (
                "owner".to_owned(),
                set(attribute(json!({"type": "bool", "required": false}))),
            ),
        ]),
    };
    index.update_resource_type(odd, change).await.unwrap();
    assert_eq!(indexes(&index).await, expected(&[(odd, "zone")]));

    // A catalogue that was written without them gets them when it is opened, and loses those of no type.
    let mut writer = index.writer().await.unwrap();
    for change in [
        "UPDATE resource_type SET attributes = '{}' WHERE name <> 'generic'",
        "INSERT INTO resource_type (name, attributes, updated_at) \
         VALUES ('new', '{\"a\": {\"type\": \"string\", \"required\": true}}', 0)",
    ] {
        writer.run(change).await.unwrap();
    }
    drop(writer);
    index.close().await;
    let index = open(database).await;
    assert_eq!(indexes(&index).await, expected(&[("new", "a")]));
    index.delete_resource_type("new").await.unwrap();
    assert_eq!(indexes(&index).await, BTreeSet::new());

    let many = |count: usize| (0..count).map(|at| (format!("a{at:03}"), text()));
    index
        .create_resource_type("wide", many(MOST_OF_A_TYPE + 5).collect())
        .await
        .unwrap();
    assert_eq!(indexes(&index).await.len(), MOST_OF_A_TYPE);
    assert!(indexes(&index).await.contains(&name("wide", "a000")));
    for at in 0..=MOST / MOST_OF_A_TYPE {
        let attributes = many(MOST_OF_A_TYPE - 1).collect();
        index
            .create_resource_type(&format!("type{at}"), attributes)
            .await
            .unwrap();
    }
    let most = indexes(&index).await;
    assert_eq!(most.len(), MOST);
    bring_in_line_at_start(&index).await.unwrap();
    assert_eq!(indexes(&index).await, most);
    index.close().await;
}

#[tokio::test]
async fn indexes_follow_the_types_in_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    indexes_follow_the_types(Database::Sqlite(dir.path().join("index.db"))).await;
}

#[tokio::test]
async fn indexes_follow_the_types_in_postgresql() {
    let server = Postgresql::start();
    indexes_follow_the_types(Database::postgresql(&server.database()).unwrap()).await;
}
