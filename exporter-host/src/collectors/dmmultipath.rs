//! Multipath devices and the state of the paths below them. Source: `/sys/block/dm-N` where the device mapper's UUID
//! begins with `mpath-`, and the state of each device in `slaves`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "dmmultipath",
    default_on: false,
    help: "multipath devices and their paths from /sys/block",
    build,
};

const DIR: &str = "block";

/// The kernel counts sizes in these, whatever the device's own blocks are.
const SECTOR: f64 = 512.0;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(DmMultipath(config.roots.clone())))
}

struct DmMultipath(Roots);

/// A multipath device.
struct Device {
    name: String,
    sysfs: String,
    uuid: String,
    is_active: bool,
    bytes: f64,
    /// The device and the state of each path.
    paths: Vec<(String, String)>,
}

impl Collector for DmMultipath {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self.0.sys_names(DIR);
        let names = names.map_err(|error| CollectError::NoData(error.to_string()))?;
        let devices: Vec<Device> = names
            .iter()
            .filter_map(|name| device(&self.0, name))
            .collect();
        let gauge = MetricType::Gauge;
        for device in &devices {
            let labels = [
                ("device", device.name.as_str()),
                ("sysfs_name", &device.sysfs),
                ("uuid", &device.uuid),
            ];
            let help = "Non-numeric information about a DM-multipath device.";
            out.family("node_dmmultipath_device_info", help, gauge)
                .sample(&labels, 1.0);
        }
        for (name, help, value) in COLUMNS {
            for device in &devices {
                let labels = [
                    ("device", device.name.as_str()),
                    ("sysfs_name", &device.sysfs),
                ];
                out.family(name, help, gauge).sample(&labels, value(device));
            }
        }
        for device in &devices {
            for (path, state) in &device.paths {
                let labels = [
                    ("device", device.name.as_str()),
                    ("path", path),
                    ("state", state),
                ];
                let help = "Reports the underlying device state for a multipath path, as read from \
                            /sys/block/<dev>/device/state.";
                out.family("node_dmmultipath_path_state", help, gauge)
                    .sample(&labels, 1.0);
            }
        }
        Ok(())
    }
}

type Value = fn(&Device) -> f64;

/// The metric, its HELP and value.
const COLUMNS: [(&str, &str, Value); 5] = [
    (
        "node_dmmultipath_device_active",
        "Whether the multipath device-mapper device is active (1) or suspended (0).",
        |device| f64::from(u8::from(device.is_active)),
    ),
    (
        "node_dmmultipath_device_size_bytes",
        "Size of the multipath device in bytes, read from /sys/block/<dm>/size.",
        |device| device.bytes,
    ),
    (
        "node_dmmultipath_device_paths",
        "Number of paths for a multipath device.",
        |device| device.paths.len() as f64,
    ),
    (
        "node_dmmultipath_device_paths_active",
        "Number of paths in active state (SCSI running or NVMe live) for a multipath device.",
        |device| active(device) as f64,
    ),
    (
        "node_dmmultipath_device_paths_failed",
        "Number of paths not in active state for a multipath device.",
        |device| (device.paths.len() - active(device)) as f64,
    ),
];

/// How many paths are `running`, which is a SCSI device's word, or `live`, which is an NVMe controller's.
fn active(device: &Device) -> usize {
    let is_active = |(_, state): &&(String, String)| matches!(state.as_str(), "running" | "live");
    device.paths.iter().filter(is_active).count()
}

/// What sysfs says of a block device; `None` if it is not a multipath device.
fn device(roots: &Roots, name: &str) -> Option<Device> {
    if !name.starts_with("dm-") {
        return None;
    }
    let read = |path: &str| roots.sys_once(&format!("{DIR}/{path}"));
    let uuid = read(&format!("{name}/dm/uuid")).ok()?;
    if !uuid.starts_with("mpath-") {
        return None;
    }
    let sectors = read(&format!("{name}/size")).ok()?;
    let paths = roots.sys_names(&format!("{DIR}/{name}/slaves"));
    let path = |path: String| {
        let state = read(&format!("{path}/device/state"));
        (path, state.unwrap_or_else(|_| "unknown".to_owned()))
    };
    Some(Device {
        name: read(&format!("{name}/dm/name")).ok()?,
        sysfs: name.to_owned(),
        uuid,
        is_active: read(&format!("{name}/dm/suspended")).is_ok_and(|text| text == "0"),
        bytes: crate::text::number(&sectors)? * SECTOR,
        paths: paths.unwrap_or_default().into_iter().map(path).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_the_attributes_say_a_device_has_no_more_active_paths_than_paths(
            uuid in "(mpath-)?.{0,8}",
            size in "[0-9]{0,20}|.{0,8}",
            suspended in "[01]|.{0,4}",
            state in "running|live|.{0,9}",
        ) {
            let directory = tempfile::tempdir().unwrap();
            let write = |path: &str, text: &str| {
                let path = directory.path().join("block").join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            };
            write("dm-0/dm/uuid", &uuid);
            write("dm-0/dm/name", "mpatha");
            write("dm-0/dm/suspended", &suspended);
            write("dm-0/size", &size);
            write("dm-0/slaves/sda", "");
            write("sda/device/state", &state);
            let roots = Roots {
                procfs: directory.path().to_owned(),
                sysfs: directory.path().to_owned(),
                rootfs: directory.path().to_owned(),
                udev: directory.path().to_owned(),
            };
            if let Some(device) = device(&roots, "dm-0") {
                proptest::prop_assert!(active(&device) <= device.paths.len());
                proptest::prop_assert!(device.uuid.starts_with("mpath-"));
            }
        }
    }
}
