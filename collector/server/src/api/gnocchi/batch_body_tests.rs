//! The quick reader and the one that knows everything read the same out of a body, or the quick one leaves it alone.

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use serde_json::{Value, json};

use super::super::batch_agreement::{agree, same};
use super::*;

fn timestamp() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => (0..4_000_000_000_i64).prop_map(|at| {
            let text = Timestamp(at * 1_000_000_000).to_string();
            json!(text.trim_end_matches("+00:00"))
        }),
        2 => (0..4_000_000_000_i64, any::<u32>()).prop_map(|(at, fraction)| {
            json!(Timestamp(at * 1_000_000_000 + i64::from(fraction % 1_000_000_000)).to_string())
        }),
        2 => (0..4_000_000_000_u32).prop_map(|at| json!(at)),
        1 => (0.0..4e9_f64).prop_map(|at| json!(at)),
        1 => prop_oneof![Just(json!("-5 minutes")), Just(json!("12")), Just(json!(null)), Just(json!(-1))],
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => any::<f64>().prop_map(|value| json!(value)),
        3 => any::<i64>().prop_map(|value| json!(value)),
        3 => (-1_000_000..1_000_000_i64).prop_map(|value| json!(value as f64 / 1_000.0)),
        1 => prop_oneof![Just(json!("NaN")), Just(json!("1.5")), Just(json!(null)), Just(json!(true))],
    ]
}

fn measures() -> impl Strategy<Value = Value> {
    let measure =
        (timestamp(), value()).prop_map(|(at, value)| json!({"timestamp": at, "value": value}));
    proptest::collection::vec(measure, 0..4).prop_map(Value::from)
}

fn entry() -> impl Strategy<Value = Value> {
    prop_oneof![
        measures(),
        measures().prop_map(
            |list| json!({"measures": list, "archive_policy_name": "low", "unit": "ø\"%"})
        ),
        measures().prop_map(|list| json!({"unit": "B", "measures": list})),
        Just(json!({"unit": "B"})),
        Just(json!({"unit": null, "measures": []})),
    ]
}

fn batch() -> impl Strategy<Value = Value> {
    let entries = proptest::collection::btree_map("[a-d./é\\\\]{1,3}", entry(), 0..4);
    proptest::collection::btree_map("[a-c]{1,2}", entries, 0..4).prop_map(|all| json!(all))
}

proptest! {
    #[test]
    fn both_readers_find_the_same(list in measures(), batch in batch()) {
        agree(list.to_string().as_bytes());
        agree(serde_json::to_string_pretty(&batch).unwrap().as_bytes());
        for entries in batch.as_object().unwrap().values() {
            agree(entries.to_string().as_bytes());
        }
    }

    #[test]
    fn both_readers_agree_on_a_damaged_body(batch in batch(), place: usize, byte: u8, cut: bool) {
        let mut text = batch.to_string().into_bytes();
        let place = place % text.len();
        if cut {
            text.remove(place);
        } else {
            text[place] = byte;
        }
        agree(&text);
    }
}

#[test]
fn what_ceilometer_sends_is_read_quickly() {
    let text = br#"{"b": {"cpu": {"measures": [{"timestamp": "2026-01-01T00:05:00.123456", "value": -1.5e3}],
        "archive_policy_name": "ceilometer-low", "unit": "ns"}, "a.b": [{"value": 7, "timestamp": 1767225600}]}, "a": {}}"#;
    let body = measure_scan::by_resource(text).unwrap();
    assert!(same(&body, &decode_by_resource(text, |_| Ok(())).unwrap()));
    let names: Vec<&str> = body.groups.iter().map(|group| &*group.name).collect();
    assert_eq!(names, ["a", "b"]);
    let entries = body.entries(&body.groups[1]);
    assert_eq!((&*entries[0].name, &*entries[1].name), ("a.b", "cpu"));
    assert_eq!(
        body.measures()[entries[0].measures.clone()],
        [Measure::new(Timestamp(1_767_225_600_000_000_000), 7.0)]
    );
    assert_eq!(
        body.measures()[entries[1].measures.clone()][0].value,
        -1_500.0
    );
}

#[test]
fn a_number_is_the_nearest_double() {
    for text in [
        "0.1",
        "-0",
        "4.35",
        "123456789.012345",
        "0.000001",
        "9007199254740993",
        "1.7976931348623157e308",
        "5e-324",
    ] {
        let body = format!("[{{\"timestamp\": 1, \"value\": {text}}}]");
        let read = measure_scan::list(body.as_bytes()).unwrap()[0].value;
        assert_eq!(
            read.to_bits(),
            text.parse::<f64>().unwrap().to_bits(),
            "{text}"
        );
    }
}

#[test]
fn what_is_unusual_is_left_to_the_other_reader() {
    for text in [
        "",
        "[",
        "[]x",
        "{}",
        "[{}]",
        "[1]",
        r#"[{"timestamp": "2026-01-01T00:00:00"}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": NaN}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 01}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 1.}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 1e999}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 1, "value": 2}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 1, "note": 2}]"#,
        r#"[{"timestamp": "2026-01-01T00:00:00", "value": 1}, {"timestamp": 2, "value": 1}]"#,
        r#"[{"timestamp": "1969-01-01T00:00:00", "value": 1}]"#,
        r#"[{"timestamp": "now", "value": 1}]"#,
    ] {
        assert_eq!(measure_scan::list(text.as_bytes()), None, "{text}");
    }
    assert_eq!(measure_scan::by_resource(br#"{"a": {}, "a": {}}"#), None);
    assert_eq!(
        measure_scan::by_resource(br#"{"a": {"b": [], "b": []}}"#),
        None
    );
    assert_eq!(measure_scan::list(b"[\xff]"), None);
}
