//! What a program is called and listens on, and its command line from the arguments to checked values. The flags that
//! all daemons share are in `cli`; what a program adds of its own it adds to the command before parsing.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;

use crate::cli::{self, Args};
use crate::documents;
use crate::failure::Failure;

/// The fixed facts of a daemon, one constant in its `main.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The binary's name, such as `nephoscope-exporter-host`.
    pub name: &'static str,
    /// One line for `--help` and the landing page.
    pub about: &'static str,
    /// The version, usually `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// Where it listens when no flag says so, such as `:9100` or `127.0.0.1:8041`.
    pub default_listen: &'static str,
    /// For each name a gauge `{name}_build_info`; a drop-in also names the program whose place it takes.
    pub build_info: &'static [&'static str],
}

impl Program {
    /// The command with the flags and the subcommand that all daemons share.
    pub fn command(&self) -> Command {
        cli::command(self)
    }

    /// Parses the command line, whose first argument is the program itself.
    ///
    /// # Errors
    /// [`Failure::Usage`] names the flag and what was expected, [`Failure::Answered`] holds the text of `--help`,
    /// `--version`, `completion` or `man`.
    pub fn parse<I, T>(&self, mut command: Command, arguments: I) -> Result<Args, Failure>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let matches = command
            .try_get_matches_from_mut(arguments)
            .map_err(|error| cli::failure(&error))?;
        if let Some(document) = documents::asked(&mut command, &matches) {
            return Err(document);
        }
        Ok(Args::new(matches))
    }

    /// Ends `main`: says what is to be said in one line and gives the exit code: 0, 64 for a wrong command line, else
    /// 1.
    pub fn exit(&self, result: Result<(), Failure>) -> ExitCode {
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(self.name),
        }
    }
}
