//! How the kernel keeps the clock in step with a reference. Source: adjtimex(2).

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, Scrape, Spec};

use crate::config::HostConfig;
use crate::sources::calls::{self, Clock};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "timex",
    default_on: true,
    help: "the kernel's clock discipline by adjtimex",
    build: |_| Ok(Box::new(Timex) as Box<dyn Collector>),
};

const MICRO: f64 = 1e6;
const NANO: f64 = 1e9;

/// Frequencies are in parts per million with 16 bits of fraction.
const PPM: f64 = 1_000_000.0 * 65_536.0;

/// The bit of the status that says that offsets are in nanoseconds.
const STA_NANO: u32 = 0x2000;

struct Timex;

impl Collector for Timex {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let clock = calls::clock().map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => CollectError::NoData(error.to_string()),
            _ => CollectError::Other(format!("adjtimex: {error}")),
        })?;
        for (name, help, kind, value) in series(&clock) {
            out.family(name, help, kind).sample(&[], value);
        }
        Ok(())
    }
}

/// Name, HELP, type and value.
fn series(clock: &Clock) -> [(&'static str, &'static str, MetricType, f64); 17] {
    use MetricType::{Counter, Gauge};
    let is_nano = clock.status as u32 & STA_NANO != 0;
    let fraction = if is_nano { NANO } else { MICRO };
    [
        (
            "node_timex_offset_seconds",
            "Time offset in between local system and reference clock.",
            Gauge,
            clock.offset / fraction,
        ),
        (
            "node_timex_frequency_adjustment_ratio",
            "Local clock frequency adjustment.",
            Gauge,
            1.0 + clock.freq / PPM,
        ),
        (
            "node_timex_maxerror_seconds",
            "Maximum error in seconds.",
            Gauge,
            clock.maxerror / MICRO,
        ),
        (
            "node_timex_estimated_error_seconds",
            "Estimated error in seconds.",
            Gauge,
            clock.esterror / MICRO,
        ),
        (
            "node_timex_status",
            "Value of the status array bits.",
            Gauge,
            clock.status,
        ),
        (
            "node_timex_loop_time_constant",
            "Phase-locked loop time constant.",
            Gauge,
            clock.constant,
        ),
        (
            "node_timex_tick_seconds",
            "Seconds between clock ticks.",
            Gauge,
            clock.tick / MICRO,
        ),
        (
            "node_timex_pps_frequency_hertz",
            "Pulse per second frequency.",
            Gauge,
            clock.ppsfreq / PPM,
        ),
        (
            "node_timex_pps_jitter_seconds",
            "Pulse per second jitter.",
            Gauge,
            clock.jitter / fraction,
        ),
        (
            "node_timex_pps_shift_seconds",
            "Pulse per second interval duration.",
            Gauge,
            clock.shift,
        ),
        (
            "node_timex_pps_stability_hertz",
            "Pulse per second stability, average of recent frequency changes.",
            Gauge,
            clock.stabil / PPM,
        ),
        (
            "node_timex_pps_jitter_total",
            "Pulse per second count of jitter limit exceeded events.",
            Counter,
            clock.jitcnt,
        ),
        (
            "node_timex_pps_calibration_total",
            "Pulse per second count of calibration intervals.",
            Counter,
            clock.calcnt,
        ),
        (
            "node_timex_pps_error_total",
            "Pulse per second count of calibration errors.",
            Counter,
            clock.errcnt,
        ),
        (
            "node_timex_pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events.",
            Counter,
            clock.stbcnt,
        ),
        (
            "node_timex_tai_offset_seconds",
            "International Atomic Time (TAI) offset.",
            Gauge,
            clock.tai,
        ),
        (
            "node_timex_sync_status",
            "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
            Gauge,
            f64::from(clock.is_synchronised),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_seconds_and_ratios() {
        let value = |clock: &Clock, name: &str| {
            let all = series(clock);
            all.iter().find(|(known, ..)| *known == name).unwrap().3
        };
        let mut clock = Clock {
            offset: 1500.0,
            freq: PPM / 2.0,
            tick: 10_000.0,
            ..Clock::default()
        };
        assert_eq!(value(&clock, "node_timex_offset_seconds"), 0.0015);
        assert_eq!(value(&clock, "node_timex_frequency_adjustment_ratio"), 1.5);
        assert_eq!(value(&clock, "node_timex_tick_seconds"), 0.01);
        clock.status = f64::from(STA_NANO);
        assert_eq!(value(&clock, "node_timex_offset_seconds"), 1.5e-6);
    }
}
