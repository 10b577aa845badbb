//! Samples in notifications are found as Ceilometer finds them, and the shipped file is in effect its own.

use super::*;
use serde_json::json;

/// Where Debian's ceilometer-common has Ceilometer's own file.
const DEBIANS: &str = "/usr/lib/python3/dist-packages/ceilometer/data/meters.d/meters.yaml";
const SHIPPED: &str = include_str!("../../../meters.yaml");

fn body(event_type: &str, payload: Value) -> Value {
    json!({
        "event_type": event_type, "publisher_id": "compute.c1", "payload": payload, "priority": "INFO",
        "metadata": {"message_id": "m", "timestamp": "2026-01-01 00:00:00.5"}, "ctxt": {"user_id": "u"},
    })
}

/// One notification for each kind of definition.
fn notifications() -> Vec<Value> {
    let instance = json!({
        "instance_id": "i", "tenant_id": "t", "user_id": "u", "memory_mb": 512, "vcpus": 1, "root_gb": 10,
        "ephemeral_gb": 0, "host": "c1", "instance_flavor_id": "42", "instance_type": "m1.small", "display_name": "web",
        "image_meta": {"base_image_ref": "g"}, "created_at": "2026-01-01 00:00:00+00:00", "deleted_at": "",
        "launched_at": "2026-01-01T00:00:12.500000",
        "metadata": {"metering.server.group": "a", "other": "b", "metering.host": "no"},
    });
    let metrics: Vec<Value> = [
        ("cpu.frequency", 2400.0),
        ("cpu.user.time", 1e9),
        ("cpu.kernel.time", 2e9),
        ("cpu.idle.time", 3e9),
        ("cpu.iowait.time", 4e9),
        ("cpu.percent", 0.25),
        ("cpu.user.percent", 0.5),
        ("cpu.kernel.percent", 0.125),
        ("cpu.idle.percent", 0.75),
        ("cpu.iowait.percent", 0.0),
    ]
    .into_iter()
    .map(|(name, value)| {
        json!({"name": name, "value": value, "timestamp": "2026-01-01T00:00:01", "source": "libvirt.LibvirtDriver"})
    })
    .collect();
    let volume = json!({
        "volume_id": "v", "snapshot_id": "s", "backup_id": "b", "size": 20, "volume_size": 20, "user_id": "u",
        "tenant_id": "t", "display_name": "data", "volume_type": "ssd", "volume_attachment": [{"server_id": "i"}],
        "glance_metadata": [{"key": "other", "value": 1}, {"key": "image_id", "value": "g"}],
    });
    let room = json!({
        "name_to_id": "host@lvm#pool", "total": 100, "free": 60, "allocated": 40, "provisioned": 50, "virtual_free": 80,
    });
    let image = json!({
        "id": "g", "size": 5, "owner": "t", "image_id": "g", "bytes_sent": 5, "receiver_user_id": "u", "owner_id": "t",
        "receiver_tenant_id": "t", "name": "cirros",
    });
    let request = json!({
        "target": {"id": "o"}, "initiator": {"id": "u", "project_id": "t"}, "outcome": "success",
        "measurements": [
            {"metric": {"name": "storage.objects.incoming.bytes", "unit": "B"}, "result": 28},
            {"metric": {"name": "storage.objects.outgoing.bytes", "unit": "B"}, "result": 1},
        ],
    });
    vec![
        body("compute.instance.create.end", instance.clone()),
        body("compute.instance.create.start", instance.clone()),
        body("compute.instance.resize.confirm.end", instance),
        body(
            "compute.metrics.update",
            json!({"host": "c1", "nodename": "n1", "metrics": metrics}),
        ),
        body("volume.create.end", volume.clone()),
        body("snapshot.create.end", volume.clone()),
        body("backup.create.end", volume),
        body("capacity.backend.host@lvm", room.clone()),
        body("capacity.pool.host@lvm#pool", room),
        body("image.upload", image.clone()),
        body("image.send", image),
        body(
            "l3.meter",
            json!({"bytes": 7, "tenant_id": "t", "label_id": "l"}),
        ),
        body("identity.authenticate", request.clone()),
        body("objectstore.http.request", request),
        body(
            "share.create.end",
            json!({"share_id": "h", "size": 1, "user_id": "u", "project_id": "t", "name": "n", "proto": "NFS"}),
        ),
        body("port.create.end", json!({"port": {"id": "p"}})),
    ]
}

/// Samples by meter.
fn samples(definitions: &MeterDefinitions, body: &Value) -> BTreeMap<String, Map<String, Value>> {
    let event_type = body["event_type"].as_str().unwrap();
    let samples = definitions.samples(event_type, body).into_iter();
    samples
        .map(|sample| (sample["name"].as_str().unwrap().to_owned(), sample))
        .collect()
}

#[test]
fn the_shipped_file_finds_what_the_one_of_ceilometer_19_finds() {
    let shipped = MeterDefinitions::parse(SHIPPED).unwrap();
    let own = MeterDefinitions::parse(&std::fs::read_to_string(DEBIANS).unwrap()).unwrap();
    let mut count = 0;
    for body in notifications() {
        let (found, mut expected) = (samples(&shipped, &body), samples(&own, &body));
        // It also tells who measured, which is in no resource's attributes.
        for sample in expected
            .values_mut()
            .filter(|_| body["event_type"] == "compute.metrics.update")
        {
            sample["resource_metadata"]
                .as_object_mut()
                .unwrap()
                .remove("source");
        }
        assert_eq!(found, expected, "{body}");
        count += found.len();
    }
    assert_eq!(count, 9 + 10 + 3 + 10 + 3 + 1 + 1 + 2 + 1);
}

#[test]
fn samples_of_an_instance_have_its_owner_its_metadata_and_the_moment() {
    let shipped = MeterDefinitions::parse(SHIPPED).unwrap();
    let all = notifications();
    let found = samples(&shipped, &all[0]);
    let expected = json!({
        "name": "memory", "type": "gauge", "unit": "MB", "volume": 512, "resource_id": "i", "user_id": "u",
        "project_id": "t", "timestamp": "2026-01-01 00:00:00.5",
        "resource_metadata": {
            "host": "c1", "flavor_id": "42", "flavor_name": "m1.small", "display_name": "web", "image_ref": "g",
            "launched_at": "2026-01-01T00:00:12.500000", "created_at": "2026-01-01 00:00:00+00:00",
            "user_metadata": {"server_group": "a"},
        },
    });
    assert_eq!(Value::Object(found["memory"].clone()), expected);
    assert_eq!(found["compute.instance.booting.time"]["volume"], 12.5);
    let node = samples(&shipped, &all[3]);
    assert_eq!(node["compute.node.cpu.percent"]["volume"], 25.0);
    assert_eq!(node["compute.node.cpu.percent"]["resource_id"], "c1_n1");
    assert_eq!(
        node["compute.node.cpu.percent"]["timestamp"],
        "2026-01-01T00:00:01"
    );
    let pool = samples(&shipped, &all[8]);
    let provider = &pool["volume.provider.pool.capacity.free"]["resource_metadata"]["provider"];
    assert_eq!(provider, "host@lvm");
}

#[test]
fn a_notification_of_several_samples_in_which_one_is_incomplete_has_none() {
    let shipped = MeterDefinitions::parse(SHIPPED).unwrap();
    let whole = notifications().swap_remove(13);
    assert_eq!(samples(&shipped, &whole).len(), 2);
    let mut broken = whole;
    let first = broken["payload"]["measurements"][0]
        .as_object_mut()
        .unwrap();
    first.remove("result");
    assert_eq!(samples(&shipped, &broken).len(), 0);
}

#[test]
fn a_file_that_means_nothing_here_is_refused() {
    let meter = |fields: &str| {
        let yaml = format!("metric: [{{name: m, event_type: e, type: gauge, unit: u, {fields}}}]");
        MeterDefinitions::parse(&yaml).unwrap_err()
    };
    for (fields, expected) in [
        (
            "volume: 'a[', resource_id: b",
            "metric m: volume: expression \"a[\": expected",
        ),
        ("volume: 1", "resource_id"),
        (
            "volume: {fields: [a, b], plugin: bitfield}, resource_id: b",
            "metric m: volume: plugin: expected timedelta, found bitfield",
        ),
        (
            "volume: {fields: [a], plugin: timedelta}, resource_id: b",
            "metric m: volume: timedelta: expected two fields",
        ),
    ] {
        let refused = meter(fields);
        assert!(refused.contains(expected), "{refused}");
    }
}
