//! The shipped traits are in effect Ceilometer's own for what they concern, and files of others are read.

use std::path::PathBuf;

use serde_json::json;

use super::*;

/// Where Debian's ceilometer-common has Ceilometer's own file of events.
const DEBIANS: &str =
    "/usr/lib/python3/dist-packages/ceilometer/pipeline/data/event_definitions.yaml";

/// Whatever one of the definitions has a path to.
const PAYLOAD: &str = r#"{
    "tenant_id": "t", "user_id": "u", "instance_id": "i", "display_name": "d", "cell_name": "c", "memory_mb": 512,
    "disk_gb": 10, "root_gb": 10, "ephemeral_gb": 0, "vcpus": 1, "instance_type_id": 42, "instance_type": "m1",
    "state": "active", "image_meta": {"org.openstack__1__architecture": "x86_64", "org.openstack__1__os_distro": "o",
    "org.openstack__1__os_version": "1"}, "launched_at": "2026-01-01T00:00:00.000000", "deleted_at": "",
    "availability_zone": "nova", "old_state": "building", "audit_period_beginning": "2026-01-01 00:00:00",
    "audit_period_ending": "2026-01-01 01:00:00", "volume_id": "v", "snapshot_id": "s", "size": "20",
    "volume_type": "ssd", "host": "h", "status": "ok", "created_at": "2026-01-01T00:00:00+00:00",
    "replication_status": "off", "glance_metadata": [{"key": "image_id", "value": "g"}],
    "volume_attachment": [{"server_id": "i"}], "owner": "o", "id": "x", "name": "n", "owner_id": "o",
    "receiver_tenant_id": "rt", "receiver_user_id": "ru", "image_id": "g", "destination_ip": "::1", "bytes_sent": 5,
    "network": {"id": "n", "name": "nn"}, "subnet": {"id": "n", "name": "nn"}, "port": {"id": "n", "name": "nn"},
    "router": {"id": "n", "name": "nn"}, "floatingip": {"id": "n"}, "share_id": "h", "share_group_id": "sg",
    "proto": "NFS", "is_public": true, "description": "", "stack_identity": "st"
}"#;

fn notification(event_type: &str, payload: &Value) -> Notification {
    let message = json!({
        "message_id": "m", "publisher_id": "compute.c1", "event_type": event_type, "payload": payload,
        "timestamp": "2026-01-01 00:00:00.5", "priority": "INFO", "_context_user_id": "cu", "_context_tenant_id": "ct",
        "_context_request_id": "r",
    });
    Notification::read(message.to_string().as_bytes()).unwrap()
}

#[test]
fn the_shipped_traits_are_those_of_ceilometer_19() {
    let shipped = Translation::load(&CeilometerConfig::default()).unwrap();
    let own = Translation::load(&CeilometerConfig {
        event_definitions_file: Some(PathBuf::from(DEBIANS)),
        ..CeilometerConfig::default()
    });
    let own = own.unwrap();
    let payload: Value = serde_json::from_str(PAYLOAD).unwrap();
    for event_type in [
        "compute.instance.create.start",
        "compute.instance.create.end",
        "compute.instance.update",
        "compute.instance.exists",
        "compute.instance.resize.confirm.end",
        "compute.instance.delete.end",
        "volume.create.end",
        "volume.resize.end",
        "volume.transfer.accept.end",
        "snapshot.create.end",
        "snapshot.delete.end",
        "snapshot.transfer.accept.end",
        "image.upload",
        "image.delete",
        "image.send",
        "network.create.end",
        "network.update.end",
        "subnet.create.end",
        "port.create.end",
        "port.delete.end",
        "router.create.end",
        "floatingip.delete.end",
        "share.create.end",
        "orchestration.stack.create.end",
        "nobody.knows.this",
    ] {
        let notification = notification(event_type, &payload);
        let (found, expected) = (shipped.event(&notification), own.event(&notification));
        assert_eq!(found, expected, "{event_type}");
        assert!(found.traits.len() >= 5, "{event_type}: {:?}", found.traits);
    }
}

#[test]
fn a_deleted_port_has_its_id_in_another_place_than_a_new_one() {
    let shipped = Translation::load(&CeilometerConfig::default()).unwrap();
    let id = |payload: Value| {
        let event = shipped.event(&notification("port.delete.end", &payload));
        event.traits["resource_id"].clone()
    };
    assert_eq!(id(json!({"id": "p"})), "p");
    assert_eq!(id(json!({"port": {"id": "p"}})), "p");
}

#[test]
fn a_missing_or_wrong_file_is_named_with_its_key() {
    let missing = Translation::load(&CeilometerConfig {
        event_definitions_file: Some(PathBuf::from("/no/such/file")),
        ..CeilometerConfig::default()
    });
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.starts_with("ceilometer: event_definitions_file: /no/such/file: cannot read it"),
        "{missing}"
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meters.yaml");
    std::fs::write(&file, "metric: 3\n").unwrap();
    let wrong = Translation::load(&CeilometerConfig {
        meter_definitions_file: Some(file),
        ..CeilometerConfig::default()
    });
    let wrong = wrong.unwrap_err().to_string();
    assert!(
        wrong.contains("ceilometer: meter_definitions_file: "),
        "{wrong}"
    );
}
