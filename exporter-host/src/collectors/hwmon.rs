//! What the sensors of the hardware say: temperatures, voltages, fans, power. Source: `/sys/class/hwmon`, one directory
//! per chip, one file per sensor and property, as in `temp1_max`.

use std::collections::BTreeMap;
use std::path::Path;

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

mod names;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "hwmon",
    default_on: true,
    help: "hardware sensors from /sys/class/hwmon",
    build,
};

const DIR: &str = "class/hwmon";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(HwmonCollector {
        roots: config.roots.clone(),
        board: Board::default(),
        chips: config.options.filter("collector.hwmon.chip")?,
        sensors: config.options.filter("collector.hwmon.sensor")?,
    }))
}

struct HwmonCollector {
    roots: Roots,
    board: Board,
    chips: Filter,
    sensors: Filter,
}

impl Collector for HwmonCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let names = self
            .roots
            .sys_names(DIR)
            .map_err(|error| CollectError::NoData(error.to_string()))?;
        let Self {
            roots,
            board,
            chips,
            sensors,
        } = self;
        board.emit(names, out, |names, items| {
            discover(roots, names, (chips, sensors), items);
        });
        Ok(())
    }
}

const TYPES: [&str; 14] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
    "freq",
];

/// The properties of a sensor: name and file.
type Properties = BTreeMap<String, String>;

fn discover(
    roots: &Roots,
    names: &[String],
    (chips, sensors): (&Filter, &Filter),
    items: &mut Items,
) {
    for directory in names {
        let path = format!("{DIR}/{directory}");
        let chip = chip_name(roots, &path, directory);
        if chips.ignores(&chip) {
            continue;
        }
        if let Ok(name) = roots.sys_once(&format!("{path}/name")) {
            let metric = Metric::gauge(
                "node_hwmon_chip_names",
                "Annotation metric for human-readable chip names",
            );
            items.fixed(
                metric,
                &[("chip", &chip), ("chip_name", &clean(&name))],
                1.0,
            );
        }
        for (sensor, (kind, properties)) in find(roots, &path) {
            if !sensors.ignores(&format!("{chip};{sensor}")) {
                add(roots, &chip, &sensor, &kind, &properties, items);
            }
        }
    }
}

/// The stable name of a chip: that of its device and the device's bus, or that which its driver gives.
fn chip_name(roots: &Roots, path: &str, directory: &str) -> String {
    let device = roots.sysfs.join(path).join("device");
    if let Ok(device) = device.canonicalize() {
        let part =
            |path: Option<&Path>| path.and_then(|path| Some(clean(path.file_name()?.to_str()?)));
        let (name, bus) = (part(Some(&device)), part(device.parent()));
        match (
            bus.filter(|bus| !bus.is_empty()),
            name.filter(|name| !name.is_empty()),
        ) {
            (Some(bus), Some(name)) => return format!("{bus}_{name}"),
            (None, Some(name)) => return name,
            _ => {}
        }
    }
    let name = roots
        .sys_once(&format!("{path}/name"))
        .map(|name| clean(&name));
    name.ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| clean(directory))
}

/// The sensors of a chip, whose files are in its own directory or, in old kernels, in that of its device.
fn find(roots: &Roots, path: &str) -> BTreeMap<String, (String, Properties)> {
    let mut sensors: BTreeMap<String, (String, Properties)> = BTreeMap::new();
    for directory in [path.to_owned(), format!("{path}/device")] {
        for file in roots.sys_names(&directory).unwrap_or_default() {
            if let Some((kind, number, property)) = split(&file) {
                let sensor = sensors.entry(format!("{kind}{number}")).or_default();
                kind.clone_into(&mut sensor.0);
                sensor
                    .1
                    .insert(property.to_owned(), format!("{directory}/{file}"));
            }
        }
    }
    sensors
}

fn add(
    roots: &Roots,
    chip: &str,
    sensor: &str,
    kind: &str,
    properties: &Properties,
    items: &mut Items,
) {
    let labels = [("chip", chip), ("sensor", sensor)];
    let label = properties
        .get("label")
        .and_then(|file| roots.sys_once(file).ok());
    if let Some(label) = &label {
        let metric = Metric::gauge("node_hwmon_sensor_label", "Label for given chip and sensor");
        items.fixed(
            metric,
            &[("chip", chip), ("label", label), ("sensor", sensor)],
            1.0,
        );
    }
    for (property, file) in properties
        .iter()
        .filter(|(property, _)| *property != "label")
    {
        let file = roots.attribute(file);
        if kind == "freq" && property == "input" {
            let Some(label) = &label else { continue };
            let metric = Metric::gauge(
                "node_hwmon_freq_freq_mhz",
                "Hardware monitor for GPU frequency in MHz",
            );
            items.number(
                file,
                metric.unit(Unit::Over(1e6)),
                &[("chip", chip), ("sensor", &clean(label))],
            );
        } else if let Some(metric) = names::metric(kind, property, properties.contains_key("")) {
            items.number(file, metric, &labels);
        }
    }
}

/// `temp1_max` is `temp`, 1 and `max`; a file of another kind is nothing.
fn split(file: &str) -> Option<(&str, u32, &str)> {
    let end = file
        .find(|char: char| char.is_ascii_digit())
        .unwrap_or(file.len());
    let (kind, rest) = file.split_at(end);
    // Without a number the name may be that of a type or a type and a property, as `beep_enable` and `intrusion_x`.
    let (kind, rest) = match TYPES.contains(&kind) {
        true => (kind, rest),
        false if rest.is_empty() => file.split_at(file.find('_')?),
        false => return None,
    };
    let end = rest
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, property) = rest.split_at(end);
    let number = if number.is_empty() {
        0
    } else {
        number.parse().ok()?
    };
    let property = if property.is_empty() {
        property
    } else {
        property.strip_prefix('_')?
    };
    TYPES.contains(&kind).then_some((kind, number, property))
}

/// Lower case, and an underscore for all that may not be in a metric's name.
fn clean(name: &str) -> String {
    let is_good = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == ':';
    let lower = name.to_lowercase();
    let cleaned: String = lower
        .chars()
        .map(|char| if is_good(char) { char } else { '_' })
        .collect();
    cleaned.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_sensors_and_properties() {
        assert_eq!(split("temp1_max"), Some(("temp", 1, "max")));
        assert_eq!(split("pwm2"), Some(("pwm", 2, "")));
        assert_eq!(
            split("pwm2_auto_point1_pwm"),
            Some(("pwm", 2, "auto_point1_pwm"))
        );
        assert_eq!(split("update_interval"), Some(("update_interval", 0, "")));
        for file in [
            "name",
            "device",
            "uevent",
            "temp1x",
            "temp99999999999_max",
            "power",
        ] {
            assert!(
                split(file).is_none_or(|(kind, ..)| kind == "power"),
                "{file}"
            );
        }
    }

    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean("Core 0"), "core_0");
        assert_eq!(clean("coretemp.0"), "coretemp_0");
        assert_eq!(clean("__"), "");
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_taken_or_passed_over(name in ".*") {
            let _ = split(&name);
            let _ = clean(&name);
        }
    }
}
