//! What clients send about resource types, good and bad.

use super::*;
use crate::api::Compatibility::{V4_4, V4_7};
use serde_json::json;

fn known() -> BTreeMap<String, Attribute> {
    let body = json!({"name": "t", "attributes": {"name": {"type": "string"}, "size": {"type": "number", "required": false}}});
    read_type(&body, V4_4).unwrap().attributes
}

fn patch(body: Value) -> Result<TypeChange, String> {
    patch_in(V4_4, body)
}

fn patch_in(dialect: Compatibility, body: Value) -> Result<TypeChange, String> {
    let kind = ResourceType {
        name: "t".to_owned(),
        attributes: known(),
        updated_at: Timestamp(0),
    };
    read_patch(&body, &kind, dialect, Timestamp(0)).map_err(|error| match &error.detail {
        Value::String(text) => text.clone(),
        detail => detail["reason"].as_str().unwrap().to_owned(),
    })
}

#[test]
fn a_definition_is_completed_with_the_defaults() {
    let attributes = serde_json::to_value(known()).unwrap();
    assert_eq!(
        attributes["name"],
        json!({"type": "string", "required": true, "min_length": 0, "max_length": 255})
    );
    assert_eq!(
        attributes["size"],
        json!({"type": "number", "required": false, "min": null, "max": null})
    );
}

#[test]
fn a_bad_definition_is_refused_where_it_is_bad() {
    for (attribute, wanted) in [
        (
            json!({"type": "string", "noexist": "foo"}),
            "extra keys not allowed @ data['attributes']['foo']['noexist']",
        ),
        (
            json!({"type": "text"}),
            "not a valid value for dictionary value @ data['attributes']['foo']['type']",
        ),
        (
            json!({"required": true}),
            "required key not provided @ data['attributes']['foo']['type']",
        ),
        (
            json!({"type": "string", "min_length": -1}),
            "for dictionary value @ data['attributes']['foo']",
        ),
        (
            json!({"type": "number", "min": 8, "max": 3}),
            "Resource attribute value min (or min_length) 8",
        ),
    ] {
        let error = read_type(
            &json!({"name": "t", "attributes": {"foo": attribute}}),
            V4_4,
        )
        .unwrap_err();
        assert!(
            error.detail.to_string().contains(wanted),
            "{:?}",
            error.detail
        );
    }
    let error = read_type(
        &json!({"name": "t", "attributes": {"project_id": {"type": "string"}}}),
        V4_4,
    )
    .unwrap_err();
    assert_eq!(
        error.detail,
        "Invalid input: Resource attribute name project_id is invalid"
    );
}

#[test]
fn a_patch_adds_and_removes_attributes() {
    let change = patch(json!([
        {"op": "add", "path": "/attributes/new", "value": {"type": "number", "options": {"fill": 15}}},
        {"op": "add", "path": "/attributes/free", "value": {"type": "bool", "required": false}},
        {"op": "remove", "path": "/attributes/size"},
    ]));
    let change = change.unwrap();
    assert_eq!(change.add["new"].1, Some(json!(15)));
    assert_eq!(change.add["free"].1, None);
    assert_eq!(change.remove, BTreeSet::from(["size".to_owned()]));
}

#[test]
fn steps_that_undo_each_other_change_nothing() {
    let add = json!({"op": "add", "path": "/attributes/what", "value": {"type": "bool", "required": false}});
    let remove = json!({"op": "remove", "path": "/attributes/what"});
    assert_eq!(patch(json!([add, remove])), Ok(TypeChange::default()));
    assert_eq!(
        patch(json!([remove, add])),
        Err("can't remove a non-existent object 'what'".to_owned())
    );
}

#[test]
fn a_required_attribute_needs_a_fill_of_its_type() {
    let add = |value: Value| {
        patch(json!([{"op": "add", "path": "/attributes/a", "value": value}])).unwrap_err()
    };
    assert_eq!(
        add(json!({"type": "bool", "options": {}})),
        "Invalid input: Option 'fill' of resource attribute a is invalid: must not be empty if required=True"
    );
    assert_eq!(
        add(json!({"type": "number", "options": {"fill": "a-string"}})),
        "Invalid input: Option 'fill' of resource attribute a is invalid: expected Real"
    );
}

#[test]
fn other_operations_and_paths_are_refused() {
    let error =
        patch(json!([{"op": "replace", "path": "/attributes/a", "value": {}}])).unwrap_err();
    assert_eq!(
        error,
        "not a valid value for dictionary value @ data[0]['op']"
    );
    let error = patch(json!([{"op": "remove", "path": "/name"}])).unwrap_err();
    assert_eq!(
        error,
        "Only attributes can be modified for dictionary value @ data[0]['path']"
    );
}

#[test]
fn a_known_attribute_is_defined_anew_only_where_gnocchi_does() {
    let add =
        |definition: Value| json!([{"op": "add", "path": "/attributes/name", "value": definition}]);
    let optional = add(json!({"type": "string", "required": false, "max_length": 5}));
    assert_eq!(patch_in(V4_4, optional.clone()), Ok(TypeChange::default()));
    let change = patch_in(V4_7, optional).unwrap();
    assert!(!change.add["name"].0.required);
    let same = add(json!({"type": "string", "max_length": 255}));
    assert_eq!(patch_in(V4_7, same), Ok(TypeChange::default()));
    assert_eq!(
        patch_in(V4_7, add(json!({"type": "number"}))).unwrap_err(),
        "Type update is not available yet. Changing string to number for attribute name of resource t"
    );
}
