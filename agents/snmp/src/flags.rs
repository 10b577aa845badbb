//! The flags that only this program has, with snmp_exporter's names where it has them.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::target::{DEFAULT_NETWORKS, Network};

/// What the flags say.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    /// `--snmp.wrap-large-counters`
    pub(crate) wrap_counters: bool,
    /// `--snmp.allow-network`
    pub(crate) networks: Vec<Network>,
    /// `--snmp.max-in-flight`
    pub(crate) in_flight: usize,
    /// `--snmp.max-targets`
    pub(crate) targets: usize,
    /// `--config.expand-environment-variables`
    pub(crate) expand_environment: bool,
}

/// Adds the flags.
pub(crate) fn add(command: Command) -> Command {
    command.args([
        Arg::new("snmp.wrap-large-counters")
            .long("snmp.wrap-large-counters")
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .value_parser(BoolishValueParser::new())
            .default_value("true")
            .default_missing_value("true")
            .help("Wrap 64-bit counters at 2^53, so that their rate stays exact"),
        Arg::new("snmp.allow-network")
            .long("snmp.allow-network")
            .value_name("CIDR")
            .action(ArgAction::Append)
            .value_parser(|text: &str| text.parse::<Network>())
            .default_values(DEFAULT_NETWORKS)
            .help("Network whose devices may be asked; may be repeated, replaces the private ranges"),
        Arg::new("snmp.max-in-flight")
            .long("snmp.max-in-flight")
            .value_name("N")
            .value_parser(value_parser!(u16).range(1..=64))
            .default_value("4")
            .help("Requests on the way to one target at the same time"),
        Arg::new("snmp.max-targets")
            .long("snmp.max-targets")
            .value_name("N")
            .value_parser(value_parser!(u16).range(1..))
            .default_value("500")
            .help("Targets that are asked at the same time; more are answered with 503"),
        Arg::new("config.expand-environment-variables")
            .long("config.expand-environment-variables")
            .action(ArgAction::SetTrue)
            .global(true)
            .help("Put environment variables in place of $NAME in usernames, communities and passwords"),
    ])
}

impl Flags {
    /// Reads the flags; all of them have defaults.
    pub(crate) fn new(matches: &ArgMatches) -> Self {
        let number = |name: &str| {
            matches
                .get_one::<u16>(name)
                .map_or(1, |&number| usize::from(number))
        };
        Self {
            wrap_counters: matches
                .get_one("snmp.wrap-large-counters")
                .copied()
                .unwrap_or(true),
            networks: matches
                .get_many("snmp.allow-network")
                .into_iter()
                .flatten()
                .copied()
                .collect(),
            in_flight: number("snmp.max-in-flight"),
            targets: number("snmp.max-targets"),
            expand_environment: matches.get_flag("config.expand-environment-variables"),
        }
    }
}
