//! Network devices: which are hardware, how they are tied together and in which state they are. Sources:
//! `/sys/class/net`, `/proc/net/vlan/config`, and for addresses one netlink dump.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::host::said;
use crate::roots::Roots;
use crate::text::pci_address;

mod kind;
pub(crate) mod told;

pub(crate) use kind::Kind;
use told::Told;

const CLASS: &str = "class/net";

/// A network device.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Nic {
    pub(crate) name: String,
    pub(crate) index: Option<u32>,
    pub(crate) identity: Identity,
    pub(crate) state: State,
    /// Addresses with their prefix, such as `192.0.2.1/24`.
    pub(crate) addresses: Vec<String>,
    /// When its state changed last, in seconds since the Unix epoch; `None` if it did not since this program looks.
    pub(crate) last_change: Option<f64>,
}

/// What a device is; it changes only when somebody changes the network's layout.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) driver: Option<String>,
    /// Where it is on its bus, such as `0000:3d:00.0` or `virtio2`.
    pub(crate) bus_address: Option<String>,
    /// The PCI device that it is or hangs on.
    pub(crate) pci_address: Option<String>,
    pub(crate) numa_node: Option<u32>,
    /// The hardware address that it uses.
    pub(crate) mac: Option<String>,
    /// The hardware address that it was made with.
    pub(crate) permanent_mac: Option<String>,
    /// The bond, bridge or the like that it is a part of.
    pub(crate) master: Option<String>,
    /// `bond_active`, `bond_backup`, `bridge_port` or `port`, when it has a master.
    pub(crate) role: Option<&'static str>,
    /// Of a bond: `802.3ad`, `active-backup` and so on.
    pub(crate) bond_mode: Option<String>,
    /// The members of a bond or the ports of a bridge.
    pub(crate) members: Vec<String>,
    /// The device that a VLAN is on, and its number.
    pub(crate) parent: Option<String>,
    pub(crate) vlan: Option<u16>,
    /// The VLANs on this device by name, with their numbers.
    pub(crate) vlans: BTreeMap<String, u16>,
    /// Of a physical function: how many virtual functions it has and may have.
    pub(crate) virtual_functions: Option<u32>,
    pub(crate) max_virtual_functions: Option<u32>,
    /// Of a virtual function: the PCI address of its physical function.
    pub(crate) physical_function: Option<String>,
    /// The label on the port, if the driver knows, such as `p0`.
    pub(crate) port: Option<String>,
}

/// What changes by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct State {
    /// Whether it is up and has a link: what a list of devices that are online has.
    pub(crate) is_online: bool,
    /// Whether the administrator set it up.
    pub(crate) is_up: bool,
    /// RFC 2863's state, such as `up`, `down`, `lowerlayerdown`.
    pub(crate) operational: Option<String>,
    /// Whether there is a link; `None` while it is not up.
    pub(crate) has_carrier: Option<bool>,
    pub(crate) carrier_changes: Option<u64>,
    pub(crate) speed_bits_per_second: Option<u64>,
    /// `full` or `half`.
    pub(crate) duplex: Option<String>,
    pub(crate) mtu_bytes: Option<u64>,
    pub(crate) receive_errors: Option<u64>,
    pub(crate) transmit_errors: Option<u64>,
    pub(crate) receive_dropped: Option<u64>,
    pub(crate) transmit_dropped: Option<u64>,
}

/// The names of all devices, sorted.
pub(crate) fn names(roots: &Roots) -> Vec<String> {
    let mut names = roots.sys_names(CLASS).unwrap_or_default();
    // A file that lists the bonds.
    names.retain(|name| name != "bonding_masters");
    names
}

/// The names and numbers of VLANs by the device that they are on.
pub(crate) type Vlans = BTreeMap<String, (u16, String)>;

/// `/proc/net/vlan/config`: `name | number | device` after two lines of headings.
pub(crate) fn vlans(roots: &Roots) -> Vlans {
    let text = roots.proc_once("net/vlan/config").unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.split('|').map(str::trim);
        let (name, number, device) = (fields.next()?, fields.next()?, fields.next()?);
        Some((name.to_owned(), (number.parse().ok()?, device.to_owned())))
    };
    text.lines().filter_map(line).collect()
}

/// What a device is.
pub(crate) fn identity(roots: &Roots, name: &str, vlans: &Vlans, told: &Told) -> Identity {
    let dir = format!("{CLASS}/{name}");
    let text = |file: &str| roots.sys_once(&format!("{dir}/{file}")).ok();
    let word = |file: &str| said(&text(file)?);
    let number = |file: &str| text(file)?.trim().parse::<u32>().ok();
    let link = |file: &str| {
        let path = roots.sys_link(&format!("{dir}/{file}")).ok()?;
        Some(path.file_name()?.to_str()?.to_owned())
    };
    let names = |file: &str| {
        roots
            .sys_names(&format!("{dir}/{file}"))
            .unwrap_or_default()
    };
    let mac = word("address").filter(|mac| mac.chars().any(|char| !matches!(char, '0' | ':')));
    // 0 says that the address was not set by anybody.
    let is_permanent = number("addr_assign_type") == Some(0);
    let kind = kind::of(roots, name, vlans.contains_key(name));
    let is_hardware = matches!(kind, Kind::Physical | Kind::VirtualFunction);
    let index = index(roots, name);
    let told_mac = told.permanent_mac(name, index).map(str::to_owned);
    let permanent = word("bonding_slave/perm_hwaddr").or(told_mac);
    let own_mac = mac.clone().filter(|_| is_permanent && is_hardware);
    let below = vlans.get(name);
    let on_this = vlans.iter().filter(|(_, (_, device))| device == name);
    let members = text("bonding/slaves")
        .map(|text| text.split_ascii_whitespace().map(str::to_owned).collect());
    let place = roots.sys_link(&dir).unwrap_or_default();
    let role = link("master").map(|_| match word("bonding_slave/state").as_deref() {
        Some("active") => "bond_active",
        Some(_) => "bond_backup",
        None if roots.sys_names(&format!("{dir}/brport")).is_ok() => "bridge_port",
        None => "port",
    });
    Identity {
        kind,
        driver: link("device/driver").or_else(|| told.kernel_kind(name, index).map(str::to_owned)),
        bus_address: link("device"),
        pci_address: pci_address(&place),
        numa_node: number("device/numa_node"),
        permanent_mac: permanent.or(own_mac),
        mac,
        master: link("master"),
        role,
        // `active-backup 1`: the name and the number of the mode.
        bond_mode: word("bonding/mode").and_then(|mode| mode.split(' ').next().map(str::to_owned)),
        members: members.unwrap_or_else(|| names("brif")),
        parent: below.map(|(_, parent)| parent.clone()),
        vlan: below.map(|(number, _)| *number),
        vlans: on_this
            .map(|(name, (number, _))| (name.clone(), *number))
            .collect(),
        virtual_functions: number("device/sriov_numvfs").filter(|_| kind == Kind::Physical),
        max_virtual_functions: number("device/sriov_totalvfs").filter(|_| kind == Kind::Physical),
        physical_function: link("device/physfn"),
        port: word("phys_port_name"),
    }
}

/// The kernel's number of a device.
pub(crate) fn index(roots: &Roots, name: &str) -> Option<u32> {
    roots
        .sys_once(&format!("{CLASS}/{name}/ifindex"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// In which state a device is.
pub(crate) fn state(roots: &Roots, name: &str) -> State {
    let text = |file: &str| roots.sys_once(&format!("{CLASS}/{name}/{file}")).ok();
    let number = |file: &str| text(file)?.trim().parse::<u64>().ok();
    let word = |file: &str| said(&text(file)?);
    let flags = text("flags").unwrap_or_default();
    let flags = flags.trim().strip_prefix("0x").and_then(crate::text::hex);
    let is_up = flags.is_some_and(|flags| flags & 1 != 0);
    let has_carrier = number("carrier").map(|carrier| carrier != 0);
    // Without a link the kernel says -1, or the largest number.
    let megabits = number("speed").filter(|speed| (1..u64::from(u32::MAX)).contains(speed));
    State {
        is_online: is_up && has_carrier == Some(true),
        is_up,
        operational: word("operstate"),
        has_carrier,
        carrier_changes: number("carrier_changes"),
        speed_bits_per_second: megabits.map(|speed| speed * 1_000_000),
        duplex: word("duplex").filter(|duplex| duplex != "unknown"),
        mtu_bytes: number("mtu"),
        receive_errors: number("statistics/rx_errors"),
        transmit_errors: number("statistics/tx_errors"),
        receive_dropped: number("statistics/rx_dropped"),
        transmit_dropped: number("statistics/tx_dropped"),
    }
}

/// An address as it is written.
pub(crate) fn with_prefix((address, prefix): &(IpAddr, u8)) -> String {
    format!("{address}/{prefix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_are_read_below_their_headings() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("net/vlan/config");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\nbond0.100      | 100  | bond0\n";
        std::fs::write(file, text).unwrap();
        let roots = Roots {
            procfs: dir.path().to_owned(),
            sysfs: dir.path().to_owned(),
            rootfs: dir.path().to_owned(),
            udev: dir.path().to_owned(),
        };
        let expected = ("bond0.100".to_owned(), (100, "bond0".to_owned()));
        assert_eq!(vlans(&roots), Vlans::from([expected]));
    }
}
