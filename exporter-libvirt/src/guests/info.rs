//! What a guest's agent says, from libvirt's flat list of typed parameters (`fs.0.mountpoint`). Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::params::Value;

/// The agent's answer. What it does not offer is empty or `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GuestInfo {
    /// `os.id`, `os.name`, `os.pretty-name`, `os.version`, `os.version-id`, `os.kernel-release`…, without the prefix.
    pub(crate) os: BTreeMap<String, String>,
    /// The guest's host name.
    pub(crate) hostname: String,
    /// How many sessions users have.
    pub(crate) users: Option<u64>,
    /// Load averages over 1, 5 and 15 minutes.
    pub(crate) load: [Option<f64>; 3],
    /// Mounted file systems.
    pub(crate) filesystems: Vec<Filesystem>,
    /// Disks and partitions that the guest sees.
    pub(crate) disks: Option<u64>,
}

/// One mounted file system.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filesystem {
    /// Where it is mounted; a drive letter in Windows.
    pub(crate) mountpoint: String,
    /// E.g. `ext4`.
    pub(crate) fstype: String,
    /// The device in the guest, e.g. `vda1`.
    pub(crate) device: String,
    /// The target of the domain's disk that it is on, e.g. `vda`; empty where the agent cannot tell.
    pub(crate) disk: String,
    /// Bytes for data.
    pub(crate) size: Option<u64>,
    /// Bytes in use.
    pub(crate) used: Option<u64>,
}

impl GuestInfo {
    /// Sorts the parameters; unknown names are skipped.
    pub(crate) fn read<'a>(
        params: impl IntoIterator<Item = (Cow<'a, str>, Value<'a>)>,
    ) -> GuestInfo {
        let mut info = GuestInfo::default();
        let mut filesystems: BTreeMap<u32, Filesystem> = BTreeMap::new();
        for (name, value) in params {
            let Some((group, field)) = name.split_once('.') else {
                if name == "hostname" {
                    info.hostname = value.into_text().unwrap_or_default();
                }
                continue;
            };
            match (group, field) {
                ("os", _) => {
                    if let Some(text) = value.into_text() {
                        info.os.insert(field.to_owned(), text);
                    }
                }
                ("user", "count") => info.users = value.count(),
                ("disk", "count") => info.disks = value.count(),
                ("load", "1m") => info.load[0] = value.float(),
                ("load", "5m") => info.load[1] = value.float(),
                ("load", "15m") => info.load[2] = value.float(),
                ("fs", _) => {
                    if let Some((number, field)) = field.split_once('.')
                        && let Ok(number) = number.parse()
                    {
                        filesystem(filesystems.entry(number).or_default(), field, value);
                    }
                }
                _ => {}
            }
        }
        info.filesystems = filesystems.into_values().collect();
        info
    }
}

fn filesystem(fs: &mut Filesystem, field: &str, value: Value<'_>) {
    match field {
        "mountpoint" => fs.mountpoint = value.into_text().unwrap_or_default(),
        "fstype" => fs.fstype = value.into_text().unwrap_or_default(),
        "name" => fs.device = value.into_text().unwrap_or_default(),
        "total-bytes" => fs.size = value.count(),
        "used-bytes" => fs.used = value.count(),
        // The first disk of a file system that spans several.
        "disk.0.alias" => fs.disk = value.into_text().unwrap_or_default(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_an_agent_offers_is_read() {
        let text =
            |name: &'static str, value: &'static str| (Cow::from(name), Value::Text(value.into()));
        let number = |name: &'static str, value| (Cow::from(name), Value::Unsigned(value));
        let info = GuestInfo::read([
            text("os.id", "debian"),
            text("os.pretty-name", "Debian 云"),
            text("hostname", "web-1"),
            number("user.count", 2),
            number("disk.count", 3),
            (Cow::from("load.1m"), Value::Float(0.25)),
            number("fs.count", 2),
            text("fs.0.mountpoint", "/data"),
            text("fs.0.fstype", "ext4"),
            text("fs.0.name", "vda1"),
            number("fs.0.total-bytes", 1000),
            number("fs.0.used-bytes", 10),
            text("fs.0.disk.0.alias", "vda"),
            text("fs.1.mountpoint", "/proc"),
            text("fs.x.mountpoint", "/x"),
            text("unknown", "x"),
        ]);
        assert_eq!(info.os["pretty-name"], "Debian 云");
        assert_eq!(
            (info.hostname.as_str(), info.users, info.disks),
            ("web-1", Some(2), Some(3))
        );
        assert_eq!(info.load, [Some(0.25), None, None]);
        let data = Filesystem {
            mountpoint: "/data".into(),
            fstype: "ext4".into(),
            device: "vda1".into(),
            disk: "vda".into(),
            size: Some(1000),
            used: Some(10),
        };
        assert_eq!(info.filesystems[0], data);
        assert_eq!(
            (info.filesystems.len(), info.filesystems[1].size),
            (2, None)
        );
    }

    proptest::proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "(fs|os|load|user)?[.0-9a-z]{0,12}", value: u64) {
            let _ = GuestInfo::read([(Cow::from(name), Value::Unsigned(value))]);
        }
    }
}
