//! Bodies with measures as clients send them, good and bad.

use super::*;

const NOW: Timestamp = Timestamp(1_500_000_000_000_000_000);

fn measures(body: &str) -> Result<Vec<(i64, f64)>, String> {
    let raw: RawMeasures<'_> = serde_json::from_str(body).unwrap();
    let measures = raw.resolve(NOW)?;
    Ok(measures
        .iter()
        .map(|m| (m.timestamp.nanos(), m.value))
        .collect())
}

#[test]
fn timestamps_and_values_come_in_many_forms() {
    assert_eq!(measures("[]"), Ok(vec![]));
    assert_eq!(
        measures(
            r#"[{"timestamp": "2015-03-06T14:33:57", "value": 43.1}, {"value": "12", "timestamp": "2015-03-06T14:34:12Z", "note": [1, {}]}]"#
        ),
        Ok(vec![
            (1_425_652_437_000_000_000, 43.1),
            (1_425_652_452_000_000_000, 12.0)
        ])
    );
    assert_eq!(
        measures(r#"[{"timestamp": 1425652437.5, "value": true}]"#),
        Ok(vec![(1_425_652_437_500_000_000, 1.0)])
    );
    assert_eq!(
        measures(r#"[{"timestamp": "-5 minutes", "value": -1}]"#),
        Ok(vec![(NOW.nanos() - 300_000_000_000, -1.0)])
    );
    let nan = measures(r#"[{"timestamp": 1, "value": "NaN"}]"#).unwrap();
    assert!(nan[0].1.is_nan());
}

#[test]
fn what_is_no_list_of_objects_is_an_unexpected_format() {
    for body in [
        "1",
        "null",
        "\"text\"",
        "{\"timestamp\": 1, \"value\": 2}",
        "[[\"2015-03-06T14:33:57\", 43.1]]",
        "[1, null, \"a\", true]",
        "[{\"value\": 1}]",
        "[{\"timestamp\": null, \"value\": 1}]",
    ] {
        assert_eq!(
            measures(body),
            Err("unexpected measures format".to_owned()),
            "{body}"
        );
    }
}

#[test]
fn bad_timestamps_and_values_are_told_apart() {
    assert_eq!(
        measures(r#"[{"timestamp": "1915-03-06T14:33:57", "value": 1}]"#),
        Err("unexpected timestamp 'Timestamp must be after Epoch'".to_owned())
    );
    assert_eq!(
        measures(
            r#"[{"timestamp": 1478012832, "value": 1}, {"timestamp": "-5 minutes", "value": 1}]"#
        ),
        Err("unexpected timestamp 'Unable to convert timestamps'".to_owned())
    );
    for value in ["null", "\"foobar\"", "[]", "{}"] {
        let body = format!("[{{\"timestamp\": 1, \"value\": {value}}}]");
        assert_eq!(
            measures(&body),
            Err("unexpected measures value".to_owned()),
            "{value}"
        );
    }
    assert_eq!(
        measures("[{\"timestamp\": 1}]"),
        Err("unexpected measures value".to_owned())
    );
}

#[test]
fn an_entry_of_a_batch_may_say_what_a_new_metric_is_like() {
    let entry: RawEntry<'_> =
        serde_json::from_str(r#"{"archive_policy_name": "low", "unit": "ns", "measures": [{"timestamp": 1, "value": 2}]}"#).unwrap();
    assert_eq!(
        (entry.archive_policy_name.as_deref(), entry.unit.as_deref()),
        (Some("low"), Some("ns"))
    );
    assert_eq!(entry.measures.resolve(NOW).unwrap().len(), 1);
    let entry: RawEntry<'_> = serde_json::from_str(r#"[{"timestamp": 1, "value": 2}]"#).unwrap();
    assert_eq!(entry.measures.resolve(NOW).unwrap().len(), 1);
    let entry: RawEntry<'_> = serde_json::from_str("17").unwrap();
    assert!(entry.measures.resolve(NOW).is_err());
    let error = serde_json::from_str::<RawEntry<'_>>(r#"{"policy": "low"}"#).unwrap_err();
    assert!(
        error.to_string().starts_with("unknown field `policy`"),
        "{error}"
    );
}
