//! How the databases run the statements of searches: by which index, told by themselves.

use serde_json::{Value, json};
use testkit::Postgresql;

use crate::db::{Database, Dialect};
use crate::filter::fields::Fields;
use crate::metric::list;
use crate::page::Order;
use crate::resource::list::{OWN_ORDER, select};
use crate::resource_type::GENERIC;
use crate::{
    EnsureBody, EnsureMetric, EnsureResource, Filter, Index, MetricQuery, Page, ResourceQuery,
};

/// Enough that reading them all is never the cheapest way.
const HOSTS: u32 = 5_000;

async fn with_hosts(database: Database) -> Index {
    let index = Index::open(database).await.unwrap();
    let described: Vec<_> = (0..HOSTS)
        .map(|at| {
            let name = format!("compute-{at}");
            let id = collector_model::resource_id(&name, None).unwrap();
            let creator = format!("user-{}:maker-{}", at % 7, at / 10);
            (id, name, format!("project-{}", at / 10), creator)
        })
        .collect();
    let wanted = described
        .iter()
        .map(|(id, name, project, creator)| EnsureResource {
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
            creator: Some(creator),
            metrics: vec![EnsureMetric {
                name: "disk.size",
                unit: None,
                archive_policy_name: Some("low"),
            }],
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

/// The plan of a list of metrics, and what it finds.
async fn metrics(index: &Index, filter: Value) -> (String, usize) {
    let query = MetricQuery {
        filter: Some(Filter::from_json(&filter).unwrap()),
        page: Page {
            limit: Some(1_000),
            ..Page::default()
        },
        ..MetricQuery::default()
    };
    let snapshot = index.snapshot().await.unwrap();
    let fields = Fields::Metric {
        generic: snapshot.resource_type(GENERIC).unwrap(),
        dialect: index.dialect(),
    };
    let mut statement = list::select(&query, fields, index.now()).unwrap();
    let order = Order::new(&[], &[], fields).unwrap();
    order.push(&mut statement, query.page.limit);
    let mut reader = index.reader().await.unwrap();
    let plan = statement.plan(&mut reader).await.unwrap();
    (plan, index.list_metrics(&query).await.unwrap().len())
}

async fn metrics_of_a_project_are_found_by_indexes(index: &Index) {
    let own = json!({"=": {"created_by_project_id": "maker-4"}});
    let owned = json!({"=": {"resource.project_id": "project-3"}});
    // What a user of Keystone's may see.
    let either = json!({"or": [owned, own]});
    for (filter, used, expected) in [
        (own, vec!["metric_by_creators_project"], 10),
        (owned, vec!["metric_by_resource", "resource_by_project"], 10),
        (
            either,
            vec![
                "metric_by_creators_project",
                "metric_by_resource",
                "resource_by_project",
            ],
            20,
        ),
    ] {
        let (plan, found) = metrics(index, filter.clone()).await;
        for used in used {
            assert!(plan.contains(used), "{filter}:\n{plan}");
        }
        assert_eq!(found, expected, "{filter}");
    }
}

async fn searches_use_their_indexes(database: Database) {
    let index = with_hosts(database).await;
    metrics_of_a_project_are_found_by_indexes(&index).await;
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
            json!({"=": {"created_by_project_id": "maker-3"}}),
            None,
            "resource_by_creators_project",
            10,
        ),
        // What a user of Keystone's may see.
        (
            json!({"or": [{"=": {"project_id": "project-3"}}, {"=": {"created_by_project_id": "maker-4"}}]}),
            Some(1000),
            "resource_by_creators_project",
            20,
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
