//! The flags that follow from an exporter's table of collectors: `--collector.NAME`, `--no-collector.NAME` and
//! `--collector.disable-defaults`, with node_exporter's meaning. The collectors themselves are in `collector`.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::collector::Spec;

/// The flag that leaves only those collectors on that are named on the command line.
const DISABLE_DEFAULTS: &str = "collector.disable-defaults";

/// Adds the table's flags to `command`.
pub fn collector_flags<C>(command: Command, table: &[Spec<C>]) -> Command {
    let command = command.arg(
        Arg::new(DISABLE_DEFAULTS)
            .long(DISABLE_DEFAULTS)
            .action(ArgAction::SetTrue)
            .help("Turn all collectors off but those named by --collector.NAME")
            .help_heading("Collectors"),
    );
    table.iter().fold(command, |command, spec| {
        let (on, off) = (flag_on(spec.name), flag_off(spec.name));
        let state = if spec.default_on { "on" } else { "off" };
        let enable = Arg::new(&on)
            .long(&on)
            .action(ArgAction::SetTrue)
            .overrides_with(&off)
            .help(format!(
                "{} ({state} by default; --{off} turns it off)",
                capitalised(spec.help)
            ))
            .help_heading("Collectors");
        let disable = Arg::new(&off)
            .long(&off)
            .action(ArgAction::SetTrue)
            .overrides_with(&on)
            .hide(true);
        command.arg(enable).arg(disable)
    })
}

/// The lines of the table that the flags leave on, in the table's order. Where a collector is turned on and off, the
/// last flag wins.
pub fn enabled<'t, C>(matches: &ArgMatches, table: &'t [Spec<C>]) -> Vec<&'t Spec<C>> {
    let given = |flag: &str| matches!(matches.try_get_one::<bool>(flag), Ok(Some(true)));
    let defaults = !given(DISABLE_DEFAULTS);
    table
        .iter()
        .filter(|spec| {
            let by_default = defaults && spec.default_on;
            given(&flag_on(spec.name)) || (by_default && !given(&flag_off(spec.name)))
        })
        .collect()
}

fn flag_on(name: &str) -> String {
    format!("collector.{name}")
}

fn flag_off(name: &str) -> String {
    format!("no-collector.{name}")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn spec(name: &'static str, default_on: bool) -> Spec<()> {
        Spec {
            name,
            default_on,
            help: "what it is",
            build: |()| {
                Err(crate::ConfigError::Value {
                    setting: String::new(),
                    reason: String::new(),
                })
            },
        }
    }

    const TABLE: [Spec<()>; 3] = [spec("cpu", true), spec("ntp", false), spec("stat", true)];

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        let command = collector_flags(Command::new("x").no_binary_name(true), &TABLE);
        let matches = command.try_get_matches_from(arguments).unwrap();
        let table: &'static [Spec<()>] =
            const { &[spec("cpu", true), spec("ntp", false), spec("stat", true)] };
        enabled(&matches, table)
            .into_iter()
            .map(|spec| spec.name)
            .collect()
    }

    #[test]
    fn flags_turn_collectors_on_and_off() {
        assert_eq!(names(&[]), ["cpu", "stat"]);
        assert_eq!(
            names(&["--collector.ntp", "--no-collector.cpu"]),
            ["ntp", "stat"]
        );
        assert_eq!(names(&["--collector.cpu"]), ["cpu", "stat"]);
    }

    #[test]
    fn without_defaults_only_the_named_ones_run() {
        assert_eq!(names(&["--collector.disable-defaults"]), Vec::<&str>::new());
        assert_eq!(
            names(&["--collector.stat", "--collector.disable-defaults"]),
            ["stat"]
        );
    }

    #[test]
    fn the_last_of_two_contradicting_flags_wins() {
        assert_eq!(
            names(&["--collector.ntp", "--no-collector.ntp"]),
            ["cpu", "stat"]
        );
        assert_eq!(
            names(&["--no-collector.cpu", "--collector.cpu"]),
            ["cpu", "stat"]
        );
    }

    #[test]
    fn an_unknown_collector_is_refused() {
        let command = collector_flags(Command::new("x").no_binary_name(true), &TABLE);
        assert!(
            command
                .try_get_matches_from(["--collector.nothing"])
                .is_err()
        );
    }
}
