//! The SNMP agent: snmp_exporter's files, pages and series, and targets that it polls by itself. This file is the table of
//! contents of the program's life; how devices are asked is in `walk`, how answers become metrics in `render`, the pages
//! are in `pages`.
#![forbid(unsafe_code)]

mod allowed;
mod config;
mod flags;
mod metrics;
mod pages;
mod poll;
mod pool;
mod query;
mod render;
mod report;
mod scrape;
mod target;
mod walk;

use std::process::ExitCode;
use std::sync::Arc;

use runtime::{Args, ConfigError, Daemon, Failure, Program, Registry};

use crate::config::Config;
use crate::flags::Flags;
use crate::poll::Poller;
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
    if args.check_only || flags.dry_run {
        return args.report_valid();
    }
    args.log.start()?;
    tracing::info!(
        modules = config.module_count(),
        polled = config.polls().len(),
        "configuration loaded"
    );
    let scraper = Arc::new(Scraper::new(flags.clone(), config));
    let poller = Poller::new(Arc::clone(&scraper));
    let registry = Registry::new("nephoscope_snmp", poller.collectors());
    let (told, listed) = (Arc::clone(&scraper), Arc::clone(&scraper));
    let (reloaded, polling) = (Arc::clone(&scraper), Arc::clone(&poller));
    let exported = registry.clone();
    Daemon::new(&PROGRAM, &args)?
        .registry(&registry)
        .router(pages::router(scraper))
        .link("/config", "Configuration")
        .exports("Modules", move || listed.config().module_names())
        .self_metrics(move |out: &mut exposition::Families| told.collect(out))
        .background(move |shutdown| polling.run(shutdown))
        .on_reload(move || {
            reloaded.replace(load(&args, &flags)?);
            poller.reload();
            exported.replace(poller.collectors());
            Ok(())
        })
        .run()
}

fn load(args: &Args, flags: &Flags) -> Result<Config, ConfigError> {
    let environment = |name: &str| std::env::var(name).ok();
    if flags.expand_environment {
        Config::load(&args.config_files, Some(&environment))
    } else {
        Config::load(&args.config_files, None)
    }
}
