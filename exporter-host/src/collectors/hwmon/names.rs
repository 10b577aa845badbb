//! Which metric a property of a sensor makes: its name, its HELP, and the unit that the kernel gives it in.

use crate::sources::board::{Metric, Unit};

/// The metric of a property, or `None` if it is not shown. `has_plain` says that the sensor has a file without a
/// property too, which takes the name that `input` otherwise has.
pub(super) fn metric(kind: &str, property: &str, has_plain: bool) -> Option<Metric> {
    let gauge = |name: String, help: String, unit| Some(Metric::gauge(name, help).unit(unit));
    let alone = match kind {
        "beep_enable" => Some((
            "node_hwmon_beep_enabled",
            "Hardware beep enabled",
            Unit::With(is_one),
        )),
        "vrm" => Some((
            "node_hwmon_voltage_regulator_version",
            "Hardware voltage regulator",
            Unit::One,
        )),
        "update_interval" => Some((
            "node_hwmon_update_interval_seconds",
            "Hardware monitor update interval",
            Unit::Times(0.001),
        )),
        _ => None,
    };
    if let Some((name, help, unit)) = alone {
        return property
            .is_empty()
            .then(|| Metric::gauge(name, help).unit(unit));
    }
    let mut name = format!("node_hwmon_{kind}");
    let is_value = property.is_empty() || (property == "input" && !has_plain);
    if !is_value {
        name.push('_');
        name.push_str(&super::clean(property));
    }
    match (kind, property) {
        (_, "fault" | "alarm") => gauge(
            name,
            format!("Hardware sensor {property} status ({kind})"),
            Unit::One,
        ),
        (_, "beep") => gauge(
            format!("{name}_enabled"),
            "Hardware monitor sensor has beeping enabled".to_owned(),
            Unit::One,
        ),
        ("in" | "cpu", _) => gauge(
            format!("{name}_volts"),
            format!("Hardware monitor for voltage ({property})"),
            Unit::Times(0.001),
        ),
        ("temp", _) if property != "type" => gauge(
            format!("{name}_celsius"),
            format!("Hardware monitor for temperature ({property})"),
            Unit::Times(0.001),
        ),
        ("curr", _) => gauge(
            format!("{name}_amps"),
            format!("Hardware monitor for current ({property})"),
            Unit::Times(0.001),
        ),
        ("energy", _) => Some(
            Metric::counter(
                format!("{name}_joule_total"),
                format!("Hardware monitor for joules used so far ({property})"),
            )
            .unit(Unit::Over(1e6)),
        ),
        ("power", "accuracy") => gauge(
            name,
            "Hardware monitor power meter accuracy, as a ratio".to_owned(),
            Unit::Over(1e6),
        ),
        ("power", "average_interval" | "average_interval_min" | "average_interval_max") => gauge(
            format!("{name}_seconds"),
            format!("Hardware monitor power usage update interval ({property})"),
            Unit::Times(0.001),
        ),
        ("power", _) => gauge(
            format!("{name}_watt"),
            format!("Hardware monitor for power usage in watts ({property})"),
            Unit::Over(1e6),
        ),
        ("humidity", _) => gauge(
            name,
            format!(
                "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) \
                ({property})"
            ),
            Unit::Over(1e6),
        ),
        ("fan", "input" | "min" | "max" | "target") => gauge(
            format!("{name}_rpm"),
            format!("Hardware monitor for fan revolutions per minute ({property})"),
            Unit::One,
        ),
        _ => gauge(
            name,
            format!("Hardware monitor {kind} element {property}"),
            Unit::One,
        ),
    }
}

fn is_one(text: &str) -> Option<f64> {
    Some(f64::from(u8::from(text.trim() == "1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_on_at_one_alone() {
        assert_eq!(is_one("1\n"), Some(1.0));
        assert_eq!(is_one("2"), Some(0.0));
    }

    #[test]
    fn types_without_properties_have_one_file() {
        assert!(metric("vrm", "", true).is_some());
        assert!(metric("vrm", "max", true).is_none());
    }
}
