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
            "nested deeper than 127 levels (max_json_depth)",
        ),
        (
            "/v1/search/resource/generic",
            nested(32, equal.clone(), not),
            "deeper than 32 levels (max_filter_depth)",
        ),
        (
            "/v1/aggregates",
            json!({"operations": operations(64)}),
            "deeper than 64 levels (max_operation_depth)",
        ),
        (
            "/v1/aggregates",
            json!({"operations": text}),
            "deeper than 64 levels (max_operation_depth)",
        ),
        (
            &format!("/v1/search/metric?metric_id={metric}"),
            nested(40, json!({"=": 1}), |one| json!({"and": [one]})),
            "deeper than 32 levels (max_filter_depth)",
        ),
    ] {
        let answer = collector.post(path, &body).expect_status(400);
        assert!(answer.text().contains(reason), "{path}: {}", answer.text());
    }
    let deep = json!({"operations": operations(63)});
    collector.post("/v1/aggregates", &deep).expect_status(200);
    let deepest = nested(31, equal, not);
    collector
        .post("/v1/search/resource/generic", &deepest)
        .expect_status(200);
}

#[test]
fn bounds_are_as_they_are_configured_and_a_refusal_names_their_setting() {
    let collector = Collector::configured(
        "api: {max_json_depth: 9, max_filter_depth: 3, max_operation_depth: 2, max_body_size: 4096,
           max_aggregate_metrics: 2, max_limit: 2}\n",
    );
    let [a, b, c] = [0; 3].map(|_| collector.metric("low"));
    let of = |ids: &[&String]| {
        let pairs = ids.iter().map(|id| format!("({id} mean)"));
        json!({"operations": format!("(aggregate mean (metric {}))", pairs.collect::<Vec<_>>().join(" "))})
    };
    let equal = |levels| {
        nested(
            levels,
            json!({"=": {"project_id": "p"}}),
            |one| json!({"not": one}),
        )
    };
    collector
        .post("/v1/aggregates", &of(&[&a, &b]))
        .expect_status(200);
    collector
        .post("/v1/search/resource/generic", &equal(2))
        .expect_status(200);
    let measures = json!([{"timestamp": nested(12, json!(1), |one| json!([one])), "value": 1}]);
    for (path, body, status, setting) in [
        (
            "/v1/aggregates".to_owned(),
            of(&[&a, &b, &c]),
            400,
            "max_aggregate_metrics",
        ),
        (
            "/v1/aggregates".to_owned(),
            json!({"operations": format!("(abs (abs (metric {a} mean)))")}),
            400,
            "max_operation_depth",
        ),
        (
            "/v1/search/resource/generic".to_owned(),
            equal(3),
            400,
            "max_filter_depth",
        ),
        (
            "/v1/aggregates".to_owned(),
            json!({"operations": "(metric cpu mean)", "resource_type": "generic", "search": "not not not id = 'a'"}),
            400,
            "max_filter_depth",
        ),
        (
            format!("/v1/search/metric?metric_id={a}"),
            json!({"and": [{"and": [{"and": [{"=": 1}]}]}]}),
            400,
            "max_filter_depth",
        ),
        (
            "/v1/metric".to_owned(),
            nested(10, json!(1), |one| json!([one])),
            400,
            "max_json_depth",
        ),
        (
            format!("/v1/metric/{a}/measures"),
            measures,
            400,
            "max_json_depth",
        ),
        (
            "/v1/metric".to_owned(),
            json!("a".repeat(5000)),
            413,
            "4096 bytes (max_body_size)",
        ),
    ] {
        let answer = collector.post(&path, &body).expect_status(status);
        assert!(answer.text().contains(setting), "{path}: {}", answer.text());
    }
    let list = collector.get("/v1/metric?limit=1000").expect_status(200);
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    assert!(list.header("link").unwrap().contains("limit=2"));
}

/// CPU seconds that a process has used: `utime` and `stime` of `/proc/PID/stat`, in ticks of 10 ms.
fn cpu_seconds(collector: &Collector) -> f64 {
    let path = format!("/proc/{}/stat", collector.running.pid());
    let stat = std::fs::read_to_string(path).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

#[test]
fn a_search_that_takes_too_long_is_given_up_in_the_database_too() {
    let collector = Collector::configured("api: {query_timeout: 300ms}\n");
    for at in 0..300 {
        let id = format!("{}{at}", "a".repeat(240));
        collector
            .post("/v1/resource/generic", &json!({"id": id}))
            .expect_status(201);
    }
    // Looked for from every character on, in each of them: some ten seconds.
    let sought = (0..3_900)
        .map(|at| json!({"like": {"original_resource_id": format!("%{}b{at}%", "a".repeat(20))}}));
    let filter = json!({"or": sought.collect::<Vec<_>>()});
    let before = cpu_seconds(&collector);
    let aggregate =
        json!({"operations": "(metric cpu mean)", "resource_type": "generic", "search": filter});
    for (method, path, body) in [
        ("POST", "/v1/search/resource/generic", &filter),
        ("POST", "/v1/search/resource/generic?history=true", &filter),
        ("POST", "/v1/aggregates", &aggregate),
        (
            "POST",
            "/v1/aggregates?groupby=project_id&use_history=true",
            &aggregate,
        ),
        (
            "POST",
            "/v1/aggregation/resource/generic/metric/cpu",
            &filter,
        ),
        ("DELETE", "/v1/resource/generic", &filter),
    ] {
        let answer = collector.send(method, path, body).expect_status(503);
        let text = answer.text();
        assert!(text.contains("longer than query_timeout"), "{path}: {text}");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // Nobody computes any of them any more, and others find what they look for.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let used = cpu_seconds(&collector) - before;
    assert!(used < 5.0, "{used} s of CPU time");
    let found = collector.json("/v1/resource/generic?limit=3");
    assert_eq!(found.as_array().unwrap().len(), 3);
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
