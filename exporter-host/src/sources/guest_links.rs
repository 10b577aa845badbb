//! Which network devices belong to guests: their taps, and the bridge and the pair that Neutron puts between a tap and
//! its switch where ports have security groups. A compute node has hundreds. The kernel's facts come first; a name alone
//! counts where it is one that only Neutron and libvirt give.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::roots::Roots;

const CLASS: &str = "class/net";

/// Flags of `tun_flags` (`include/uapi/linux/if_tun.h`): it carries frames, and they have virtio's header in front, which
/// is what hypervisors ask for and tunnels do not.
const IFF_TAP: u64 = 0x2;
const IFF_VNET_HDR: u64 = 0x4000;

/// Neutron's names are one of these and the first eleven characters of the port's UUID.
const NEUTRON: [&str; 4] = ["tap", "qvo", "qvb", "qbr"];

/// After so many questions devices that are gone are forgotten.
const LIFETIME: usize = 1 << 16;

/// Whether a device belongs to a guest.
pub(crate) fn is_guest(roots: &Roots, name: &str) -> bool {
    let dir = format!("{CLASS}/{name}");
    let flags = roots.sys_once(&format!("{dir}/tun_flags")).ok();
    let flags = flags.and_then(|text| crate::text::hex(text.trim().strip_prefix("0x")?));
    if let Some(flags) = flags {
        return flags & IFF_TAP != 0 && (flags & IFF_VNET_HDR != 0 || is_named(name));
    }
    if roots.sys_names(&format!("{dir}/macvtap")).is_ok() {
        return true;
    }
    // Hardware may have any name.
    is_named(name) && roots.sys_link(&format!("{dir}/device")).is_err()
}

/// `tap0f1c2d3e-45`, or libvirt's `vnet7`, or its `macvtap3`.
fn is_named(name: &str) -> bool {
    let is_port = |id: &str| {
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        id.len() == 11
            && id
                .split_once('-')
                .is_some_and(|(first, last)| first.len() == 8 && hex(first) && hex(last))
    };
    let is_number =
        |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    NEUTRON
        .iter()
        .any(|prefix| name.strip_prefix(prefix).is_some_and(is_port))
        || ["vnet", "macvtap"]
            .iter()
            .any(|prefix| name.strip_prefix(prefix).is_some_and(is_number))
}

/// What collectors ask whether they show a device: by default they show all.
#[derive(Debug, Clone)]
pub(crate) struct GuestLinks(Option<Arc<Hidden>>);

#[derive(Debug)]
struct Hidden {
    roots: Roots,
    /// What is known by name: finding out costs a few system calls.
    known: Mutex<HashMap<String, bool>>,
}

impl GuestLinks {
    /// Guests' devices are shown or left out.
    pub(crate) fn new(roots: &Roots, are_shown: bool) -> Self {
        let hidden = || {
            Arc::new(Hidden {
                roots: roots.clone(),
                known: Mutex::default(),
            })
        };
        Self((!are_shown).then(hidden))
    }

    /// Whether a device is left out.
    pub(crate) fn hides(&self, name: &str) -> bool {
        let Some(hidden) = &self.0 else {
            return false;
        };
        let mut known = hidden.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_guest) = known.get(name) {
            return *is_guest;
        }
        if known.len() >= LIFETIME {
            known.clear();
        }
        let is_guest = is_guest(&hidden.roots, name);
        known.insert(name.to_owned(), is_guest);
        is_guest
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn roots(sysfs: &Path) -> Roots {
        Roots {
            procfs: PathBuf::new(),
            sysfs: sysfs.to_owned(),
            rootfs: PathBuf::new(),
            udev: PathBuf::new(),
        }
    }

    #[test]
    fn the_kernels_facts_come_before_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let class = dir.path().join(CLASS);
        // QEMU's with virtio's header, a tunnel of OpenVPN's, QEMU's for an old card, a tunnel without frames.
        let taps = [
            ("web-1", "0x5002"),
            ("tap0", "0x1002"),
            ("vnet3", "0x1002"),
            ("vnet4", "0x1001"),
        ];
        for (name, flags) in taps {
            std::fs::create_dir_all(class.join(name)).unwrap();
            std::fs::write(class.join(name).join("tun_flags"), format!("{flags}\n")).unwrap();
        }
        std::fs::create_dir_all(class.join("mv0/macvtap/tap7")).unwrap();
        std::fs::create_dir_all(class.join("vnet9")).unwrap();
        std::os::unix::fs::symlink("../../../0000:01:00.0", class.join("vnet9/device")).unwrap();
        let is_guest = |name| is_guest(&roots(dir.path()), name);
        assert!(is_guest("web-1") && is_guest("vnet3") && is_guest("mv0"));
        assert!(!is_guest("tap0") && !is_guest("vnet4") && !is_guest("vnet9"));
    }

    #[test]
    fn without_facts_only_names_that_nobody_else_gives_count() {
        for name in [
            "tap0f1c2d3e-45",
            "qvo0f1c2d3e-45",
            "qvb0f1c2d3e-45",
            "qbr0f1c2d3e-45",
            "vnet12",
        ] {
            assert!(is_named(name), "{name}");
        }
        for name in [
            "tap0",
            "tapestry",
            "vnet",
            "qvo-12345678-9",
            "eth0",
            "tap0f1c2d3e-4g",
            "br-int",
        ] {
            assert!(!is_named(name), "{name}");
        }
    }

    #[test]
    fn nothing_is_left_out_unless_asked_for() {
        let all = GuestLinks::new(&roots(Path::new("/nowhere")), true);
        assert!(!all.hides("vnet1"));
        let some = GuestLinks::new(&roots(Path::new("/nowhere")), false);
        assert!(some.hides("vnet1") && some.hides("vnet1") && !some.hides("eth0"));
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_one_of_a_guest_or_not(name in "(tap|vnet|q)?[0-9a-f-]{0,14}é?") {
            let _ = is_named(&name);
        }
    }
}
