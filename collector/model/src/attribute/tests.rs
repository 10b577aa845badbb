//! Definitions and values of attributes; the texts were asked of Gnocchi 4.4.2.

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp(0);

fn attribute(json: Value) -> Attribute {
    serde_json::from_value(json).unwrap()
}

fn refused(kind: &Value, value: &Value) -> String {
    attribute(kind.clone())
        .kind
        .normalise(value, NOW)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_definition_takes_and_gives_gnocchis_json() {
    let full = json!({"type": "string", "required": true, "min_length": 0, "max_length": 255});
    assert_eq!(
        serde_json::to_value(attribute(json!({"type": "string"}))).unwrap(),
        full
    );
    let number = json!({"type": "number", "required": false, "min": null, "max": 5});
    assert_eq!(
        serde_json::to_value(attribute(
            json!({"type": "number", "required": false, "max": 5})
        ))
        .unwrap(),
        number
    );
    assert_eq!(
        serde_json::to_value(attribute(json!({"type": "bool"}))).unwrap(),
        json!({"type": "bool", "required": true})
    );
    assert!(serde_json::from_value::<Attribute>(json!({"type": "list"})).is_err());
}

#[test]
fn bad_names_and_limits_are_refused_in_gnocchis_words() {
    let text = attribute(json!({"type": "string"}));
    for name in ["", "_x", "id", "creator", &"a".repeat(64)] {
        let expected = format!("Resource attribute name {name} is invalid");
        assert_eq!(text.check(name).unwrap_err().to_string(), expected);
    }
    assert_eq!(text.check("flavor_id"), Ok(()));
    let expected = "Resource attribute value min (or min_length) 5 must be less  than or equal to max (or max_length) 2!";
    for kind in [
        json!({"type": "string", "min_length": 5, "max_length": 2}),
        json!({"type": "number", "min": 5, "max": 2}),
    ] {
        assert_eq!(
            attribute(kind).check("x").unwrap_err().to_string(),
            expected
        );
    }
    assert!(
        attribute(json!({"type": "string", "max_length": 513}))
            .check("x")
            .is_err()
    );
    assert!(
        attribute(json!({"type": "string", "max_length": 0}))
            .check("x")
            .is_err()
    );
}

#[test]
fn values_outside_their_type_are_refused_in_gnocchis_words() {
    let text = json!({"type": "string", "min_length": 2, "max_length": 4});
    assert_eq!(
        refused(&text, &json!("a")),
        "length of value must be at least 2"
    );
    assert_eq!(
        refused(&text, &json!("abcde")),
        "length of value must be at most 4"
    );
    assert_eq!(refused(&text, &json!(null)), "expected str");
    let number = json!({"type": "number", "min": 1, "max": 2});
    assert_eq!(refused(&number, &json!(0)), "value must be at least 1");
    assert_eq!(refused(&number, &json!(2.5)), "value must be at most 2");
    assert_eq!(refused(&number, &json!("2")), "expected Real");
    assert_eq!(
        refused(&json!({"type": "bool"}), &json!(1)),
        "expected bool"
    );
    assert_eq!(
        refused(&json!({"type": "uuid"}), &json!("x")),
        "badly formed hexadecimal UUID string"
    );
    assert_eq!(
        refused(&json!({"type": "uuid"}), &json!(5)),
        "expected a UUID string"
    );
    assert_eq!(
        refused(&json!({"type": "datetime"}), &json!("x")),
        "Unable to convert timestamps"
    );
    assert_eq!(
        refused(&json!({"type": "datetime"}), &json!(-5)),
        "Timestamp must be after Epoch"
    );
    assert_eq!(
        refused(&json!({"type": "datetime"}), &json!([])),
        "Unable to convert timestamps"
    );
}

#[test]
fn values_are_kept_in_one_form() {
    let kept = |kind: &str, value: Value| {
        attribute(json!({"type": kind}))
            .kind
            .normalise(&value, NOW)
            .unwrap()
    };
    assert_eq!(kept("string", json!("é")), json!("é"));
    assert_eq!(kept("number", json!(2.5)), json!(2.5));
    assert_eq!(kept("number", json!(3)), json!(3));
    assert_eq!(kept("bool", json!(false)), json!(false));
    assert_eq!(
        kept("uuid", json!("0A7A15FFAA134AC2897C9BDF30CE175B")),
        json!("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b")
    );
    assert_eq!(
        kept("datetime", json!("2026-01-01")),
        json!("2026-01-01T00:00:00+00:00")
    );
    assert_eq!(
        kept("datetime", json!(5)),
        json!("1970-01-01T00:00:05+00:00")
    );
}
