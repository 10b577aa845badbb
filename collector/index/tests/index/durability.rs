//! What survives: a restart, and a half-done change.

use collector_index::{EnsureResource, IndexError, ResourceUpdate};
use serde_json::json;

use crate::common::{Fixture, all, generic, host, id_of};

/// All that a client can see.
pub(crate) async fn everything(fixture: &Fixture) -> String {
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

pub(crate) async fn lived_in() -> Fixture {
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
async fn a_probe_is_written_and_leaves_nothing() {
    let fixture = lived_in().await;
    let before = everything(&fixture).await;
    fixture.index.probe().await.unwrap();
    assert_eq!(everything(&fixture).await, before);
}
