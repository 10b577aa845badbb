//! The smallest exporter: one collector, one setting. It is also the program that `tests/process.rs` runs.

use std::process::ExitCode;

use exposition::Families;
use runtime::{
    Args, CollectError, Collector, ConfigError, Daemon, Failure, NamedCollector, Program, Registry,
    Scrape, Spec,
};

const PROGRAM: Program = Program {
    name: "example-exporter",
    about: "Metrics of an example",
    version: env!("CARGO_PKG_VERSION"),
    default_listen: "127.0.0.1:9999",
    build_info: &["example_exporter"],
};

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    answer: f64,
}

struct Answer(f64);

impl Collector for Answer {
    fn update(&mut self, _: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        out.gauge("example_answer", "The configured answer.", self.0);
        Ok(())
    }
}

const COLLECTORS: &[Spec<Config>] = &[Spec {
    name: "answer",
    default_on: true,
    help: "the configured answer",
    build: |config| {
        if !config.answer.is_finite() {
            return Err(ConfigError::value(
                "answer",
                format!("expected a finite number, found {}", config.answer),
            ));
        }
        Ok(Box::new(Answer(config.answer)))
    },
}];

fn main() -> ExitCode {
    PROGRAM.exit(run())
}

fn run() -> Result<(), Failure> {
    let command = runtime::collector_flags(PROGRAM.command(), COLLECTORS);
    let args = PROGRAM.parse(command, std::env::args_os())?;
    let registry = Registry::new("example", collectors(&args)?);
    if args.check_only {
        return args.report_valid();
    }
    args.log.start()?;
    let daemon = Daemon::new(&PROGRAM, &args)?.registry(&registry);
    daemon
        .on_reload(move || {
            registry.replace(collectors(&args)?);
            Ok(())
        })
        .run()
}

fn collectors(args: &Args) -> Result<Vec<NamedCollector>, ConfigError> {
    let config: Config = runtime::load(args.config_file())?;
    runtime::build(&runtime::enabled(&args.matches, COLLECTORS), &config)
}
