//! The older `/v1/aggregation`, and the search for points by their values.

use serde_json::{Value, json};

use crate::support::Collector;

/// Two metrics of seconds and five minutes.
fn two(collector: &Collector) -> [String; 2] {
    let policy = json!({"name": "two", "definition": [{"granularity": 1}, {"granularity": 300}]});
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    let later = json!({"timestamp": "2015-03-06T14:35:12", "value": 5});
    [(43.1, 12, None), (3.1, 2, Some(later))].map(|(first, second, later)| {
        let id = collector.metric("two");
        let mut measures = vec![
            json!({"timestamp": "2015-03-06T14:33:57", "value": first}),
            json!({"timestamp": "2015-03-06T14:34:12", "value": second}),
        ];
        measures.extend(later);
        collector
            .post(&format!("/v1/metric/{id}/measures"), &json!(measures))
            .expect_status(202);
        id
    })
}

#[test]
fn points_of_several_metrics_are_put_together_where_they_overlap() {
    let collector = Collector::start();
    let [a, b] = two(&collector);
    let read = |query: &str| -> Value {
        collector.json(&format!(
            "/v1/aggregation/metric?metric={a}&metric={b}&{query}"
        ))
    };
    let common = json!([
        ["2015-03-06T14:33:57+00:00", 1.0, 23.1],
        ["2015-03-06T14:34:12+00:00", 1.0, 7.0],
    ]);
    assert_eq!(read("granularity=1"), common);
    assert_eq!(
        collector
            .post("/v1/aggregation/metric?granularity=1", &json!([a, b]))
            .expect_status(200)
            .json(),
        common
    );
    assert_eq!(
        read("granularity=1&fill=0&reaggregation=sum&resample=Y"),
        json!([["2015-01-01T00:00:00+00:00", "Y", 21.733_333_333_333_334]])
    );
    assert_eq!(
        read("reaggregation=max&stop=2015-03-06T14:34:00"),
        json!([
            ["2015-03-06T14:30:00+00:00", 300.0, 27.55],
            ["2015-03-06T14:33:57+00:00", 1.0, 43.1],
        ])
    );
}

#[test]
fn one_metric_is_read_as_it_is() {
    let collector = Collector::start();
    let [a, _] = two(&collector);
    assert_eq!(
        collector.json(&format!(
            "/v1/aggregation/metric?metric={a}&aggregation=max"
        )),
        collector.json(&format!("/v1/metric/{a}/measures?aggregation=max"))
    );
    assert_eq!(collector.json("/v1/aggregation/metric"), json!([]));
}

#[test]
fn what_cannot_be_put_together_is_refused() {
    let collector = Collector::start();
    let [a, b] = two(&collector);
    for (query, status, description) in [
        (
            "metric=foobar".to_owned(),
            400,
            json!("Invalid input: not a valid value @ data[0]"),
        ),
        (
            "metric=cee6ef1f-52cc-4a16-bbb5-648aedfd1c37".to_owned(),
            404,
            json!("Metric cee6ef1f-52cc-4a16-bbb5-648aedfd1c37 does not exist"),
        ),
        (
            format!("metric={a}&metric={b}&reaggregation=last"),
            400,
            json!("Unknown aggregation method 'last'"),
        ),
        (
            format!("metric={a}&metric={b}&resample=60"),
            400,
            json!("A granularity must be specified to resample"),
        ),
        (
            format!("metric={a}&granularity=42"),
            404,
            json!(format!(
                "Aggregation method 'mean' at granularity '42.0' for metric {a} does not exist"
            )),
        ),
    ] {
        let path = format!("/v1/aggregation/metric?{query}");
        let refused = collector.get(&path).expect_status(status).json();
        assert_eq!(refused["description"], description, "{query}");
    }
}

#[test]
fn points_are_found_by_their_values() {
    let collector = Collector::start();
    let [a, b] = two(&collector);
    let path = format!("/v1/search/metric?metric_id={a}&metric_id={b}&granularity=1s");
    let found = collector
        .post(&path, &json!({"or": [{">": 40}, {"=": [{"%": 2}, 1]}]}))
        .expect_status(200)
        .json();
    assert_eq!(
        found,
        json!({
            a.as_str(): [["2015-03-06T14:33:57+00:00", 1.0, 43.1]],
            b.as_str(): [["2015-03-06T14:35:12+00:00", 1.0, 5.0]],
        })
    );
    let refused = collector
        .post(
            &format!("{path}&granularity=300&granularity=7"),
            &json!({"=": 1}),
        )
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"]["cause"],
        "Aggregation does not exist"
    );
    assert_eq!(refused["description"]["detail"]["granularity"], 7.0);
}
