//! Which network devices are hardware and which are not. The kernel's facts decide: a device that hangs on a bus has a
//! link `device`, the others have directories of their own kind.

use serde::Serialize;

use super::CLASS;
use crate::roots::Roots;
use crate::sources::guest_links;

/// What a network device is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It hangs on a bus: a card, and in a guest the virtio, Xen or Hyper-V device that is the guest's card.
    Physical,
    /// A virtual function of a card (SR-IOV) that the host itself uses.
    VirtualFunction,
    /// The host's end of a virtual function that the card's own switch serves.
    Representor,
    Bridge,
    Bond,
    Vlan,
    /// The host's end of a guest's network device, or what Neutron puts between it and the switch.
    GuestTap,
    Loopback,
    /// Any other without hardware: pairs, tunnels, dummies, ports of Open vSwitch.
    #[default]
    Virtual,
}

impl Kind {
    /// The name in JSON and labels.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::VirtualFunction => "virtual_function",
            Self::Representor => "representor",
            Self::Bridge => "bridge",
            Self::Bond => "bond",
            Self::Vlan => "vlan",
            Self::GuestTap => "guest_tap",
            Self::Loopback => "loopback",
            Self::Virtual => "virtual",
        }
    }
}

/// Finds out what a device is; `is_vlan` is what `/proc/net/vlan` says.
pub(super) fn of(roots: &Roots, name: &str, is_vlan: bool) -> Kind {
    // ARPHRD_LOOPBACK
    const LOOPBACK: &str = "772";
    let dir = format!("{CLASS}/{name}");
    let text = |file: &str| roots.sys_once(&format!("{dir}/{file}")).unwrap_or_default();
    let has = |file: &str| roots.sys_names(&format!("{dir}/{file}")).is_ok();
    let is_link = |file: &str| roots.sys_link(&format!("{dir}/{file}")).is_ok();
    let uevent = text("uevent");
    let is_type = |kind: &str| {
        uevent
            .lines()
            .any(|line| line.strip_prefix("DEVTYPE=") == Some(kind))
    };
    if text("type").trim() == LOOPBACK {
        Kind::Loopback
    } else if is_link("device") {
        if is_link("device/physfn") {
            Kind::VirtualFunction
        } else if is_representor(text("phys_port_name").trim()) {
            Kind::Representor
        } else {
            Kind::Physical
        }
    } else if guest_links::is_guest(roots, name) {
        Kind::GuestTap
    } else if has("bridge") {
        Kind::Bridge
    } else if has("bonding") || is_type("bond") {
        Kind::Bond
    } else if is_vlan || is_type("vlan") {
        Kind::Vlan
    } else {
        Kind::Virtual
    }
}

/// `pf0vf3`, or with the number of the controller `c1pf0vf3`.
fn is_representor(port: &str) -> bool {
    let digits = |text: &str| {
        text.trim_start_matches(|char: char| char.is_ascii_digit())
            .len()
    };
    let Some(at) = port.find("pf") else {
        return false;
    };
    let Some((before, after)) = port.split_at_checked(at) else {
        return false;
    };
    let rest = after.get(2..).unwrap_or_default();
    let function = rest.get(rest.len() - digits(rest)..).unwrap_or_default();
    let is_controller = before.is_empty()
        || before
            .strip_prefix('c')
            .is_some_and(|rest| digits(rest) == 0);
    let is_function = ["vf", "sf"].iter().any(|mark| {
        let number = function.strip_prefix(mark);
        number.is_some_and(|number| !number.is_empty() && digits(number) == 0)
    });
    is_controller && is_function && function.len() < rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_representor_is_known_by_the_name_of_its_port() {
        for port in ["pf0vf3", "c1pf0vf12", "pf1sf7"] {
            assert!(is_representor(port), "{port}");
        }
        for port in ["", "p0", "pf0", "pfvf1", "pf0vf", "pf0vfx", "xpf0vf1", "pf"] {
            assert!(!is_representor(port), "{port}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_one_or_not(port in "[cpvsf0-9é]*") {
            let _ = is_representor(&port);
        }
    }
}
