//! The flags of the collectors whose value is a regular expression, with node_exporter's names and defaults.

/// Pseudo file systems and directories of containers, as upstream leaves them out.
const MOUNT_POINTS_EXCLUDE: &str =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
const FS_TYPES_EXCLUDE: &str = "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|\
    hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$";
const DISKS_EXCLUDE: &str = r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";
const NETSTAT_FIELDS: &str = "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|\
    Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|\
    Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|\
    Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$";
const VMSTAT_FIELDS: &str = "^(oom_kill|pgpg|pswp|pg.*fault).*";

/// A flag whose value is a regular expression. `old` is the name that it had before node_exporter 1.3.
pub(super) struct PatternFlag {
    pub(super) name: &'static str,
    pub(super) old: Option<&'static str>,
    pub(super) default: &'static str,
    pub(super) help: &'static str,
}

const fn flag(
    name: &'static str,
    old: Option<&'static str>,
    default: &'static str,
    help: &'static str,
) -> PatternFlag {
    PatternFlag {
        name,
        old,
        default,
        help,
    }
}

pub(super) const PATTERNS: &[PatternFlag] = &[
    flag(
        "collector.arp.device-exclude",
        None,
        "",
        "Network devices to leave out (not together with device-include)",
    ),
    flag(
        "collector.arp.device-include",
        None,
        "",
        "Network devices to show, no others (not together with device-exclude)",
    ),
    flag(
        "collector.cpu.info.bugs-include",
        None,
        "",
        "Bugs of the CPUs to show; turns --collector.cpu.info on",
    ),
    flag(
        "collector.cpu.info.flags-include",
        None,
        "",
        "Features (flags) of the CPUs to show; turns --collector.cpu.info on",
    ),
    flag(
        "collector.diskstats.device-exclude",
        Some("collector.diskstats.ignored-devices"),
        DISKS_EXCLUDE,
        "Disks to leave out (not together with device-include)",
    ),
    flag(
        "collector.diskstats.device-include",
        None,
        "",
        "Disks to show, no others (not together with device-exclude)",
    ),
    flag(
        "collector.ethtool.device-exclude",
        None,
        "",
        "Network devices to leave out (not together with device-include)",
    ),
    flag(
        "collector.ethtool.device-include",
        None,
        "",
        "Network devices to show, no others (not together with device-exclude)",
    ),
    flag(
        "collector.ethtool.metrics-include",
        None,
        ".*",
        "Statistics of drivers to show",
    ),
    flag(
        "collector.filesystem.fs-types-exclude",
        Some("collector.filesystem.ignored-fs-types"),
        FS_TYPES_EXCLUDE,
        "Types of file systems to leave out (not together with fs-types-include)",
    ),
    flag(
        "collector.filesystem.fs-types-include",
        None,
        "",
        "Types of file systems to show, no others (not together with fs-types-exclude)",
    ),
    flag(
        "collector.filesystem.mount-points-exclude",
        Some("collector.filesystem.ignored-mount-points"),
        MOUNT_POINTS_EXCLUDE,
        "Mount points to leave out (not together with mount-points-include)",
    ),
    flag(
        "collector.filesystem.mount-points-include",
        None,
        "",
        "Mount points to show, no others (not together with mount-points-exclude)",
    ),
    flag(
        "collector.hwmon.chip-exclude",
        None,
        "",
        "Chips to leave out (not together with chip-include)",
    ),
    flag(
        "collector.hwmon.chip-include",
        None,
        "",
        "Chips to show, no others (not together with chip-exclude)",
    ),
    flag(
        "collector.hwmon.sensor-exclude",
        None,
        "",
        "Sensors (as chip;sensor) to leave out (not together with sensor-include)",
    ),
    flag(
        "collector.hwmon.sensor-include",
        None,
        "",
        "Sensors (as chip;sensor) to show, no others (not together with sensor-exclude)",
    ),
    flag(
        "collector.interrupts.name-exclude",
        None,
        "",
        "Interrupts to leave out (not together with name-include)",
    ),
    flag(
        "collector.interrupts.name-include",
        None,
        "",
        "Interrupts to show, no others (not together with name-exclude)",
    ),
    flag(
        "collector.netclass.ignored-devices",
        None,
        "^$",
        "Network devices to leave out of the class",
    ),
    flag(
        "collector.netdev.device-exclude",
        Some("collector.netdev.device-blacklist"),
        "",
        "Network devices to leave out (not together with device-include)",
    ),
    flag(
        "collector.netdev.device-include",
        Some("collector.netdev.device-whitelist"),
        "",
        "Network devices to show, no others (not together with device-exclude)",
    ),
    flag(
        "collector.netstat.fields",
        None,
        NETSTAT_FIELDS,
        "Fields of the network protocols to show",
    ),
    flag(
        "collector.powersupply.ignored-supplies",
        None,
        "^$",
        "Power supplies to leave out",
    ),
    flag(
        "collector.qdisc.device-exclude",
        Some("collector.qdisk.device-exclude"),
        "",
        "Network devices to leave out (not together with device-include)",
    ),
    flag(
        "collector.qdisc.device-include",
        Some("collector.qdisk.device-include"),
        "",
        "Network devices to show, no others (not together with device-exclude)",
    ),
    flag(
        "collector.slabinfo.slabs-exclude",
        None,
        "",
        "Slabs to leave out (not together with slabs-include)",
    ),
    flag(
        "collector.slabinfo.slabs-include",
        None,
        ".*",
        "Slabs to show, no others (not together with slabs-exclude)",
    ),
    flag(
        "collector.tapestats.ignored-devices",
        None,
        "^$",
        "Tape drives to leave out",
    ),
    flag(
        "collector.vmstat.fields",
        None,
        VMSTAT_FIELDS,
        "Fields of /proc/vmstat to show",
    ),
];
