//! What the tests share: a catalogue in a directory of its own with a clock that ticks at each look.

use std::cell::Cell;
use std::path::PathBuf;

use collector_index::{
    Defaults, Filter, Index, IndexError, MetricSpec, NewMetric, NewResource, Options, Page,
    Resource, ResourceQuery,
};
use collector_model::Timestamp;
use serde_json::{Map, Value};
use tempfile::TempDir;
use uuid::Uuid;

/// A minute into 2026.
const START: i64 = 1_767_225_660;
const SECOND: i64 = 1_000_000_000;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(START * SECOND) };
}

/// One second later at each look.
pub(crate) fn ticking() -> Timestamp {
    NOW.set(NOW.get() + SECOND);
    Timestamp(NOW.get())
}

/// What the clock showed at the last look.
pub(crate) fn last_tick() -> Timestamp {
    Timestamp(NOW.get())
}

/// Sets the clock back by a day.
pub(crate) fn set_clock_back() {
    NOW.set(NOW.get() - 86_400 * SECOND);
}

pub(crate) struct Fixture {
    pub(crate) index: Index,
    pub(crate) dir: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Defaults::Full).await
    }

    pub(crate) async fn with(defaults: Defaults) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path().join("index.db"), defaults).await.unwrap();
        Self { index, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("index.db")
    }

    /// Closes the catalogue and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        self.index.close().await;
        let index = open(self.path(), Defaults::Full).await.unwrap();
        Self {
            index,
            dir: self.dir,
        }
    }

    /// Opens a copy of the files as a killed process would leave them.
    pub(crate) async fn after_a_kill(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["index.db", "index.db-wal"] {
            std::fs::copy(self.dir.path().join(name), dir.path().join(name)).unwrap();
        }
        let index = open(dir.path().join("index.db"), Defaults::Full).await;
        Self {
            index: index.unwrap(),
            dir,
        }
    }

    pub(crate) async fn resource(&self, new: NewResource) -> Resource {
        self.index.create_resource(new).await.unwrap()
    }

    pub(crate) async fn metric_on(&self, resource: &Resource, name: &str) -> Uuid {
        let new = NewMetric {
            creator: resource.creator.clone(),
            name: Some(name.to_owned()),
            resource_id: Some(resource.id),
            ..NewMetric::default()
        };
        self.index.create_metric(new).await.unwrap().id
    }

    pub(crate) async fn list(&self, query: ResourceQuery) -> Vec<Resource> {
        self.index.list_resources(&query).await.unwrap()
    }

    pub(crate) async fn found(&self, resource_type: &str, filter: Filter) -> Vec<String> {
        let query = ResourceQuery {
            filter: Some(filter),
            ..all(resource_type)
        };
        names(&self.list(query).await)
    }
}

pub(crate) async fn open(path: PathBuf, defaults: Defaults) -> Result<Index, IndexError> {
    let options = Options {
        defaults,
        clock: ticking,
        ..Options::default()
    };
    Index::open_with(&path, options).await
}

/// All resources of a type.
pub(crate) fn all(resource_type: &str) -> ResourceQuery {
    ResourceQuery {
        resource_type: resource_type.to_owned(),
        filter: None,
        history: false,
        page: Page::default(),
    }
}

/// Original ids in order.
pub(crate) fn names(resources: &[Resource]) -> Vec<String> {
    let names = resources.iter().map(|r| r.original_resource_id.clone());
    names.collect()
}

pub(crate) fn object(json: Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

/// A generic resource whose id is that of its name.
pub(crate) fn generic(name: &str) -> NewResource {
    NewResource {
        id: id_of(name),
        original_resource_id: Some(name.to_owned()),
        resource_type: "generic".to_owned(),
        creator: Some("admin".to_owned()),
        ..NewResource::default()
    }
}

/// A host of that name.
pub(crate) fn host(name: &str) -> NewResource {
    NewResource {
        resource_type: "host".to_owned(),
        attributes: object(serde_json::json!({ "host_name": name })),
        ..generic(name)
    }
}

pub(crate) fn id_of(name: &str) -> Uuid {
    collector_model::resource_id(name, Some("admin")).unwrap()
}

pub(crate) fn new_metric_spec(policy: &str) -> MetricSpec {
    MetricSpec::New {
        unit: Some("B".to_owned()),
        archive_policy_name: Some(policy.to_owned()),
    }
}

/// The text of an error.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, IndexError>) -> String {
    result.unwrap_err().to_string()
}
