//! From flags and file to checked settings: a flag goes before the file, and everything is checked before anything is
//! opened or bound.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use runtime::{Args, ConfigError, Failure};

use crate::auth::policy::Policy;
use crate::config::Config;
use crate::ingest::ceilometer::{Definitions, Translation};
use crate::ingest::config::TargetGroup;
use crate::ingest::{Mapping, jobs};

const STORAGE_PATH: &str = "storage.path";
const SCRAPE_TARGET: &str = "scrape.target";

/// Everything that the program is told, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The file's settings with the flags' in their place.
    pub(crate) config: Config,
    /// From series to resources and metrics.
    pub(crate) mapping: Mapping,
    /// From Ceilometer's meters and events to resources.
    pub(crate) definitions: Definitions,
    /// From notifications to Ceilometer's samples and events.
    pub(crate) translation: Translation,
    /// Who may do what.
    pub(crate) policy: Policy,
}

/// Adds the collector's own flags.
pub(crate) fn add(command: Command) -> Command {
    let path = Arg::new(STORAGE_PATH)
        .long(STORAGE_PATH)
        .value_name("DIRECTORY")
        .value_parser(value_parser!(PathBuf))
        .help("Where series and catalogue are kept [default: /var/lib/nephoscope/collector]");
    let target = Arg::new(SCRAPE_TARGET)
        .long(SCRAPE_TARGET)
        .value_name("HOST:PORT")
        .action(ArgAction::Append)
        .help("An exporter to scrape, in place of the configured ones; may be repeated");
    command.arg(path).arg(target)
}

/// Reads the file and puts the flags over it.
pub(crate) fn settings(args: &Args) -> Result<Settings, Failure> {
    let mut config: Config = runtime::load(args.config_file())?;
    let path = args.matches.try_get_one::<PathBuf>(STORAGE_PATH);
    if let Ok(Some(path)) = path {
        config.storage.path.clone_from(path);
    }
    let targets = args.matches.try_get_many::<String>(SCRAPE_TARGET);
    if let Ok(Some(targets)) = targets {
        config.scrape.file_sd_configs.clear();
        config.scrape_configs.clear();
        config.scrape.static_configs = Some(vec![TargetGroup {
            targets: targets.cloned().collect(),
            labels: std::collections::BTreeMap::new(),
        }]);
    }
    config
        .check_api()
        .map_err(|(section, reason)| ConfigError::value(section, reason))?;
    let policy = Policy::load(config.auth.policy_file.as_deref())
        .map_err(|reason| ConfigError::value("auth", reason))?;
    config.scrape.check().map_err(Failure::start)?;
    jobs(&config.scrape, &config.scrape_configs).map_err(Failure::start)?;
    config
        .statsd
        .check()
        .map_err(|reason| ConfigError::value("statsd", reason))?;
    let mapping = Mapping::load(&config.scrape).map_err(Failure::start)?;
    config
        .ceilometer
        .amqp
        .check()
        .map_err(|reason| ConfigError::value("ceilometer: amqp", reason))?;
    let translation = Translation::load(&config.ceilometer).map_err(Failure::start)?;
    let definitions = config.ceilometer.resources_definition_file.as_deref();
    let definitions = Definitions::load(definitions).map_err(Failure::start)?;
    Ok(Settings {
        config,
        mapping,
        definitions,
        translation,
        policy,
    })
}
