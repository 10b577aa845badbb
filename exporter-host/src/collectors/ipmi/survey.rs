//! One round through all that a controller tells. Each part fails for itself; the description of the sensors is kept until
//! the controller says that it has changed.

use std::time::{Duration, Instant};

use crate::sources::ipmi::reading::{self, Reading};
use crate::sources::ipmi::sdr::{self, Sensor};
use crate::sources::ipmi::{self, Bmc, Chassis, EventLog, Identity, IpmiError};

/// How long the sensors may take in one round; those that are left are read in the next one first.
const SENSORS_TIME: Duration = Duration::from_secs(60);

/// What a controller told.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) identity: Option<Identity>,
    pub(super) chassis: Option<Chassis>,
    pub(super) event_log: Option<EventLog>,
    /// `None` if the sensors could not be read; in it `None` for a sensor that has nothing to say now.
    pub(super) sensors: Option<Vec<(Sensor, Option<Reading>)>>,
    /// Whether DCMI answered, and what the host takes, in watts.
    pub(super) power: Option<Option<u16>>,
    /// How long it took.
    pub(super) duration: Duration,
}

impl Survey {
    /// Whether nothing answered.
    pub(super) fn is_silent(&self) -> bool {
        self.identity.is_none() && self.chassis.is_none() && self.sensors.is_none()
    }

    /// Keeps the sensors, and says of all else that it does not answer.
    pub(super) fn fall_silent(&mut self, silent: Self) {
        let sensors = self.sensors.take();
        *self = Self { sensors, ..silent };
    }
}

/// What is kept between rounds.
#[derive(Debug, Default)]
pub(super) struct Surveyor {
    identity: Option<Identity>,
    /// The sensors, and the repository's stamp when they were read.
    sensors: Option<(Vec<u8>, Vec<Sensor>)>,
    /// Where the next round begins.
    first: usize,
}

impl Surveyor {
    /// Asks for all of it.
    pub(super) fn survey(&mut self, bmc: &mut dyn Bmc) -> Survey {
        let began = Instant::now();
        let identity = told("its identity", ipmi::identity(bmc));
        if identity.is_none() {
            // A controller that does not say who it is says nothing.
            return Survey {
                duration: began.elapsed(),
                ..Survey::default()
            };
        }
        self.identity.clone_from(&identity);
        Survey {
            identity,
            chassis: told("the chassis", ipmi::chassis(bmc)),
            event_log: told("the log of events", ipmi::event_log(bmc)),
            power: told("DCMI's power", ipmi::dcmi_power(bmc)),
            sensors: told("the sensors", self.sensors(bmc)),
            duration: began.elapsed(),
        }
    }

    fn sensors(&mut self, bmc: &mut dyn Bmc) -> Result<Vec<(Sensor, Option<Reading>)>, IpmiError> {
        let has_repository = self
            .identity
            .as_ref()
            .is_none_or(|identity| identity.has_repository);
        let stamp = match has_repository {
            true => sdr::stamp(bmc)?,
            false => Vec::new(),
        };
        if self
            .sensors
            .as_ref()
            .is_none_or(|(known, _)| *known != stamp)
        {
            self.sensors = Some((stamp, sdr::read(bmc, has_repository)?));
        }
        let sensors = self
            .sensors
            .as_ref()
            .map(|(_, sensors)| sensors.as_slice())
            .unwrap_or_default();
        let count = sensors.len();
        let mut readings: Vec<Option<Reading>> = vec![None; count];
        let began = Instant::now();
        let mut read = 0;
        while read < count && began.elapsed() < SENSORS_TIME {
            let index = (self.first + read) % count;
            if let (Some(sensor), Some(reading)) = (sensors.get(index), readings.get_mut(index)) {
                // A sensor that refuses has nothing to say; the kernel's errors end the round.
                *reading = match reading::read(bmc, sensor) {
                    Err(IpmiError::Io(error)) => return Err(error.into()),
                    other => other.ok().flatten(),
                };
            }
            read += 1;
        }
        self.first = if read < count {
            (self.first + read) % count
        } else {
            0
        };
        Ok(sensors.iter().cloned().zip(readings).collect())
    }
}

/// What is missing is told in the log of those who look for it.
fn told<T>(what: &'static str, answer: Result<T, IpmiError>) -> Option<T> {
    answer
        .inspect_err(|error| tracing::debug!(%error, what, "the controller does not tell"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ipmi::scripted::Scripted;
    use crate::sources::ipmi::sdr::tests::{compact, full};

    fn bmc() -> Scripted {
        let records = vec![
            full(0, 0x10, 0x01, 1, (1, 0, 0), "Inlet Temp"),
            full(1, 0x20, 0x04, 0x12, (60, 0, 0), "Fan1"),
            compact(2, 0x62, 0x08, 0x6f, "PS1 Status"),
        ];
        let mut bmc = Scripted::holding(records, 32);
        bmc.answer(
            0x06,
            0x01,
            &[0x20, 0x81, 0x01, 0x66, 0x02, 0xbf, 0xa2, 0x02, 0x00, 0, 1],
        );
        bmc.answer(0x00, 0x01, &[0x01, 0, 0]);
        bmc.answer(0x0a, 0x20, &[0; 14]);
        bmc.answer(0x0a, 0x22, &[1, 0]);
        bmc.answer_to(0x04, 0x2d, &[0x10], &[24, 0xc0, 0xc0]);
        bmc.answer_to(0x04, 0x2d, &[0x62], &[0, 0xc0, 0x01, 0x80]);
        bmc
    }

    #[test]
    fn a_round_reads_what_answers_and_passes_over_what_does_not() {
        let survey = Surveyor::default().survey(&mut bmc());
        assert_eq!(survey.chassis.map(|chassis| chassis.is_on), Some(true));
        assert_eq!((survey.power, survey.event_log), (None, None));
        let sensors = survey.sensors.unwrap();
        let values: Vec<_> = sensors
            .iter()
            .map(|(_, reading)| reading.and_then(|reading| reading.value))
            .collect();
        assert_eq!(values, [Some(24.0), None, None]);
        // The fan refused.
        assert!(sensors[1].1.is_none() && sensors[2].1.is_some());
    }

    #[test]
    fn the_sensors_are_described_once_until_the_repository_changes() {
        let mut surveyor = Surveyor::default();
        let mut bmc = bmc();
        let _ = surveyor.survey(&mut bmc);
        bmc.records
            .push(full(3, 0x30, 0x01, 1, (1, 0, 0), "Outlet"));
        assert_eq!(surveyor.survey(&mut bmc).sensors.unwrap().len(), 3);
        bmc.answer(0x0a, 0x20, &[1; 14]);
        assert_eq!(surveyor.survey(&mut bmc).sensors.unwrap().len(), 4);
    }

    #[test]
    fn a_controller_that_falls_silent_keeps_its_last_readings_only() {
        let mut last = Surveyor::default().survey(&mut bmc());
        let silent = Surveyor::default().survey(&mut Scripted::default());
        assert!(silent.is_silent());
        last.fall_silent(silent);
        assert!(last.chassis.is_none() && last.sensors.is_some());
    }
}
