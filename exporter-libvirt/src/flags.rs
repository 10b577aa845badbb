//! The flags that only this program has, beside those that every daemon has: where libvirt is, how patient to be, and
//! one switch for each group of families. What they mean is `config`'s matter.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::collectors::GROUPS;
use crate::config;

/// The flag for the connection.
pub(crate) const URI: &str = "libvirt.uri";
/// The flag for the patience.
pub(crate) const TIMEOUT: &str = "libvirt.timeout";
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
                "{} (on by default; --{off} turns it off)",
                group.help
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

/// Whether a group is on: by the last flag that names it, else by the file, else unless all are off.
pub(crate) fn is_on(matches: &ArgMatches, group: &str, in_file: Option<bool>) -> bool {
    if matches.get_flag(&flag_on(group)) {
        return true;
    }
    if matches.get_flag(&flag_off(group)) {
        return false;
    }
    !matches.get_flag(DISABLE_DEFAULTS) && in_file.unwrap_or(true)
}

fn flag_on(group: &str) -> String {
    format!("collector.{group}")
}

fn flag_off(group: &str) -> String {
    format!("no-collector.{group}")
}
