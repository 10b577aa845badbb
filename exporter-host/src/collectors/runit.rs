//! The services that runit looks after. Source: `SERVICE/supervise/status`, which runsv(8) writes: a TAI64N label of the
//! last change, the process' number, and a byte each for what it is told and what it does.

use std::path::{Path, PathBuf};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "runit",
    default_on: false,
    help: "services of runit",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let directory = config.options.value("collector.runit.servicedir");
    Ok(Box::new(Runit(PathBuf::from(directory))))
}

struct Runit(PathBuf);

/// The label of the Unix epoch, which is ten seconds into TAI.
const EPOCH: u64 = (1 << 62) + 10;

/// What runsv says of a service.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Status {
    /// 0 down, 1 up, 2 finishing.
    state: u8,
    /// 0 down, 1 up.
    wanted: u8,
    /// When it came into this state, in seconds since the Unix epoch.
    changed: f64,
}

impl Collector for Runit {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        for service in roots::names(&self.0)? {
            let directory = self.0.join(&service);
            // A service that no runsv looks after has no status, or an old one.
            let Some(status) = status(&directory) else {
                continue;
            };
            let is_normally_up = roots::stamp(&directory.join("down")).is_none();
            for (name, help, value) in [
                ("state", "State of runit service.", status.state.into()),
                (
                    "desired_state",
                    "Desired state of runit service.",
                    status.wanted.into(),
                ),
                (
                    "state_last_change_timestamp_seconds",
                    "Unix timestamp of the last runit service state change.",
                    status.changed,
                ),
                (
                    "normal_state",
                    "Normal state of runit service.",
                    f64::from(is_normally_up),
                ),
            ] {
                let labels = [("service", service.as_str()), ("supervisor", "runit")];
                out.family(&format!("node_service_{name}"), help, MetricType::Gauge)
                    .sample(&labels, value);
            }
        }
        Ok(())
    }
}

fn status(directory: &Path) -> Option<Status> {
    let bytes = roots::read_bytes(&directory.join("supervise/status")).ok()?;
    parse(&bytes)
}

/// The twenty bytes of a status.
fn parse(bytes: &[u8]) -> Option<Status> {
    const WANTED: usize = 17;
    const STATE: usize = 19;
    const LENGTH: usize = 20;
    if bytes.len() != LENGTH {
        return None;
    }
    let label = u64::from_be_bytes(*bytes.first_chunk()?);
    Some(Status {
        state: *bytes.get(STATE)?,
        wanted: u8::from(bytes.get(WANTED) == Some(&b'u')),
        changed: label.wrapping_sub(EPOCH).cast_signed() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_label_and_two_bytes() {
        let mut bytes = (EPOCH + 1_700_000_000).to_be_bytes().to_vec();
        bytes.extend([0, 0, 0, 1, 42, 0, 0, 0, 0, b'u', 0, 1]);
        let expected = Status {
            state: 1,
            wanted: 1,
            changed: 1.7e9,
        };
        assert_eq!(parse(&bytes), Some(expected));
        bytes[17] = b'd';
        assert_eq!(parse(&bytes).unwrap().wanted, 0);
        bytes.push(0);
        assert_eq!(parse(&bytes), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_status_or_none(bytes in proptest::collection::vec(0_u8.., 0..24)) {
            proptest::prop_assert_eq!(parse(&bytes).is_some(), bytes.len() == 20);
        }
    }
}
