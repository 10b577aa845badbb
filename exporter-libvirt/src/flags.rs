//! The flags that only this program has, beside those that every daemon has: where libvirt is, how patient to be, and
//! one switch for each group of families. What they mean is `config`'s matter.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::collectors::{GROUPS, Group};
use crate::compat::Peer;
use crate::config;

/// The flag for the connection.
pub(crate) const URI: &str = "libvirt.uri";
/// The flag for the patience.
pub(crate) const TIMEOUT: &str = "libvirt.timeout";
/// The flag for the patience with one domain.
pub(crate) const DOMAIN_TIMEOUT: &str = "libvirt.domain-timeout";
/// The flag for the number of connections.
pub(crate) const CONNECTIONS: &str = "libvirt.connections";
/// The flag for the peer whose series are wanted.
pub(crate) const COMPAT: &str = "compat";
/// A flag of Debian's exporter, of consequence with `--compat=kumina`.
pub(crate) const NOVA_LABELS: &str = "libvirt.export-nova-metadata";
/// The flags for the guests' agents.
pub(crate) const AGENT_INTERVAL: &str = "guest-agent.interval";
/// See [`AGENT_INTERVAL`].
pub(crate) const AGENT_TIMEOUT: &str = "guest-agent.timeout";
/// See [`AGENT_INTERVAL`].
pub(crate) const AGENT_CONCURRENCY: &str = "guest-agent.concurrency";
const SET_PERIOD: &str = "memory.set-stats-period";
const NO_SET_PERIOD: &str = "no-memory.set-stats-period";
/// The flags for the kernel's files.
pub(crate) const PROCFS: &str = "path.procfs";
/// See [`PROCFS`].
pub(crate) const SYSFS: &str = "path.sysfs";
/// The flag that leaves only those groups on that are named on the command line.
const DISABLE_DEFAULTS: &str = "collector.disable-defaults";

const HEADING: &str = "Collectors";

/// Adds the flags to the program's command line.
pub(crate) fn add(command: Command) -> Command {
    let command = command
        .arg(
            Arg::new(URI)
                .long(URI)
                .value_name("URI")
                .value_parser(config::uri)
                .allow_hyphen_values(true)
                .help("Libvirt to ask, or the path of its socket; LIBVIRT_DEFAULT_URI, else qemu:///system, if not given"),
        )
        .arg(
            Arg::new(TIMEOUT)
                .long(TIMEOUT)
                .value_name("DURATION")
                .value_parser(config::duration)
                .allow_hyphen_values(true)
                .help("How long libvirt may take to answer before the scrape goes on without it [default: 5s]"),
        )
        .arg(
            Arg::new(DOMAIN_TIMEOUT)
                .long(DOMAIN_TIMEOUT)
                .value_name("DURATION")
                .value_parser(config::duration)
                .allow_hyphen_values(true)
                .help("How long one domain's hypervisor may take before its last numbers are served instead [default: 1s]"),
        )
        .arg(
            Arg::new(CONNECTIONS)
                .long(CONNECTIONS)
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(u64).range(1..=config::MAX_CONNECTIONS as u64))
                .help("How many connections ask hypervisors at the same time [default: 4]"),
        )
        .arg(
            Arg::new(COMPAT)
                .long(COMPAT)
                .value_name("PEER")
                .value_parser(Peer::parse)
                .help("Export exactly the names and labels of one exporter: inovex, kumina (Debian's) or tinkoff"),
        )
        .arg(
            Arg::new(NOVA_LABELS)
                .long(NOVA_LABELS)
                .action(ArgAction::SetTrue)
                .help("With --compat=kumina, add name, flavor and project_name to each series"),
        )
        .arg(
            Arg::new(AGENT_INTERVAL)
                .long(AGENT_INTERVAL)
                .value_name("DURATION")
                .value_parser(config::duration)
                .allow_hyphen_values(true)
                .help("How often a guest's agent is asked, in the background [default: 60s]"),
        )
        .arg(
            Arg::new(AGENT_TIMEOUT)
                .long(AGENT_TIMEOUT)
                .value_name("DURATION")
                .value_parser(config::duration)
                .allow_hyphen_values(true)
                .help("How long a guest's agent may take [default: 10s]"),
        )
        .arg(
            Arg::new(AGENT_CONCURRENCY)
                .long(AGENT_CONCURRENCY)
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(u64).range(1..=config::MAX_CONNECTIONS as u64))
                .help("How many agents are asked at the same time [default: 2]"),
        )
        .arg(
            Arg::new(SET_PERIOD)
                .long(SET_PERIOD)
                .action(ArgAction::SetTrue)
                .overrides_with(NO_SET_PERIOD)
                .help("Have balloons report the guest's memory every 10 s where they never do (on by default; --no-memory.set-stats-period turns it off)"),
        )
        .arg(
            Arg::new(NO_SET_PERIOD)
                .long(NO_SET_PERIOD)
                .action(ArgAction::SetTrue)
                .overrides_with(SET_PERIOD)
                .hide(true),
        )
        .arg(path(PROCFS, "Where procfs is [default: /proc]"))
        .arg(path(SYSFS, "Where sysfs is [default: /sys]"))
        .arg(
            Arg::new(DISABLE_DEFAULTS)
                .long(DISABLE_DEFAULTS)
                .action(ArgAction::SetTrue)
                .help("Turn all collectors off but those named by --collector.NAME")
                .help_heading(HEADING),
        );
    GROUPS.iter().fold(command, |command, group| {
        let (on, off) = (flag_on(group.name), flag_off(group.name));
        let enable = Arg::new(&on)
            .long(&on)
            .action(ArgAction::SetTrue)
            .overrides_with(&off)
            .help(format!(
                "{} ({} by default; --{off} turns it off)",
                group.help,
                if group.default_on { "on" } else { "off" }
            ))
            .help_heading(HEADING);
        let disable = Arg::new(&off)
            .long(&off)
            .action(ArgAction::SetTrue)
            .overrides_with(&on)
            .hide(true);
        command.arg(enable).arg(disable)
    })
}

/// Whether balloons that never report are told to: by the last flag, else by the file, else yes.
pub(crate) fn sets_period(matches: &ArgMatches, in_file: Option<bool>) -> bool {
    matches.get_flag(SET_PERIOD) || (!matches.get_flag(NO_SET_PERIOD) && in_file.unwrap_or(true))
}

fn path(flag: &'static str, help: &'static str) -> Arg {
    Arg::new(flag)
        .long(flag)
        .value_name("PATH")
        .value_parser(clap::value_parser!(std::path::PathBuf))
        .help(help)
}

/// Whether a group is on: by the last flag that names it, else by the file, else by default unless all are off.
pub(crate) fn is_on(matches: &ArgMatches, group: &Group, in_file: Option<bool>) -> bool {
    if matches.get_flag(&flag_on(group.name)) {
        return true;
    }
    if matches.get_flag(&flag_off(group.name)) {
        return false;
    }
    !matches.get_flag(DISABLE_DEFAULTS) && in_file.unwrap_or(group.default_on)
}

fn flag_on(group: &str) -> String {
    format!("collector.{group}")
}

fn flag_off(group: &str) -> String {
    format!("no-collector.{group}")
}
