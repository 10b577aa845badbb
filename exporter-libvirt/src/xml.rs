//! What a domain's XML says that its statistics do not: the machine, where each disk and interface comes from, how
//! often the balloon is asked, and Nova's metadata. Pure: text in, [`Description`] out; reading the text is
//! `connect`'s work.

use roxmltree::{Document, Node, ParsingOptions};

use crate::nova::Nova;

/// More elements than any real domain has (one with 20 disks has some 400). A larger text is refused.
const MAX_NODES: u32 = 100_000;

/// Why a domain's XML gave no description.
#[derive(Debug, thiserror::Error)]
#[error("cannot parse the domain's XML: {0}")]
pub(crate) struct XmlError(#[from] roxmltree::Error);

/// The parts of a domain's XML that metrics speak of. Text that is not there is empty.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Description {
    /// The domain's type: `kvm`, `qemu`, `lxc`…
    pub(crate) domain_type: String,
    /// `hvm` for full virtualisation.
    pub(crate) os_type: String,
    /// E.g. `x86_64`.
    pub(crate) arch: String,
    /// E.g. `pc-q35-7.2`.
    pub(crate) machine: String,
    /// Every disk, drives without a medium too.
    pub(crate) disks: Vec<Disk>,
    /// Every network interface that has a device on the host.
    pub(crate) nics: Vec<Nic>,
    /// `<vcpu>`: vCPUs that could be brought online.
    pub(crate) vcpus_maximum: Option<u64>,
    /// `<vcpu current=…>`: vCPUs that are online.
    pub(crate) vcpus_current: Option<u64>,
    /// `<memory>`, KiB: what the guest may have at most.
    pub(crate) memory_maximum: Option<u64>,
    /// `<currentMemory>`, KiB: what the balloon left to the guest when the XML was read.
    pub(crate) memory_current: Option<u64>,
    /// `<channel>` of the guest agent: whether the agent is connected. `None` where the domain has no such channel.
    pub(crate) agent: Option<bool>,
    /// Whether there is a balloon to ask.
    pub(crate) has_balloon: bool,
    /// `<memballoon><stats period=…>`, seconds between the guest's reports; `None` when the guest is never asked.
    pub(crate) balloon_period: Option<u64>,
    /// Nova's metadata, where the domain is an OpenStack instance.
    pub(crate) nova: Option<Nova>,
}

/// One `<disk>`.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Disk {
    /// `file`, `block`, `network`, `volume`…
    pub(crate) disk_type: String,
    /// `disk`, `cdrom`, `floppy` or `lun`.
    pub(crate) device: String,
    /// The name in the guest's definition, e.g. `vda`; the key to the statistics.
    pub(crate) target: String,
    /// E.g. `virtio`.
    pub(crate) bus: String,
    /// The serial number that the guest reads; Cinder writes the volume's id here.
    pub(crate) serial: String,
    /// `<driver name=…>`.
    pub(crate) driver_name: String,
    /// `<driver type=…>`, e.g. `qcow2`.
    pub(crate) driver_type: String,
    /// `<driver cache=…>`.
    pub(crate) driver_cache: String,
    /// `<driver discard=…>`.
    pub(crate) driver_discard: String,
    /// The image file.
    pub(crate) source_file: String,
    /// The host's block device.
    pub(crate) source_dev: String,
    /// The name at a network source (`pool/image` for RBD) or the volume (`pool/volume`).
    pub(crate) source_name: String,
    /// The protocol of a network source, e.g. `rbd`.
    pub(crate) source_protocol: String,
    /// `<iotune>`: the limits that are set, by the element's name.
    pub(crate) limits: Vec<(String, u64)>,
}

impl Disk {
    /// Whether the drive may be empty.
    pub(crate) fn is_removable(&self) -> bool {
        matches!(self.device.as_str(), "cdrom" | "floppy")
    }

    /// Whether there is something behind the drive.
    pub(crate) fn has_medium(&self) -> bool {
        !(self.source_file.is_empty() && self.source_dev.is_empty() && self.source_name.is_empty())
    }

    fn read(disk: Node<'_, '_>) -> Disk {
        let source = child(disk, "source");
        let driver = child(disk, "driver");
        let target = child(disk, "target");
        let mut source_name = attribute(source, "name");
        if source_name.is_empty() {
            let (pool, volume) = (attribute(source, "pool"), attribute(source, "volume"));
            if !volume.is_empty() {
                source_name = format!("{pool}/{volume}");
            }
        }
        Disk {
            disk_type: attribute(Some(disk), "type"),
            device: match disk.attribute("device") {
                Some(device) => device.into(),
                None => "disk".into(),
            },
            target: attribute(target, "dev"),
            bus: attribute(target, "bus"),
            serial: text(child(disk, "serial")),
            driver_name: attribute(driver, "name"),
            driver_type: attribute(driver, "type"),
            driver_cache: attribute(driver, "cache"),
            driver_discard: attribute(driver, "discard"),
            source_file: attribute(source, "file"),
            source_dev: attribute(source, "dev"),
            source_name,
            source_protocol: attribute(source, "protocol"),
            limits: limits(child(disk, "iotune")),
        }
    }
}

/// One `<interface>`.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Nic {
    /// `bridge`, `network`, `ethernet`, `vhostuser`…
    pub(crate) interface_type: String,
    /// The device on the host, e.g. `tap3c5556a4-93`; the key to the statistics.
    pub(crate) target: String,
    /// The bridge that it is plugged into.
    pub(crate) source_bridge: String,
    /// The libvirt network that it belongs to.
    pub(crate) source_network: String,
    /// The guest's MAC address.
    pub(crate) mac_address: String,
    /// E.g. `virtio`.
    pub(crate) model_type: String,
    /// The MTU in bytes, as text: it is only ever a label.
    pub(crate) mtu_size: String,
    /// `<virtualport><parameters interfaceid=…>`; Neutron's port id.
    pub(crate) virtual_interface: String,
}

impl Nic {
    /// Whether the host sees it as a tap, whose counters are the guest's turned round. libvirt makes the same
    /// difference; others (`direct`, `vhostuser`, `hostdev`) are counted otherwise.
    pub(crate) fn is_tap(&self) -> bool {
        match self.interface_type.as_str() {
            "bridge" | "ethernet" => true,
            "network" => !self.source_bridge.is_empty(),
            _ => false,
        }
    }

    fn read(nic: Node<'_, '_>) -> Nic {
        let source = child(nic, "source");
        let port = child(nic, "virtualport").and_then(|port| child(port, "parameters"));
        Nic {
            interface_type: attribute(Some(nic), "type"),
            target: attribute(child(nic, "target"), "dev"),
            source_bridge: attribute(source, "bridge"),
            source_network: attribute(source, "network"),
            mac_address: attribute(child(nic, "mac"), "address"),
            model_type: attribute(child(nic, "model"), "type"),
            mtu_size: attribute(child(nic, "mtu"), "size"),
            virtual_interface: attribute(port, "interfaceid"),
        }
    }
}

impl Description {
    /// Reads a domain's XML as `virDomainGetXMLDesc` writes it.
    ///
    /// # Errors
    /// When the text is not well-formed XML, has a DTD, or is unreasonably large.
    pub(crate) fn parse(xml: &str) -> Result<Description, XmlError> {
        let options = ParsingOptions {
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(xml, options)?;
        let domain = document.root_element();
        let os_type = child(domain, "os").and_then(|os| child(os, "type"));
        let mut description = Description {
            domain_type: attribute(Some(domain), "type"),
            os_type: text(os_type),
            arch: attribute(os_type, "arch"),
            machine: attribute(os_type, "machine"),
            nova: child(domain, "metadata").and_then(Nova::from_metadata),
            vcpus_maximum: text(child(domain, "vcpu")).parse().ok(),
            memory_maximum: memory(child(domain, "memory")),
            memory_current: memory(child(domain, "currentMemory")),
            ..Description::default()
        };
        let current = attribute(child(domain, "vcpu"), "current").parse().ok();
        description.vcpus_current = current.or(description.vcpus_maximum);
        let devices = child(domain, "devices");
        for device in devices.iter().flat_map(Node::children) {
            match device.tag_name().name() {
                "disk" => description.disks.push(Disk::read(device)),
                "interface" => description.nics.push(Nic::read(device)),
                "channel" => description.agent = agent(device).or(description.agent),
                "memballoon" => {
                    description.has_balloon = device.attribute("model") != Some("none");
                    description.balloon_period = balloon_period(device);
                }
                _ => {}
            }
        }
        description.nics.retain(|nic| !nic.target.is_empty());
        Ok(description)
    }

    /// Whether a QEMU process runs the domain when it is active.
    pub(crate) fn is_qemu(&self) -> bool {
        matches!(self.domain_type.as_str(), "kvm" | "qemu" | "hvf")
    }

    /// The disk with this target name.
    pub(crate) fn disk(&self, target: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.target == target)
    }

    /// The interface with this device on the host.
    pub(crate) fn nic(&self, target: &str) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.target == target)
    }
}

/// The limits that are not 0, which is no limit.
fn limits(iotune: Option<Node<'_, '_>>) -> Vec<(String, u64)> {
    let limits = iotune.into_iter().flat_map(|node| node.children());
    let limits = limits.filter_map(|limit| {
        let value = text(Some(limit)).parse().ok()?;
        (value > 0).then(|| (limit.tag_name().name().to_owned(), value))
    });
    limits.collect()
}

/// An amount of memory in KiB, in which libvirt writes every one.
fn memory(node: Option<Node<'_, '_>>) -> Option<u64> {
    let is_kib = matches!(attribute(node, "unit").as_str(), "" | "KiB");
    text(node).parse().ok().filter(|_| is_kib)
}

/// Whether the guest agent is connected to this channel, if it is the agent's.
fn agent(channel: Node<'_, '_>) -> Option<bool> {
    let target = child(channel, "target");
    (attribute(target, "name") == "org.qemu.guest_agent.0")
        .then(|| attribute(target, "state") == "connected")
}

fn balloon_period(balloon: Node<'_, '_>) -> Option<u64> {
    let period = attribute(child(balloon, "stats"), "period").parse().ok()?;
    (period > 0).then_some(period)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn attribute(node: Option<Node<'_, '_>>, name: &str) -> String {
    node.and_then(|node| node.attribute(name))
        .unwrap_or_default()
        .into()
}

fn text(node: Option<Node<'_, '_>>) -> String {
    node.and_then(|node| node.text())
        .unwrap_or_default()
        .trim()
        .into()
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
