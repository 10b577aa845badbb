//! Metrics and measures.

use serde_json::json;

use crate::support::Collector;
use crate::{Client, column};

#[test]
fn the_client_works_with_metrics_and_measures() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let client = Client(&collector);
    client.json(&["resource", "create", "vm"]);
    let created = client.json(&[
        "metric", "create", "-r", "vm", "-a", "medium", "-u", "ns", "cpu",
    ]);
    assert_eq!(
        (&created["name"], &created["unit"]),
        (&json!("cpu"), &json!("ns"))
    );
    let cpu = created["id"].as_str().unwrap();
    let free = client.json(&["metric", "create", "-a", "low"])["id"].clone();
    let free = free.as_str().unwrap();
    let listed = client.json(&["metric", "list"]);
    assert_eq!(column(&listed, "id").len(), 2);
    assert_eq!(
        client.json(&["metric", "show", "-r", "vm", "cpu"])["id"],
        cpu
    );
    assert_eq!(
        client.json(&["metric", "show", cpu])["archive_policy/name"],
        "medium"
    );

    client.silent(&[
        "measures",
        "add",
        "-m",
        "2015-03-06T14:33:57@43.1",
        "-m",
        "2015-03-06T14:34:12@12",
        cpu,
    ]);
    client.silent(&[
        "measures",
        "add",
        "-r",
        "vm",
        "-m",
        "2015-03-06T14:34:15@16",
        "cpu",
    ]);
    let shown = client.json(&["measures", "show", "--utc", "--granularity", "60", cpu]);
    assert_eq!(
        shown,
        json!([
            {"timestamp": "2015-03-06T14:33:00+00:00", "granularity": 60.0, "value": 43.1},
            {"timestamp": "2015-03-06T14:34:00+00:00", "granularity": 60.0, "value": 14.0},
        ])
    );
    let range = [
        "measures",
        "show",
        "--utc",
        "-r",
        "vm",
        "--aggregation",
        "max",
        "--start",
        "2015-03-06T14:34",
        "--refresh",
        "--granularity",
        "60",
        "cpu",
    ];
    assert_eq!(column(&client.json(&range), "value"), [16.0]);
    let resampled = [
        "measures",
        "show",
        "--utc",
        "--granularity",
        "60",
        "--resample",
        "3600",
        "--aggregation",
        "count",
        cpu,
    ];
    assert_eq!(column(&client.json(&resampled), "granularity"), [3600.0]);

    let measures = json!([{"timestamp": "2015-03-06T15:00:00", "value": 1}]);
    let file = collector.dir().join("batch.json");
    let file_name = file.to_str().unwrap();
    std::fs::write(&file, json!({cpu: measures, free: measures}).to_string()).unwrap();
    client.silent(&["measures", "batch-metrics", file_name]);
    assert_eq!(
        column(&client.json(&["measures", "show", "--utc", free]), "value"),
        [1.0]
    );
    let new =
        json!({"vm": {"disk": {"archive_policy_name": "low", "unit": "B", "measures": measures}}});
    std::fs::write(&file, new.to_string()).unwrap();
    client.silent(&[
        "measures",
        "batch-resources-metrics",
        "--create-metrics",
        file_name,
    ]);
    assert_eq!(
        column(
            &client.json(&["measures", "show", "--utc", "-r", "vm", "disk"]),
            "value"
        ),
        [1.0]
    );

    let unknown = client.error(&["measures", "show", "--aggregation", "last", cpu]);
    assert!(unknown.contains("HTTP 404"), "{unknown}");
    client.silent(&["metric", "delete", "-r", "vm", "cpu"]);
    client.silent(&["metric", "delete", free]);
    let gone = client.error(&["metric", "show", cpu]);
    assert!(gone.contains("does not exist (HTTP 404)"), "{gone}");
}
