//! The collectors' other flags: switches, values and lists, with node_exporter's names and defaults.

/// A flag that is on or off: name, default, help. It is turned off by `--no-NAME`.
pub(super) const SWITCHES: &[(&str, bool, &str)] = &[
    (
        "collector.bcache.priorityStats",
        false,
        "Show the priority statistics of bcache, which cost the kernel time",
    ),
    (
        "collector.cpu.guest",
        true,
        "Show node_cpu_guest_seconds_total",
    ),
    (
        "collector.cpu.info",
        false,
        "Show node_cpu_info and the frequencies in /proc/cpuinfo",
    ),
    (
        "collector.netdev.address-info",
        false,
        "Show the addresses of network devices",
    ),
    (
        "collector.netdev.enable-detailed-metrics",
        false,
        "Show each of the kernel's counters under its own name",
    ),
    (
        "collector.netdev.label-ifalias",
        false,
        "Show the names that operators gave to network devices in a label",
    ),
    (
        "collector.netdev.netlink",
        true,
        "Ask by netlink instead of /proc/net/dev",
    ),
    (
        "collector.stat.softirq",
        false,
        "Show soft interrupts by vector",
    ),
    (
        "collector.arp.netlink",
        true,
        "Taken for the sake of unit files: the numbers are the same either way",
    ),
    (
        "collector.netclass.ignore-invalid-speed",
        false,
        "Leave out speeds below zero",
    ),
    (
        "collector.netclass.netlink",
        false,
        "Taken for the sake of unit files: the numbers are the same either way",
    ),
    (
        "collector.rapl.enable-zone-label",
        false,
        "Show the zones of RAPL in a label",
    ),
    (
        "collector.interrupts.include-zeros",
        true,
        "Show interrupts that never came",
    ),
    (
        "collector.pcidevice.names",
        false,
        "Show the names of PCI devices, from the list pci.ids",
    ),
    (
        super::GUEST_LINKS,
        true,
        "Show network devices of guests (their taps, and the bridges and pairs that Neutron adds) in all collectors",
    ),
    (
        "collector.netclass_rtnl.with-stats",
        false,
        "Taken for the sake of unit files: the collector netdev has these numbers",
    ),
    (
        "collector.ntp.server-is-local",
        false,
        "Take an NTP server that is not at a loopback address for this host's own",
    ),
    (
        "collector.perf.disable-cache-profilers",
        false,
        "Count nothing of the caches",
    ),
    (
        "collector.perf.disable-hardware-profilers",
        false,
        "Count nothing of the CPUs' hardware",
    ),
    (
        "collector.perf.disable-software-profilers",
        false,
        "Count nothing of the kernel's software",
    ),
    (
        "collector.systemd.enable-restarts-metrics",
        false,
        "Show how often services were restarted",
    ),
    (
        "collector.systemd.enable-start-time-metrics",
        false,
        "Show when units were started",
    ),
    (
        "collector.systemd.enable-task-metrics",
        false,
        "Show how many tasks services have and may have",
    ),
    (
        "collector.systemd.private",
        false,
        "Ask systemd at its own socket instead of the system bus, which takes root",
    ),
];

/// A flag that takes one value, which its collector checks.
pub(super) struct ValueFlag {
    pub(super) name: &'static str,
    pub(super) old: Option<&'static str>,
    pub(super) environment: Option<&'static str>,
    pub(super) default: &'static str,
    pub(super) help: &'static str,
}

const fn value(name: &'static str, default: &'static str, help: &'static str) -> ValueFlag {
    ValueFlag {
        name,
        old: None,
        environment: None,
        default,
        help,
    }
}

pub(super) const VALUES: &[ValueFlag] = &[
    value(
        "collector.filesystem.stat-workers",
        "4",
        "Taken for the sake of unit files: silent mounts hold up no others",
    ),
    value(
        "collector.ntp.ip-ttl",
        "1",
        "Most hops that a question to the NTP server may take",
    ),
    value(
        "collector.ntp.local-offset-tolerance",
        "1ms",
        "Most that the NTP server's time may be away from this host's",
    ),
    value(
        "collector.ntp.max-distance",
        "3.46608s",
        "Most that the NTP server may be away from the root of its time",
    ),
    value(
        "collector.ntp.protocol-version",
        "4",
        "Version of NTP, 2 to 4",
    ),
    value(
        "collector.ntp.server",
        "127.0.0.1",
        "This host's NTP server",
    ),
    value("collector.ntp.server-port", "123", "Its UDP port"),
    value(
        "collector.perf.cpus",
        "",
        "CPUs to count on, such as 0,2-5 or 0-14:2; all if empty",
    ),
    value(
        "collector.qdisc.fixtures",
        "",
        "Directory with results.json, which is shown instead of this host's disciplines",
    ),
    value(
        "collector.runit.servicedir",
        "/etc/service",
        "Directory of runit's services",
    ),
    ValueFlag {
        environment: Some("SUPERVISORD_URL"),
        ..value(
            "collector.supervisord.url",
            "http://localhost:9001/RPC2",
            "Where supervisord answers, such as unix:///run/supervisor.sock",
        )
    },
    ValueFlag {
        old: Some("collector.systemd.unit-blacklist"),
        ..value(
            "collector.systemd.unit-exclude",
            r".+\.(automount|device|mount|scope|slice)",
            "Units to leave out, by their whole names",
        )
    },
    ValueFlag {
        old: Some("collector.systemd.unit-whitelist"),
        ..value(
            "collector.systemd.unit-include",
            ".+",
            "Units to show, by their whole names",
        )
    },
    value(
        "collector.wifi.fixtures",
        "",
        "Directory with interfaces.json, which is shown instead of this host's devices",
    ),
];

/// A flag that takes a value and may be repeated: name, default, help.
pub(super) const LISTS: &[(&str, &str, &str)] = &[
    (
        "collector.ipvs.backend-labels",
        "local_address,local_port,remote_address,remote_port,proto,local_mark",
        "Labels of backends, comma separated",
    ),
    (
        "collector.perf.cache-profilers",
        "",
        "Event of the caches to count, such as L1DataReadHit",
    ),
    (
        "collector.perf.hardware-profilers",
        "",
        "Event of the CPUs' hardware to count, such as CpuCycles",
    ),
    (
        "collector.perf.software-profilers",
        "",
        "Event of the kernel's software to count, such as PageFault",
    ),
    (
        "collector.perf.tracepoint",
        "",
        "Tracepoint to count, such as sched:sched_process_exec",
    ),
    (
        "collector.sysctl.include",
        "",
        "Kernel setting to show as numbers, with names for its fields after a colon: fs.file-nr:total,current,max",
    ),
    (
        "collector.sysctl.include-info",
        "",
        "Kernel setting to show as words",
    ),
    (
        "collector.daemons.names",
        "",
        "Daemons to count the processes of, comma separated: nova-compute,libvirtd",
    ),
    (
        "collector.pcidevice.idsfile",
        "",
        "List of the names of PCI devices, instead of the distribution's",
    ),
    (
        "collector.textfile.directory",
        "",
        "Directory with files of metrics, whose names end in .prom",
    ),
];
