//! How the databases run the statements of searches: by which index, told by themselves.

use serde_json::{Value, json};
use testkit::Postgresql;

use super::{OWN_ORDER, select};
use crate::db::{Database, Dialect};
use crate::filter::fields::Fields;
use crate::page::Order;
use crate::{EnsureBody, EnsureResource, Filter, Index, Page, ResourceQuery};

/// Enough that reading them all is never the cheapest way.
const HOSTS: u32 = 5_000;

async fn with_hosts(database: Database) -> Index {
    let index = Index::open(database).await.unwrap();
    let described: Vec<_> = (0..HOSTS)
        .map(|at| {
            let name = format!("compute-{at}");
            let id = collector_model::resource_id(&name, None).unwrap();
            (id, name, format!("project-{}", at / 10))
        })
        .collect();
    let wanted = described.iter().map(|(id, name, project)| EnsureResource {
        id: *id,
        body: Some(EnsureBody {
            resource_type: "host_disk",
            original_resource_id: name,
            project_id: Some(project),
            user_id: None,
            attributes: json!({"host_name": name, "device_name": "sda"})
                .as_object()
                .unwrap()
                .clone(),
        }),
        creator: None,
        metrics: Vec::new(),
    });
    for answer in index.ensure(&wanted.collect::<Vec<_>>()).await.unwrap() {
        answer.unwrap();
    }
    if index.dialect() == Dialect::Postgres {
        // As autovacuum does. SQLite is left without, as it is in use.
        index.writer().await.unwrap().run("ANALYZE").await.unwrap();
    }
    index
}

/// The plan of a search, and what it finds.
async fn search(index: &Index, filter: Value, limit: Option<u32>) -> (String, usize) {
    let query = ResourceQuery {
        resource_type: "host_disk".to_owned(),
        filter: Some(Filter::from_json(&filter).unwrap()),
        history: false,
        page: Page {
            limit,
            ..Page::default()
        },
    };
    let snapshot = index.snapshot().await.unwrap();
    let resource_type = snapshot.resource_type(&query.resource_type).unwrap();
    let fields = Fields::Resource {
        resource_type,
        history: false,
        dialect: index.dialect(),
    };
    let mut statement = select(resource_type, &query, fields, index.now()).unwrap();
    let order = Order::new(&[], &OWN_ORDER, fields).unwrap();
    order.push(&mut statement, limit);
    let mut reader = index.reader().await.unwrap();
    let plan = statement.plan(&mut reader).await.unwrap();
    (plan, index.list_resources(&query).await.unwrap().len())
}

async fn searches_use_their_indexes(database: Database) {
    let index = with_hosts(database).await;
    for (filter, limit, used, expected) in [
        (
            json!({"=": {"host_name": "compute-17"}}),
            None,
            "resource_attribute_",
            1,
        ),
        (
            json!({"like": {"host_name": "compute-17%"}}),
            None,
            "resource_attribute_",
            111,
        ),
        (
            json!({"in": {"host_name": ["compute-1", "compute-2", "none"]}}),
            None,
            "resource_attribute_",
            2,
        ),
        (
            json!({"and": [{"=": {"host_name": "compute-17"}}, {"=": {"device_name": "sdb"}}]}),
            None,
            "resource_attribute_",
            0,
        ),
        (
            json!({"=": {"project_id": "project-3"}}),
            None,
            "resource_by_project",
            10,
        ),
        (
            json!({"=": {"original_resource_id": "compute-9"}}),
            None,
            "resource_by_original_id",
            1,
        ),
        (
            json!({">": {"started_at": "2020-01-01"}}),
            Some(10),
            "resource_by_",
            10,
        ),
    ] {
        let (plan, found) = search(&index, filter.clone(), limit).await;
        assert!(plan.contains(used), "{filter}:\n{plan}");
        assert_eq!(found, expected, "{filter}");
    }
    // What all have is read in the list's order, not sorted.
    let (plan, found) = search(&index, json!({"=": {"device_name": "sda"}}), Some(10)).await;
    assert_eq!(found, 10);
    let sorts = plan.contains("Sort") || plan.contains("TEMP B-TREE");
    assert!(!sorts, "{plan}");
    index.close().await;
}

#[tokio::test]
async fn searches_use_their_indexes_in_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    searches_use_their_indexes(Database::Sqlite(dir.path().join("index.db"))).await;
}

#[tokio::test]
async fn searches_use_their_indexes_in_postgresql() {
    let server = Postgresql::start();
    searches_use_their_indexes(Database::postgresql(&server.database()).unwrap()).await;
}
