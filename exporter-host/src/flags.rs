//! The flags that only this program has, beside those that every daemon has and those that the collector table gives:
//! node_exporter's own names, defaults and deprecated spellings. What they mean is `config.rs`.

use std::time::Duration;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::pattern::Pattern;

/// Pseudo file systems and directories of containers, as upstream leaves them out.
const MOUNT_POINTS_EXCLUDE: &str =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
const FS_TYPES_EXCLUDE: &str = "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|\
    hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$";
const DISKS_EXCLUDE: &str = r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";
const VMSTAT_FIELDS: &str = "^(oom_kill|pgpg|pswp|pg.*fault).*";

/// A flag whose value is a regular expression. `old` is the name that it had before node_exporter 1.3.
struct PatternFlag {
    name: &'static str,
    old: Option<&'static str>,
    default: &'static str,
    help: &'static str,
}

const PATTERNS: [PatternFlag; 9] = [
    PatternFlag {
        name: "collector.diskstats.device-exclude",
        old: Some("collector.diskstats.ignored-devices"),
        default: DISKS_EXCLUDE,
        help: "Disks to leave out (not together with device-include)",
    },
    PatternFlag {
        name: "collector.diskstats.device-include",
        old: None,
        default: "",
        help: "Disks to show, no others (not together with device-exclude)",
    },
    PatternFlag {
        name: "collector.filesystem.fs-types-exclude",
        old: Some("collector.filesystem.ignored-fs-types"),
        default: FS_TYPES_EXCLUDE,
        help: "Types of file systems to leave out (not together with fs-types-include)",
    },
    PatternFlag {
        name: "collector.filesystem.fs-types-include",
        old: None,
        default: "",
        help: "Types of file systems to show, no others (not together with fs-types-exclude)",
    },
    PatternFlag {
        name: "collector.filesystem.mount-points-exclude",
        old: Some("collector.filesystem.ignored-mount-points"),
        default: MOUNT_POINTS_EXCLUDE,
        help: "Mount points to leave out (not together with mount-points-include)",
    },
    PatternFlag {
        name: "collector.filesystem.mount-points-include",
        old: None,
        default: "",
        help: "Mount points to show, no others (not together with mount-points-exclude)",
    },
    PatternFlag {
        name: "collector.netdev.device-exclude",
        old: Some("collector.netdev.device-blacklist"),
        default: "",
        help: "Network devices to leave out (not together with device-include)",
    },
    PatternFlag {
        name: "collector.netdev.device-include",
        old: Some("collector.netdev.device-whitelist"),
        default: "",
        help: "Network devices to show, no others (not together with device-exclude)",
    },
    PatternFlag {
        name: "collector.vmstat.fields",
        old: None,
        default: VMSTAT_FIELDS,
        help: "Fields of /proc/vmstat to show",
    },
];

/// A flag that is on or off: name, default, help. It is turned off by `--no-NAME`.
const SWITCHES: [(&str, bool, &str); 5] = [
    (
        "collector.cpu.guest",
        true,
        "Show node_cpu_guest_seconds_total",
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
        "collector.netdev.netlink",
        true,
        "Ask by netlink instead of /proc/net/dev",
    ),
    (
        "collector.stat.softirq",
        false,
        "Show soft interrupts by vector",
    ),
];

const PATHS: [(&str, &str, &str); 4] = [
    ("path.procfs", "/proc", "Where procfs is mounted"),
    ("path.sysfs", "/sys", "Where sysfs is mounted"),
    ("path.rootfs", "/", "Where the host's root is mounted"),
    (
        "path.udev.data",
        "/run/udev/data",
        "Where udev keeps the properties of devices",
    ),
];

/// The flag for how long a silent mount is waited for.
pub(crate) const MOUNT_TIMEOUT: &str = "collector.filesystem.mount-timeout";

/// Where `--help` shows them.
const HEADING: &str = "Settings of collectors";

/// Adds the flags to the program's command line.
pub(crate) fn add(mut command: Command) -> Command {
    for (name, default, help) in PATHS {
        let path = value_parser!(std::path::PathBuf);
        command = command.arg(
            Arg::new(name)
                .long(name)
                .value_name("PATH")
                .default_value(default)
                .value_parser(path)
                .help(help)
                .help_heading("Paths"),
        );
    }
    for PatternFlag {
        name,
        old,
        default,
        help,
    } in PATTERNS
    {
        let mut arg = Arg::new(name)
            .long(name)
            .value_name("REGEX")
            .default_value(default)
            .value_parser(Pattern::new)
            .allow_hyphen_values(true)
            .help(help)
            .help_heading(HEADING);
        if let Some(old) = old {
            arg = arg.alias(old);
        }
        if default.is_empty() {
            arg = arg.hide_default_value(true);
        }
        command = command.arg(arg);
    }
    for (name, default, help) in SWITCHES {
        let off = format!("no-{name}");
        let state = if default { "on" } else { "off" };
        let enable = Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .overrides_with(&off)
            .help(format!("{help} ({state} by default; --{off} turns it off)"));
        let disable = Arg::new(&off)
            .long(&off)
            .action(ArgAction::SetTrue)
            .overrides_with(name)
            .hide(true);
        command = command.arg(enable.help_heading(HEADING)).arg(disable);
    }
    command.arg(
        Arg::new(MOUNT_TIMEOUT)
            .long(MOUNT_TIMEOUT)
            .value_name("DURATION")
            .default_value("5s")
            .value_parser(duration)
            .help(
                "How long a mount may take to answer before it has node_filesystem_device_error 1",
            )
            .help_heading(HEADING),
    )
}

/// The default of a switch.
pub(crate) fn is_on_by_default(switch: &str) -> bool {
    SWITCHES
        .iter()
        .any(|(name, default, _)| *name == switch && *default)
}

/// A duration as Go writes it, such as `5s`, `1m30s` or `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a duration such as 5s or 1m30s, found {text:?}");
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest
            .find(|char: char| !char.is_ascii_digit() && char != '.')
            .ok_or_else(expected)?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|char: char| char.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let number: f64 = number.parse().map_err(|_| expected())?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(expected()),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
        total = total.checked_add(part).ok_or_else(expected)?;
        rest = tail;
    }
    if text.is_empty() {
        Err(expected())
    } else {
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1500)));
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "five",
            "5s3",
            "-1s",
            "1e400s",
            "99999999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_default_pattern_is_one() {
        for flag in PATTERNS {
            assert!(Pattern::new(flag.default).is_ok(), "{}", flag.name);
        }
    }

    #[test]
    fn flags_and_their_old_names_are_understood() {
        add(Command::new("test")).debug_assert();
        let matches = add(Command::new("test"))
            .try_get_matches_from(["test", "--collector.netdev.device-blacklist=^lo$"])
            .unwrap();
        let pattern = matches
            .get_one::<Pattern>("collector.netdev.device-exclude")
            .unwrap();
        assert!(pattern.is_match("lo"));
    }

    #[test]
    fn a_broken_pattern_names_its_flag() {
        let error = add(Command::new("test"))
            .try_get_matches_from(["test", "--collector.vmstat.fields=("])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--collector.vmstat.fields") && error.contains("unclosed group"),
            "{error}"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_duration_or_refused(text in "[0-9.a-zµ]*|.*") {
            let _ = duration(&text);
        }
    }
}
