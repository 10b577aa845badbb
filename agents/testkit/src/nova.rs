//! The metadata that OpenStack's nova writes into a domain's XML, in its namespace of version 1.1,
//! about an invented project: enough for everything that reads it.

use uuid::Uuid;

use crate::guest::GuestSpec;
use crate::virsh::escape_xml;

/// What nova knows of a server. Memory, disk and CPUs of the flavor are the guest's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nova {
    /// The server's name, which users see.
    pub display_name: String,
    /// The flavor's name.
    pub flavor: String,
    /// Keystone's project: 32 hexadecimal digits.
    pub project_id: String,
    /// The project's name.
    pub project_name: String,
    /// Keystone's user: 32 hexadecimal digits.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// Glance's image that the root disk was made from.
    pub image_id: Uuid,
}

impl Nova {
    /// A server of the project "weather"; the ids follow from the names, so all its servers share
    /// them.
    pub fn new(display_name: &str) -> Self {
        let id = |name: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        Self {
            display_name: display_name.to_owned(),
            flavor: "m1.cloudlet".to_owned(),
            project_id: id("project weather").simple().to_string(),
            project_name: "weather".to_owned(),
            user_id: id("user forecaster").simple().to_string(),
            user_name: "forecaster".to_owned(),
            image_id: id("image cirrus"),
        }
    }

    /// The `<metadata>` element.
    pub(crate) fn xml(&self, spec: &GuestSpec, port: Uuid, address: &str) -> String {
        let Self {
            project_id,
            user_id,
            image_id,
            ..
        } = self;
        let display_name = escape_xml(&self.display_name);
        let flavor = escape_xml(&self.flavor);
        let project_name = escape_xml(&self.project_name);
        let user_name = escape_xml(&self.user_name);
        let GuestSpec {
            memory_mib,
            vcpus,
            disk_mib,
            ..
        } = spec;
        // Flavors count disks in GiB.
        let disk_gib = disk_mib.div_ceil(1024);
        format!(
            "<metadata>
    <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
      <nova:package version='27.1.0'/>
      <nova:name>{display_name}</nova:name>
      <nova:creationTime>2026-01-01 00:00:00</nova:creationTime>
      <nova:flavor name='{flavor}'>
        <nova:memory>{memory_mib}</nova:memory>
        <nova:disk>{disk_gib}</nova:disk>
        <nova:swap>0</nova:swap>
        <nova:ephemeral>0</nova:ephemeral>
        <nova:vcpus>{vcpus}</nova:vcpus>
      </nova:flavor>
      <nova:owner>
        <nova:user uuid='{user_id}'>{user_name}</nova:user>
        <nova:project uuid='{project_id}'>{project_name}</nova:project>
      </nova:owner>
      <nova:root type='image' uuid='{image_id}'/>
      <nova:ports>
        <nova:port uuid='{port}'>
          <nova:ip type='fixed' address='{address}' ipVersion='4'/>
        </nova:port>
      </nova:ports>
    </nova:instance>
  </metadata>"
        )
    }
}
