//! The sensors of the host's board management controller, with ipmi_exporter's names, through the kernel's own driver:
//! `/dev/ipmi0`. Controllers are slow, so a thread reads them at an interval of their own and a scrape shows what was read
//! last, with its age.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::sources::ipmi::Device;

mod series;
mod survey;

use survey::{Survey, Surveyor};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ipmi",
    default_on: true,
    help: "sensors, power and chassis of the board management controller from /dev/ipmi0",
    build,
};

/// Where the device may be, below the root of the host.
const DEVICES: [&str; 3] = ["dev/ipmi0", "dev/ipmi/0", "dev/ipmidev/0"];

/// How often the controller is asked.
const INTERVAL: Duration = Duration::from_secs(30);

/// Readings that are older are not shown: a controller that went silent has no temperature.
const LIFETIME: Duration = Duration::from_secs(300);

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Ipmi {
        paths: DEVICES.map(|path| config.roots.rootfs.join(path)).to_vec(),
        last: None,
    }))
}

/// What was read last, and when.
type Last = Arc<Mutex<Option<(Instant, Survey)>>>;

struct Ipmi {
    paths: Vec<PathBuf>,
    /// `None` until the thread runs.
    last: Option<Last>,
}

impl Collector for Ipmi {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let last = match &self.last {
            Some(last) => last,
            None => self.last.insert(start(&self.paths)?),
        };
        let last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((at, survey)) = &*last else {
            return Err(CollectError::NoData(
                "the controller is being read for the first time".to_owned(),
            ));
        };
        let age = at.elapsed();
        out.family(
            "ipmi_scrape_age_seconds",
            "How long ago the controller was read.",
            MetricType::Gauge,
        )
        .sample(&[], age.as_secs_f64());
        series::emit(survey, age < LIFETIME, out);
        Ok(())
    }
}

/// Begins to read the controller, if there is one.
fn start(paths: &[PathBuf]) -> Result<Last, CollectError> {
    let Some(path) = paths.iter().find(|path| path.exists()) else {
        return Err(CollectError::NoData(
            "there is no device of IPMI".to_owned(),
        ));
    };
    let device = Device::open(path).map_err(|source| match source.kind() {
        // The device is root's; a program without its rights goes without its sensors.
        std::io::ErrorKind::PermissionDenied => {
            CollectError::NoData(format!("cannot open {}: {source}", path.display()))
        }
        _ => CollectError::Read {
            path: path.clone(),
            source,
        },
    })?;
    let last = Last::default();
    let into = Arc::clone(&last);
    let thread = std::thread::Builder::new().name("ipmi".to_owned());
    let spawned = thread.spawn(move || watch(device, &into));
    spawned.map_err(|error| CollectError::Other(format!("cannot start a thread: {error}")))?;
    Ok(last)
}

/// Reads the controller for ever. Each command has its own time limit, so that a silent controller costs this thread only.
fn watch(mut device: Device, into: &Mutex<Option<(Instant, Survey)>>) {
    let mut surveyor = Surveyor::default();
    loop {
        let began = Instant::now();
        let survey = surveyor.survey(&mut device);
        let is_silent = survey.is_silent();
        {
            let mut last = into.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *last {
                // What was read before stands, with its age, and that nothing answers is said beside it.
                Some((_, known)) if is_silent => known.fall_silent(survey),
                _ => *last = Some((Instant::now(), survey)),
            }
        }
        std::thread::sleep(
            INTERVAL
                .saturating_sub(began.elapsed())
                .max(Duration::from_secs(1)),
        );
    }
}
