//! Tests of statistics: their question, their periods and groups, their numbers.

use super::*;
use collector_index::{Metric, MetricStatus, Resource};
use collector_model::ArchivePolicy;
use uuid::Uuid;

fn meter(number: u128, project: &str) -> Meter {
    let policy = ArchivePolicy::defaults().remove(0);
    let id = Uuid::from_u128(number);
    Meter {
        metric: Arc::new(Metric {
            id,
            creator: None,
            name: Some("cpu".to_owned()),
            unit: Some("ns".to_owned()),
            resource_id: Some(id),
            archive_policy: Arc::new(policy),
            status: MetricStatus::Active,
        }),
        resource: Arc::new(Resource {
            id,
            revision: -1,
            original_resource_id: id.to_string(),
            resource_type: "instance".to_owned(),
            creator: None,
            project_id: Some(project.to_owned()),
            user_id: None,
            started_at: Timestamp(0),
            ended_at: None,
            revision_start: Timestamp(0),
            revision_end: None,
            attributes: Map::new(),
            metrics: BTreeMap::new(),
        }),
    }
}

/// One sample in each window.
fn windows(samples: &[(i64, f64)]) -> Vec<Window> {
    let window = |(seconds, value): &(i64, f64)| Window {
        timestamp: Timestamp(seconds * SECOND),
        count: 1.0,
        sum: *value,
        min: *value,
        max: *value,
        squares: value * value,
    };
    samples.iter().map(window).collect()
}

fn statistics(
    query: &str,
    conditions: &Conditions,
    read: &[(&Meter, Vec<Window>)],
) -> Vec<Map<String, Value>> {
    let question = Question::of(&Params::of(query)).unwrap();
    let entries = compute(read, &question, conditions);
    let views = entries
        .iter()
        .map(|((from, group), sums)| view(&question, conditions, *from, group, sums));
    views.collect()
}

#[test]
fn without_a_period_there_is_one_statistic_of_all() {
    let (one, other) = (meter(1, "p"), meter(2, "q"));
    let read = [
        (&one, windows(&[(0, 1.0), (60, 3.0)])),
        (&other, windows(&[(30, 8.0)])),
    ];
    let found = statistics("", &Conditions::default(), &read);
    let expected = json!([{
        "count": 3, "min": 1.0, "max": 8.0, "sum": 12.0, "avg": 4.0, "unit": "ns", "groupby": null,
        "duration": 60.0, "duration_start": "1970-01-01T00:00:00", "duration_end": "1970-01-01T00:01:00",
        "period": 0, "period_start": "1970-01-01T00:00:00", "period_end": "1970-01-01T00:01:00",
    }]);
    assert_eq!(json!(found), expected);
    assert!(statistics("", &Conditions::default(), &[(&one, Vec::new())]).is_empty());
}

#[test]
fn periods_begin_at_the_start_and_those_without_samples_are_left_out() {
    let one = meter(1, "p");
    let read = [(
        &one,
        windows(&[(10, 1.0), (65, 2.0), (69, 4.0), (190, 8.0)]),
    )];
    let conditions = Conditions {
        start: Some(Timestamp(5 * SECOND)),
        ..Conditions::default()
    };
    let found = statistics("period=60", &conditions, &read);
    let told: Vec<_> = found
        .iter()
        .map(|it| {
            (
                it["period_start"].as_str().unwrap(),
                it["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let at = [
        "1970-01-01T00:00:05",
        "1970-01-01T00:01:05",
        "1970-01-01T00:03:05",
    ];
    assert_eq!(told, [(at[0], 1), (at[1], 2), (at[2], 1)]);
    assert_eq!(found[1]["period_end"], "1970-01-01T00:02:05");
    assert_eq!(found[1]["duration"], 4.0);
}

#[test]
fn groups_and_chosen_functions_are_told_by_name() {
    let (one, other, third) = (meter(1, "p"), meter(2, "p"), meter(3, "q"));
    let read = [
        (&one, windows(&[(0, 1.0)])),
        (&other, windows(&[(0, 3.0)])),
        (&third, windows(&[(0, 5.0)])),
    ];
    let query = "groupby=project_id&aggregate.func=stddev&aggregate.func=cardinality&aggregate.param=&aggregate.param=resource_id";
    let found = statistics(query, &Conditions::default(), &read);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["groupby"], json!({"project_id": "p"}));
    assert_eq!(
        found[0]["aggregate"],
        json!({"stddev": 1.0, "cardinality/resource_id": 2.0})
    );
    assert!(!found[0].contains_key("avg"));
    let avg = statistics("aggregate.func=avg", &Conditions::default(), &read);
    assert_eq!(
        (&avg[0]["avg"], &avg[0]["aggregate"]),
        (&json!(3.0), &json!({"avg": 3.0}))
    );
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (query, said) in [
        ("period=-1", "period"),
        ("period=soon", "period"),
        ("groupby=colour", "Invalid groupby fields"),
        ("aggregate.func=mode", "unknown function mode"),
        ("aggregate.func=cardinality", "cardinality is of one of"),
    ] {
        let error = Question::of(&Params::of(query)).unwrap_err();
        assert!(error.detail.as_str().unwrap().contains(said), "{query}");
    }
}
