//! `POST /v1/aggregates`: operations on metrics by id and by search, what fills gaps, groups, history, refusals and
//! limits.

use serde_json::{Value, json};

use crate::support::{ACCEPT_JSON, Collector, FOOBAR, JSON};

/// A policy of minutes only, and a metric of it for each list of values, at 12:00, 12:01, …; null leaves one out.
fn filled<const N: usize>(collector: &Collector, series: [Value; N]) -> [String; N] {
    let policy = json!({"name": "minutes", "definition": [{"granularity": 60}]});
    collector
        .post("/v1/archive_policy", &policy)
        .expect_status(201);
    series.map(|values| {
        let id = collector.metric("minutes");
        push(collector, &format!("/v1/metric/{id}"), &values);
        id
    })
}

fn push(collector: &Collector, path: &str, values: &Value) {
    let values = values.as_array().unwrap().iter().enumerate();
    let measures: Value = values
        .filter(|(_, value)| !value.is_null())
        .map(|(minute, value)| {
            json!({"timestamp": format!("2026-01-01T12:{minute:02}:30"), "value": value})
        })
        .collect();
    collector
        .post(&format!("{path}/measures"), &measures)
        .expect_status(202);
}

/// Minutes and values of points of the granularity 60.
fn shown(points: &Value) -> Vec<(String, f64)> {
    let points = points.as_array().unwrap().iter();
    points
        .map(|point| {
            assert_eq!(point[1], 60.0);
            let minute = point[0].as_str().unwrap()[14..16].to_owned();
            (minute, point[2].as_f64().unwrap())
        })
        .collect()
}

fn aggregated(collector: &Collector, query: &str, operations: &str) -> Vec<(String, f64)> {
    let answer = collector
        .post(
            &format!("/v1/aggregates?{query}"),
            &json!({"operations": operations}),
        )
        .expect_status(200)
        .json();
    shown(&answer["measures"]["aggregated"])
}

fn points(values: &[(&str, f64)]) -> Vec<(String, f64)> {
    let points = values.iter();
    points
        .map(|(minute, value)| ((*minute).to_owned(), *value))
        .collect()
}

#[test]
fn operations_work_on_each_series_or_put_them_together() {
    let collector = Collector::start();
    let [a, b] = filled(&collector, [json!([1, 2, 3]), json!([10, 20, 30])]);
    let both = format!("(metric ({a} mean) ({b} mean))");
    let answer = collector
        .post(
            "/v1/aggregates?details=true",
            &json!({"operations": format!("(* 2 {both})")}),
        )
        .expect_status(200)
        .json();
    let of = |id: &str| shown(&answer["measures"][id]["mean"]);
    assert_eq!(of(&a), points(&[("00", 2.0), ("01", 4.0), ("02", 6.0)]));
    assert_eq!(of(&b), points(&[("00", 20.0), ("01", 40.0), ("02", 60.0)]));
    assert_eq!(answer["references"].as_array().unwrap().len(), 2);
    assert_eq!(
        aggregated(&collector, "", &format!("(aggregate sum {both})")),
        points(&[("00", 11.0), ("01", 22.0), ("02", 33.0)])
    );
    let difference = format!("(- (metric {b} mean) (metric {a} max))");
    assert_eq!(
        aggregated(
            &collector,
            "start=2026-01-01T12:01&stop=2026-01-01T12:02",
            &difference
        ),
        points(&[("01", 18.0)])
    );
}

#[test]
fn gaps_are_filled_or_left_out_or_refused() {
    let collector = Collector::start();
    let [a, b] = filled(&collector, [json!([1, null, 3]), json!([10, 20, 30, 40])]);
    let sum = format!("(aggregate sum (metric ({a} mean) ({b} mean)))");
    let difference = format!("(- (metric {b} mean) (metric {a} mean))");
    assert_eq!(
        aggregated(&collector, "", &sum),
        points(&[("00", 11.0), ("01", 20.0), ("02", 33.0), ("03", 40.0)])
    );
    assert_eq!(
        aggregated(&collector, "", &difference),
        points(&[("00", 9.0), ("02", 27.0)])
    );
    assert_eq!(
        aggregated(&collector, "fill=ffill", &difference),
        points(&[("00", 9.0), ("01", 19.0), ("02", 27.0), ("03", 37.0)])
    );
    assert_eq!(
        aggregated(&collector, "needed_overlap=60", &sum),
        points(&[("00", 11.0), ("01", 20.0), ("02", 33.0)])
    );
    let body = json!({"operations": sum});
    let refused = collector
        .post("/v1/aggregates?needed_overlap=100", &body)
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        json!({
            "cause": "Metrics can't being aggregated",
            "reason": "Less than 100.000000% of datapoints overlap in this timespan (66.67%)",
            "detail": [[a, "mean"], [b, "mean"]],
        })
    );
    let text = collector
        .post(
            "/v1/aggregates?fill=null",
            &json!({"operations": difference}),
        )
        .expect_status(200)
        .text();
    assert!(
        text.contains(r#"["2026-01-01T12:01:00+00:00", 60.0, NaN]"#),
        "{text}"
    );
}

/// Resources of two projects, each with a metric `cpu`.
fn resources(collector: &Collector) {
    filled(collector, []);
    for (id, project, values) in [
        ("one", "p1", json!([1, 2])),
        ("two", "p2", json!([10, 20])),
        ("three", "p1", json!([3, 4])),
    ] {
        let body = json!({
            "id": id,
            "project_id": project,
            "metrics": {"cpu": {"archive_policy_name": "minutes"}},
        });
        collector
            .post("/v1/resource/generic", &body)
            .expect_status(201);
        let path = format!("/v1/resource/generic/{id}/metric/cpu");
        push(collector, &path, &values);
    }
}

#[test]
fn metrics_of_resources_are_found_by_name_and_grouped() {
    let collector = Collector::start();
    resources(&collector);
    let body = |operations: &str| json!({"resource_type": "generic", "search": {}, "operations": operations});
    let groups = collector
        .post(
            "/v1/aggregates?groupby=project_id",
            &body("(aggregate mean (metric c* mean))"),
        )
        .expect_status(200)
        .json();
    let groups = groups.as_array().unwrap();
    assert_eq!(groups.len(), 2);
    for (group, project, values) in [
        (&groups[0], "p1", [("00", 2.0), ("01", 3.0)]),
        (&groups[1], "p2", [("00", 10.0), ("01", 20.0)]),
    ] {
        assert_eq!(group["group"], json!({"project_id": project}));
        assert_eq!(
            shown(&group["measures"]["measures"]["aggregated"]),
            points(&values)
        );
    }
    let refused = collector
        .post("/v1/aggregates", &body("(metric memory mean)"))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"],
        json!({"cause": "Metrics not found", "detail": ["memory"]})
    );
    let mut unknown = body("(metric cpu mean)");
    unknown["resource_type"] = json!("nothing");
    collector
        .post("/v1/aggregates", &unknown)
        .expect_status(400);
}

#[test]
fn with_history_a_resource_counts_for_the_group_it_was_in() {
    let collector = Collector::start();
    resources(&collector);
    collector
        .send(
            "PATCH",
            "/v1/resource/generic/two",
            &json!({"project_id": "p3"}),
        )
        .expect_status(200);
    let future = json!([{"timestamp": "2126-01-01T12:00:30", "value": 5}]);
    collector
        .post("/v1/resource/generic/two/metric/cpu/measures", &future)
        .expect_status(202);
    let body = json!({
        "resource_type": "generic",
        "search": "original_resource_id = 'two'",
        "operations": "(aggregate sum (metric cpu mean))",
    });
    let groups = collector
        .post(
            "/v1/aggregates?groupby=project_id&use_history=true&start=2025-01-01&stop=2127-01-01",
            &body,
        )
        .expect_status(200)
        .json();
    let aggregated = |values: Value| json!({"measures": {"aggregated": values}});
    assert_eq!(
        groups,
        json!([
            {"group": {"project_id": "p2"}, "measures": aggregated(json!([
                ["2026-01-01T12:00:00+00:00", 60.0, 10.0],
                ["2026-01-01T12:01:00+00:00", 60.0, 20.0],
            ]))},
            {"group": {"project_id": "p3"}, "measures": aggregated(json!([
                ["2126-01-01T12:00:00+00:00", 60.0, 5.0],
            ]))},
        ])
    );
}

#[test]
fn an_aggregate_is_no_larger_than_is_configured_and_only_of_ones_own_metrics() {
    let limits = "api: {auth_mode: basic, max_aggregate_metrics: 2, max_aggregate_points: 5}\n";
    let collector = Collector::configured(limits);
    let series = [json!([1, 2, 3]), json!([1, 2, 3]), json!([1])];
    let [a, b, c] = filled(&collector, series);
    for (operations, reason) in [
        (
            format!("(metric ({a} mean) ({b} mean) ({c} mean))"),
            "more than 2 metrics (max_aggregate_metrics)",
        ),
        (
            format!("(metric ({a} mean) ({b} mean))"),
            "more than 5 points (max_aggregate_points); ask for a shorter time or one granularity",
        ),
    ] {
        let refused = collector
            .post("/v1/aggregates", &json!({"operations": operations}))
            .expect_status(400)
            .json();
        assert_eq!(refused["description"]["cause"], "Aggregate is too large");
        assert_eq!(refused["description"]["reason"], reason);
    }
    let body = json!({"operations": format!("(metric ({a} mean) ({c} mean))")});
    collector.post("/v1/aggregates", &body).expect_status(200);
    collector
        .send_with(
            "POST",
            "/v1/aggregates",
            &[FOOBAR, ACCEPT_JSON, JSON],
            &body,
        )
        .expect_status(403);
}

#[test]
fn a_question_that_takes_too_long_is_cut_off_and_one_for_too_much_is_refused() {
    let late = Collector::configured("api: {query_timeout: 1ns}\n");
    let [metric] = filled(&late, [json!([1, 2, 3])]);
    let operations = json!({"operations": format!("(metric {metric} mean)")});
    let measures = format!("/v1/metric/{metric}/measures");
    for answer in [
        late.post("/v1/aggregates", &operations),
        late.get(&measures),
        late.get(&format!("{measures}?resample=3600&granularity=60")),
        late.get(&format!("/v1/aggregation/metric?metric={metric}")),
        late.post(
            &format!("/v1/search/metric?metric_id={metric}"),
            &json!({">": 1}),
        ),
    ] {
        let answer = answer.expect_status(503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(
            answer.text().contains("longer than 1ns (query_timeout)"),
            "{}",
            answer.text()
        );
    }
    for path in [
        "/v2/meters",
        "/v2/meters?unique=true",
        "/v2/meters/cpu",
        "/v2/meters/cpu/statistics?period=60",
        "/v2/samples",
        "/v2/resources",
    ] {
        let fault = late.get(path).expect_status(503).json();
        let said = fault["error_message"]["faultstring"].as_str().unwrap();
        assert!(said.contains("longer than 1ns (query_timeout)"), "{said}");
    }
    let small = Collector::configured("api: {max_aggregate_points: 2}\n");
    let [metric] = filled(&small, [json!([1, 2, 3])]);
    let measures = format!("/v1/metric/{metric}/measures");
    let refused = small.get(&measures).expect_status(400).json();
    assert_eq!(refused["description"]["cause"], "Aggregate is too large");
    let part = small.json(&format!("{measures}?start=2026-01-01T12:01"));
    assert_eq!(part.as_array().unwrap().len(), 2);
}
