//! Measures in and out, one metric at a time and in batches, and that they are still there after a restart.

use serde_json::{Value, json};
use testkit::http::request;

use crate::support::{ACCEPT_JSON, ADMIN, Collector, JSON};

/// A metric of the policy `medium` with four measures over two minutes.
fn filled(collector: &Collector) -> String {
    let metric = collector.metric("medium");
    let measures = json!([
        {"timestamp": "2015-03-06T14:33:57", "value": 43.1},
        {"timestamp": 1425652452, "value": "12"},
        {"timestamp": "2015-03-06T14:34:15", "value": 16},
        {"timestamp": "2015-03-06T15:35:12", "value": -9},
    ]);
    // The first timestamp decides how all are read.
    let mixed = collector
        .post(&format!("/v1/metric/{metric}/measures"), &measures)
        .expect_status(400)
        .json();
    assert_eq!(
        mixed["description"]["reason"],
        "unexpected timestamp 'Unable to convert timestamps'"
    );
    let measures = json!([
        {"timestamp": "2015-03-06T14:33:57", "value": 43.1},
        {"timestamp": "2015-03-06T14:34:12", "value": "12"},
        {"timestamp": "2015-03-06T14:34:15Z", "value": 16},
        {"timestamp": "2015-03-06T15:35:12+00:00", "value": -9},
    ]);
    let answer = collector
        .post(&format!("/v1/metric/{metric}/measures"), &measures)
        .expect_status(202);
    assert_eq!(
        (answer.header("content-length"), answer.body.len()),
        (Some("0"), 0)
    );
    metric
}

#[test]
fn all_granularities_come_coarsest_first() {
    let collector = Collector::start();
    let metric = filled(&collector);
    assert_eq!(
        collector.json(&format!("/v1/metric/{metric}/measures?refresh=true")),
        json!([
            ["2015-03-06T14:00:00+00:00", 3600.0, 71.1 / 3.0],
            ["2015-03-06T15:00:00+00:00", 3600.0, -9.0],
            ["2015-03-06T14:33:00+00:00", 60.0, 43.1],
            ["2015-03-06T14:34:00+00:00", 60.0, 14.0],
            ["2015-03-06T15:35:00+00:00", 60.0, -9.0],
        ])
    );
}

#[test]
fn a_range_begins_at_a_window_and_ends_before_its_stop() {
    let collector = Collector::start();
    let metric = filled(&collector);
    let read = |query: &str| {
        let points = collector.json(&format!(
            "/v1/metric/{metric}/measures?granularity=60&{query}"
        ));
        points
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point[0].as_str().unwrap()[11..16].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(read("start=2015-03-06T14:34:30"), ["14:34", "15:35"]);
    assert_eq!(read("stop=2015-03-06T14:34"), ["14:33"]);
    assert_eq!(read("start=1425652440&stop=1425652441"), ["14:34"]);
    assert_eq!(read("start=2016-01-01"), Vec::<String>::new());
    assert_eq!(
        read(
            "start=-520 weeks&stop=-5 minutes"
                .replace(' ', "%20")
                .as_str()
        )
        .len(),
        0
    );
}

#[test]
fn other_aggregations_and_granularities_are_named_when_they_are_not_there() {
    let collector = Collector::start();
    let metric = filled(&collector);
    let read = |query: &str| collector.get(&format!("/v1/metric/{metric}/measures?{query}"));
    assert_eq!(
        read("aggregation=max&granularity=1%20hour")
            .expect_status(200)
            .json()[0][2],
        43.1
    );
    assert_eq!(
        read("aggregation=count&granularity=0:01:00")
            .expect_status(200)
            .json()[1][2],
        2.0
    );
    let unknown = read("aggregation=wtf").expect_status(404).json();
    assert_eq!(
        unknown["description"],
        json!({"cause": "Aggregation method does not exist for this metric", "detail": {"metric": metric, "aggregation_method": "wtf"}})
    );
    read("aggregation=95pct").expect_status(404);
    let unknown = read("granularity=42").expect_status(404).json();
    assert_eq!(
        unknown["description"],
        format!(
            "Aggregation method 'mean' at granularity '42.0' for metric {metric} does not exist"
        )
    );
    let bad = read("granularity=foobar").expect_status(400).json();
    assert_eq!(
        bad["description"],
        json!({"cause": "Argument value error", "detail": "granularity", "reason": "Unable to parse timespan"})
    );
    assert_eq!(
        read("start=soon").expect_status(400).json()["description"]["detail"],
        "start"
    );
    read("refresh=maybe").expect_status(400);
}

#[test]
fn points_are_resampled_by_time_and_calendar() {
    let collector = Collector::start();
    let metric = filled(&collector);
    let read = |query: &str| {
        collector.json(&format!(
            "/v1/metric/{metric}/measures?granularity=60&{query}"
        ))
    };
    assert_eq!(
        read("resample=3600&aggregation=sum"),
        json!([
            ["2015-03-06T14:00:00+00:00", 3600.0, 71.1],
            ["2015-03-06T15:00:00+00:00", 3600.0, -9.0]
        ])
    );
    assert_eq!(
        read("resample=M&aggregation=max"),
        json!([["2015-03-01T00:00:00+00:00", "M", 43.1]])
    );
    let refused = collector
        .get(&format!("/v1/metric/{metric}/measures?resample=60"))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        "A granularity must be specified to resample"
    );
}

#[test]
fn nan_goes_in_and_comes_out_as_gnocchi_writes_it() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let url = collector
        .running
        .url(&format!("/v1/metric/{metric}/measures"));
    let body = b"[{\"timestamp\": \"2015-03-06T14:33:57\", \"value\": NaN}]";
    request("POST", &url, &[ADMIN, JSON], body).expect_status(202);
    let read = request("GET", &url, &[ADMIN, ACCEPT_JSON], b"").expect_status(200);
    assert_eq!(read.text(), "[[\"2015-03-06T14:30:00+00:00\", 300.0, NaN]]");
}

#[test]
fn late_measures_are_dropped_and_counted() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let path = format!("/v1/metric/{metric}/measures");
    collector
        .post(
            &path,
            &json!([{"timestamp": "2015-03-06T14:33:57", "value": 1}]),
        )
        .expect_status(202);
    collector
        .post(
            &path,
            &json!([
                {"timestamp": "2015-03-06T14:20:00", "value": 2},
                {"timestamp": "2014-03-06T14:20:00", "value": 3},
                {"timestamp": "2014-03-06T14:20:00", "value": 4},
            ]),
        )
        .expect_status(202);
    assert_eq!(
        collector.json(&path),
        json!([["2015-03-06T14:30:00+00:00", 300.0, 1.0]])
    );
    let metrics = collector.get("/metrics").text();
    for line in [
        "measures_total{input=\"gnocchi\"} 4",
        "late_total{input=\"gnocchi\",reason=\"back_window\"} 1",
        "late_total{input=\"gnocchi\",reason=\"timespan\"} 1",
        "duplicates_total{input=\"gnocchi\"} 1",
    ] {
        let line = format!("\nnephoscope_collector_input_{line}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

#[test]
fn everything_is_there_after_a_clean_stop_and_after_a_kill() {
    let mut collector = Collector::start();
    collector
        .post(
            "/v1/archive_policy",
            &json!({"name": "own", "definition": [{"granularity": 1, "points": 5}]}),
        )
        .expect_status(201);
    let metric = filled(&collector);
    let resource =
        json!({"id": "r1", "project_id": "p", "metrics": {"cpu": {"archive_policy_name": "own"}}});
    collector
        .post("/v1/resource/generic", &resource)
        .expect_status(201);
    collector
        .post(
            "/v1/resource/generic/r1/metric/cpu/measures",
            &json!([{"timestamp": 1, "value": 7}]),
        )
        .expect_status(202);
    let paths = [
        "/v1/archive_policy".to_owned(),
        "/v1/resource/generic".to_owned(),
        "/v1/metric".to_owned(),
        format!("/v1/metric/{metric}/measures"),
        "/v1/resource/generic/r1/metric/cpu/measures".to_owned(),
    ];
    let state = |collector: &Collector| {
        paths
            .iter()
            .map(|path| collector.json(path))
            .collect::<Vec<Value>>()
    };
    let before = state(&collector);
    for cleanly in [true, false, true] {
        collector = collector.restart(cleanly);
        assert_eq!(state(&collector), before, "stopped cleanly: {cleanly}");
    }
    collector
        .post(
            &format!("/v1/metric/{metric}/measures"),
            &json!([{"timestamp": "2015-03-06T16:00:00", "value": 1}]),
        )
        .expect_status(202);
    let more = collector.json(&format!("/v1/metric/{metric}/measures"));
    assert_eq!(more.as_array().unwrap().len(), 7);
}
