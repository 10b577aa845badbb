//! Batteries and power adapters: their charge, their voltage and their state. Source: `/sys/class/power_supply`, in
//! millionths of a unit, temperatures in tenths of a degree.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "powersupplyclass",
    default_on: true,
    help: "batteries and adapters from /sys/class/power_supply",
    build,
};

const DIR: &str = "class/power_supply";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(PowersupplyclassCollector {
        roots: config.roots.clone(),
        board: Board::default(),
        ignored: config
            .options
            .pattern("collector.powersupply.ignored-supplies"),
    }))
}

struct PowersupplyclassCollector {
    roots: Roots,
    board: Board,
    ignored: Pattern,
}

impl Collector for PowersupplyclassCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut names = self.roots.sys_names(DIR).unwrap_or_default();
        names.retain(|name| !self.ignored.is_match(name));
        let Self { roots, board, .. } = self;
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
}

/// The file, what follows `node_power_supply_`, and what the file's number is divided by.
const NUMBERS: [(&str, &str, f64); 49] = [
    ("authentic", "authentic", 1.0),
    ("calibrate", "calibrate", 1.0),
    ("capacity", "capacity", 1.0),
    ("capacity_alert_max", "capacity_alert_max", 1.0),
    ("capacity_alert_min", "capacity_alert_min", 1.0),
    ("cycle_count", "cyclecount", 1.0),
    ("online", "online", 1.0),
    ("present", "present", 1.0),
    ("time_to_empty_now", "time_to_empty_seconds", 1.0),
    ("time_to_full_now", "time_to_full_seconds", 1.0),
    ("current_boot", "current_boot", 1e6),
    ("current_max", "current_max", 1e6),
    ("current_now", "current_ampere", 1e6),
    ("energy_empty", "energy_empty", 1e6),
    ("energy_empty_design", "energy_empty_design", 1e6),
    ("energy_full", "energy_full", 1e6),
    ("energy_full_design", "energy_full_design", 1e6),
    ("energy_now", "energy_watthour", 1e6),
    ("voltage_boot", "voltage_boot", 1e6),
    ("voltage_max", "voltage_max", 1e6),
    ("voltage_max_design", "voltage_max_design", 1e6),
    ("voltage_min", "voltage_min", 1e6),
    ("voltage_min_design", "voltage_min_design", 1e6),
    ("voltage_now", "voltage_volt", 1e6),
    ("voltage_ocv", "voltage_ocv", 1e6),
    ("charge_control_limit", "charge_control_limit", 1e6),
    ("charge_control_limit_max", "charge_control_limit_max", 1e6),
    ("charge_counter", "charge_counter", 1e6),
    ("charge_empty", "charge_empty", 1e6),
    ("charge_empty_design", "charge_empty_design", 1e6),
    ("charge_full", "charge_full", 1e6),
    ("charge_full_design", "charge_full_design", 1e6),
    ("charge_now", "charge_ampere", 1e6),
    ("charge_term_current", "charge_term_current", 1e6),
    ("constant_charge_current", "constant_charge_current", 1e6),
    (
        "constant_charge_current_max",
        "constant_charge_current_max",
        1e6,
    ),
    ("constant_charge_voltage", "constant_charge_voltage", 1e6),
    (
        "constant_charge_voltage_max",
        "constant_charge_voltage_max",
        1e6,
    ),
    ("precharge_current", "precharge_current", 1e6),
    ("input_current_limit", "input_current_limit", 1e6),
    ("power_now", "power_watt", 1e6),
    ("temp", "temp_celsius", 10.0),
    ("temp_alert_max", "temp_alert_max_celsius", 10.0),
    ("temp_alert_min", "temp_alert_min_celsius", 10.0),
    ("temp_ambient", "temp_ambient_celsius", 10.0),
    ("temp_ambient_max", "temp_ambient_max_celsius", 10.0),
    ("temp_ambient_min", "temp_ambient_min_celsius", 10.0),
    ("temp_max", "temp_max_celsius", 10.0),
    ("temp_min", "temp_min_celsius", 10.0),
];

/// The files whose words are labels of the same name.
const WORDS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for supply in names {
        let file = |attribute: &str| roots.attribute(&format!("{DIR}/{supply}/{attribute}"));
        for (attribute, metric, unit) in NUMBERS {
            let metric = Metric::gauge(
                format!("node_power_supply_{metric}"),
                format!("{metric} value of /sys/class/power_supply/<power_supply>."),
            );
            items.number(
                file(attribute),
                metric.unit(Unit::Over(unit)),
                &[("power_supply", supply)],
            );
        }
        items.info(
            Metric::gauge(
                "node_power_supply_info",
                "info of /sys/class/power_supply/<power_supply>.",
            ),
            &[("power_supply", supply)],
            WORDS.map(|word| (word, file(word))),
        );
    }
}
