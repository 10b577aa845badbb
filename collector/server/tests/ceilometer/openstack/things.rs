//! What a user makes in the cloud and changes there, over the services' own APIs.

use serde_json::{Value, json};

use super::{Cloud, SERVICE, User, id};
use crate::broker::wait_until;

/// A server that a volume is attached to; Cinder does not ask whether it is there.
pub(crate) const SERVER: &str = "c1de9a3e-7bb0-4c0e-8a6c-2f6f36d0c001";

/// The ids of what is there.
pub(crate) struct Things {
    /// An image of the project that Ceilometer leaves out.
    pub(crate) left_out: String,
    pub(crate) image: String,
    /// An image that gets its name when things change.
    pub(crate) nameless: String,
    /// An image that is deleted then.
    pub(crate) old: String,
    /// A volume that becomes larger then.
    pub(crate) data: String,
    /// A volume that a server has, and that gets another name.
    pub(crate) scratch: String,
    /// A volume that is deleted.
    pub(crate) doomed: String,
    pub(crate) snapshot: String,
    pub(crate) backup: String,
    /// A floating address that is given back.
    pub(crate) address: String,
}

impl Things {
    pub(crate) fn make(cloud: &Cloud, user: &User) -> Self {
        let admin = cloud.user("admin", "admin");
        let ssd = json!({"volume_type": {"name": "ssd"}});
        cloud.volumes(&admin, "POST", "/types", &ssd);
        let network = json!({"network": {"name": "public", "router:external": true}});
        let network = &cloud.networks(&admin, "POST", "/networks", &network)["network"];
        let subnet = json!({"subnet": {"network_id": network["id"], "cidr": "192.0.2.0/24", "ip_version": 4}});
        cloud.networks(&admin, "POST", "/subnets", &subnet);

        let service = cloud.user("ceilometer", SERVICE);
        let left_out = cloud.image(&service, Some("of the services"), &[0; 11]);
        let image = cloud.image(user, Some("cirros"), &[0; 4096]);
        let nameless = cloud.image(user, None, &[0; 77]);
        let old = cloud.image(user, Some("old"), &[0; 512]);

        let volume = |body: Value| {
            let made = cloud.volumes(user, "POST", "/volumes", &json!({"volume": body}));
            let id = id(&made["volume"]);
            wait_for_status(cloud, user, "volume", &id, "available");
            id
        };
        let data = volume(json!({"size": 3, "name": "data", "volume_type": "ssd"}));
        let scratch = volume(json!({"size": 1, "name": "scratch"}));
        let doomed = volume(json!({"size": 2}));
        let snapshot = json!({"snapshot": {"volume_id": data, "name": "before"}});
        let snapshot = cloud.volumes(user, "POST", "/snapshots", &snapshot);
        let snapshot = id(&snapshot["snapshot"]);
        wait_for_status(cloud, user, "snapshot", &snapshot, "available");
        let backup = json!({"backup": {"volume_id": data, "name": "copy"}});
        let backup = cloud.volumes(user, "POST", "/backups", &backup);
        let backup = id(&backup["backup"]);
        // There is nothing that could be read; it is there all the same.
        wait_for_status(cloud, user, "backup", &backup, "error");
        wait_for_status(cloud, user, "volume", &data, "available");
        let attach = json!({"os-attach": {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"}});
        cloud.volumes(user, "POST", &format!("/volumes/{scratch}/action"), &attach);
        wait_for_status(cloud, user, "volume", &scratch, "in-use");

        let address = json!({"floatingip": {"floating_network_id": network["id"]}});
        let address = cloud.networks(user, "POST", "/floatingips", &address);
        cloud.put_object(user, "/photos", b"");
        cloud.put_object(user, "/photos/clouds", &[0; 1234]);
        Self {
            left_out,
            image,
            nameless,
            old,
            data,
            scratch,
            doomed,
            snapshot,
            backup,
            address: id(&address["floatingip"]),
        }
    }

    /// Gives some another name or size and deletes others.
    pub(crate) fn change(&self, cloud: &Cloud, user: &User) {
        cloud.rename_image(user, &self.image, "cirros-2");
        cloud.rename_image(user, &self.nameless, "named at last");
        cloud.delete_image(user, &self.old);
        let (data, scratch) = (
            format!("/volumes/{}", self.data),
            format!("/volumes/{}", self.scratch),
        );
        let name = json!({"volume": {"name": "scratch-2"}});
        cloud.volumes(user, "PUT", &scratch, &name);
        let larger = json!({"os-extend": {"new_size": 5}});
        cloud.volumes(user, "POST", &format!("{data}/action"), &larger);
        wait_for_status(cloud, user, "volume", &self.data, "available");
        cloud.volumes(
            user,
            "DELETE",
            &format!("/volumes/{}", self.doomed),
            &Value::Null,
        );
        wait_until(
            "the volume's end",
            || cloud.volumes(user, "GET", "/volumes", &Value::Null),
            |list| !list.to_string().contains(&self.doomed),
        );
        cloud.networks(
            user,
            "DELETE",
            &format!("/floatingips/{}", self.address),
            &Value::Null,
        );
        cloud.put_object(user, "/photos/more", &[0; 66]);
    }
}

/// Waits until Cinder has done something.
fn wait_for_status(cloud: &Cloud, user: &User, kind: &str, id: &str, status: &str) {
    wait_until(
        status,
        || cloud.volumes(user, "GET", &format!("/{kind}s/{id}"), &Value::Null)[kind].clone(),
        |thing| thing["status"] == status,
    );
}
