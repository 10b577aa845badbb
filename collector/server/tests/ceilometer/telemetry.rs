//! Ceilometer's own reading API, asked by its client: what its publisher has sent is there again as meters, samples,
//! statistics and resources.

use std::path::Path;

use serde_json::{Value, json};
use testkit::tools::try_run;

use crate::cloud::{INSTANCE, samples};
use crate::support::Collector;
use crate::{endpoint, publish_http, upgrade};

/// A file of the client's environment, which `install-deps` makes.
fn installed(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("target/ceilometerclient/bin").join(file);
    file.display().to_string()
}

/// What the client's method gives.
fn ask(collector: &Collector, manager: &str, method: &str, arguments: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ceilometer/ask.py");
    let (script, url) = (script.display().to_string(), endpoint(collector));
    let arguments = arguments.to_string();
    let words = [script.as_str(), &url, manager, method, &arguments];
    let said = try_run(&installed("python"), words).unwrap();
    serde_json::from_str(&said).unwrap()
}

/// What the command prints.
fn command(collector: &Collector, words: &[&str]) -> String {
    let url = endpoint(collector);
    let server = ["--os-token", "unused", "--ceilometer-url", &url];
    try_run(&installed("ceilometer"), [&server[..], words].concat()).unwrap()
}

fn filled() -> Collector {
    let collector = Collector::start();
    upgrade(&endpoint(&collector));
    publish_http(&collector, "", &samples());
    collector
}

/// A condition as the client takes it.
fn condition(field: &str, operator: &str, value: &str) -> Value {
    json!({"field": field, "op": operator, "type": "", "value": value})
}

#[test]
fn ceilometers_client_reads_what_its_publisher_has_sent() {
    let collector = filled();
    let of_instance = json!([condition("resource_id", "eq", INSTANCE)]);

    let meters = ask(&collector, "meters", "list", &json!({"q": of_instance}));
    let meters = meters.as_array().unwrap();
    let cpu = meters.iter().find(|it| it["name"] == "cpu").unwrap();
    assert_eq!(cpu["type"], "cumulative");
    assert_eq!(cpu["resource_id"], INSTANCE);
    assert_eq!(
        (&cpu["project_id"], &cpu["user_id"]),
        (&json!("6ad7"), &json!("11ce"))
    );
    assert!(
        meters
            .iter()
            .any(|it| it["name"] == "memory.usage" && it["type"] == "gauge")
    );
    assert!(meters.iter().all(|it| it["resource_id"] == INSTANCE));

    let samples = json!({"meter_name": "memory.usage", "q": of_instance});
    let samples = ask(&collector, "samples", "list", &samples);
    let samples = samples.as_array().unwrap();
    assert!(samples.len() >= 2, "{samples:?}");
    let times: Vec<_> = samples
        .iter()
        .map(|it| it["timestamp"].as_str().unwrap())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{times:?}");
    assert!(samples[0]["resource_metadata"]["display_name"].is_string());
    let newest = samples[0]["counter_volume"].as_f64().unwrap();

    let all = ask(
        &collector,
        "new_samples",
        "list",
        &json!({"q": of_instance, "limit": 5}),
    );
    assert_eq!(all.as_array().unwrap().len(), 5);
    let one = json!({"sample_id": all[0]["id"]});
    assert_eq!(ask(&collector, "new_samples", "get", &one)[0], all[0]);

    let question = json!({"meter_name": "memory.usage", "q": of_instance});
    let whole = &ask(&collector, "statistics", "list", &question)[0];
    let volumes = samples
        .iter()
        .map(|it| it["counter_volume"].as_f64().unwrap());
    let count = samples.len();
    assert_eq!(whole["count"], count);
    assert_eq!(whole["max"].as_f64(), volumes.clone().reduce(f64::max));
    assert_eq!(whole["min"].as_f64(), volumes.clone().reduce(f64::min));
    let mean = volumes.sum::<f64>() / count as f64;
    assert!((whole["avg"].as_f64().unwrap() - mean).abs() < 1e-9 * mean);

    let by_period = json!({
        "meter_name": "memory.usage", "q": [condition("timestamp", "ge", times.last().unwrap())],
        "period": 300, "groupby": ["resource_id"],
        "aggregates": [{"func": "avg"}, {"func": "cardinality", "param": "resource_id"}],
    });
    let periods = ask(&collector, "statistics", "list", &by_period);
    let of_instance = periods.as_array().unwrap().iter();
    let mut of_instance = of_instance.filter(|it| it["groupby"]["resource_id"] == INSTANCE);
    let last = of_instance.next_back().unwrap();
    assert_eq!(last["aggregate"]["avg"].as_f64(), Some(newest));
    assert_eq!(last["aggregate"]["cardinality/resource_id"], 1.0);

    let resource = ask(
        &collector,
        "resources",
        "get",
        &json!({"resource_id": INSTANCE}),
    );
    assert_eq!(
        resource[0]["last_sample_timestamp"].as_str(),
        times.first().copied()
    );
    let links = resource[0]["links"].as_array().unwrap();
    assert!(
        links.iter().any(|it| it["rel"] == "memory.usage"),
        "{links:?}"
    );
    let disk = format!("{INSTANCE}-vda");
    let disk = ask(
        &collector,
        "resources",
        "get",
        &json!({"resource_id": disk}),
    );
    assert_eq!(disk[0]["metadata"]["name"].as_str(), Some("vda"), "{disk}");

    let wrong = json!({"q": [condition("colour", "eq", "red")]});
    let refused = ask(&collector, "meters", "list", &wrong);
    assert_eq!(refused["status"], 400, "{refused}");
    let other = json!({"q": [condition("project", "eq", "nobodys")]});
    assert_eq!(ask(&collector, "resources", "list", &other), json!([]));
}

#[test]
fn ceilometers_commands_print_tables() {
    let collector = filled();
    for (words, said) in [
        (&["meter-list"][..], "memory.usage"),
        (&["sample-list", "-m", "cpu", "-l", "3"], INSTANCE),
        (&["statistics", "-m", "cpu", "-p", "600"], "Period Start"),
        (&["resource-list"], INSTANCE),
        (&["resource-show", INSTANCE], "display_name"),
        (
            &["capabilities"],
            "statistics:aggregation:selectable:cardinality",
        ),
    ] {
        let printed = command(&collector, words);
        assert!(printed.contains(said), "{words:?}: {printed}");
    }
}
