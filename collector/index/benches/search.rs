//! `make bench-index`: a catalogue of 200,000 instances in SQLite and in PostgreSQL, and what each kind of search in it
//! takes, as the caller waits: the median and the 99th percentile, one search after the other.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run says so loudly"
)]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use collector_index::{
    Database, EnsureBody, EnsureResource, Filter, Index, Operator, Page, ResourceQuery,
};
use serde_json::{Map, Value, json};
use testkit::Postgresql;
use uuid::Uuid;

/// Instances in the catalogue.
const INSTANCES: usize = 200_000;

/// Instances of one project.
const OF_A_PROJECT: usize = 100;

/// Instances that are made sure of at once, as from one batch of measures.
const BATCH: usize = 2_000;

/// Searches of each kind.
const ROUNDS: usize = 500;

/// Entries of a page.
const PAGE: u32 = 100;

/// A kind of search: its name, and the query of a round.
type Search = (&'static str, fn(usize) -> ResourceQuery);

const SEARCHES: [Search; 11] = [
    ("project_id = (100 found)", |at| {
        filtered(Filter::eq("project_id", project(at)))
    }),
    ("created_by_project_id = (100)", |at| {
        filtered(Filter::eq("created_by_project_id", project(at)))
    }),
    ("what a user of Keystone's may see (100 to 200)", |at| {
        let other = project((at + INSTANCES / 2) % INSTANCES);
        filtered(Filter::Or(vec![
            Filter::eq("project_id", project(at)),
            Filter::eq("created_by_project_id", other),
        ]))
    }),
    ("display_name like 'web-12345%' (1 to 11)", |at| {
        let prefix = format!("web-{}%", 10_000 + at % 90_000);
        filtered(Filter::compare("display_name", Operator::Like, prefix))
    }),
    ("display_name like 'web-123%' (100 to 1,111)", |at| {
        let prefix = format!("web-{}%", 100 + at % 900);
        filtered(Filter::compare("display_name", Operator::Like, prefix))
    }),
    ("display_name like 'web-123%', a page of 100", |at| {
        let prefix = format!("web-{}%", 100 + at % 900);
        ResourceQuery {
            page: Page {
                limit: Some(PAGE),
                ..Page::default()
            },
            ..filtered(Filter::compare("display_name", Operator::Like, prefix))
        }
    }),
    ("display_name like 'web-12%' (1,111 to 11,111)", |at| {
        let prefix = format!("web-{}%", 10 + at % 10);
        filtered(Filter::compare("display_name", Operator::Like, prefix))
    }),
    ("display_name = (1)", |at| {
        filtered(Filter::eq("display_name", name(at)))
    }),
    ("display_name in (10)", |at| {
        filtered(Filter::one_of(
            "display_name",
            (0..10).map(|more| name(at + more * 7)),
        ))
    }),
    ("original_resource_id = (1)", |at| {
        filtered(Filter::eq("original_resource_id", id(at).to_string()))
    }),
    ("list, limit 100, marker", |at| ResourceQuery {
        page: Page {
            limit: Some(PAGE),
            marker: Some(id(at).to_string()),
            ..Page::default()
        },
        ..all()
    }),
];

fn all() -> ResourceQuery {
    ResourceQuery {
        resource_type: "instance".to_owned(),
        filter: None,
        history: false,
        page: Page::default(),
    }
}

fn filtered(filter: Filter) -> ResourceQuery {
    ResourceQuery {
        filter: Some(filter),
        ..all()
    }
}

fn id(at: usize) -> Uuid {
    // Scattered, as Nova's are.
    Uuid::from_u128((at as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn name(at: usize) -> String {
    format!("web-{at}")
}

fn project(at: usize) -> String {
    format!("{:032x}", at / OF_A_PROJECT)
}

/// The attributes that Ceilometer gives an instance.
fn attributes(at: usize) -> Map<String, Value> {
    let attributes = json!({
        "availability_zone": format!("az{}", at % 3),
        "created_at": "2026-01-01T00:00:00+00:00",
        "display_name": name(at),
        "flavor_id": (at % 20).to_string(),
        "flavor_name": format!("m1.{}", at % 20),
        "host": format!("compute-{}", at % 5_000),
        "image_ref": id(at % 200).to_string(),
        "launched_at": "2026-01-01T00:00:10+00:00",
    });
    attributes.as_object().unwrap().clone()
}

async fn fill(index: &Index) {
    let all: Vec<usize> = (0..INSTANCES).collect();
    for batch in all.chunks(BATCH) {
        let described: Vec<_> = batch
            .iter()
            .map(|at| {
                let project = project(*at);
                let creator = format!("user:{project}");
                (id(*at).to_string(), project, creator, attributes(*at))
            })
            .collect();
        let wanted: Vec<_> = described
            .iter()
            .zip(batch)
            .map(
                |((original, project, creator, attributes), at)| EnsureResource {
                    id: id(*at),
                    body: Some(EnsureBody {
                        resource_type: "instance",
                        original_resource_id: original,
                        project_id: Some(project),
                        user_id: Some(project),
                        attributes: attributes.clone(),
                    }),
                    creator: Some(creator),
                    metrics: Vec::new(),
                },
            )
            .collect();
        for answer in index.ensure(&wanted).await.unwrap() {
            answer.unwrap();
        }
    }
}

/// The time that so many of all take at most.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).unwrap().as_secs_f64() * 1_000.0
}

async fn measure(index: &Index) {
    for (search, query) in SEARCHES {
        let mut took = Vec::with_capacity(ROUNDS);
        let mut found = 0;
        let started = Instant::now();
        for round in 0..ROUNDS {
            // All over the catalogue, the same in each run.
            let query = query(round * 7_919 % INSTANCES);
            let asked = Instant::now();
            found += index.list_resources(&query).await.unwrap().len();
            took.push(asked.elapsed());
            if started.elapsed() > Duration::from_secs(15) {
                break;
            }
        }
        took.sort_unstable();
        let (half, most) = (percentile(&took, 50), percentile(&took, 99));
        let mean = found / took.len();
        println!(
            "  {search:<46} p50 {half:>8.2} ms  p99 {most:>8.2} ms  ({} searches, {mean} found on average)",
            took.len()
        );
    }
}

async fn run(title: &str, database: Database, settle: impl FnOnce()) {
    let index = Index::open(database).await.unwrap();
    let started = Instant::now();
    fill(&index).await;
    let took = started.elapsed().as_secs_f64();
    println!("{title}: {INSTANCES} instances written in {took:.1} s");
    settle();
    measure(&index).await;
    index.close().await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let file = Database::Sqlite(dir.path().join("index.db"));
    run("SQLite", file, || ()).await;
    let server = Postgresql::start();
    let database = Database::postgresql(&server.database()).unwrap();
    // As autovacuum does within a minute of so many writes.
    run("PostgreSQL", database, || {
        server.sql("test0", "VACUUM ANALYZE");
    })
    .await;
}
