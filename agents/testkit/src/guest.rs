//! A real guest under QEMU's emulator: it boots Debian's kernel for clouds, runs the guest agent,
//! has a disk with an ext4 file system at `/data`, a NIC on libvirtd's private bridge and a balloon
//! with statistics, and keeps all of them busy. Needs no KVM.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::kernel::CLOUD;
use crate::libvirtd::{BRIDGE, GATEWAY, Libvirtd};
use crate::nova::Nova;
use crate::tools::run;
use crate::virsh::{Domain, escape_xml, xml_path};

/// What a guest is to be.
#[derive(Debug, Clone)]
pub struct GuestSpec {
    /// libvirt's name of the domain.
    pub name: String,
    /// The domain's UUID; derived from the name unless set.
    pub uuid: Uuid,
    /// What OpenStack would have written into the domain's metadata; nothing unless set.
    pub nova: Option<Nova>,
    /// Memory in MiB, 160 unless set; with less than 128 the kernel has no room to boot.
    pub memory_mib: u32,
    /// Virtual CPUs, 1 unless set.
    pub vcpus: u32,
    /// The disk's size in MiB, 64 unless set.
    pub disk_mib: u32,
    /// How often the balloon's statistics are refreshed in seconds, 1 unless set; 0 is libvirt's
    /// default, never.
    pub balloon_period: u32,
}

impl GuestSpec {
    /// A guest without OpenStack's metadata.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            nova: None,
            memory_mib: 160,
            vcpus: 1,
            disk_mib: 64,
            balloon_period: 1,
        }
    }

    /// With the metadata that nova writes; `display_name` is the server's name in OpenStack.
    #[must_use]
    pub fn nova(mut self, display_name: &str) -> Self {
        self.nova = Some(Nova::new(display_name));
        self
    }
}

/// A started guest; dropping it destroys it. What it shares with every domain is in [`Domain`].
pub struct Guest {
    domain: Domain,
    address: String,
    tap: Option<String>,
    mac: String,
    disk: PathBuf,
    console: PathBuf,
}

impl Deref for Guest {
    type Target = Domain;

    fn deref(&self) -> &Domain {
        &self.domain
    }
}

impl Guest {
    /// Starts a guest and returns while it boots; see [`Guest::wait_for_agent`].
    pub fn boot(libvirtd: &Libvirtd, spec: GuestSpec) -> Self {
        let kernel = CLOUD.dir();
        let initramfs = libvirtd.dir().join("initramfs");
        if !initramfs.exists() {
            std::fs::write(&initramfs, crate::initramfs::initramfs(&kernel)).unwrap();
        }
        let disk = libvirtd.dir().join(format!("{}.qcow2", spec.uuid));
        let size = format!("{}M", spec.disk_mib);
        run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2", disk.to_str().unwrap(), &size],
        );

        // Nothing else is on the bridge, so addresses and MACs may simply count.
        let number = libvirtd.next_number();
        let [_, _, high, low] = (number + 1).to_be_bytes();
        let address = format!("198.18.{high}.{low}");
        let mac = format!("fa:16:3e:00:{high:02x}:{low:02x}");
        // Named as nova names it, after the Neutron port.
        let port = Uuid::new_v5(&spec.uuid, b"port 0");
        let tap = libvirtd
            .has_taps()
            .then(|| format!("tap{}", &port.to_string()[..11]));
        if tap.is_none() {
            eprintln!("no /dev/net/tun: the guest's packets are not counted by libvirt");
        }

        let console = libvirtd.dir().join(format!("{}.console", spec.uuid));
        let (name, uuid) = (spec.name.clone(), spec.uuid);
        let xml = Layout {
            vmlinuz: xml_path(&kernel.join("vmlinuz")),
            initramfs: xml_path(&initramfs),
            disk: xml_path(&disk),
            console: xml_path(&console),
            address: &address,
            mac: &mac,
            tap: tap.as_deref(),
            port,
        }
        .xml(&spec);
        let domain = Domain::create(libvirtd, &name, uuid, &xml);
        Self {
            domain,
            address,
            tap,
            mac,
            disk,
            console,
        }
    }

    /// Waits until the guest agent answers a ping, about 8 s after the start on a quiet machine;
    /// panics with the guest's console if it does not within `timeout`.
    pub fn wait_for_agent(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        while let Err(error) = self.agent(r#"{"execute":"guest-ping"}"#) {
            assert!(
                Instant::now() < deadline,
                "no guest agent in {} after {timeout:?}: {error}\n{}",
                self.name(),
                self.console()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The guest's IPv4 address, reachable only inside of libvirtd's network namespace.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The tap's name, `target dev` in the XML; `None` on a machine without `/dev/net/tun`.
    pub fn tap(&self) -> Option<&str> {
        self.tap.as_deref()
    }

    /// The NIC's MAC address.
    pub fn mac(&self) -> &str {
        &self.mac
    }

    /// The disk's qcow2 file; in the guest it is `vda`.
    pub fn disk(&self) -> &std::path::Path {
        &self.disk
    }

    /// What the kernel and init wrote to the serial console so far.
    pub fn console(&self) -> String {
        let bytes = std::fs::read(&self.console).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Where a guest's parts are, as they stand in its XML.
struct Layout<'a> {
    vmlinuz: String,
    initramfs: String,
    disk: String,
    console: String,
    address: &'a str,
    mac: &'a str,
    tap: Option<&'a str>,
    port: Uuid,
}

impl Layout<'_> {
    fn xml(&self, spec: &GuestSpec) -> String {
        let GuestSpec {
            uuid,
            memory_mib,
            vcpus,
            balloon_period,
            ..
        } = spec;
        let Self {
            vmlinuz,
            initramfs,
            disk,
            console,
            address,
            mac,
            port,
            ..
        } = self;
        let name = escape_xml(&spec.name);
        let metadata = spec
            .nova
            .as_ref()
            .map_or_else(String::new, |nova| nova.xml(spec, *port, address));
        let interface = match self.tap {
            Some(tap) => {
                format!("<interface type='bridge'><source bridge='{BRIDGE}'/><target dev='{tap}'/>")
            }
            None => "<interface type='user'>".to_owned(),
        };
        format!(
            "<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{vmlinuz}</kernel>
    <initrd>{initramfs}</initrd>
    <cmdline>console=ttyS0 loglevel=4 panic=-1 address={address}/16 gateway={GATEWAY}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    {interface}<mac address='{mac}'/><model type='virtio'/></interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <serial type='file'><source path='{console}'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='virtio'><stats period='{balloon_period}'/></memballoon>
  </devices>
</domain>
"
        )
    }
}
