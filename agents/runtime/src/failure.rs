//! How a program ends: the one line that it says and the exit code. The texts themselves are made where the failure
//! happens.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use crate::config::ConfigError;

/// Exit code of a wrong command line, `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

/// Why `main` ends, if not because it was told to stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What was asked for has been answered (`--help`, `--version`): the text goes to stdout, the exit code is 0.
    #[error("{0}")]
    Answered(String),
    /// The command line is wrong: exit code 64.
    #[error("{0}")]
    Usage(String),
    /// Anything else that keeps the program from starting or going on: exit code 1.
    #[error("{0}")]
    Start(String),
}

impl Failure {
    /// A wrong command line, as one line that names the flag and what was expected.
    pub fn usage(reason: impl Display) -> Self {
        Self::Usage(one_line(&format!("{reason:#}")))
    }

    /// Anything else that keeps the program from starting, as one line. An `anyhow::Error` tells its whole chain.
    pub fn start(reason: impl Display) -> Self {
        Self::Start(one_line(&format!("{reason:#}")))
    }

    /// Says the line and gives the exit code.
    pub(crate) fn report(&self, program: &str) -> ExitCode {
        let (told, code) = match self {
            Self::Answered(text) => (
                writeln!(std::io::stdout(), "{}", text.trim_end()),
                ExitCode::SUCCESS,
            ),
            Self::Usage(line) => (
                writeln!(std::io::stderr(), "{program}: {line}"),
                ExitCode::from(USAGE),
            ),
            Self::Start(line) => (
                writeln!(std::io::stderr(), "{program}: {line}"),
                ExitCode::FAILURE,
            ),
        };
        // A closed stdout or stderr leaves nobody to tell.
        drop(told);
        code
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::start(error)
    }
}

/// The text without line breaks, so that each failure is one line of the journal.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_however_its_cause_was_written() {
        assert_eq!(
            Failure::start("cannot open x:\n  no such file\n\n"),
            Failure::Start("cannot open x: no such file".to_owned())
        );
    }

    #[test]
    fn a_chain_of_causes_is_told_in_one_line() {
        let error = anyhow::anyhow!("no such file").context("cannot open the store");
        assert_eq!(
            Failure::start(error).to_string(),
            "cannot open the store: no such file"
        );
    }

    #[test]
    fn a_wrong_setting_is_a_failure_to_start_and_not_of_usage() {
        let failure = Failure::from(ConfigError::value("--path.procfs", "expected a directory"));
        assert_eq!(
            failure,
            Failure::Start("--path.procfs: expected a directory".to_owned())
        );
    }
}
