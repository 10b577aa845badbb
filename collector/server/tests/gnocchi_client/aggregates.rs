//! `gnocchi aggregates` and `gnocchi measures aggregation`.

use serde_json::json;

use crate::support::Collector;
use crate::{Client, column};

#[test]
fn the_client_aggregates_by_id_and_by_resource() {
    let collector = Collector::start();
    let client = Client(&collector);
    for (project, values) in [("p1", [1, 3]), ("p2", [10, 30])] {
        let resource = json!({
            "id": format!("of-{project}"),
            "project_id": project,
            "metrics": {"cpu": {"archive_policy_name": "medium"}},
        });
        collector
            .post("/v1/resource/generic", &resource)
            .expect_status(201);
        let [first, second] = values;
        let measures = json!([
            {"timestamp": "2026-01-01T12:00:00", "value": first},
            {"timestamp": "2026-01-01T12:01:00", "value": second},
        ]);
        let path = format!("/v1/resource/generic/of-{project}/metric/cpu/measures");
        collector.post(&path, &measures).expect_status(202);
    }
    let [a, b] = ["p1", "p2"].map(|project| {
        let resource = collector.json(&format!("/v1/resource/generic/of-{project}"));
        resource["metrics"]["cpu"].as_str().unwrap().to_owned()
    });
    let difference = format!("(- (metric {b} mean) (metric {a} mean))");
    let table = client.json(&["aggregates", &difference, "--granularity", "60"]);
    assert_eq!(column(&table, "value"), [&json!(9.0), &json!(27.0)]);
    let table = client.json(&[
        "aggregates",
        "--resource-type",
        "generic",
        "--groupby",
        "project_id",
        "--granularity",
        "60",
        "(aggregate max (metric cpu mean))",
        "project_id!='p3'",
    ]);
    let values = [json!(1.0), json!(3.0), json!(10.0), json!(30.0)];
    assert_eq!(column(&table, "value"), values.iter().collect::<Vec<_>>());
    let table = client.json(&[
        "measures",
        "aggregation",
        "-m",
        &a,
        &b,
        "--reaggregation",
        "sum",
        "--granularity",
        "60",
    ]);
    assert_eq!(column(&table, "value"), [&json!(11.0), &json!(33.0)]);
    let said = client.error(&["aggregates", "(metroc foo bar"]);
    assert!(
        said.contains("Fail to parse the operations string"),
        "{said}"
    );
}
