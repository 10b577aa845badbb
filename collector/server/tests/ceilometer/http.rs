//! What the http publisher's path answers: what it refuses it names, what is sound is stored all the same, and all of it
//! is counted.

use serde_json::{Value, json};
use testkit::http::request;
use testkit::{metric, scrape};

use crate::cloud::VOLUME;
use crate::support::{ACCEPT_JSON, ADMIN, Collector, FOOBAR, JSON};

const PATH: &str = "/v1/ceilometer/samples";

fn volume(minute: u32) -> Value {
    json!({
        "name": "volume.size", "resource_id": VOLUME, "volume": 20, "unit": "GB", "project_id": "p",
        "timestamp": format!("2026-01-01T00:{minute:02}:00"), "resource_metadata": {"name": "data"},
    })
}

fn detail(collector: &Collector, body: &Value) -> String {
    let refused = collector.post(PATH, body).expect_status(400).json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    text(&refused["description"]).unwrap_or_else(|| refused.to_string())
}

#[test]
fn sound_samples_are_stored_and_the_first_refused_one_is_told() {
    let collector = Collector::start();
    collector.post(PATH, &volume(0)).expect_status(202);
    collector.post(PATH, &json!([])).expect_status(202);
    let mixed = json!([volume(5), {"name": "cpu"}, {"name": "vcpus", "resource_id": "i", "volume": 1,
        "timestamp": "2026-01-01T00:00:00"}, 7, {"name": "unheard.of", "resource_id": "x", "volume": 1,
        "timestamp": "2026-01-01T00:00:00"}]);
    assert_eq!(
        detail(&collector, &mixed),
        "3 of 5 refused: sample of cpu: resource_id: expected a text, found none"
    );
    let path = format!("/v1/resource/volume/{VOLUME}/metric/volume.size/measures");
    assert_eq!(collector.json(&path).as_array().unwrap().len(), 2);
    let lonely = json!([{"name": "vcpus", "resource_id": "i", "volume": 1, "timestamp": "2026-01-01T00:00:00"}]);
    assert_eq!(
        detail(&collector, &lonely),
        "1 of 1 refused: instance i: no sample tells the required attribute display_name"
    );
    let event = json!([{"event_type": "image.delete", "traits": []}]);
    assert_eq!(
        detail(&collector, &event),
        "1 of 1 refused: event image.delete: no trait tells the id of the resource"
    );
    for (body, reason) in [
        ("3", "expected a list of samples or events"),
        ("[", "EOF"),
        ("", "EOF"),
    ] {
        let url = collector.running.url(PATH);
        let refused = request("POST", &url, &[ADMIN, ACCEPT_JSON, JSON], body.as_bytes());
        let refused = refused.expect_status(400).json();
        assert!(
            refused.to_string().contains(reason) || body.is_empty(),
            "{refused}"
        );
    }
    let url = collector.running.url(PATH);
    request("POST", &url, &[ADMIN, ACCEPT_JSON], b"[]").expect_status(415);
    request("GET", &url, &[ADMIN, ACCEPT_JSON], b"").expect_status(405);

    let families = scrape(&collector.running.url("/metrics"));
    let value = |name: &str, labels: &[(&str, &str)]| {
        metric(&families, &format!("nephoscope_collector_{name}"), labels)
    };
    let input = ("input", "ceilometer");
    assert_eq!(value("input_measures_total", &[input]), Some(2.0));
    let rejected = |reason| value("input_rejected_total", &[input, ("reason", reason)]);
    assert_eq!(rejected("malformed"), Some(2.0));
    assert_eq!(rejected("resource"), Some(2.0));
    assert_eq!(rejected("unknown_meter"), Some(1.0));
    let events = value(
        "ceilometer_events_rejected_total",
        &[input, ("reason", "malformed")],
    );
    assert_eq!(events, Some(1.0));
}

#[test]
fn who_is_not_known_sends_nothing_and_nobody_writes_to_what_others_made() {
    let collector = Collector::configured("api: {auth_mode: basic}\n");
    let nobody = [ACCEPT_JSON, JSON];
    collector
        .send_with("POST", PATH, &nobody, &json!([volume(0)]))
        .expect_status(401);
    let user = [FOOBAR, ACCEPT_JSON, JSON];
    collector
        .send_with("POST", PATH, &user, &json!([volume(0)]))
        .expect_status(202);
    collector
        .send_with("POST", PATH, &user, &json!([volume(5)]))
        .expect_status(202);
    // Another user, "stranger".
    let stranger = [("authorization", "basic c3RyYW5nZXI6"), ACCEPT_JSON, JSON];
    let refused = collector.send_with("POST", PATH, &stranger, &json!([volume(10)]));
    let refused = refused.expect_status(400).json().to_string();
    assert!(refused.contains("not the sender's"), "{refused}");
    collector
        .post(PATH, &json!([volume(15)]))
        .expect_status(202);
    let path = format!("/v1/resource/volume/{VOLUME}/metric/volume.size/measures");
    assert_eq!(collector.json(&path).as_array().unwrap().len(), 3);
}

#[test]
fn an_operators_own_definitions_stand_in_place_of_the_shipped_ones() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gnocchi_resources.yaml");
    let own =
        "resources: [{resource_type: volume, metrics: {cpu_util: {archive_policy_name: low}}}]";
    std::fs::write(&file, own).unwrap();
    let collector = Collector::configured(&format!(
        "ceilometer: {{resources_definition_file: '{}'}}\n",
        file.display()
    ));
    let sample = json!([{"name": "cpu_util", "resource_id": VOLUME, "volume": 1, "timestamp": "2026-01-01T00:00:00"}]);
    collector.post(PATH, &sample).expect_status(202);
    let metric = collector.json(&format!("/v1/resource/volume/{VOLUME}/metric/cpu_util"));
    assert_eq!(metric["archive_policy"]["name"], "low");
}

#[test]
fn types_and_attributes_that_only_the_definitions_name_are_made_when_something_needs_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gnocchi_resources.yaml");
    let own = "archive_policies: [{name: ceilometer-low, aggregation_methods: [mean], back_window: 0,
        definition: [{granularity: 5 minutes, timespan: 30 days}]}]
resources: [
        {resource_type: volume, metrics: [volume.size], attributes: {display_name: resource_metadata.name,
            volume_type_id: resource_metadata.kind}},
        {resource_type: balloon, metrics: [balloon.height], event_create: balloon.start,
            event_attributes: {id: resource_id, project_id: project_id, colour: colour}}]";
    std::fs::write(&file, own).unwrap();
    for catalogue in ["", "storage: {defaults: bare}\n"] {
        let collector = Collector::configured(&format!(
            "{catalogue}ceilometer: {{resources_definition_file: '{}'}}\n",
            file.display()
        ));
        let mut sample = volume(0);
        sample["resource_metadata"]["kind"] = "ssd".into();
        collector.post(PATH, &sample).expect_status(202);
        let made = collector.json(&format!("/v1/resource/volume/{VOLUME}"));
        assert_eq!(made["volume_type_id"], "ssd");
        assert_eq!(made["display_name"], "data");
        // The rest of the type is as Ceilometer has it.
        let attributes = &collector.json("/v1/resource_type/volume")["attributes"];
        assert_eq!(attributes["instance_id"]["type"], "uuid");
        let text = json!({"type": "string", "required": false, "min_length": 0, "max_length": 255});
        assert_eq!(attributes["volume_type_id"], text);
        let event = json!([{"event_type": "balloon.start", "traits": [
            ["resource_id", 1, "b"], ["colour", 1, "red"]]}]);
        collector.post(PATH, &event).expect_status(202);
        let balloons = collector.json("/v1/resource/balloon");
        assert_eq!(balloons[0]["colour"], "red", "{balloons}");
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let mut collector = Collector::start();
    let path = format!("/v1/resource/volume/{VOLUME}/metric/volume.size/measures");
    for round in 0..3 {
        collector
            .post(PATH, &json!([volume(round * 10), volume(round * 10 + 5)]))
            .expect_status(202);
        collector = collector.restart(false);
        let expected = 2 * (round as usize + 1);
        assert_eq!(collector.json(&path).as_array().unwrap().len(), expected);
    }
}
