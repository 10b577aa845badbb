//! What a program can say about its own command line: its manual page and the completion of its flags in a shell. Both
//! follow from the flags, so that packages are made of them and no list is kept twice.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::failure::Failure;

/// The subcommand that prints the completion for a shell.
const COMPLETION: &str = "completion";
/// The subcommand that prints the manual page, for packagers.
const MAN: &str = "man";

/// The two subcommands.
pub(crate) fn commands() -> [Command; 2] {
    let completion = Command::new(COMPLETION)
        .about("Print what completes the flags in a shell and exit")
        .arg(
            Arg::new("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell)),
        );
    let man = Command::new(MAN)
        .about("Print the manual page and exit")
        .hide(true);
    [completion, man]
}

/// The document that was asked for, if one was.
pub(crate) fn asked(command: &mut Command, matches: &ArgMatches) -> Option<Failure> {
    let (name, of_name) = matches.subcommand()?;
    let mut text = Vec::new();
    match (name, of_name.try_get_one::<Shell>("SHELL")) {
        (COMPLETION, Ok(Some(shell))) => {
            let program = command.get_name().to_owned();
            clap_complete::generate(*shell, command, program, &mut text);
        }
        (MAN, _) => {
            // Without a date: the same program is to give the same page.
            let page = clap_mangen::Man::new(command.clone()).date("");
            if let Err(error) = page.render(&mut text) {
                return Some(Failure::start(format_args!(
                    "cannot write the manual page: {error}"
                )));
            }
        }
        _ => return None,
    }
    Some(Failure::Answered(
        String::from_utf8_lossy(&text).into_owned(),
    ))
}
