//! The checked configuration: what the flags say, in the form in which the collectors use it. A configuration that
//! exists is one that works.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use runtime::ConfigError;

use crate::flags::{self, GUEST_LINKS, MOUNT_TIMEOUT};
use crate::inventory::Inventory;
use crate::pattern::{Filter, Pattern};
use crate::roots::{Roots, SharedFile};
use crate::sources::guest_links::GuestLinks;

/// What `--config.file` may hold: nothing so far, because node_exporter is set up by flags alone. A
/// file with a key in it is refused rather than silently passed over.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileConfig {}

/// Everything that the collectors may ask for.
#[derive(Debug, Clone)]
pub(crate) struct HostConfig {
    /// Where the host shows itself.
    pub(crate) roots: Roots,
    /// `/proc/stat`, which two collectors parse.
    pub(crate) stat: SharedFile,
    /// What the host is made of.
    pub(crate) inventory: Inventory,
    /// Which network devices are left out because they are guests'.
    pub(crate) guests: GuestLinks,
    /// Whether the CPU time of guests is shown.
    pub(crate) cpu_guest: bool,
    /// Which disks are left out.
    pub(crate) disk_devices: Filter,
    /// What the filesystem collector needs.
    pub(crate) filesystem: FilesystemConfig,
    /// What the netdev collector needs.
    pub(crate) netdev: NetdevConfig,
    /// Whether soft interrupts are shown by vector.
    pub(crate) stat_softirq: bool,
    /// Which fields of `/proc/vmstat` are shown.
    pub(crate) vmstat_fields: Pattern,
    /// The environment's `TZ`.
    pub(crate) time_zone: Option<String>,
    /// The environment's `DBUS_SYSTEM_BUS_ADDRESS`.
    pub(crate) system_bus: Option<String>,
    /// The flags of the collectors that have few.
    pub(crate) options: Options,
}

/// Flags by name, for collectors with one or two of them; a wrong combination is refused when the collector is built.
#[derive(Debug, Clone)]
pub(crate) struct Options(ArgMatches);

impl Options {
    /// The value of a pattern flag.
    pub(crate) fn pattern(&self, name: &str) -> Pattern {
        pattern(&self.0, name)
    }

    /// The pair `NAME-exclude` and `NAME-include`.
    pub(crate) fn filter(&self, name: &str) -> Result<Filter, ConfigError> {
        filter(&self.0, name)
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        switch(&self.0, name)
    }

    /// The value of a flag that has one, which is empty if it is unknown.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.0.get_one::<String>(name).map_or("", String::as_str)
    }

    /// All values of a flag that may be repeated.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.0
            .get_many::<String>(name)
            .map(|values| values.cloned().collect())
            .unwrap_or_default()
    }
}

/// Which mounts are shown and how patiently they are asked.
#[derive(Debug, Clone)]
pub(crate) struct FilesystemConfig {
    /// Which mount points are left out.
    pub(crate) mount_points: Filter,
    /// Which types are left out.
    pub(crate) fs_types: Filter,
    /// How long a mount may take to answer.
    pub(crate) mount_timeout: Duration,
}

/// Which network devices are shown and how.
#[derive(Debug, Clone)]
pub(crate) struct NetdevConfig {
    /// Which devices are left out.
    pub(crate) devices: Filter,
    /// Whether their addresses are shown.
    pub(crate) address_info: bool,
    /// Whether each counter of the kernel is shown under its own name.
    pub(crate) detailed: bool,
    /// Whether the names that operators gave to devices are a label.
    pub(crate) label_alias: bool,
    /// Whether the kernel is asked by netlink.
    pub(crate) netlink: bool,
}

impl HostConfig {
    /// Checks what the flags say together; the error names those that contradict each other.
    pub(crate) fn new(
        matches: &ArgMatches,
        from_environment: fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let roots = Roots {
            procfs: path(matches, "path.procfs"),
            sysfs: path(matches, "path.sysfs"),
            rootfs: path(matches, "path.rootfs"),
            udev: path(matches, "path.udev.data"),
        };
        let guests = GuestLinks::new(&roots, switch(matches, GUEST_LINKS));
        let netlink = switch(matches, "collector.netdev.netlink");
        Ok(Self {
            stat: roots.shared_proc("stat"),
            inventory: Inventory::new(&roots, &guests, netlink),
            guests,
            roots,
            cpu_guest: switch(matches, "collector.cpu.guest"),
            disk_devices: filter(matches, "collector.diskstats.device")?,
            filesystem: FilesystemConfig {
                mount_points: filter(matches, "collector.filesystem.mount-points")?,
                fs_types: filter(matches, "collector.filesystem.fs-types")?,
                mount_timeout: matches.get_one(MOUNT_TIMEOUT).copied().unwrap_or_default(),
            },
            netdev: NetdevConfig {
                devices: filter(matches, "collector.netdev.device")?,
                address_info: switch(matches, "collector.netdev.address-info"),
                detailed: switch(matches, "collector.netdev.enable-detailed-metrics"),
                label_alias: switch(matches, "collector.netdev.label-ifalias"),
                netlink,
            },
            stat_softirq: switch(matches, "collector.stat.softirq"),
            vmstat_fields: pattern(matches, "collector.vmstat.fields"),
            time_zone: from_environment("TZ"),
            system_bus: from_environment("DBUS_SYSTEM_BUS_ADDRESS"),
            options: Options(matches.clone()),
        })
    }
}

fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    matches
        .get_one::<PathBuf>(name)
        .cloned()
        .unwrap_or_default()
}

fn switch(matches: &ArgMatches, name: &str) -> bool {
    let is_off = matches.get_flag(&format!("no-{name}"));
    matches.get_flag(name) || (flags::is_on_by_default(name) && !is_off)
}

fn pattern(matches: &ArgMatches, name: &str) -> Pattern {
    matches
        .get_one::<Pattern>(name)
        .cloned()
        .unwrap_or_default()
}

/// The pair `NAME-exclude` and `NAME-include`. An include takes the place of the exclude's default; both together
/// contradict each other.
fn filter(matches: &ArgMatches, name: &str) -> Result<Filter, ConfigError> {
    let [exclude, include] = ["exclude", "include"].map(|suffix| format!("{name}-{suffix}"));
    let including = pattern(matches, &include);
    let excluding = pattern(matches, &exclude);
    if including.is_empty() {
        return Ok(Filter::new(excluding, including));
    }
    let is_given = matches.value_source(&exclude) == Some(ValueSource::CommandLine);
    if is_given && !excluding.is_empty() {
        return Err(ConfigError::value(
            format!("--{exclude}"),
            format!("not together with --{include}"),
        ));
    }
    Ok(Filter::new(Pattern::default(), including))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<HostConfig, ConfigError> {
        let command = flags::add(clap::Command::new("test").no_binary_name(true), |_| None);
        HostConfig::new(&command.try_get_matches_from(args).unwrap(), |_| None)
    }

    #[test]
    fn the_defaults_are_those_of_node_exporter() {
        let config = config(&[]).unwrap();
        assert_eq!(config.roots.procfs, PathBuf::from("/proc"));
        assert_eq!(config.roots.udev, PathBuf::from("/run/udev/data"));
        assert!(config.cpu_guest && config.netdev.netlink);
        assert!(!config.stat_softirq && !config.netdev.detailed && !config.netdev.address_info);
        assert!(config.disk_devices.ignores("sda1") && !config.disk_devices.ignores("sda"));
        assert!(
            config.filesystem.fs_types.ignores("proc")
                && !config.filesystem.fs_types.ignores("ext4")
        );
        assert!(config.filesystem.mount_points.ignores("/run/credentials/x"));
        assert!(!config.filesystem.mount_points.ignores("/run"));
        assert!(!config.netdev.devices.ignores("lo"));
        assert!(config.vmstat_fields.is_match("pgmajfault"));
        assert_eq!(config.filesystem.mount_timeout, Duration::from_secs(5));
    }

    #[test]
    fn an_include_takes_the_place_of_the_default_exclude() {
        let config = config(&["--collector.diskstats.device-include=^sda"]).unwrap();
        assert!(!config.disk_devices.ignores("sda1"));
        assert!(config.disk_devices.ignores("sdb"));
    }

    #[test]
    fn include_and_exclude_together_are_refused_by_name() {
        let error = config(&[
            "--collector.netdev.device-include=^eth",
            "--collector.netdev.device-exclude=^lo$",
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "--collector.netdev.device-exclude: not together with --collector.netdev.device-include"
        );
    }

    #[test]
    fn the_last_of_a_switch_and_its_opposite_counts() {
        let guest = |args| config(args).unwrap().cpu_guest;
        assert!(!guest(&["--no-collector.cpu.guest"]));
        assert!(guest(&[
            "--no-collector.cpu.guest",
            "--collector.cpu.guest"
        ]));
        assert!(!guest(&[
            "--collector.cpu.guest",
            "--no-collector.cpu.guest"
        ]));
    }
}
