//! The same samples and events by Ceilometer's gnocchi publisher and by its http publisher.

use serde_json::json;

use crate::cloud::{self, IMAGE, INSTANCE, VOLUME};
use crate::content::content;
use crate::support::Collector;
use crate::{endpoint, publish, publish_http, upgrade};

#[test]
fn http_publisher_and_gnocchi_publisher_give_the_same_resources_and_measures() {
    let (gnocchi, http) = (Collector::start(), Collector::start());
    publish(&endpoint(&gnocchi), "gnocchi://", &cloud::samples());
    publish_http(&http, "", &cloud::samples());
    let (expected, found) = (content(&endpoint(&gnocchi)), content(&endpoint(&http)));
    for (id, expected) in &expected {
        assert_eq!(found.get(id), Some(expected), "{id}");
    }
    assert_eq!(found, expected);

    // It is what was meant, not only the same.
    assert_eq!(expected.len(), 11, "{:?}", expected.keys());
    let instance = &found[INSTANCE];
    assert_eq!(instance["history"].as_array().unwrap().len(), 2);
    assert_eq!(instance["history"][1]["display_name"], "web-1-renamed");
    assert_eq!(instance["history"][1]["host"], "compute-1");
    assert_eq!(instance["metrics"]["cpu"]["policy"], "ceilometer-low-rate");
    assert_eq!(
        instance["metrics"]["cpu"]["measures"]["rate:mean"],
        json!([
            ["2026-01-01T00:05:00+00:00", 300.0, 3e11],
            ["2026-01-01T00:10:00+00:00", 300.0, 3e11],
            ["2026-01-01T00:15:00+00:00", 300.0, 3e11],
        ])
    );
    let volume = &found[VOLUME];
    assert_eq!(volume["history"][1]["display_name"], "renamed");
    assert_eq!(volume["history"][1]["project_id"], "6ad7");
    assert!(volume["metrics"]["image.size"].is_object());

    publish(&endpoint(&gnocchi), "gnocchi://", &cloud::events());
    publish_http(&http, "", &cloud::events());
    let (expected, found) = (content(&endpoint(&gnocchi)), content(&endpoint(&http)));
    assert_eq!(found, expected);
    let last = |id: &str| {
        found[id]["history"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone()
    };
    assert_eq!(last(INSTANCE)["ended_at"], true);
    assert_eq!(last(IMAGE)["ended_at"], true);
    assert_eq!(last(VOLUME)["project_id"], "new-owner");
    let ended = found.values().filter(|resource| {
        let history = resource["history"].as_array().unwrap();
        history.last().unwrap()["ended_at"] == true
    });
    // The instance with its disk and its interface, and the image.
    assert_eq!(ended.count(), 4);
    assert_eq!(found.len(), 12);
}

#[test]
fn a_publisher_that_repeats_its_lists_changes_nothing() {
    let (once, often) = (Collector::start(), Collector::start());
    publish_http(&once, "", &cloud::samples());
    // Unbatched, it posts the whole list once for each sample in it.
    publish_http(&often, "?batch=False&max_retries=5", &cloud::samples());
    assert_eq!(content(&endpoint(&often)), content(&endpoint(&once)));
}

#[test]
fn ceilometer_upgrade_makes_its_resource_types_on_a_bare_collector_and_samples_their_policies() {
    let bare = Collector::configured("storage: {defaults: bare}\n");
    upgrade(&endpoint(&bare));
    let types = bare.json("/v1/resource_type");
    assert_eq!(types.as_array().unwrap().len(), 24);
    assert_eq!(bare.json("/v1/archive_policy"), json!([]));
    publish_http(&bare, "", &cloud::samples());
    let policies = bare.json("/v1/archive_policy");
    assert_eq!(policies.as_array().unwrap().len(), 4);
    let full = Collector::start();
    publish_http(&full, "", &cloud::samples());
    assert_eq!(content(&endpoint(&bare)), content(&endpoint(&full)));
}
