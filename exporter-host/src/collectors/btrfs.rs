//! How Btrfs file systems have allocated their space, and how long their commits take. Source: `/sys/fs/btrfs`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};
use crate::text::number;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "btrfs",
    default_on: true,
    help: "Btrfs allocation from /sys/fs/btrfs",
    build,
};

const DIR: &str = "fs/btrfs";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::Fine, discover)
}

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    // Beside the file systems, each a directory with its UUID for a name, there is one of features.
    for uuid in names.iter().filter(|name| name.contains('-')) {
        let path = format!("{DIR}/{uuid}");
        let file = |name: &str| roots.attribute(&format!("{path}/{name}"));
        let labels = [("uuid", uuid.as_str())];
        let label = roots.sys_once(&format!("{path}/label")).unwrap_or_default();
        items.fixed(
            Metric::gauge("node_btrfs_info", "Filesystem information"),
            &[("label", &label), ("uuid", uuid)],
            1.0,
        );
        let metric = Metric::gauge(
            "node_btrfs_global_rsv_size_bytes",
            "Size of global reserve.",
        );
        items.number(file("allocation/global_rsv_size"), metric, &labels);
        let devices = roots
            .sys_names(&format!("{path}/devices"))
            .unwrap_or_default();
        for device in &devices {
            let metric = Metric::gauge(
                "node_btrfs_device_size_bytes",
                "Size of a device that is part of the filesystem.",
            );
            items.number(
                file(&format!("devices/{device}/size")),
                metric.unit(Unit::Times(SECTOR)),
                &[("device", device), ("uuid", uuid)],
            );
        }
        for kind in ["data", "metadata", "system"] {
            allocation(roots, uuid, kind, devices.len() as f64, items);
        }
        commits(roots, uuid, items);
    }
}

/// Bytes of the sectors in which the block layer counts.
const SECTOR: f64 = 512.0;

fn allocation(roots: &Roots, uuid: &str, kind: &'static str, devices: f64, items: &mut Items) {
    let path = format!("{DIR}/{uuid}/allocation/{kind}");
    let metric = Metric::gauge(
        "node_btrfs_reserved_bytes",
        "Amount of space reserved for a data type",
    );
    items.number(
        roots.attribute(&format!("{path}/bytes_reserved")),
        metric,
        &[("block_group_type", kind), ("uuid", uuid)],
    );
    for mode in roots.sys_names(&path).unwrap_or_default() {
        let Some(ratio) = ratio(&mode, devices) else {
            continue;
        };
        let labels = [("block_group_type", kind), ("mode", &mode), ("uuid", uuid)];
        for (name, metric, help) in [
            (
                "used_bytes",
                "node_btrfs_used_bytes",
                "Amount of used space by a layout/data type",
            ),
            (
                "total_bytes",
                "node_btrfs_size_bytes",
                "Amount of space allocated for a layout/data type",
            ),
        ] {
            items.number(
                roots.attribute(&format!("{path}/{mode}/{name}")),
                Metric::gauge(metric, help),
                &labels,
            );
        }
        let metric = Metric::gauge(
            "node_btrfs_allocation_ratio",
            "Data allocation ratio for a layout/data type",
        );
        items.fixed(metric, &labels, ratio);
    }
}

/// How many bytes of disk a byte of data takes, or nothing for a directory that is no layout.
fn ratio(mode: &str, devices: f64) -> Option<f64> {
    match mode {
        "single" | "raid0" => Some(1.0),
        "dup" | "raid1" | "raid10" => Some(2.0),
        "raid1c3" => Some(3.0),
        "raid1c4" => Some(4.0),
        "raid5" => Some(devices / (devices - 1.0)),
        "raid6" => Some(devices / (devices - 2.0)),
        _ => None,
    }
}

/// `commit_stats` has four lines, each a name and a number. Kernels before 6.0 do not have it.
fn commits(roots: &Roots, uuid: &str, items: &mut Items) {
    let file = || roots.attribute(&format!("{DIR}/{uuid}/commit_stats"));
    let labels = [("uuid", uuid)];
    let metric = Metric::counter(
        "node_btrfs_commits_total",
        "The total number of commits that have occurred.",
    );
    items.number_or_zero(
        file(),
        metric.unit(Unit::With(|text| field(text, "commits"))),
        &labels,
    );
    let metric = Metric::gauge(
        "node_btrfs_last_commit_seconds",
        "Duration of the most recent commit, in seconds.",
    );
    items.number_or_zero(
        file(),
        metric.unit(Unit::With(|text| {
            Some(field(text, "last_commit_ms")? / 1000.0)
        })),
        &labels,
    );
    let metric = Metric::gauge(
        "node_btrfs_max_commit_seconds",
        "Duration of the slowest commit, in seconds.",
    );
    items.number_or_zero(
        file(),
        metric.unit(Unit::With(|text| {
            Some(field(text, "max_commit_ms")? / 1000.0)
        })),
        &labels,
    );
    let metric = Metric::counter(
        "node_btrfs_commit_seconds_total",
        "Sum of the duration of all commits, in seconds.",
    );
    items.number_or_zero(
        file(),
        metric.unit(Unit::With(|text| {
            Some(field(text, "total_commit_ms")? / 1000.0)
        })),
        &labels,
    );
}

fn field(text: &str, key: &str) -> Option<f64> {
    let value = |line| str::strip_prefix(line, key)?.strip_prefix(' ');
    number(text.lines().find_map(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_take_more_or_less_disk() {
        assert_eq!(ratio("raid1", 2.0), Some(2.0));
        assert_eq!(ratio("raid5", 4.0), Some(4.0 / 3.0));
        assert_eq!(ratio("bytes_used", 2.0), None);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        assert_eq!(
            field("commits 3\nlast_commit_ms 1000\n", "last_commit_ms"),
            Some(1000.0)
        );
        assert_eq!(field("commits 3\n", "commit"), None);
    }
}
