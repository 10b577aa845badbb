//! A collector of the devices below one directory of sysfs: what all of these do. Which of a device's files make which
//! series is each collector's own `discover`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape};

use super::board::{Board, Items};
use crate::config::HostConfig;
use crate::roots::Roots;

/// Finds the series of the devices with these names.
type Discover = Box<dyn Fn(&Roots, &[String], &mut Items) + Send>;

/// What it means when the directory is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The collector has no data.
    NoData,
    /// A host without such devices is as good as any.
    Fine,
}

/// Shows what `discover` finds below `dir`.
pub(crate) struct DeviceCollector {
    roots: Roots,
    board: Board,
    dir: &'static str,
    absence: Absence,
    discover: Discover,
}

impl DeviceCollector {
    /// For a collector's `SPEC`; `dir` is below sysfs' root.
    pub(crate) fn build(
        config: &HostConfig,
        dir: &'static str,
        absence: Absence,
        discover: impl Fn(&Roots, &[String], &mut Items) + Send + 'static,
    ) -> Result<Box<dyn Collector>, ConfigError> {
        Ok(Box::new(Self {
            roots: config.roots.clone(),
            board: Board::default(),
            dir,
            absence,
            discover: Box::new(discover),
        }))
    }
}

impl Collector for DeviceCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = match self.roots.sys_names(self.dir) {
            Err(error) if self.absence == Absence::NoData => {
                return Err(CollectError::NoData(error.to_string()));
            }
            names => names.unwrap_or_default(),
        };
        let Self {
            roots,
            board,
            discover,
            ..
        } = self;
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
}
