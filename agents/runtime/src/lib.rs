//! What every Nephoscope daemon shares: life cycle, flags, configuration, logs, HTTP and collection.
//!
//! A program's `main` reads like a table of contents: parse, log, load, build, serve. An exporter's:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use exposition::Families;
//! use runtime::{Args, CollectError, Collector, ConfigError, Daemon, Failure, Program, Registry, Scrape, Spec};
//!
//! const PROGRAM: Program = Program {
//!     name: "nephoscope-exporter-example",
//!     about: "Metrics of an example",
//!     version: env!("CARGO_PKG_VERSION"),
//!     default_listen: ":9999",
//!     build_info: &["nephoscope_exporter_example"],
//! };
//!
//! struct Answer;
//!
//! impl Collector for Answer {
//!     fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
//!         out.gauge("example_answer", "The answer.", 42.0);
//!         Ok(())
//!     }
//! }
//!
//! #[derive(Default, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {}
//!
//! const COLLECTORS: &[Spec<Config>] =
//!     &[Spec { name: "answer", default_on: true, help: "the answer", build: |_| Ok(Box::new(Answer)) }];
//!
//! fn main() -> ExitCode {
//!     PROGRAM.exit(run())
//! }
//!
//! fn run() -> Result<(), Failure> {
//!     let command = runtime::collector_flags(PROGRAM.command(), COLLECTORS);
//!     let args = PROGRAM.parse(command, std::env::args_os())?;
//!     let registry = Registry::new("example", collectors(&args)?);
//!     if args.check_only {
//!         return args.report_valid();
//!     }
//!     args.log.start()?;
//!     let daemon = Daemon::new(&PROGRAM, &args)?.registry(&registry);
//!     daemon.on_reload(move || Ok(registry.replace(collectors(&args)?))).run()
//! }
//!
//! fn collectors(args: &Args) -> Result<Vec<runtime::NamedCollector>, ConfigError> {
//!     let config: Config = runtime::load(args.config_file())?;
//!     runtime::build(&runtime::enabled(&args.matches, COLLECTORS), &config)
//! }
//! ```
#![forbid(unsafe_code)]

mod cli;
mod collector;
mod config;
mod daemon;
mod documents;
mod failure;
mod flags;
mod http;
mod logging;
mod metrics;
mod program;
mod registry;
mod scrape;
mod serve;
mod signal;

pub use cli::{Args, WebArgs, with_config_files};
pub use collector::{CollectError, Collector, NamedCollector, Scrape, Spec, build};
pub use config::{ConfigError, load};
pub use daemon::{Daemon, block_on};
pub use failure::Failure;
pub use flags::{collector_flags, enabled};
pub use http::ListenAddress;
pub use logging::{LogArgs, LogFormat};
pub use metrics::SelfMetrics;
pub use program::Program;
pub use registry::Registry;
pub use serve::Bound;
pub use signal::{Shutdown, Signal, Signals};
