//! How warm the thermal zones of the host are, and how hard its cooling devices work. Source: `thermal_zone*` and
//! `cooling_device*` in `/sys/class/thermal`; temperatures are in thousandths of a degree there.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "thermal_zone",
    default_on: true,
    help: "temperatures and cooling from /sys/class/thermal",
    build,
};

const DIR: &str = "class/thermal";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::Fine, discover)
}

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for name in names {
        let file = |attribute: &str| format!("{DIR}/{name}/{attribute}");
        let kind = roots.sys_once(&file("type")).unwrap_or_default();
        if let Some(zone) = name.strip_prefix("thermal_zone") {
            items.number(
                roots.attribute(&file("temp")),
                Metric::gauge("node_thermal_zone_temp", "Zone temperature in Celsius")
                    .unit(Unit::Over(1000.0)),
                &[("type", &kind), ("zone", zone)],
            );
        } else if let Some(device) = name.strip_prefix("cooling_device") {
            let labels = [("name", device), ("type", kind.as_str())];
            items.number(
                roots.attribute(&file("cur_state")),
                Metric::gauge(
                    "node_cooling_device_cur_state",
                    "Current throttle state of the cooling device",
                ),
                &labels,
            );
            items.number(
                roots.attribute(&file("max_state")),
                Metric::gauge(
                    "node_cooling_device_max_state",
                    "Maximum throttle state of the cooling device",
                ),
                &labels,
            );
        }
    }
}
