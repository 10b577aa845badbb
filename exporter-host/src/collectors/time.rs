//! What time it is here: the clock, the time zone's offset and the clock sources that the kernel has and uses.
//! Sources: the real-time clock, the zone file of this process (`TZ` or `/etc/localtime`), and
//! `devices/system/clocksource` of sysfs.

use std::time::{SystemTime, UNIX_EPOCH};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};
use tz::TimeZone;

use crate::config::HostConfig;
use crate::roots::{KernelFile, Roots};
use crate::text::ParseError;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "time",
    default_on: true,
    help: "system time, time zone and clock sources",
    build,
};

const CLOCKSOURCES: &str = "devices/system/clocksource";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(TimeCollector {
        zone: zone(&config.roots, config.time_zone.as_deref()),
        roots: config.roots.clone(),
        sources: Vec::new(),
    }))
}

struct TimeCollector {
    zone: TimeZone,
    roots: Roots,
    /// The kernel has one set of clock sources today and has always had.
    sources: Vec<Clocksource>,
}

struct Clocksource {
    /// What follows `clocksource` in the directory's name.
    device: String,
    available: KernelFile,
    current: KernelFile,
}

impl Collector for TimeCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        out.gauge(
            "node_time_seconds",
            "System time in seconds since epoch (1970).",
            now.as_secs_f64(),
        );
        let (name, offset) = offset(&self.zone, i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        out.family(
            "node_time_zone_offset_seconds",
            "System time zone offset in seconds.",
            MetricType::Gauge,
        )
        .sample(&[("time_zone", name)], f64::from(offset));
        self.clocksources(out)
    }
}

impl TimeCollector {
    fn clocksources(&mut self, out: &mut Families) -> Result<(), CollectError> {
        if self.sources.is_empty() {
            self.sources = find(&self.roots)?;
        }
        for Clocksource {
            device,
            available,
            current,
        } in &mut self.sources
        {
            let mut family = out.family(
                "node_time_clocksource_available_info",
                "Available clocksources read from '/sys/devices/system/clocksource'.",
                MetricType::Gauge,
            );
            for name in available.parse(parse)? {
                family.sample(&[("clocksource", name), ("device", device)], 1.0);
            }
            let mut family = out.family(
                "node_time_clocksource_current_info",
                "Current clocksource read from '/sys/devices/system/clocksource'.",
                MetricType::Gauge,
            );
            for name in current.parse(parse)?.into_iter().take(1) {
                family.sample(&[("clocksource", name), ("device", device)], 1.0);
            }
        }
        Ok(())
    }
}

fn find(roots: &Roots) -> Result<Vec<Clocksource>, CollectError> {
    let names = roots.sys_names(CLOCKSOURCES)?;
    let devices = names
        .iter()
        .filter_map(|name| name.strip_prefix("clocksource"));
    Ok(devices
        .map(|device| {
            let file =
                |name: &str| roots.sys(&format!("{CLOCKSOURCES}/clocksource{device}/{name}"));
            Clocksource {
                device: device.to_owned(),
                available: file("available_clocksource"),
                current: file("current_clocksource"),
            }
        })
        .collect())
}

/// The names in a line of sysfs, such as `kvm-clock tsc acpi_pm `.
fn parse(text: &str) -> Result<Vec<&str>, ParseError> {
    const EXPECTED: &str = "names of clock sources";
    let names: Vec<&str> = text.split_ascii_whitespace().collect();
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_graphic());
    if names.is_empty() {
        return Err(ParseError::Missing(EXPECTED));
    }
    if text.trim_end().contains('\n') || !names.iter().all(is_name) {
        return Err(ParseError::at(0, EXPECTED, text));
    }
    Ok(names)
}

/// The zone of this process as Go's programs find it: the file that `TZ` names, UTC if `TZ` is empty,
/// `/etc/localtime` if it is not set, and UTC if none of them can be read.
fn zone(roots: &Roots, tz: Option<&str>) -> TimeZone {
    let directories = [
        "/usr/share/zoneinfo",
        "/usr/share/lib/zoneinfo",
        "/usr/lib/locale/TZ",
        "/etc/zoneinfo",
    ];
    let read = |path: &std::path::Path| TimeZone::from_tz_data(&roots.zone(path).ok()?).ok();
    let found = match tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz)) {
        None => read("/etc/localtime".as_ref()),
        Some("" | "UTC") => None,
        // An absolute path replaces the directory that it is joined to.
        Some(name) => directories
            .iter()
            .find_map(|dir| read(&std::path::Path::new(dir).join(name))),
    };
    found.unwrap_or_else(TimeZone::utc)
}

/// The abbreviation and the offset from UTC in seconds at this moment.
fn offset(zone: &TimeZone, now: i64) -> (&str, i32) {
    match zone.find_local_time_type(now) {
        Ok(local) if !local.time_zone_designation().is_empty() => {
            (local.time_zone_designation(), local.ut_offset())
        }
        Ok(local) => ("UTC", local.ut_offset()),
        Err(_) => ("UTC", 0),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn roots() -> Roots {
        let nowhere = PathBuf::from("/nonexistent");
        Roots {
            procfs: nowhere.clone(),
            sysfs: nowhere.clone(),
            rootfs: nowhere.clone(),
            udev: nowhere,
        }
    }

    #[test]
    fn clock_sources_are_the_words_of_a_line() {
        assert_eq!(
            parse("kvm-clock tsc acpi_pm \n").unwrap(),
            ["kvm-clock", "tsc", "acpi_pm"]
        );
    }

    #[test]
    fn no_clock_source_or_a_second_line_is_refused() {
        for text in ["", " \n", "tsc\nhpet\n", "tsc \u{1}\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_empty_or_unknown_zone_is_utc() {
        for tz in ["", "UTC", "No/Such_Zone", ":No/Such_Zone"] {
            assert_eq!(offset(&zone(&roots(), Some(tz)), 0), ("UTC", 0), "{tz}");
        }
    }

    #[test]
    fn the_offset_is_that_of_the_moment() {
        let zone = TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(offset(&zone, 1_767_225_600), ("CET", 3600));
        assert_eq!(offset(&zone, 1_782_864_000), ("CEST", 7200));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*", bytes: Vec<u8>) {
            let _ = parse(&text);
            let _ = TimeZone::from_tz_data(&bytes);
        }
    }
}
