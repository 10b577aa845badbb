//! Lists and searches: filters, order, pages and the links between them.

use serde_json::{Value, json};
use testkit::http::{Response, request};

use crate::support::{ACCEPT_JSON, ADMIN, Collector};

/// Five resources, started on the first to the fifth of January, whose ids sort the other way.
fn five() -> Collector {
    let collector = Collector::start();
    for day in 1..=5 {
        let body = json!({
            "id": format!("{}0000000-0000-4000-8000-000000000000", 10 - day),
            "started_at": format!("2014-01-0{day}"),
            "project_id": if day % 2 == 0 { "even" } else { "odd" },
        });
        collector
            .post("/v1/resource/generic", &body)
            .expect_status(201);
    }
    collector
}

fn days(resources: &Value) -> Vec<u32> {
    let starts = resources
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["started_at"].as_str().unwrap());
    starts
        .map(|start| start["2014-01-0".len()..][..1].parse().unwrap())
        .collect()
}

fn next(answer: &Response) -> Option<String> {
    let link = answer.header("link")?;
    Some(
        link.strip_prefix('<')?
            .strip_suffix(">; rel=\"next\"")?
            .to_owned(),
    )
}

#[test]
fn links_lead_through_all_pages() {
    let collector = five();
    let mut seen = Vec::new();
    let mut answer = collector
        .get("/v1/resource/generic?limit=2&sort=id:desc")
        .expect_status(200);
    let first = next(&answer).unwrap();
    assert_eq!(
        first,
        collector.running.url("/v1/resource/generic?limit=2&marker=80000000-0000-4000-8000-000000000000&sort=id%3Adesc")
    );
    loop {
        seen.extend(days(&answer.json()));
        match next(&answer) {
            Some(url) => {
                answer = request("GET", &url, &[ADMIN, ACCEPT_JSON], b"").expect_status(200);
            }
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[test]
fn pages_have_a_largest_size() {
    let collector = Collector::configured("api: {max_limit: 2}\n");
    for _ in 0..3 {
        collector.metric("low");
    }
    let all = collector.get("/v1/metric?limit=1000").expect_status(200);
    assert_eq!(all.json().as_array().unwrap().len(), 2);
    let rest = request("GET", &next(&all).unwrap(), &[ADMIN, ACCEPT_JSON], b"").expect_status(200);
    assert_eq!(rest.json().as_array().unwrap().len(), 1);
    assert_eq!(next(&rest), None);
}

#[test]
fn bad_pages_are_refused() {
    let collector = five();
    for list in ["/v1/resource/generic", "/v1/metric"] {
        for query in [
            "limit=-2",
            "limit=all",
            "sort=invalid:asc",
            "sort=id:sideways",
            "marker=d44b3f4c-27bc-4ace-b81c-2a8e60026874",
        ] {
            collector.get(&format!("{list}?{query}")).expect_status(400);
        }
    }
    let answer = collector.get("/v1/metric?limit=0").json();
    assert_eq!(answer["description"]["cause"], "Argument value error");
}

#[test]
fn searches_take_json_and_text() {
    let collector = five();
    let search = |body: &Value| {
        let answer = collector.post("/v1/search/resource/generic?sort=started_at", body);
        days(&answer.expect_status(200).json())
    };
    assert_eq!(search(&json!({})), [1, 2, 3, 4, 5]);
    assert_eq!(search(&json!({"=": {"project_id": "even"}})), [2, 4]);
    assert_eq!(
        search(
            &json!({"and": [{"like": {"project_id": "o%"}}, {">": {"started_at": "2014-01-02"}}]})
        ),
        [3, 5]
    );
    assert_eq!(
        search(&json!({"not": {"in": {"project_id": ["odd", "none"]}}})),
        [2, 4]
    );
    let by_text = |filter: &str| {
        let path = format!("/v1/search/resource/generic?sort=started_at&filter={filter}");
        let answer = request(
            "POST",
            &collector.running.url(&path),
            &[ADMIN, ACCEPT_JSON],
            b"",
        );
        days(&answer.expect_status(200).json())
    };
    assert_eq!(
        by_text("project_id%20=%20'even'%20and%20not%20started_at%20%3C%20'2014-01-03'"),
        [4]
    );
    assert_eq!(
        by_text("id%20in%20%5B90000000-0000-4000-8000-000000000000%5D"),
        [1]
    );
    let refused = collector
        .post("/v1/search/resource/generic", &json!({"and": {"a": "b"}}))
        .expect_status(400)
        .json();
    assert_eq!(
        refused["description"]["reason"],
        "expected a list for dictionary value @ data['and']"
    );
    collector
        .post(
            "/v1/search/resource/generic",
            &json!({"=": {"colour": "red"}}),
        )
        .expect_status(400);
}

#[test]
fn a_list_may_be_cut_to_some_attributes() {
    let collector = five();
    let listed =
        collector.json("/v1/resource/generic?attrs=id&attrs=project_id&attrs=no-such&limit=1");
    assert_eq!(
        listed,
        json!([{"id": "90000000-0000-4000-8000-000000000000", "project_id": "odd"}])
    );
}

#[test]
fn many_are_deleted_by_a_filter_but_never_all_by_mistake() {
    let collector = five();
    for empty in [json!({}), json!({"or": [{}]}), json!({"in": {"id": []}})] {
        collector
            .send("DELETE", "/v1/resource/generic", &empty)
            .expect_status(400);
    }
    collector.delete("/v1/resource/generic").expect_status(400);
    let deleted = collector.send(
        "DELETE",
        "/v1/resource/generic",
        &json!({"=": {"project_id": "odd"}}),
    );
    assert_eq!(deleted.expect_status(200).json(), json!({"deleted": 3}));
    assert_eq!(days(&collector.json("/v1/resource/generic")), [2, 4]);
}

#[test]
fn metrics_are_listed_by_their_fields() {
    let collector = Collector::start();
    for (name, policy, unit) in [
        ("cpu", "low", "ns"),
        ("disk", "low", "B"),
        ("cpu", "high", "ns"),
    ] {
        let metric = json!({"name": name, "archive_policy_name": policy, "unit": unit});
        collector.post("/v1/metric", &metric).expect_status(201);
    }
    let count = |query: &str| {
        collector
            .json(&format!("/v1/metric?{query}"))
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(""), 3);
    assert_eq!(count("name=cpu"), 2);
    assert_eq!(count("name=cpu&archive_policy_name=high"), 1);
    assert_eq!(count("unit=B"), 1);
    assert_eq!(count("creator=admin"), 3);
    assert_eq!(count("creator=nobody"), 0);
    assert_eq!(count("status=active"), 3);
    collector.get("/v1/metric?status=broken").expect_status(400);
    let sorted = collector.json("/v1/metric?sort=name:desc&limit=1");
    assert_eq!(
        (&sorted[0]["name"], &sorted[0]["archive_policy"]["name"]),
        (&json!("disk"), &json!("low"))
    );
}
