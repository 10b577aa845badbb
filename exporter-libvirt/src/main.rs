//! The libvirt exporter: every domain's numbers under the names of inovex's exporter and, where they do not clash,
//! of Tinkoff's. This file is the table of contents of the program's life; how libvirt is asked is in `connect`,
//! what is made of the answer in `collectors/`, what all daemons share in the crate `runtime`.

mod changes;
mod collectors;
mod compat;
mod config;
mod connect;
mod descriptions;
mod domain;
mod emit;
mod events_ffi;
mod flags;
mod footprint_ffi;
mod gather;
mod guests;
mod kernel;
mod listing;
mod monitor;
mod nova;
mod params;
mod plan;
mod pools;
mod scrape;
mod stats;
mod stats_ffi;
mod worker;
mod xml;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use runtime::{Args, Daemon, Failure, NamedCollector, Program, Registry};

use crate::config::{FileConfig, LibvirtConfig, URI_VARIABLE};
use crate::scrape::Domains;

const PROGRAM: Program = Program {
    name: "nephoscope-exporter-libvirt",
    about: "Metrics of libvirt domains: state, CPU, memory, disks, network interfaces, OpenStack's metadata",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: ":9177",
    build_info: &["nephoscope_exporter_libvirt"],
};

fn main() -> ExitCode {
    footprint_ffi::share_one_heap();
    connect::silence_library();
    let default_uri = std::env::var(URI_VARIABLE).ok();
    PROGRAM.exit(run(std::env::args_os(), default_uri))
}

fn run(
    arguments: impl Iterator<Item = OsString>,
    default_uri: Option<String>,
) -> Result<(), Failure> {
    let args = PROGRAM.parse(flags::add(PROGRAM.command()), arguments)?;
    let config = config(&args, default_uri.clone())?;
    let registry = Registry::new("libvirt", collectors(&config));
    if args.check_only {
        return args.report_valid();
    }
    args.log.start()?;
    let groups = Arc::new(Mutex::new(config.groups));
    let exported = Arc::clone(&groups);
    let names = move || {
        let groups = exported.lock().unwrap_or_else(PoisonError::into_inner);
        groups.iter().map(|group| group.name.to_owned()).collect()
    };
    Daemon::new(&PROGRAM, &args)?
        .registry(&registry)
        .exports("Collectors", names)
        .on_reload(move || {
            let config = self::config(&args, default_uri.clone())?;
            registry.replace(collectors(&config));
            *groups.lock().unwrap_or_else(PoisonError::into_inner) = config.groups;
            Ok(())
        })
        .run()
}

fn config(args: &Args, default_uri: Option<String>) -> Result<LibvirtConfig, Failure> {
    let file: FileConfig = runtime::load(args.config_file())?;
    Ok(LibvirtConfig::new(&args.matches, &file, default_uri)?)
}

/// One collector, for all groups live on the one answer of libvirt.
fn collectors(config: &LibvirtConfig) -> Vec<NamedCollector> {
    vec![("domains", Box::new(Domains::new(config)))]
}
