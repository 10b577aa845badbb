//! Which host this is: its name, its operating system and kernel, and what its firmware says of the hardware. Sources:
//! `/proc/sys/kernel`, os-release, `/sys/class/dmi/id`, and where there is no DMI the device tree.

use serde::Serialize;

use crate::roots::Roots;
use crate::sources::os_release;

/// What the firmware's makers leave in a field that they did not fill.
const PLACEHOLDERS: [&str; 14] = [
    "0",
    "default string",
    "empty",
    "n/a",
    "no dimm",
    "none",
    "not available",
    "not present",
    "not specified",
    "null",
    "system serial number",
    "to be filled by o.e.m.",
    "undefined",
    "unknown",
];

/// The host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Host {
    /// `/proc/sys/kernel/hostname`.
    pub(crate) hostname: Option<String>,
    /// `/etc/machine-id`, which stays when the host is renamed.
    pub(crate) machine_id: Option<String>,
    /// `x86_64` or `aarch64`, as uname(2) says it.
    pub(crate) architecture: Option<String>,
    /// When the host was started, in seconds since the Unix epoch; `btime` of `/proc/stat`.
    pub(crate) boot_time: Option<u64>,
    pub(crate) kernel: Kernel,
    pub(crate) os: Os,
    pub(crate) hardware: Hardware,
}

/// The kernel.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Kernel {
    /// `/proc/sys/kernel/osrelease`.
    pub(crate) release: Option<String>,
    /// `/proc/sys/kernel/version`.
    pub(crate) version: Option<String>,
}

/// The operating system, from os-release.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Os {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) pretty_name: Option<String>,
}

/// What the firmware says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Hardware {
    /// `dmi` or `devicetree`.
    pub(crate) source: Option<&'static str>,
    pub(crate) vendor: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) product_version: Option<String>,
    /// For root only.
    pub(crate) serial: Option<String>,
    /// For root only.
    pub(crate) uuid: Option<String>,
    pub(crate) board_vendor: Option<String>,
    pub(crate) board: Option<String>,
    pub(crate) bios_vendor: Option<String>,
    pub(crate) bios_version: Option<String>,
    pub(crate) bios_date: Option<String>,
}

/// Reads all of it; `machine` is what uname(2) says where the kernel has no file for it (before Linux 6.1).
pub(crate) fn read(roots: &Roots, machine: &str) -> Host {
    let kernel = |name: &str| said(&roots.proc_once(&format!("sys/kernel/{name}"))?);
    let stat = roots.proc_once("stat").unwrap_or_default();
    let boot_time = stat.lines().find_map(|line| line.strip_prefix("btime "));
    Host {
        hostname: kernel("hostname"),
        machine_id: roots.host_once("etc/machine-id").as_deref().and_then(said),
        architecture: kernel("arch").or_else(|| said(machine)),
        boot_time: boot_time.and_then(|text| text.trim().parse().ok()),
        kernel: Kernel {
            release: kernel("osrelease"),
            version: kernel("version"),
        },
        os: os(roots),
        hardware: dmi(roots)
            .or_else(|| device_tree(roots))
            .unwrap_or_default(),
    }
}

/// A text that is there, without what does not belong into a label.
pub(crate) fn said(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|char| !char.is_control()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The same for a field of the firmware: what its makers leave in one that they did not fill is nothing.
pub(crate) fn filled(text: &str) -> Option<String> {
    said(text).filter(|text| !PLACEHOLDERS.contains(&text.to_lowercase().as_str()))
}

fn os(roots: &Roots) -> Os {
    let files = ["etc/os-release", "usr/lib/os-release"];
    let text = files.iter().find_map(|file| roots.host_once(file));
    let release = os_release::parse(&text.unwrap_or_default());
    let field = |key: &str| said(release.get(key)?);
    Os {
        id: field("ID"),
        name: field("NAME"),
        version_id: field("VERSION_ID"),
        pretty_name: field("PRETTY_NAME"),
    }
}

fn dmi(roots: &Roots) -> Option<Hardware> {
    roots.sys_names("class/dmi/id").ok()?;
    let field = |file: &str| filled(&roots.sys_once(&format!("class/dmi/id/{file}")).ok()?);
    Some(Hardware {
        source: Some("dmi"),
        vendor: field("sys_vendor"),
        product: field("product_name"),
        product_version: field("product_version"),
        serial: field("product_serial"),
        uuid: field("product_uuid"),
        board_vendor: field("board_vendor"),
        board: field("board_name"),
        bios_vendor: field("bios_vendor"),
        bios_version: field("bios_version"),
        bios_date: field("bios_date"),
    })
}

/// `compatible` is a list of `vendor,model`, the most special one first; all texts end with a NUL.
fn device_tree(roots: &Roots) -> Option<Hardware> {
    let field = |file: &str| {
        filled(
            &roots
                .sys_once(&format!("firmware/devicetree/base/{file}"))
                .ok()?,
        )
    };
    let compatible = roots.sys_once("firmware/devicetree/base/compatible");
    let compatible = compatible.unwrap_or_default();
    let vendor = compatible
        .split('\0')
        .next()
        .and_then(|first| first.split_once(','));
    let model = field("model");
    model.as_ref()?;
    Some(Hardware {
        source: Some("devicetree"),
        vendor: vendor.and_then(|(vendor, _)| filled(vendor)),
        product: model,
        serial: field("serial-number"),
        ..Hardware::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_was_not_filled_says_nothing() {
        for text in [
            "",
            "  ",
            "To Be Filled By O.E.M.",
            "Not Specified\n",
            "\u{1}",
        ] {
            assert_eq!(filled(text), None, "{text:?}");
        }
        assert_eq!(filled(" TaiShan 200\0").as_deref(), Some("TaiShan 200"));
    }
}
