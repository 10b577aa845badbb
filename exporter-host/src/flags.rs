//! The flags that only this program has, beside those that every daemon has and those that the collector table gives:
//! node_exporter's own names, defaults and deprecated spellings. What they mean is `config.rs`.

use std::time::Duration;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::pattern::Pattern;

mod patterns;
mod tables;

use patterns::{PATTERNS, PatternFlag};
use tables::{LISTS, SWITCHES, VALUES, ValueFlag};

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

/// The switch that leaves out network devices of guests.
pub(crate) const GUEST_LINKS: &str = "network.guest-links";

/// Where `--help` shows them.
const HEADING: &str = "Settings of collectors";

/// Adds the flags to the program's command line. A few have their default from the environment, if it has one.
pub(crate) fn add(mut command: Command, from_environment: fn(&str) -> Option<String>) -> Command {
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
    for &PatternFlag {
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
    for &(name, default, help) in SWITCHES {
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
    for &ValueFlag {
        name,
        old,
        environment,
        default,
        help,
    } in VALUES
    {
        let preset = environment.and_then(from_environment);
        let mut arg = Arg::new(name)
            .long(name)
            .value_name("VALUE")
            .default_value(preset.unwrap_or_else(|| default.to_owned()))
            .hide_default_value(default.is_empty())
            .allow_hyphen_values(true)
            .help(help)
            .help_heading(HEADING);
        if let Some(old) = old {
            arg = arg.alias(old);
        }
        command = command.arg(arg);
    }
    for &(name, default, help) in LISTS {
        let mut arg = Arg::new(name)
            .long(name)
            .value_name("VALUE")
            .action(ArgAction::Append)
            .help(help)
            .help_heading(HEADING);
        if !default.is_empty() {
            arg = arg.default_value(default);
        }
        command = command.arg(arg);
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
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
    fn a_default_may_come_from_the_environment_and_a_flag_goes_before_it() {
        let url = |arguments: &[&str]| {
            let from_environment =
                |name: &str| (name == "SUPERVISORD_URL").then(|| "unix:///run/s.sock".to_owned());
            let command = add(Command::new("test").no_binary_name(true), from_environment);
            let matches = command.try_get_matches_from(arguments).unwrap();
            matches
                .get_one::<String>("collector.supervisord.url")
                .unwrap()
                .clone()
        };
        assert_eq!(url(&[]), "unix:///run/s.sock");
        assert_eq!(url(&["--collector.supervisord.url=http://a/"]), "http://a/");
    }

    #[test]
    fn every_default_pattern_is_one() {
        for flag in PATTERNS {
            assert!(Pattern::new(flag.default).is_ok(), "{}", flag.name);
        }
    }

    #[test]
    fn flags_and_their_old_names_are_understood() {
        add(Command::new("test"), |_| None).debug_assert();
        let matches = add(Command::new("test"), |_| None)
            .try_get_matches_from(["test", "--collector.netdev.device-blacklist=^lo$"])
            .unwrap();
        let pattern = matches
            .get_one::<Pattern>("collector.netdev.device-exclude")
            .unwrap();
        assert!(pattern.is_match("lo"));
    }

    #[test]
    fn a_broken_pattern_names_its_flag() {
        let error = add(Command::new("test"), |_| None)
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
