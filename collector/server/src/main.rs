//! The collector: scrapes exporters, keeps their measures by archive policy, and serves them by Gnocchi's API and on a
//! page of its own.
#![forbid(unsafe_code)]

mod api;
mod app;
mod auth;
mod cause;
mod config;
mod console;
mod flags;
mod ingest;
mod measures;
mod metrics;
mod storage_command;

use std::process::ExitCode;

use runtime::{Failure, Program};

/// A million metrics are some million small pieces of memory that grow and shrink for months, on one thread and another's
/// behalf. With glibc's allocator batches took three times as long to fold beside reads (`make bench-storage`), and now
/// and then one `free` tidied up for a tenth of a second while all waited. Runs with pages of any size, as Kunpeng has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program = Program {
    name: "nephoscope-collector",
    about: "Collects, aggregates and serves the metrics of hosts and instances",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: "127.0.0.1:8041",
    build_info: &["nephoscope_collector"],
};

fn main() -> ExitCode {
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
