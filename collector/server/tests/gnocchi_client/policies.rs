//! State, capabilities, archive policies and their rules.

use serde_json::json;

use crate::support::Collector;
use crate::{Client, column};

#[test]
fn the_client_asks_for_state_and_policies() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let client = Client(&collector);
    assert_eq!(
        client.json(&["status"])["storage/total number of measures to process"],
        0
    );
    assert!(client.json(&["server", "version"])["version"].is_string());
    let capabilities = client.json(&["capabilities", "list"]);
    assert!(
        capabilities["aggregation_methods"]
            .to_string()
            .contains("rate:mean"),
        "{capabilities}"
    );

    assert!(column(&client.json(&["archive-policy", "list"]), "name").contains(&&json!("low")));
    let low = client.json(&["archive-policy", "show", "low"]);
    assert_eq!(
        low["definition"],
        json!([{"granularity": "0:05:00", "points": 8640, "timespan": "30 days, 0:00:00"}])
    );
    let created = client.json(&[
        "archive-policy",
        "create",
        "own",
        "-d",
        "granularity:1s,points:60",
        "-d",
        "granularity:1m,timespan:1h",
        "-m",
        "mean",
        "-m",
        "rate:mean",
        "-b",
        "2",
    ]);
    assert_eq!(
        (&created["name"], &created["back_window"]),
        (&json!("own"), &json!(2))
    );
    let updated = client.json(&[
        "archive-policy",
        "update",
        "own",
        "-d",
        "granularity:1s,points:90",
        "-d",
        "granularity:1m,points:5",
    ]);
    assert_eq!(updated["definition"][0]["points"], 90);
    let rule = [
        "archive-policy-rule",
        "create",
        "disks",
        "-a",
        "own",
        "-m",
        "disk.*",
    ];
    assert_eq!(client.json(&rule)["metric_pattern"], "disk.*");
    assert_eq!(
        client.json(&["archive-policy-rule", "show", "disks"])["archive_policy_name"],
        "own"
    );
    assert_eq!(
        client.json(&["archive-policy-rule", "update", "disks", "-n", "disk-rule"])["name"],
        "disk-rule"
    );
    assert!(
        column(&client.json(&["archive-policy-rule", "list"]), "name")
            .contains(&&json!("disk-rule"))
    );
    let used = client.error(&["archive-policy", "delete", "own"]);
    assert!(
        used.contains("Archive policy own is still in use (HTTP 400)"),
        "{used}"
    );
    client.silent(&["archive-policy-rule", "delete", "disk-rule"]);
    client.silent(&["archive-policy", "delete", "own"]);
    let gone = client.error(&["archive-policy", "show", "own"]);
    assert!(
        gone.contains("Archive policy own does not exist (HTTP 404)"),
        "{gone}"
    );
}
