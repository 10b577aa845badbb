//! How warm the thermal zones of the host are, and how hard its cooling devices work. Source: `thermal_zone*` and
//! `cooling_device*` in `/sys/class/thermal`; temperatures are in thousandths of a degree there.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "thermal_zone",
    default_on: true,
    help: "temperatures and cooling from /sys/class/thermal",
    build,
};

const DIR: &str = "class/thermal";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(ThermalZone {
        roots: config.roots.clone(),
        board: Board::default(),
    }))
}

struct ThermalZone {
    roots: Roots,
    board: Board,
}

impl Collector for ThermalZone {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        // A host without thermal zones is as good as any.
        let names = self.roots.sys_names(DIR).unwrap_or_default();
        let Self { roots, board } = self;
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
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
