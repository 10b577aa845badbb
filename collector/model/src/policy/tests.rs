//! Validation and JSON of archive policies.

use super::*;

fn definition(json: &str) -> Result<Definition, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn policy(json: &str) -> Result<ArchivePolicy, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn any_two_of_the_three_give_the_third() {
    let expected = r#"{"timespan":"0:10:00","granularity":"0:01:00","points":10}"#;
    for json in [
        r#"{"granularity": "0:01:00", "points": 10}"#,
        r#"{"granularity": 60, "timespan": "10 minutes"}"#,
        r#"{"granularity": "1m", "timespan": 659}"#,
        r#"{"points": 10, "timespan": "600"}"#,
        r#"{"granularity": 60, "points": 10, "timespan": "0:10:00"}"#,
    ] {
        let archive = definition(json).unwrap();
        assert_eq!(serde_json::to_string(&archive).unwrap(), expected, "{json}");
    }
}

#[test]
fn a_granularity_alone_keeps_every_window() {
    let archive = definition(r#"{"granularity": "30 days"}"#).unwrap();
    assert_eq!((archive.points, archive.timespan), (None, None));
    let json = serde_json::to_string(&archive).unwrap();
    assert_eq!(
        json,
        r#"{"timespan":null,"granularity":"30 days, 0:00:00","points":null}"#
    );
}

#[test]
fn contradictions_are_refused_in_gnocchis_words() {
    for (json, expected) in [
        (
            r#"{"granularity": 60, "points": 3, "timespan": 100}"#,
            "timespan ≠ granularity × points",
        ),
        (
            r#"{"granularity": 60, "points": 0}"#,
            "Number of points should be > 0",
        ),
        (
            r#"{"granularity": 60, "timespan": 10}"#,
            "Calculated number of points is < 0",
        ),
        (
            r#"{"points": 3, "timespan": 1e-9}"#,
            "Granularity should be > 0",
        ),
        (
            r#"{"points": 3}"#,
            "At least two of granularity/points/timespan must be provided",
        ),
        (
            r#"{"timespan": 3}"#,
            "At least two of granularity/points/timespan must be provided",
        ),
        (
            "{}",
            "At least two of granularity/points/timespan must be provided",
        ),
        (
            r#"{"granularity": "1 week", "points": 99999}"#,
            "timespan of 99999 points of 7 days, 0:00:00 is out of range",
        ),
    ] {
        let error = definition(json).unwrap_err();
        assert!(error.starts_with(expected), "{json}: {error}");
    }
}

#[test]
fn a_granularity_may_come_once_and_one_is_needed() {
    let error = policy(
        r#"{"name": "x", "definition": [{"granularity": 60}, {"granularity": "1m", "points": 2}]}"#,
    );
    assert!(
        error
            .unwrap_err()
            .starts_with("More than one archive policy uses granularity `60.0'")
    );
    let error = policy(r#"{"name": "x", "definition": []}"#).unwrap_err();
    assert!(error.starts_with("length of value must be at least 1"));
}

#[test]
fn the_json_of_a_policy_reads_back_as_the_policy() {
    for policy in ArchivePolicy::defaults() {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(
            serde_json::from_str::<ArchivePolicy>(&json).unwrap(),
            policy
        );
    }
}

#[test]
fn methods_default_and_unknown_ones_are_refused() {
    let of = |methods: &str| {
        policy(&format!(
            r#"{{"name": "x", "definition": [{{"granularity": 60}}]{methods}}}"#
        ))
        .map(|policy| policy.aggregation_methods)
    };
    assert_eq!(of("").unwrap(), Aggregation::defaults());
    assert_eq!(
        of(r#", "aggregation_methods": ["rate:95pct"]"#)
            .unwrap()
            .len(),
        1
    );
    assert!(
        of(r#", "aggregation_methods": ["avg"]"#)
            .unwrap_err()
            .contains("Invalid value for aggregation_methods: {'avg'}")
    );
}

#[test]
fn an_update_may_change_points_but_not_granularities() {
    let medium = ArchivePolicy::defaults()
        .into_iter()
        .find(|policy| policy.name == "medium")
        .unwrap();
    let archive = |granularity: &str, points| {
        Definition::new(Some(granularity.parse().unwrap()), Some(points), None).unwrap()
    };
    let shorter = medium
        .with_definition(vec![archive("1h", 5), archive("1m", 7)])
        .unwrap();
    assert_eq!(
        shorter
            .definition
            .iter()
            .map(|archive| archive.points)
            .collect::<Vec<_>>(),
        [Some(5), Some(7)]
    );
    assert_eq!(
        medium
            .with_definition(vec![archive("1h", 5)])
            .unwrap_err()
            .to_string(),
        "Archive policy medium does not support change: Cannot add or drop granularities"
    );
    assert_eq!(
        medium
            .with_definition(vec![archive("1h", 5), archive("2m", 7)])
            .unwrap_err()
            .to_string(),
        "Archive policy medium does not support change: 60.0 granularity interval was changed"
    );
}

#[test]
fn a_rate_enlarges_the_raw_window_by_one_block() {
    let blocks = |name: &str| {
        let policy = ArchivePolicy::defaults()
            .into_iter()
            .find(|policy| policy.name == name)
            .unwrap();
        (policy.raw_blocks(), policy.coarsest().unwrap().to_string())
    };
    assert_eq!(blocks("ceilometer-low"), (0, "0:05:00".to_owned()));
    assert_eq!(blocks("ceilometer-low-rate"), (1, "0:05:00".to_owned()));
    assert_eq!(blocks("bool"), (3600, "0:00:01".to_owned()));
    assert_eq!(blocks("high"), (0, "1:00:00".to_owned()));
}
