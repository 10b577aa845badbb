//! Several collectors on one catalogue: they create it once, create the same things once, and soon see what others did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector_index::{Defaults, Index, IndexError, ResourceUpdate};
use serde_json::json;

use crate::common::{Fixture, Place, all, generic, id_of, object, open};
use crate::ensure::{ids, wanted};

async fn other(fixture: &Fixture) -> Index {
    open(fixture.place.database(), Defaults::Full)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_that_start_together_create_the_catalogue_once() {
    let place = Arc::new(Place::new());
    let starts = (0..6).map(|_| {
        let place = Arc::clone(&place);
        tokio::spawn(async move { open(place.database(), Defaults::Full).await })
    });
    for start in starts.collect::<Vec<_>>() {
        let index = start.await.unwrap().unwrap();
        assert_eq!(index.resource_types().await.unwrap().len(), 24);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_that_create_the_same_at_once_get_one_of_each() {
    let fixture = Fixture::new().await;
    let collectors = [
        Arc::new(other(&fixture).await),
        Arc::new(other(&fixture).await),
    ];
    let tasks = (0..8).map(|task| {
        let index = Arc::clone(&collectors[task % 2]);
        tokio::spawn(async move {
            let mut seen = Vec::new();
            for round in 0..10 {
                let name = format!("disk{round}");
                let attributes = json!({"host_name": format!("h{}", task % 2)});
                let asked = [wanted(&name, attributes, &["read", "write"])];
                let mut answers = index.ensure(&asked).await.unwrap();
                seen.push(ids(&answers.remove(0).unwrap()));
            }
            seen
        })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(fixture.list(all("host_disk")).await.len(), 10);
    let creations = collectors
        .map(|index| tokio::spawn(async move { index.create_resource(generic("same")).await }));
    let mut created = 0;
    for creation in creations {
        match creation.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert!(
                matches!(error, IndexError::ResourceAlreadyExists(_)),
                "{error}"
            ),
        }
    }
    assert_eq!(created, 1);
}

/// Asks until the answer is as wanted; a second is four times as long as memory may be old.
async fn soon(mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(30), "never seen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_one_collector_changes_another_soon_sees() {
    let fixture = Fixture::new().await;
    let (here, there) = (&fixture.index, other(&fixture).await);
    let a = || [wanted("a", json!({"host_name": "h"}), &["read"])];
    let first = ids(here.ensure(&a()).await.unwrap()[0].as_ref().unwrap());
    assert_eq!(here.metric(first[0]).await.unwrap().id, first[0]);

    there.delete_metric(first[0]).await.unwrap();
    soon(async || here.metric(first[0]).await.is_err()).await;
    let second = ids(here.ensure(&a()).await.unwrap()[0].as_ref().unwrap());
    assert_ne!(second, first);

    let update = ResourceUpdate {
        attributes: object(json!({"host_name": "changed"})),
        ..ResourceUpdate::default()
    };
    there
        .update_resource("host_disk", id_of("a"), update)
        .await
        .unwrap();
    soon(async || {
        here.ensure(&a()).await.unwrap();
        let resource = there.resource("host_disk", id_of("a")).await.unwrap();
        resource.attributes["host_name"] == "h"
    })
    .await;

    there
        .create_resource_type("mine", Default::default())
        .await
        .unwrap();
    // A write builds on nothing old.
    let mut new = generic("b");
    new.resource_type = "mine".to_owned();
    here.create_resource(new).await.unwrap();
    there.delete_resource(id_of("b")).await.unwrap();
    there.delete_resource_type("mine").await.unwrap();
    soon(async || here.resource_type("mine").await.is_err()).await;
}
