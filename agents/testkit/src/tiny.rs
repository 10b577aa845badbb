//! Many domains for little: the firmware of each halts its only CPU at once, so it is a *running*
//! QEMU with its real monitor, a disk and, if wanted, a tap, at some 18 MiB and no CPU time.
//! They have no guest agent and their counters stand still.

use uuid::Uuid;

use crate::guest::GuestSpec;
use crate::libvirtd::{BRIDGE, Libvirtd};
use crate::nova::Nova;
use crate::tools::run;
use crate::virsh::{Domain, escape_xml, xml_path};

/// A firmware fills the last 64 KiB below 1 MiB.
const FIRMWARE_SIZE: usize = 64 << 10;
/// The CPU starts 16 bytes before its end.
const RESET_VECTOR: usize = FIRMWARE_SIZE - 16;
/// `cli; hlt`, and back to `hlt` should anything wake it.
const HALT: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfd];

/// What the domains are to have.
#[derive(Debug, Clone, Copy, Default)]
pub struct TinySpec {
    /// A tap on libvirtd's bridge; on a machine without `/dev/net/tun`, QEMU's user network.
    pub tap: bool,
    /// A virtio disk of 1 MiB.
    pub disk: bool,
    /// nova's metadata, with the display name `tiny-NUMBER`.
    pub nova: bool,
}

/// Starts `count` domains (about four a second) called `instance-XXXXXXXX` (a number in
/// hexadecimal, as nova names them). Where there are hundreds, drop `libvirtd` before them: it ends
/// all at once, they one by one.
pub fn boot_many(libvirtd: &Libvirtd, count: usize, spec: TinySpec) -> Vec<Domain> {
    let firmware = libvirtd.dir().join("halt.bin");
    if !firmware.exists() {
        std::fs::write(&firmware, halting_firmware()).unwrap();
    }
    (0..count)
        .map(|_| boot(libvirtd, &xml_path(&firmware), spec))
        .collect()
}

fn halting_firmware() -> Vec<u8> {
    let mut firmware = vec![0; FIRMWARE_SIZE];
    firmware[RESET_VECTOR..RESET_VECTOR + HALT.len()].copy_from_slice(&HALT);
    firmware
}

fn boot(libvirtd: &Libvirtd, firmware: &str, spec: TinySpec) -> Domain {
    let number = libvirtd.next_number();
    let name = format!("instance-{number:08x}");
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("tiny {number}").as_bytes());
    let metadata = if spec.nova {
        let guest = GuestSpec {
            memory_mib: 1,
            disk_mib: 1,
            ..GuestSpec::new(&name)
        };
        let port = Uuid::new_v5(&uuid, b"port 0");
        Nova::new(&format!("tiny-{number}")).xml(&guest, port, "198.18.0.2")
    } else {
        String::new()
    };
    let interface = match (spec.tap, libvirtd.has_taps()) {
        (false, _) => String::new(),
        (true, true) => format!("<interface type='bridge'><source bridge='{BRIDGE}'/></interface>"),
        (true, false) => "<interface type='user'/>".to_owned(),
    };
    let disk = if spec.disk {
        let path = libvirtd.dir().join(format!("{uuid}.qcow2"));
        run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2", path.to_str().unwrap(), "1M"],
        );
        let path = xml_path(&path);
        format!(
            "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
             <source file='{path}'/><target dev='vda' bus='virtio'/></disk>"
        )
    } else {
        String::new()
    };
    let escaped = escape_xml(&name);
    let xml = format!(
        "<domain type='qemu'>
  <name>{escaped}</name>
  <uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>1</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{firmware}</loader></os>
  <devices>
    {disk}
    {interface}
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"
    );
    Domain::create(libvirtd, &name, uuid, &xml)
}
