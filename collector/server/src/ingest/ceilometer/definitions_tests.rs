//! Definitions are read as Ceilometer reads them, and the shipped ones are in effect its own.

use serde_json::json;

use super::*;

/// Where Debian's ceilometer-common has Ceilometer's own file.
const DEBIANS: &str =
    "/usr/lib/python3/dist-packages/ceilometer/publisher/data/gnocchi_resources.yaml";

fn refusal(yaml: &str) -> String {
    Definitions::parse("r.yaml", yaml).unwrap_err().to_string()
}

#[test]
fn the_shipped_file_is_in_effect_the_one_of_ceilometer_19() {
    let shipped = Definitions::load(None).unwrap();
    let own = Definitions::load(Some(FilePath::new(DEBIANS))).unwrap();
    assert_eq!(shipped.policies, own.policies);
    for (shipped, own) in shipped.resources.iter().zip(&own.resources) {
        assert_eq!(shipped, own);
    }
    assert_eq!(shipped, own);
    assert!(own.resources.len() >= 20 && own.by_meter.len() > 100);
}

#[test]
fn a_meter_has_its_own_policy_or_the_default() {
    let shipped = Definitions::load(None).unwrap();
    let instance = shipped.of_meter("cpu").unwrap();
    assert_eq!(instance.resource_type, "instance");
    assert_eq!(instance.metrics["cpu"], "ceilometer-low-rate");
    assert_eq!(instance.metrics["vcpus"], "ceilometer-low");
    assert_eq!(shipped.of_meter("cpu_util"), None);
    let older = "resources: [{resource_type: a, archive_policy: low, metrics: [b, c]}, {resource_type: d, metrics: [c]}]";
    let older = Definitions::parse("r.yaml", older).unwrap();
    assert_eq!(older.of_meter("b").unwrap().metrics["b"], "low");
    assert_eq!(older.of_meter("c").unwrap().resource_type, "d");
    assert_eq!(older.of_meter("c").unwrap().metrics["c"], "ceilometer-low");
}

#[test]
fn attributes_come_from_the_first_path_that_finds_one() {
    let yaml = "resources: [{resource_type: a, metrics: [], attributes: {b: {fields: [x.y, z]}, c: 7, d: q, e: [z]}}]";
    let definitions = Definitions::parse("r.yaml", yaml).unwrap();
    let attributes = |sample| -> Map<String, Value> {
        let found = definitions.resources[0].attributes(&sample);
        found.map(|(name, value)| (name.clone(), value)).collect()
    };
    let both = attributes(json!({"x": {"y": 1}, "z": 2, "q": null}));
    assert_eq!(Value::Object(both), json!({"b": 1, "c": 7, "e": 2}));
    let one = attributes(json!({"x": {"y": null}, "z": 2}));
    assert_eq!(Value::Object(one), json!({"b": 2, "c": 7, "e": 2}));
}

#[test]
fn events_are_matched_as_shell_patterns_and_name_what_ends_with_the_resource() {
    let shipped = Definitions::load(None).unwrap();
    let of = |event| {
        let (definition, operation) = shipped.of_event(event)?;
        Some((definition.resource_type.as_str(), operation))
    };
    assert_eq!(
        of("compute.instance.create.end"),
        Some(("instance", Operation::Create))
    );
    assert_eq!(
        of("snapshot.delete.end"),
        Some(("volume", Operation::Delete))
    );
    assert_eq!(
        of("volume.transfer.accept.end"),
        Some(("volume", Operation::Update))
    );
    assert_eq!(of("compute.instance.create.start"), None);
    let (instance, _) = shipped.of_event("compute.instance.delete.start").unwrap();
    let searches: Vec<_> = instance.events.associated("a\"b").collect();
    assert_eq!(searches[0].0, "instance_disk");
    assert_eq!(searches[0].1, json!({"=": {"instance_id": "a\"b"}}));
    let traits = json!({"instance_id": "i", "instance_type": "m1", "host": null, "other": 1});
    let fields = instance.events.fields(traits.as_object().unwrap());
    assert_eq!(
        Value::Object(fields),
        json!({"id": "i", "flavor_name": "m1"})
    );
    let pattern = "resources: [{resource_type: a, metrics: [], event_delete: ['x.*'], event_attributes: {id: id}}]";
    let pattern = Definitions::parse("r.yaml", pattern).unwrap();
    assert!(pattern.of_event("x.y").is_some() && pattern.of_event("y").is_none());
}

#[test]
fn what_cannot_be_used_is_refused_with_file_and_place() {
    for (yaml, expected) in [
        (
            "resources: [{resource_type: a, metrics: [], attributes: {b: 'c[x]'}}]",
            "resources_definition_file: r.yaml: a: attributes: b: path \"c[x]\"",
        ),
        (
            "resources: [{resource_type: a, metrics: [b/c]}]",
            "a: metrics: \"b/c\": expected a name without '/'",
        ),
        (
            "resources: [{resource_type: a, metrics: [], event_delete: x}]",
            "a: event_attributes: expected the key id",
        ),
        (
            "resources: [{resource_type: a, metrics: [], event_associated_resources: {b: '{\"~\": 1}'}}]",
            "a: event_associated_resources: b: ",
        ),
        (
            "resources: [{resource_type: a, metrics: [], attributes: {b: {fields: c, plugin: p}}}]",
            "expected a path, a list of paths, or an object with only `fields`",
        ),
        (
            "resources: [{resource_type: a, metrics: []}], extra: 1",
            "r.yaml: ",
        ),
        ("resources: [{resource_type: a}]", "metrics"),
        (
            "{archive_policies: [{name: p, definition: []}], resources: []}",
            "length of value must be at least 1",
        ),
    ] {
        let found = refusal(yaml);
        assert!(found.contains(expected), "{found}");
        assert!(!found.contains('\n'), "{found}");
    }
    let missing = Definitions::load(Some(FilePath::new("/no/such/file"))).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("/no/such/file: cannot read it")
    );
}
