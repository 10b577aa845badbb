//! The flags that all daemons share, with the names that exporter-toolkit gave them, and the one line that a wrong
//! command line is answered with. Flags of one program live with that program, those of a collector table in `flags`.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::config::ConfigError;
use crate::documents;
use crate::failure::{Failure, one_line};
use crate::http::{ListenAddress, WebConfig};
use crate::logging::{LogArgs, LogFormat};
use crate::program::Program;

/// A checked command line.
#[derive(Debug, Clone)]
pub struct Args {
    /// `--config.file`, or the files that `check-config` was given; one at most, unless the program takes several.
    pub config_files: Vec<PathBuf>,
    /// Whether the program is only to check its configuration; see [`Args::report_valid`].
    pub check_only: bool,
    /// What the HTTP server is told.
    pub web: WebArgs,
    /// How to log.
    pub log: LogArgs,
    /// All flags, for those that the program itself added.
    pub matches: ArgMatches,
}

/// The `--web.*` flags.
#[derive(Debug, Clone)]
pub struct WebArgs {
    /// `--web.listen-address`, at least one.
    pub listen: Vec<ListenAddress>,
    /// `--web.telemetry-path`, starts with a slash.
    pub telemetry_path: String,
    /// `--web.config.file`.
    pub config_file: Option<PathBuf>,
    /// `--web.max-requests`; 0 is no limit.
    pub max_requests: usize,
    /// `--web.disable-exporter-metrics`.
    pub disable_exporter_metrics: bool,
}

impl Args {
    pub(crate) fn new(matches: ArgMatches) -> Self {
        let check = matches.subcommand_matches(CHECK_CONFIG);
        let of_check = |name: &str| check.and_then(|check| check.get_many::<PathBuf>(name));
        let files = |name: &str| of_check(name).or_else(|| matches.get_many(name));
        let config_files = of_check("FILE").or_else(|| files("config.file"));
        let json = matches
            .get_one::<String>("log.format")
            .is_some_and(|format| format == "json");
        Self {
            config_files: config_files.into_iter().flatten().cloned().collect(),
            check_only: check.is_some(),
            web: WebArgs {
                listen: matches
                    .get_many("web.listen-address")
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
                telemetry_path: matches
                    .get_one("web.telemetry-path")
                    .cloned()
                    .unwrap_or_default(),
                config_file: files("web.config.file").and_then(|mut it| it.next().cloned()),
                max_requests: matches
                    .get_one::<u32>("web.max-requests")
                    .map_or(0, |limit| *limit as usize),
                disable_exporter_metrics: matches.get_flag("web.disable-exporter-metrics"),
            },
            log: LogArgs {
                level: matches
                    .get_one::<String>("log.level")
                    .and_then(|level| level.parse().ok())
                    .unwrap_or(LogArgs::LEVEL),
                format: if json {
                    LogFormat::Json
                } else {
                    LogFormat::Logfmt
                },
            },
            matches,
        }
    }

    /// The configuration file of a program that takes one.
    pub fn config_file(&self) -> Option<&Path> {
        self.config_files.first().map(PathBuf::as_path)
    }

    /// Ends `check-config`, after the program has loaded and checked its own configuration: checks the web
    /// configuration too and answers `FILE: ok` for each file.
    ///
    /// # Errors
    /// Always: [`Failure::Answered`] when all is well, else what is wrong.
    pub fn report_valid(&self) -> Result<(), Failure> {
        if let Some(path) = &self.web.config_file {
            WebConfig::load(path)?;
        }
        let files = self.config_files.iter().chain(&self.web.config_file);
        let lines: Vec<String> = files
            .map(|file| format!("{}: ok", file.display()))
            .collect();
        let text = if lines.is_empty() {
            "no configuration file given: defaults ok".to_owned()
        } else {
            lines.join("\n")
        };
        Err(Failure::Answered(text))
    }
}

/// The subcommand that checks the configuration and does not start.
const CHECK_CONFIG: &str = "check-config";

/// Lets a program be given several files, by `--config.file` and by `check-config`.
pub fn with_config_files(command: Command, help: &'static str) -> Command {
    command
        .mut_arg("config.file", |arg| {
            arg.action(ArgAction::Append).help(help)
        })
        .mut_subcommand(CHECK_CONFIG, |check| {
            check.mut_arg("FILE", |arg| {
                arg.num_args(0..)
                    .help("The files to check instead of those of --config.file")
            })
        })
}

/// The command with the shared flags.
pub(crate) fn command(program: &Program) -> Command {
    let check = Command::new(CHECK_CONFIG)
        .about("Check the configuration files and exit")
        .arg(
            Arg::new("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The file to check instead of --config.file"),
        );
    Command::new(program.name)
        .version(program.version)
        .about(program.about)
        .disable_help_subcommand(true)
        .subcommand(check)
        .subcommands(documents::commands())
        .args([
            text("config.file", "FILE", "YAML configuration file")
                .value_parser(value_parser!(PathBuf))
                .global(true),
            text(
                "web.config.file",
                "FILE",
                "TLS and basic authentication, in exporter-toolkit's YAML form",
            )
            .value_parser(value_parser!(PathBuf))
            .global(true),
            text(
                "web.listen-address",
                "ADDRESS",
                "Address to listen on, such as :9100 or [::1]:9100; may be repeated",
            )
            .value_parser(|text: &str| text.parse::<ListenAddress>())
            .action(ArgAction::Append)
            .default_value(program.default_listen),
            text(
                "web.telemetry-path",
                "PATH",
                "Path under which metrics are served",
            )
            .value_parser(telemetry_path)
            .default_value("/metrics"),
            text(
                "web.max-requests",
                "N",
                "Scrapes served at the same time, 0 for no limit",
            )
            .value_parser(value_parser!(u32))
            .default_value("40"),
            Arg::new("web.disable-exporter-metrics")
                .long("web.disable-exporter-metrics")
                .action(ArgAction::SetTrue)
                .help("Leave out the metrics about this program itself (process_*, promhttp_*)"),
            text("log.level", "LEVEL", "Least severe messages to log")
                .value_parser(PossibleValuesParser::new([
                    "error", "warn", "info", "debug", "trace",
                ]))
                .ignore_case(true)
                .default_value("info"),
            text("log.format", "FORMAT", "Form of the log")
                .value_parser(PossibleValuesParser::new(["logfmt", "json"]))
                .default_value("logfmt"),
        ])
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// A path that is one of ours to give away and has no meaning to the router.
fn telemetry_path(text: &str) -> Result<String, ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if !text.starts_with('/') || !text.chars().all(plain) {
        return Err(ConfigError::value(
            text,
            "expected a path of letters, digits and -_.~ that starts with /",
        ));
    }
    if text.starts_with("/-/") {
        return Err(ConfigError::value(
            text,
            "paths under /-/ are taken by the health checks",
        ));
    }
    Ok(text.to_owned())
}

/// What clap has to say, in one line.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    if error.exit_code() == 0 {
        return Failure::Answered(text);
    }
    let is_told =
        |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
    let told: Vec<&str> = text.lines().take_while(is_told).collect();
    let line = one_line(&told.join("\n")).replace(" tip: ", "; ");
    Failure::usage(format_args!(
        "{}, try --help",
        line.strip_prefix("error: ").unwrap_or(&line)
    ))
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
