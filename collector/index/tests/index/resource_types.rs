//! Resource types and changes of their attributes.

use std::collections::{BTreeMap, BTreeSet};

use collector_index::{AttributeChange, NewResource, ResourceTypeChange, ResourceUpdate};
use collector_model::{Attribute, AttributeType};
use serde_json::{Value, json};

use crate::common::{Fixture, generic, host, id_of, last_tick, object, refusal};

fn attribute(json: Value) -> Attribute {
    serde_json::from_value(json).unwrap()
}

fn set(name: &str, definition: Value, fill: Option<Value>) -> ResourceTypeChange {
    let change = AttributeChange {
        attribute: attribute(definition),
        fill,
    };
    ResourceTypeChange {
        remove: BTreeSet::new(),
        set: BTreeMap::from([(name.to_owned(), change)]),
    }
}

fn remove(name: &str) -> ResourceTypeChange {
    ResourceTypeChange {
        remove: BTreeSet::from([name.to_owned()]),
        set: BTreeMap::new(),
    }
}

#[tokio::test]
async fn a_new_catalogue_has_ceilometers_types() {
    let fixture = Fixture::new().await;
    let types = fixture.index.resource_types().await.unwrap();
    assert_eq!(types.len(), 24);
    assert!(types.is_sorted_by_key(|resource_type| &resource_type.name));
    let port = fixture.index.resource_type("switch_port").await.unwrap();
    let json = serde_json::to_value(&port.attributes).unwrap();
    assert_eq!(
        json["port_number_on_switch"],
        json!({"type": "number", "required": false, "min": 0, "max": 4_294_967_295_u32})
    );
    assert_eq!(
        json["switch"],
        json!({"type": "string", "required": true, "min_length": 0, "max_length": 64})
    );
    let instance = fixture.index.resource_type("instance").await.unwrap();
    assert_eq!(
        instance.attributes["launched_at"].kind,
        AttributeType::Datetime
    );
}

#[tokio::test]
async fn a_created_type_comes_back_as_it_was() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let attributes = BTreeMap::from([
        ("it's".to_owned(), attribute(json!({"type": "bool"}))),
        (
            "size".to_owned(),
            attribute(json!({"type": "number", "min": 0.5})),
        ),
    ]);
    let created = index
        .create_resource_type("mine", attributes.clone())
        .await
        .unwrap();
    assert_eq!(created.attributes, attributes);
    assert_eq!(index.resource_type("mine").await.unwrap(), created);
    let again = index.create_resource_type("mine", attributes).await;
    assert_eq!(refusal(again), "Resource type mine already exists");
    let missing = index.resource_type("other").await;
    assert_eq!(refusal(missing), "Resource type other does not exist");
}

#[tokio::test]
async fn an_attribute_whose_name_cannot_be_asked_for_is_refused() {
    let fixture = Fixture::new().await;
    for name in ["id", "a\"b", "a\\b", "", "_a"] {
        let attributes = BTreeMap::from([(name.to_owned(), attribute(json!({"type": "bool"})))]);
        let refused = fixture.index.create_resource_type("mine", attributes).await;
        assert_eq!(
            refusal(refused),
            format!("Resource attribute name {name} is invalid")
        );
    }
}

#[tokio::test]
async fn an_added_attribute_fills_resources_and_their_history() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    fixture.resource(host("a")).await;
    let update = ResourceUpdate {
        user_id: Some(Some("me".to_owned())),
        ..ResourceUpdate::default()
    };
    index
        .update_resource("host", id_of("a"), update)
        .await
        .unwrap();
    let change = set(
        "rack",
        json!({"type": "string", "required": true}),
        Some(json!("unknown")),
    );
    let updated = index.update_resource_type("host", change).await.unwrap();
    assert!(updated.attributes["rack"].required);
    assert_eq!(updated.updated_at, last_tick());
    let mut query = crate::common::all("host");
    query.history = true;
    for revision in fixture.list(query).await {
        assert_eq!(revision.attributes["rack"], "unknown");
    }
    let optional = set("rack", json!({"type": "string", "required": false}), None);
    let updated = index.update_resource_type("host", optional).await.unwrap();
    assert!(!updated.attributes["rack"].required);
    let kept = index.resource("host", id_of("a")).await.unwrap();
    assert_eq!(kept.attributes["rack"], "unknown");
}

#[tokio::test]
async fn a_removed_attribute_does_not_come_back_with_its_old_values() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let disk = NewResource {
        resource_type: "host_disk".to_owned(),
        attributes: object(json!({"host_name": "a", "device_name": "sda"})),
        ..generic("a")
    };
    fixture.resource(disk).await;
    index
        .update_resource_type("host_disk", remove("device_name"))
        .await
        .unwrap();
    let shown = index.resource("host_disk", id_of("a")).await.unwrap();
    assert_eq!(shown.attributes, object(json!({"host_name": "a"})));
    let again = set(
        "device_name",
        json!({"type": "string", "required": false}),
        None,
    );
    index
        .update_resource_type("host_disk", again)
        .await
        .unwrap();
    let shown = index.resource("host_disk", id_of("a")).await.unwrap();
    assert_eq!(shown.attributes["device_name"], Value::Null);
}

#[tokio::test]
async fn a_change_that_cannot_be_made_leaves_the_type_alone() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    let before = index.resource_type("host").await.unwrap();
    let missing = index.update_resource_type("host", remove("rack")).await;
    assert_eq!(refusal(missing), "Resource type host has no rack attribute");
    let mut wrong = set("size", json!({"type": "number"}), Some(json!("big")));
    wrong.remove.insert("host_name".to_owned());
    let wrong = index.update_resource_type("host", wrong).await;
    assert_eq!(refusal(wrong), "expected Real");
    let name = set("a\"b", json!({"type": "bool"}), Some(json!(true)));
    let name = index.update_resource_type("host", name).await;
    assert_eq!(refusal(name), "Resource attribute name a\"b is invalid");
    assert_eq!(index.resource_type("host").await.unwrap(), before);
    let other = index.update_resource_type("other", remove("x")).await;
    assert_eq!(refusal(other), "Resource type other does not exist");
}

#[tokio::test]
async fn a_type_in_use_is_not_deleted() {
    let fixture = Fixture::new().await;
    let index = &fixture.index;
    fixture.resource(host("a")).await;
    let used = index.delete_resource_type("host").await;
    assert_eq!(refusal(used), "Resource type host is still in use");
    let generic = index.delete_resource_type("generic").await;
    assert_eq!(refusal(generic), "Resource type generic is still in use");
    index.delete_resource(id_of("a")).await.unwrap();
    index.delete_resource_type("host").await.unwrap();
    let gone = index.delete_resource_type("host").await;
    assert_eq!(refusal(gone), "Resource type host does not exist");
    let gone = index.list_resources(&crate::common::all("host")).await;
    assert_eq!(refusal(gone), "Resource type host does not exist");
}
