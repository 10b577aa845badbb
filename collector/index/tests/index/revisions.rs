//! Changes of a resource, and the revisions that they make.

use std::collections::BTreeMap;

use collector_index::{IndexError, MetricsUpdate, NewResource, ResourceUpdate};
use collector_model::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{
    Fixture, all, generic, host, new_metric_spec, object, refusal, set_clock_back,
};

pub(crate) fn owner(user: &str) -> ResourceUpdate {
    ResourceUpdate {
        user_id: Some(Some(user.to_owned())),
        ..ResourceUpdate::default()
    }
}

#[tokio::test]
async fn only_a_change_makes_a_revision() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let first = fixture.resource(host("a")).await;
    let second = index
        .update_resource("host", first.id, owner("me"))
        .await
        .unwrap();
    assert!(second.revision_start > first.revision_start);
    assert_eq!(second.user_id.as_deref(), Some("me"));
    let same = ResourceUpdate {
        attributes: object(json!({"host_name": "a"})),
        metrics: MetricsUpdate::Append(BTreeMap::from([(
            "cpu".to_owned(),
            new_metric_spec("low"),
        )])),
        ..owner("me")
    };
    let third = index
        .update_resource("generic", first.id, owner("me"))
        .await
        .unwrap();
    assert_eq!(third, second);
    let third = index.update_resource("host", first.id, same).await.unwrap();
    assert_eq!(third.revision_start, second.revision_start);
    assert!(third.metrics.contains_key("cpu"));
    let mut query = all("generic");
    query.history = true;
    let history = fixture.list(query).await;
    assert_eq!(history.len(), 2);
    assert_eq!((history[0].revision, history[1].revision), (1, -1));
    assert_eq!(history[0].user_id, None);
    assert_eq!(history[0].revision_end, Some(second.revision_start));
    assert_eq!(history[1], third);
}

#[tokio::test]
async fn which_resources_have_ended_is_known_after_every_change() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let resource = fixture.resource(host("a")).await;
    let nobody = Uuid::from_u128(99);
    let ended = || async { index.ended(&[nobody, resource.id]).await.unwrap() };
    assert_eq!(ended().await, []);
    let end = Timestamp(resource.started_at.0 + 1_000_000);
    let ends = |end| ResourceUpdate {
        ended_at: Some(end),
        ..ResourceUpdate::default()
    };
    index
        .update_resource("host", resource.id, ends(Some(end)))
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(ended().await, [(resource.id, end)]);
    }
    index
        .update_resource("generic", resource.id, ends(None))
        .await
        .unwrap();
    assert_eq!(ended().await, []);
}

#[tokio::test]
async fn null_takes_an_optional_attribute_away() {
    let fixture = Fixture::new().await;
    let volume = NewResource {
        resource_type: "volume".to_owned(),
        attributes: object(json!({"display_name": "data"})),
        ..generic("a")
    };
    let id = fixture.resource(volume).await.id;
    let update = ResourceUpdate {
        attributes: object(json!({"display_name": null})),
        ..ResourceUpdate::default()
    };
    let updated = fixture
        .index
        .update_resource("volume", id, update)
        .await
        .unwrap();
    assert_eq!(updated.attributes["display_name"], Value::Null);
}

#[tokio::test]
async fn revisions_ascend_also_when_the_clock_is_set_back() {
    let fixture = Fixture::new().await;
    let first = fixture.resource(generic("a")).await;
    set_clock_back();
    let second = fixture
        .index
        .update_resource("generic", first.id, owner("b"))
        .await
        .unwrap();
    assert_eq!(second.revision_start.0, first.revision_start.0 + 1_000);
}

#[tokio::test]
async fn a_change_meant_for_another_revision_is_refused() {
    let fixture = Fixture::new().await;
    let first = fixture.resource(generic("a")).await;
    let meant = |user| ResourceUpdate {
        if_revision: Some(first.revision_start),
        ..owner(user)
    };
    fixture
        .index
        .update_resource("generic", first.id, meant("b"))
        .await
        .unwrap();
    let late = fixture
        .index
        .update_resource("generic", first.id, meant("c"))
        .await;
    assert!(matches!(late, Err(IndexError::RevisionChanged(id)) if id == first.id));
    let kept = fixture.index.resource("generic", first.id).await.unwrap();
    assert_eq!(kept.user_id.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_resource_cannot_be_made_to_end_before_it_starts() {
    let fixture = Fixture::new().await;
    let first = fixture.resource(generic("a")).await;
    let update = ResourceUpdate {
        ended_at: Some(Some(Timestamp(0))),
        ..ResourceUpdate::default()
    };
    let refused = fixture
        .index
        .update_resource("generic", first.id, update)
        .await;
    assert_eq!(
        refusal(refused),
        "Value 1970-01-01T00:00:00+00:00 for attribute ended_at on resource type generic is invalid"
    );
    let missing = fixture
        .index
        .update_resource("generic", Uuid::nil(), owner("b"))
        .await;
    assert_eq!(
        refusal(missing),
        format!("Resource {} does not exist", Uuid::nil())
    );
}
