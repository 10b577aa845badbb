//! Sources that are more than one text file: the kernel's netlink answers, the mount table with the asking of each
//! file system, udev's data base, and the topology of CPUs. They give values; metric names are the collectors'.

pub(crate) mod board;
pub(crate) mod calls;
pub(crate) mod dbus;
pub(crate) mod devices;
pub(crate) mod guest_links;
pub(crate) mod ipmi;
pub(crate) mod link_state;
pub(crate) mod mountinfo;
pub(crate) mod netlink;
pub(crate) mod nl80211;
pub(crate) mod os_release;
pub(crate) mod pci_names;
pub(crate) mod prober;
pub(crate) mod processes;
pub(crate) mod routes;
pub(crate) mod rpc;
pub(crate) mod rtnl;
pub(crate) mod throttle;
pub(crate) mod udev;
