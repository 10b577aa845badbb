//! The irregular domains of `irregular.rs`: what each is to be, and how virsh makes it so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use testkit::Libvirtd;

/// A domain to be; the rest of its XML is the same for all.
#[derive(Default)]
pub(crate) struct Irregular {
    pub(crate) name: &'static str,
    /// Its metadata, or whatever else stands beside its devices.
    pub(crate) metadata: &'static str,
    pub(crate) disks: usize,
    pub(crate) devices: &'static str,
    /// virsh's verbs that make it what it is; `None` makes a transient domain.
    pub(crate) then: Option<&'static [&'static str]>,
}

const NO_BALLOON: &str = "<memballoon model='none'/>";

const NOVA_1_0: &str = r#"<metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.0">
    <nova:name>old "one"</nova:name><nova:flavor name="m1"/>
    <nova:owner><nova:user uuid="u-1">demo</nova:user><nova:project uuid="p-1">shop</nova:project></nova:owner>
    </nova:instance></metadata>"#;

const HALF_NOVA: &str = r#"<metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:name/><nova:owner/></nova:instance></metadata>"#;

const LIBOSINFO: &str = r#"<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
    <libosinfo:os id="http://debian.org/debian/12"/></libosinfo:libosinfo></metadata>"#;

pub(crate) fn all() -> [Irregular; 10] {
    let started = Some(["start"].as_slice());
    [
        Irregular {
            name: "nothing-at-all",
            devices: NO_BALLOON,
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "it's \"quoted\" 云 & é",
            disks: 1,
            metadata: NOVA_1_0,
            ..Irregular::default()
        },
        Irregular {
            name: r#"a{b="c"} \ 1"#,
            disks: 1,
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "twenty-disks",
            disks: 20,
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "empty-drive",
            devices: "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>",
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "user-network",
            devices: "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>",
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "half-nova",
            metadata: HALF_NOVA,
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "other-metadata",
            metadata: LIBOSINFO,
            then: started,
            ..Irregular::default()
        },
        Irregular {
            name: "paused",
            disks: 1,
            then: Some(&["start", "suspend"]),
            ..Irregular::default()
        },
        Irregular {
            name: "off",
            disks: 1,
            then: Some(&[]),
            ..Irregular::default()
        },
    ]
}

/// `cli; hlt`, and back to `hlt`.
const HALT: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfd];
/// `mov dx, 0x505; mov al, 1; out dx, al`: what a guest that panics tells its pvpanic device.
const PANIC: [u8; 6] = [0xba, 0x05, 0x05, 0xb0, 0x01, 0xee];

/// A firmware that halts the CPU at once.
pub(crate) fn firmware(dir: &Path) -> PathBuf {
    write_firmware(&dir.join("irregular.bin"), &HALT)
}

/// A firmware that panics at once.
pub(crate) fn panicking_firmware(dir: &Path) -> PathBuf {
    write_firmware(&dir.join("panics.bin"), &[PANIC.as_slice(), &HALT].concat())
}

fn write_firmware(path: &Path, code: &[u8]) -> PathBuf {
    let mut bytes = vec![0xf4; 64 << 10];
    let reset = bytes.len() - 16;
    bytes[reset..reset + code.len()].copy_from_slice(code);
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

pub(crate) fn make(libvirtd: &Libvirtd, firmware: &Path, domain: &Irregular) {
    let number = libvirtd.dir().read_dir().unwrap().count();
    let mut disks = String::new();
    for disk in 0..domain.disks {
        let image = libvirtd.dir().join(format!("disk-{number}-{disk}.raw"));
        std::fs::File::create(&image)
            .unwrap()
            .set_len(1 << 20)
            .unwrap();
        let letter = char::from(b'a' + u8::try_from(disk).unwrap());
        let image = image.display();
        write!(
            disks,
            "<disk type='file'><driver name='qemu' type='raw'/><source file='{image}'/>\
             <target dev='vd{letter}' bus='virtio'/></disk>"
        )
        .unwrap();
    }
    let (name, firmware) = (escaped(domain.name), firmware.display());
    let (metadata, devices) = (domain.metadata, domain.devices);
    let xml = format!(
        "<domain type='qemu'><name>{name}</name>{metadata}<memory unit='MiB'>1</memory><vcpu>1</vcpu>
         <os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>{firmware}</loader></os>
         <features><acpi/></features>
         <devices>{disks}{devices}<controller type='usb' model='none'/></devices></domain>"
    );
    let file = libvirtd.dir().join(format!("domain-{number}.xml"));
    std::fs::write(&file, xml).unwrap();
    let file = file.to_str().unwrap();
    let virsh = libvirtd.virsh();
    match domain.then {
        None => drop(virsh.run(["create", file])),
        Some(verbs) => {
            virsh.run(["define", file]);
            for verb in verbs {
                virsh.run([*verb, domain.name]);
            }
        }
    }
}
