//! The SNMP agent: snmp_exporter's files, pages and series. This file is the table of contents of the program's life;
//! how devices are asked is in `walk`, how answers become metrics in `render`, the pages are in `pages`.
#![forbid(unsafe_code)]

mod config;
mod flags;
mod metrics;
mod pages;
mod query;
mod render;
mod scrape;
mod target;
mod walk;

use std::process::ExitCode;
use std::sync::Arc;

use runtime::{Args, ConfigError, Daemon, Failure, Program};

use crate::config::Config;
use crate::flags::Flags;
use crate::scrape::Scraper;

const PROGRAM: Program = Program {
    name: "nephoscope-agent-snmp",
    about: "Metrics of SNMP devices, with snmp_exporter's files and series",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: ":9116",
    build_info: &["nephoscope_agent_snmp", "snmp_exporter"],
};

fn main() -> ExitCode {
    PROGRAM.exit(run())
}

fn run() -> Result<(), Failure> {
    let args = PROGRAM.parse(flags::add(PROGRAM.command()), std::env::args_os())?;
    let flags = Flags::new(&args.matches);
    let config = load(&args, &flags)?;
    if args.check_only {
        return args.report_valid();
    }
    args.log.start()?;
    tracing::info!(modules = config.module_count(), "snmp.yml loaded");
    let scraper = Arc::new(Scraper::new(flags.clone(), config));
    let told = Arc::clone(&scraper);
    let reloaded = Arc::clone(&scraper);
    Daemon::new(&PROGRAM, &args)?
        .router(pages::router(scraper))
        .self_metrics(move |out: &mut exposition::Families| told.stats().collect(out))
        .on_reload(move || {
            reloaded.replace(load(&args, &flags)?);
            Ok(())
        })
        .run()
}

fn load(args: &Args, flags: &Flags) -> Result<Config, ConfigError> {
    let environment = |name: &str| std::env::var(name).ok();
    let path = args.config_file.as_deref();
    if flags.expand_environment {
        Config::load(path, Some(&environment))
    } else {
        Config::load(path, None)
    }
}
