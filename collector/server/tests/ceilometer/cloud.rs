//! A small cloud as Ceilometer's agents see it: rounds of samples and events of compute, volumes, images, networks and
//! hardware; some repeated, some with changed metadata, some that Gnocchi refuses.

use serde_json::{Value, json};

pub(crate) const INSTANCE: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a001";
pub(crate) const VOLUME: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a002";
pub(crate) const IMAGE: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a003";
const NAMELESS_IMAGE: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a004";
const FLOATING_IP: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a005";
const BORN_BY_EVENT: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a006";
const NEVER_SEEN: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0a007";

fn sample(
    name: &str,
    resource: &str,
    minute: u32,
    volume: impl Into<Value>,
    metadata: &Value,
) -> Value {
    sample_of("6ad7", name, resource, minute, volume, metadata)
}

fn sample_of(
    project: &str,
    name: &str,
    resource: &str,
    minute: u32,
    volume: impl Into<Value>,
    metadata: &Value,
) -> Value {
    json!({
        "name": name, "type": "gauge", "unit": "u", "volume": volume.into(), "user_id": "11ce",
        "project_id": project, "resource_id": resource,
        "timestamp": format!("2026-01-01T{:02}:{:02}:07.250000", minute / 60, minute % 60),
        "resource_metadata": metadata,
    })
}

fn instance(display_name: &str) -> Value {
    json!({
        "display_name": display_name, "name": "instance-00000001", "instance_id": INSTANCE,
        "instance_type": "m1.small", "host": "4c1d", "instance_host": "compute-1",
        "flavor": {"id": "42", "name": "m1.small", "vcpus": 1, "ram": 512}, "image_ref": IMAGE,
        "status": "active", "user_metadata": {"server_group": "web"}, "launched_at": "2026-01-01T00:00:00.000000",
    })
}

fn disk() -> Value {
    json!({"disk_name": "vda", "instance_id": INSTANCE, "display_name": "web-1"})
}

fn nic() -> Value {
    json!({"vnic_name": "tap0815", "instance_id": INSTANCE, "mac": "fa:16:3e:00:00:01"})
}

fn compute(minute: u32, display_name: &str) -> Value {
    let metadata = instance(display_name);
    let (disk_id, nic_id) = (
        format!("{INSTANCE}-vda"),
        format!("instance-00000001-{INSTANCE}-tap0815"),
    );
    let count = f64::from(minute);
    json!([
        sample("cpu", INSTANCE, minute, 6e10 * count, &metadata),
        sample("vcpus", INSTANCE, minute, 1, &metadata),
        sample("memory.usage", INSTANCE, minute, 100.5 + count, &metadata),
        sample("disk.root.size", INSTANCE, minute, 10, &metadata),
        sample(
            "disk.device.read.bytes",
            &disk_id,
            minute,
            4096.0 * count,
            &disk()
        ),
        sample("disk.device.usage", &disk_id, minute, 1_000_000, &disk()),
        sample(
            "network.incoming.bytes",
            &nic_id,
            minute,
            100.0 * count,
            &nic()
        ),
        sample("cpu_util", INSTANCE, minute, 5, &metadata),
        sample(
            "compute.node.cpu.percent",
            "compute-1_compute-1",
            minute,
            7.5,
            &json!({"host": "compute-1"})
        ),
    ])
}

fn central(minute: u32) -> Value {
    let volume = json!({"display_name": null, "name": "data", "volume_type": "ssd", "instance_id": INSTANCE});
    let image = json!({"name": "cirros", "container_format": "bare", "disk_format": "qcow2"});
    let nameless = json!({"name": null, "container_format": "bare", "disk_format": "qcow2"});
    let port = json!({"controller": "OpenDaylight", "switch": "s1", "port_number_on_switch": 3});
    json!([
        sample("volume.size", VOLUME, minute, 20, &volume),
        sample("image.size", IMAGE, minute, 13_287_936, &image),
        sample("image.size", NAMELESS_IMAGE, minute, 1, &nameless),
        sample(
            "ip.floating",
            FLOATING_IP,
            minute,
            1,
            &json!({"status": "ACTIVE"})
        ),
        sample(
            "hardware.ipmi.node.power",
            "node/1",
            minute,
            95,
            &json!({"node": "node-1"})
        ),
        sample(
            "hardware.ipmi.temperature",
            "node/1-cpu (0x1)",
            minute,
            41,
            &json!({"node": "node-1"})
        ),
        sample("storage.objects", "6ad7", minute, 3, &json!({})),
        sample("switch.port.receive.bytes", "s1_port_3", minute, 12, &port),
        // An id that is no UUID where one is asked for.
        sample(
            "disk.device.usage",
            "odd-vda",
            minute,
            1,
            &json!({"disk_name": "vda", "instance_id": "odd"})
        ),
    ])
}

fn event(event_type: &str, traits: &[(&str, &str)]) -> Value {
    let traits: Vec<Value> = traits
        .iter()
        .map(|(name, value)| json!([name, 1, value]))
        .collect();
    json!({"message_id": "m", "event_type": event_type, "generated": "2026-01-01T01:00:00", "traits": traits})
}

/// Rounds of samples.
pub(crate) fn samples() -> Vec<Value> {
    let changed = sample_of(
        "other",
        "volume.size",
        VOLUME,
        11,
        20,
        &json!({"name": "renamed"}),
    );
    // Meters of two types say one thing of one resource.
    let stranger = sample("image.size", VOLUME, 12, 5, &json!({"name": "no image"}));
    vec![
        compute(0, "web-1"),
        compute(0, "web-1"),
        central(0),
        compute(5, "web-1"),
        compute(10, "web-1-renamed"),
        central(10),
        json!([changed]),
        json!([stranger]),
        compute(15, "web-1-renamed"),
        // Older than what is there.
        compute(3, "web-1-renamed"),
    ]
}

/// Rounds of events.
pub(crate) fn events() -> Vec<Value> {
    let born = [
        ("instance_id", BORN_BY_EVENT),
        ("display_name", "by event"),
        ("host", "compute-2"),
        ("instance_type_id", "42"),
        ("instance_type", "m1.small"),
        ("user_id", "11ce"),
        ("project_id", "6ad7"),
        ("availability_zone", "nova"),
    ];
    vec![
        json!([
            event("compute.instance.create.end", &born),
            event("compute.instance.create.end", &born)
        ]),
        // Without the attributes that an instance must have.
        json!([event(
            "compute.instance.create.end",
            &[("instance_id", NEVER_SEEN)]
        )]),
        json!([event(
            "volume.transfer.accept.end",
            &[("resource_id", VOLUME), ("project_id", "new-owner")]
        )]),
        json!([
            event("image.delete", &[("resource_id", IMAGE)]),
            event("image.delete", &[("resource_id", NEVER_SEEN)])
        ]),
        json!([event(
            "compute.instance.delete.start",
            &[("instance_id", INSTANCE)]
        )]),
        json!([event(
            "compute.instance.resize.end",
            &[("instance_id", INSTANCE)]
        )]),
    ]
}
