//! What a request may ask for at most, and how it is told that it asked for more.

use serde_json::{Value, json};

use crate::support::Collector;

/// `inner` in so many lists or objects, each made by `wrap`.
fn nested(levels: usize, inner: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |inner, _| wrap(inner))
}

#[test]
fn nesting_is_bounded_wherever_it_may_be() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let equal = json!({"=": {"project_id": "p"}});
    let not = |filter| json!({"not": filter});
    let operations = |levels| {
        let metric = json!(["metric", metric, "mean"]);
        nested(levels, metric, |one| json!(["abs", one]))
    };
    let text = format!(
        "{}metric {metric} mean{}",
        "(abs (".repeat(40),
        "))".repeat(40)
    );
    for (path, body, reason) in [
        (
            "/v1/resource/generic",
            nested(200, json!(1), |one| json!([one])),
            "recursion limit",
        ),
        (
            "/v1/search/resource/generic",
            nested(33, equal.clone(), not),
            "deeper than 32 levels",
        ),
        (
            "/v1/aggregates",
            json!({"operations": operations(70)}),
            "operations",
        ),
        ("/v1/aggregates", json!({"operations": text}), "operations"),
        (
            &format!("/v1/search/metric?metric_id={metric}"),
            nested(40, json!({"=": 1}), |one| json!({"and": [one]})),
            "deeper than 32 levels",
        ),
    ] {
        let answer = collector.post(path, &body).expect_status(400);
        assert!(answer.text().contains(reason), "{path}: {}", answer.text());
    }
    let deep = json!({"operations": operations(50)});
    collector.post("/v1/aggregates", &deep).expect_status(200);
    let deepest = nested(30, equal, not);
    collector
        .post("/v1/search/resource/generic", &deepest)
        .expect_status(200);
}

#[test]
fn a_filter_and_a_batch_are_bounded_too() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let many: Vec<Value> = (0..5_000)
        .map(|at| json!({"=": {"project_id": at.to_string()}}))
        .collect();
    let answer = collector
        .post("/v1/search/resource/generic", &json!({"or": many}))
        .expect_status(400);
    assert!(
        answer.text().contains("more than 4000 comparisons"),
        "{}",
        answer.text()
    );
    let measures = vec![json!({"timestamp": 1, "value": 1}); 1_000_001];
    let answer = collector
        .post(&format!("/v1/metric/{metric}/measures"), &json!(measures))
        .expect_status(413);
    assert!(answer.text().contains("1000000"), "{}", answer.text());
}
