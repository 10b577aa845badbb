//! What an exporter author writes against: the `Collector` trait, the errors that a collection may end with, and the
//! line that each collector has in its exporter's table. Running collectors is `registry`'s part; the flags that
//! follow from the table are in `flags`.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use exposition::Families;

use crate::config::ConfigError;

/// What one collection may know about the scrape that it runs for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Scrape {
    /// When the scrape is answered whatever is missing. A collector that waits for something outside, such as a file
    /// system or a hypervisor, should give up a little before.
    pub deadline: Instant,
}

impl Scrape {
    /// A scrape that ends at `deadline`.
    pub fn new(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// The time that is left until the deadline, zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// A source of metrics that is asked anew at each scrape.
///
/// It runs on a thread of the registry and may block, but is expected to come back by the scrape's deadline: one that
/// does not is reported as failed, its late result is thrown away and it is not started again until it has come back.
/// Two updates of one collector never run at the same time.
pub trait Collector: Send + 'static {
    /// Reads the source and writes its families to `out`, which is empty at the start.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where the source does not exist on this machine, any other error where it exists and
    /// could not be read. What was written before the error is still exported.
    fn update(&mut self, scrape: &Scrape, out: &mut Families) -> Result<(), CollectError>;
}

/// Why a collector has nothing, or not all, to say.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The source is not there, which is no fault: the series are absent, and it is logged at debug level.
    #[error("{0}")]
    NoData(String),
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A text is not in the form it should have.
    #[error("cannot parse {}: {reason}", path.display())]
    Parse {
        /// The file the text came from.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// Anything else, as one line that names the thing and what was expected.
    #[error("{0}")]
    Other(String),
}

/// One line of an exporter's visible, sorted table of collectors. `C` is the exporter's checked configuration.
#[derive(Debug)]
pub struct Spec<C> {
    /// The collector's name in flags, filters and the `collector` label: lower case, unique in the table.
    pub name: &'static str,
    /// Whether it runs when no flag speaks of it.
    pub default_on: bool,
    /// One line for `--help`: what it collects and from where.
    pub help: &'static str,
    /// Makes the collector; called once at start and once per reload, before anything is served.
    pub build: fn(&C) -> Result<Box<dyn Collector>, ConfigError>,
}

/// Builds the collectors of `specs`, in their order, for [`crate::Registry::new`].
///
/// # Errors
/// The first error of a `build`, which names the setting that is wrong.
pub fn build<C>(specs: &[&Spec<C>], config: &C) -> Result<Vec<NamedCollector>, ConfigError> {
    specs
        .iter()
        .map(|spec| Ok((spec.name, (spec.build)(config)?)))
        .collect()
}

/// A collector with its name.
pub type NamedCollector = (&'static str, Box<dyn Collector>);
