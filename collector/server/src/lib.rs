//! The collector: scrapes exporters, keeps their measures by archive policy, and serves them by Gnocchi's API and on a
//! page of its own. The program is a call of [`main`]; it is a library so that the fuzz targets reach what reads requests.
#![forbid(unsafe_code)]

mod api;
mod app;
mod auth;
mod cause;
mod config;
mod console;
mod flags;
#[cfg(fuzzing)]
pub mod fuzz;
mod ingest;
mod measures;
mod metrics;
mod storage_command;

use std::process::ExitCode;

use runtime::{Failure, Program};

const PROGRAM: Program = Program {
    name: "nephoscope-collector",
    about: "Collects, aggregates and serves the metrics of hosts and instances",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: "127.0.0.1:8041",
    build_info: &["nephoscope_collector"],
};

/// The whole program, from its arguments to its exit code.
pub fn main() -> ExitCode {
    PROGRAM.exit(run())
}

fn run() -> Result<(), Failure> {
    let command = flags::add(PROGRAM.command()).subcommand(storage_command::command());
    let args = PROGRAM.parse(command, std::env::args_os())?;
    if let Some(done) = storage_command::run(&args.matches) {
        return done;
    }
    let settings = flags::settings(&args)?;
    if args.check_only {
        return args.report_valid();
    }
    args.log.start()?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    runtime::block_on(threads, app::serve(&PROGRAM, &args, settings))?
}
