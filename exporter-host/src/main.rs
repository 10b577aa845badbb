//! The host exporter: node_exporter's metrics under node_exporter's names and flags. This file is the
//! table of contents of the program's life; what is collected is in `collectors/`, what all daemons
//! share in the crate `runtime`.

mod collectors;
mod config;
mod flags;
#[cfg(test)]
mod garbage_tests;
mod inventory;
mod pattern;
mod roots;
mod sources;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use runtime::{Daemon, Failure, Program, Registry};

use crate::collectors::COLLECTORS;
use crate::config::{FileConfig, HostConfig};

const PROGRAM: Program = Program {
    name: "nephoscope-exporter-host",
    about: "Metrics of this host, with node_exporter's names and flags",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: ":9100",
    build_info: &["nephoscope_exporter_host", "node_exporter"],
};

fn main() -> ExitCode {
    PROGRAM.exit(run(std::env::args_os(), |name| std::env::var(name).ok()))
}

fn run(
    arguments: impl Iterator<Item = OsString>,
    from_environment: fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let command = runtime::collector_flags(PROGRAM.command(), COLLECTORS);
    let command = flags::add(command, from_environment);
    let args = PROGRAM.parse(command, arguments)?;
    let config = HostConfig::new(&args.matches, from_environment).map_err(Failure::usage)?;
    let FileConfig {} = runtime::load(args.config_file())?;
    let enabled = runtime::enabled(&args.matches, COLLECTORS);
    let inventory = config.inventory.clone();
    let registry = Registry::new("node", runtime::build(&enabled, &config)?);
    if args.check_only {
        return args.report_valid();
    }
    args.log.start()?;
    allow_open_files();
    Daemon::new(&PROGRAM, &args)?
        .registry(&registry)
        .router(inventory::page::router(&inventory))
        .link(inventory::page::PATH, "Inventory of this host")
        .run()
}

/// Kernel files stay open, and a host with many CPUs and sensors has more of them than the usual limit of 1024: takes
/// what this process may have. If the kernel refuses, files beyond the limit cost their series only.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
}
