//! Resource types and resources.

use serde_json::json;

use crate::support::Collector;
use crate::{Client, column};

#[test]
fn the_client_works_with_types_and_resources() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let client = Client(&collector);
    assert!(column(&client.json(&["resource-type", "list"]), "name").contains(&&json!("instance")));
    assert_eq!(
        client.json(&["resource-type", "show", "host"])["state"],
        "active"
    );
    let created = client.json(&[
        "resource-type",
        "create",
        "-a",
        "row:string:true:max_length=5",
        "-a",
        "units:number:false:min=0",
        "rack",
    ]);
    assert!(
        created["attributes/row"]
            .to_string()
            .contains("max_length=5"),
        "{created}"
    );
    let updated = client.json(&[
        "resource-type",
        "update",
        "-a",
        "lit:bool:false",
        "-r",
        "units",
        "rack",
    ]);
    assert_eq!(
        (
            updated["attributes/lit"].is_string(),
            updated.get("attributes/units")
        ),
        (true, None)
    );

    let created = client.json(&[
        "resource",
        "create",
        "rack-1",
        "--type",
        "rack",
        "-a",
        "row:A",
        "-a",
        "project_id:p1",
        "-n",
        "power:low",
    ]);
    assert_eq!(
        (&created["original_resource_id"], &created["row"]),
        (&json!("rack-1"), &json!("A"))
    );
    let id = created["id"].as_str().unwrap();
    assert!(
        created["metrics"].to_string().contains("power"),
        "{created}"
    );
    assert_eq!(
        client.json(&["resource", "show", "rack-1", "--type", "rack"])["row"],
        "A"
    );
    assert_eq!(client.json(&["resource", "show", "rack-1"])["type"], "rack");
    assert_eq!(column(&client.json(&["resource", "list"]), "id"), [id]);
    assert_eq!(
        column(
            &client.json(&["resource", "list", "--type", "rack", "--details"]),
            "row"
        ),
        ["A"]
    );
    let updated = client.json(&[
        "resource", "update", "rack-1", "--type", "rack", "-a", "row:B", "-n", "heat:low",
    ]);
    assert_eq!(updated["row"], "B");
    assert!(
        updated["metrics"].to_string().contains("power")
            && updated["metrics"].to_string().contains("heat"),
        "{updated}"
    );
    let history = client.json(&[
        "resource",
        "history",
        "rack-1",
        "--type",
        "rack",
        "--sort-column",
        "revision_start",
    ]);
    assert_eq!(column(&history, "row"), ["A", "B"]);
    let found = client.json(&[
        "resource",
        "search",
        "--type",
        "rack",
        "row='B' and project_id in ['p1', 'p2']",
    ]);
    assert_eq!(column(&found, "id"), [id]);
    assert_eq!(
        client.json(&["resource", "search", "--type", "rack", "row='A'"]),
        json!([])
    );
    let twice = client.error(&[
        "resource", "create", "rack-1", "--type", "rack", "-a", "row:A",
    ]);
    assert!(twice.contains("HTTP 409"), "{twice}");
    let deleted = client.json(&["resource", "batch", "delete", "--type", "rack", "row='Z'"]);
    assert_eq!(deleted["deleted"], 0);
    client.silent(&["resource", "delete", "rack-1"]);
    let gone = client.error(&["resource", "show", "rack-1"]);
    assert!(gone.contains("does not exist (HTTP 404)"), "{gone}");
    client.silent(&["resource-type", "delete", "rack"]);
}
