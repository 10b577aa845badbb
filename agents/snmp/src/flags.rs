//! The flags that only this program has, with snmp_exporter's names where it has them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::allowed::{DEFAULT_NETWORKS, DEFAULT_PORTS, Network, Ports};

/// What the flags say.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    /// `--snmp.wrap-large-counters`
    pub(crate) wrap_counters: bool,
    /// `--snmp.allow-network`
    pub(crate) networks: Vec<Network>,
    /// `--snmp.allow-port`
    pub(crate) ports: Vec<Ports>,
    /// `--snmp.max-in-flight`
    pub(crate) in_flight: usize,
    /// `--snmp.max-targets`
    pub(crate) targets: usize,
    /// `--snmp.module-concurrency`
    pub(crate) modules: usize,
    /// `--snmp.lookup-interval`
    pub(crate) lookup_interval: Duration,
    /// `--snmp.source-address`
    pub(crate) source: Option<SocketAddr>,
    /// `--snmp.debug-packets`
    pub(crate) is_traced: bool,
    /// `--config.expand-environment-variables`
    pub(crate) expand_environment: bool,
    /// `--dry-run`
    pub(crate) dry_run: bool,
}

/// Adds the flags.
pub(crate) fn add(command: Command) -> Command {
    const FILES: &str = "snmp.yml, or a pattern of several such as /etc/snmp/*.yml; may be repeated, later ones add to earlier ones";
    runtime::with_config_files(command, FILES).args([
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
            .help("Network whose devices may be asked beside the targets that are polled; may be repeated, replaces the private ranges"),
        Arg::new("snmp.allow-port")
            .long("snmp.allow-port")
            .value_name("PORTS")
            .action(ArgAction::Append)
            .value_parser(|text: &str| text.parse::<Ports>())
            .default_values(DEFAULT_PORTS)
            .help("Port, or ports such as 1024-65535, that devices may be asked on; may be repeated, replaces the default ones"),
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
        Arg::new("snmp.module-concurrency")
            .long("snmp.module-concurrency")
            .value_name("N")
            .value_parser(value_parser!(u16).range(1..))
            .default_value("64")
            .help("Modules of a request that are walked at the same time"),
        Arg::new("snmp.lookup-interval")
            .long("snmp.lookup-interval")
            .value_name("TIME")
            .value_parser(|text: &str| humantime::parse_duration(text))
            .default_value("5m")
            .help("How long columns that only give labels are remembered instead of walked, unless the device or its interfaces change; 0s to walk them each time"),
        Arg::new("snmp.source-address")
            .long("snmp.source-address")
            .value_name("ADDRESS[:PORT]")
            .value_parser(source)
            .help("Address to send UDP from"),
        Arg::new("snmp.debug-packets")
            .long("snmp.debug-packets")
            .action(ArgAction::SetTrue)
            .help("Log each request to a device and how it was answered"),
        Arg::new("dry-run")
            .long("dry-run")
            .action(ArgAction::SetTrue)
            .help("Check the configuration files and exit, as check-config does"),
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
            modules: number("snmp.module-concurrency"),
            ports: matches
                .get_many("snmp.allow-port")
                .into_iter()
                .flatten()
                .copied()
                .collect(),
            lookup_interval: matches
                .get_one("snmp.lookup-interval")
                .copied()
                .unwrap_or_default(),
            source: matches.get_one("snmp.source-address").copied(),
            is_traced: matches.get_flag("snmp.debug-packets"),
            expand_environment: matches.get_flag("config.expand-environment-variables"),
            dry_run: matches.get_flag("dry-run"),
        }
    }
}

/// `ADDRESS`, `ADDRESS:` or `ADDRESS:PORT`, IPv6 addresses in brackets where a port follows.
fn source(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_suffix(':').unwrap_or(text);
    let bare = bare
        .strip_prefix('[')
        .and_then(|bare| bare.strip_suffix(']'))
        .unwrap_or(bare);
    let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    address
        .or_else(|_| text.parse())
        .map_err(|_| format!("expected an address such as 10.0.0.1 or [::1]:16100, found {text:?}"))
}
