//! What the tests share: a catalogue in a directory of its own with a clock that ticks at each look.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use collector_index::{
    Database, Defaults, Filter, Index, IndexError, MetricSpec, NewMetric, NewResource, Options,
    Page, Resource, ResourceQuery,
};
use collector_model::Timestamp;
use serde_json::{Map, Value};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use testkit::Postgresql;
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

/// A place for a catalogue of the backend that this suite is about.
pub(crate) enum Place {
    /// SQLite's file, in a directory of its own.
    File(TempDir),
    /// A database of its own on a server that tests share while one of them needs it.
    Server {
        url: String,
        server: Arc<Postgresql>,
    },
}

impl Place {
    pub(crate) fn new() -> Self {
        if !crate::POSTGRESQL {
            return Self::File(tempfile::tempdir().unwrap());
        }
        static SERVER: Mutex<Weak<Postgresql>> = Mutex::new(Weak::new());
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Postgresql::start());
            *shared = Arc::downgrade(&server);
            server
        });
        drop(shared);
        Self::Server {
            url: server.database(),
            server,
        }
    }

    pub(crate) fn database(&self) -> Database {
        match self {
            Self::File(dir) => Database::Sqlite(dir.path().join("index.db")),
            Self::Server { url, .. } => Database::postgresql(url).unwrap(),
        }
    }
}

/// Runs statements in an empty place.
pub(crate) async fn load(place: &Place, statements: &'static str) {
    match place {
        Place::File(_) => {
            let mut connection = sqlite(&path_of(place)).await;
            sqlx::raw_sql(statements)
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        }
        Place::Server { url, server } => {
            let name = url.split(['/', '?']).nth(3).unwrap();
            server.sql(name, statements);
        }
    }
}

/// A connection to a file of SQLite's.
pub(crate) async fn sqlite(path: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// The file of a place that is one.
pub(crate) fn path_of(place: &Place) -> PathBuf {
    match place.database() {
        Database::Sqlite(path) => path,
        other @ Database::Postgres(_) => unreachable!("no file: {other}"),
    }
}

pub(crate) struct Fixture {
    pub(crate) index: Index,
    pub(crate) place: Place,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Defaults::Full).await
    }

    pub(crate) async fn with(defaults: Defaults) -> Self {
        let place = Place::new();
        let index = open(place.database(), defaults).await.unwrap();
        Self { index, place }
    }

    /// Closes the catalogue and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        self.index.close().await;
        let index = open(self.place.database(), Defaults::Full).await.unwrap();
        Self {
            index,
            place: self.place,
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

pub(crate) async fn open(database: Database, defaults: Defaults) -> Result<Index, IndexError> {
    let options = Options {
        defaults,
        clock: ticking,
        ..Options::default()
    };
    Index::open_with(database, options).await
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
