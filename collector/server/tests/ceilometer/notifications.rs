//! Notifications of OpenStack's services: what Debian's notification agent of Ceilometer makes of them over Gnocchi's API,
//! the collector makes of them itself.

use serde_json::{Value, json};
use testkit::Rabbitmq;

use crate::agents::Agents;
use crate::broker::{listening_to, send, wait_connected, wait_for};
use crate::content::content;
use crate::endpoint;
use crate::release::Release;
use crate::support::Collector;

const SERVER: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0b001";
const VOLUME: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0b002";
const IMAGE: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0b003";
const FLOATING_IP: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0b004";

fn notification(exchange: &str, event_type: &str, payload: Value) -> Value {
    let publisher = match exchange {
        "nova" => "compute.compute-1",
        other => other,
    };
    json!({
        "exchange": exchange, "publisher_id": publisher, "event_type": event_type, "payload": payload,
        "context": {"user_id": "cu", "tenant_id": "ct", "project_id": "ct", "request_id": "req-1"},
    })
}

/// An instance as nova's unversioned notifications describe it.
fn server(flavor: &str, memory: u32, state: &str) -> Value {
    json!({
        "instance_id": SERVER, "tenant_id": "6ad7", "user_id": "11ce", "display_name": "web-1", "host": "compute-1",
        "instance_type_id": 5, "instance_flavor_id": "42", "instance_type": flavor, "memory_mb": memory, "vcpus": 1,
        "root_gb": 10, "disk_gb": 10, "ephemeral_gb": 0, "state": state, "availability_zone": "nova",
        "image_meta": {"base_image_ref": IMAGE}, "created_at": "2026-01-01 00:00:00+00:00",
        "launched_at": "2026-01-01T00:00:12.500000", "deleted_at": "", "metadata": {"metering.server_group": "web"},
    })
}

fn volume(size: u32, attached: Value) -> Value {
    json!({
        "volume_id": VOLUME, "tenant_id": "6ad7", "user_id": "11ce", "display_name": "data", "size": size,
        "volume_type": "ssd", "volume_attachment": attached, "status": "available", "host": "cinder@lvm",
        "glance_metadata": [{"key": "image_id", "value": IMAGE}], "created_at": "2026-01-01T00:00:00+00:00",
    })
}

/// A life of an instance with its volume, image and address, as the services tell it.
fn notifications() -> Vec<Value> {
    let image = json!({
        "id": IMAGE, "name": "cirros", "owner": "6ad7", "size": 13_287_936, "container_format": "bare",
        "disk_format": "qcow2", "status": "active", "deleted_at": null, "created_at": "2026-01-01T00:00:00.000000",
    });
    let port = json!({"port": {"id": "port-1", "name": "p", "device_id": SERVER}});
    let metrics = json!([
        {"name": "cpu.percent", "value": 0.25, "timestamp": "2026-01-01T00:01:00", "source": "libvirt.LibvirtDriver"},
        {"name": "cpu.frequency", "value": 2400, "timestamp": "2026-01-01T00:01:00", "source": "libvirt.LibvirtDriver"},
    ]);
    let room = json!({
        "name_to_id": "cinder@lvm#pool", "type": "pool", "total": 100, "free": 60.5, "allocated": 40, "provisioned": 50,
        "virtual_free": 80,
    });
    let attached = json!([{"server_id": SERVER}]);
    vec![
        notification("glance", "image.upload", image.clone()),
        notification(
            "nova",
            "compute.instance.create.start",
            server("m1.small", 512, "building"),
        ),
        notification(
            "nova",
            "compute.instance.update",
            server("m1.small", 512, "building"),
        ),
        notification(
            "nova",
            "compute.instance.create.end",
            server("m1.small", 512, "active"),
        ),
        notification("neutron", "port.create.end", port),
        notification(
            "neutron",
            "network.create.end",
            json!({"network": {"id": "net-1", "name": "n"}}),
        ),
        notification("cinder", "volume.create.end", volume(10, json!([]))),
        notification("cinder", "volume.attach.end", volume(10, attached.clone())),
        notification(
            "nova",
            "compute.instance.resize.confirm.end",
            server("m1.large", 2048, "active"),
        ),
        notification("cinder", "volume.resize.end", volume(20, attached)),
        notification(
            "nova",
            "compute.metrics.update",
            json!({"host": "compute-1", "nodename": "compute-1", "metrics": metrics}),
        ),
        notification("cinder", "capacity.pool.cinder@lvm#pool", room),
        notification(
            "neutron",
            "l3.meter",
            json!({"bytes": 7, "tenant_id": "6ad7", "label_id": FLOATING_IP}),
        ),
        notification(
            "neutron",
            "floatingip.delete.end",
            json!({"floatingip_id": FLOATING_IP, "id": FLOATING_IP}),
        ),
        notification(
            "nova",
            "compute.instance.delete.start",
            server("m1.large", 2048, "active"),
        ),
        notification(
            "nova",
            "compute.instance.delete.end",
            server("m1.large", 2048, "deleted"),
        ),
        notification("cinder", "volume.delete.end", volume(20, json!([]))),
        notification("glance", "image.delete", image),
        notification(
            "nova",
            "compute.instance.create.error",
            json!({"code": 500, "message": "no host"}),
        ),
    ]
}

#[test]
fn notifications_become_what_ceilometers_notification_agent_makes_of_them() {
    let broker = Rabbitmq::start();
    let (gnocchi, own) = (
        Collector::start(),
        // A queue of its own beside the agent's; one message at a time, as the agent takes them.
        Collector::configured(&listening_to(&broker, ", prefetch: 1, pool: nephoscope")),
    );
    wait_connected(&own);
    let agents = Agents::new(Release::Debian, &broker.url(), &endpoint(&gnocchi), "");
    let _agent = agents.notification();
    send(&broker.url(), false, &notifications());
    // Both are done when the last resource has ended with both.
    wait_for("both to be done", || {
        let ended = |collector: &Collector| {
            content(&endpoint(collector))
                .get(IMAGE)
                .is_some_and(|image| {
                    let history = image["history"].as_array().unwrap();
                    history.last().unwrap()["ended_at"] == true
                })
        };
        ended(&gnocchi) && ended(&own)
    });
    let (expected, found) = (content(&endpoint(&gnocchi)), content(&endpoint(&own)));
    for (id, expected) in &expected {
        assert_eq!(found.get(id), Some(expected), "{id}");
    }
    assert_eq!(found.len(), expected.len());

    // It is what was meant, not only the same.
    let last = |id: &str| {
        found[id]["history"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone()
    };
    let instance = last(SERVER);
    assert_eq!(instance["ended_at"], true);
    assert_eq!(instance["flavor_name"], "m1.large");
    assert_eq!(instance["server_group"], "web");
    assert_eq!(last(VOLUME)["ended_at"], true);
    assert_eq!(last(VOLUME)["volume_type"], "ssd");
    assert_eq!(last(FLOATING_IP)["ended_at"], true);
    let metrics = found[SERVER]["metrics"].as_object().unwrap();
    for name in [
        "memory",
        "vcpus",
        "disk.root.size",
        "compute.instance.booting.time",
    ] {
        assert!(metrics.contains_key(name), "{name}");
    }
}
