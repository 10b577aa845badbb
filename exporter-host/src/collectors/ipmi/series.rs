//! The series of a controller, with the names, labels and values that ipmi_exporter has for them.

use exposition::{Families, MetricType};

use super::survey::Survey;
use crate::sources::ipmi::reading::{Reading, kind_name};
use crate::sources::ipmi::sdr::Sensor;

/// Units of sensors (table 43-15).
const CELSIUS: u8 = 1;
const FAHRENHEIT: u8 = 2;
const KELVIN: u8 = 3;
const VOLTS: u8 = 4;
const AMPERES: u8 = 5;
const WATTS: u8 = 6;
const RPM: u8 = 18;

/// The kind of sensors that are fans.
const FAN: u8 = 0x04;

/// Writes all of it; `are_fresh` says whether readings are new enough to be shown.
pub(super) fn emit(survey: &Survey, are_fresh: bool, out: &mut Families) {
    let mut up = out.family(
        "ipmi_up",
        "'1' if a scrape of the IPMI device was successful, '0' otherwise.",
        MetricType::Gauge,
    );
    for (collector, is_up) in [
        ("bmc", survey.identity.is_some()),
        ("chassis", survey.chassis.is_some()),
        ("dcmi", survey.power.is_some()),
        (
            "ipmi",
            survey.identity.is_some() && survey.sensors.is_some(),
        ),
        ("sel", survey.event_log.is_some()),
    ] {
        up.sample(&[("collector", collector)], f64::from(u8::from(is_up)));
    }
    let mut gauge = |name: &str, help: &str, value: f64| out.gauge(name, help, value);
    gauge(
        "ipmi_scrape_duration_seconds",
        "Returns how long the scrape took to complete in seconds.",
        survey.duration.as_secs_f64(),
    );
    if let Some(chassis) = survey.chassis {
        let of = |is: bool| f64::from(u8::from(is));
        gauge(
            "ipmi_chassis_power_state",
            "Current power state (1=on, 0=off).",
            of(chassis.is_on),
        );
        gauge(
            "ipmi_chassis_drive_fault_state",
            "Current drive fault state (1=false, 0=true).",
            of(!chassis.has_drive_fault),
        );
        gauge(
            "ipmi_chassis_cooling_fault_state",
            "Current Cooling/fan fault state (1=false, 0=true).",
            of(!chassis.has_cooling_fault),
        );
    }
    if let Some(Some(watts)) = survey.power {
        let help = "Current power consumption in Watts.";
        gauge("ipmi_dcmi_power_consumption_watts", help, watts.into());
    }
    if let Some(log) = survey.event_log {
        gauge(
            "ipmi_sel_logs_count",
            "Current number of log entries in the SEL.",
            log.entries.into(),
        );
        let help = "Current free space remaining for new SEL entries.";
        gauge("ipmi_sel_free_space_bytes", help, log.free_bytes.into());
    }
    if let Some(identity) = &survey.identity {
        let manufacturer = identity.manufacturer.to_string();
        let labels = [
            ("firmware_revision", identity.firmware.as_str()),
            ("manufacturer_id", &manufacturer),
        ];
        out.family(
            "ipmi_bmc_info",
            "Constant metric with value '1' providing details about the BMC.",
            MetricType::Gauge,
        )
        .sample(&labels, 1.0);
    }
    let sensors = survey.sensors.iter().flatten().filter(|_| are_fresh);
    for (sensor, reading) in sensors.filter_map(|(sensor, reading)| Some((sensor, (*reading)?))) {
        emit_sensor(sensor, reading, out);
    }
}

/// The families of a kind of sensor: value and state with their HELP, and what makes the base unit of the reading.
struct Typed {
    value: [&'static str; 2],
    state: [&'static str; 2],
    convert: fn(f64) -> f64,
}

const TEMPERATURE_STATE: [&str; 2] = [
    "ipmi_temperature_state",
    "Reported state of a temperature sensor (0=nominal, 1=warning, 2=critical).",
];
const FAN_STATE: [&str; 2] = [
    "ipmi_fan_speed_state",
    "Reported state of a fan speed sensor (0=nominal, 1=warning, 2=critical).",
];

fn typed(sensor: &Sensor) -> Option<Typed> {
    let temperature = |convert| Typed {
        value: [
            "ipmi_temperature_celsius",
            "Temperature reading in degree Celsius.",
        ],
        state: TEMPERATURE_STATE,
        convert,
    };
    if sensor.is_percentage {
        return (sensor.kind == FAN).then_some(Typed {
            value: [
                "ipmi_fan_speed_ratio",
                "Fan speed as a proportion of the maximum speed.",
            ],
            state: FAN_STATE,
            convert: |percent| percent / 100.0,
        });
    }
    Some(match sensor.unit {
        CELSIUS => temperature(|celsius| celsius),
        FAHRENHEIT => temperature(|fahrenheit| (fahrenheit - 32.0) / 1.8),
        KELVIN => temperature(|kelvin| kelvin - 273.15),
        RPM => Typed {
            value: ["ipmi_fan_speed_rpm", "Fan speed in rotations per minute."],
            state: FAN_STATE,
            convert: |rpm| rpm,
        },
        VOLTS => Typed {
            value: ["ipmi_voltage_volts", "Voltage reading in Volts."],
            state: [
                "ipmi_voltage_state",
                "Reported state of a voltage sensor (0=nominal, 1=warning, 2=critical).",
            ],
            convert: |volts| volts,
        },
        AMPERES => Typed {
            value: ["ipmi_current_amperes", "Current reading in Amperes."],
            state: [
                "ipmi_current_state",
                "Reported state of a current sensor (0=nominal, 1=warning, 2=critical).",
            ],
            convert: |amperes| amperes,
        },
        WATTS => Typed {
            value: ["ipmi_power_watts", "Power reading in Watts."],
            state: [
                "ipmi_power_state",
                "Reported state of a power sensor (0=nominal, 1=warning, 2=critical).",
            ],
            convert: |watts| watts,
        },
        _ => return None,
    })
}

fn emit_sensor(sensor: &Sensor, reading: Reading, out: &mut Families) {
    let id = sensor.id.to_string();
    // ipmi_exporter has both series of every sensor, so that neither is looked for in vain.
    let state = reading
        .severity
        .map_or(f64::NAN, |severity| severity.number());
    let labels = [("id", id.as_str()), ("name", &sensor.name)];
    if let (Some(typed), Some(value)) = (typed(sensor), reading.value) {
        let [name, help] = typed.value;
        out.family(name, help, MetricType::Gauge)
            .sample(&labels, (typed.convert)(value));
        let [name, help] = typed.state;
        out.family(name, help, MetricType::Gauge)
            .sample(&labels, state);
        return;
    }
    let [id, name] = labels;
    let labels = [id, name, ("type", kind_name(sensor.kind))];
    out.family(
        "ipmi_sensor_value",
        "Generic data read from an IPMI sensor of unknown type, relying on labels for context.",
        MetricType::Gauge,
    )
    .sample(&labels, reading.value.unwrap_or(f64::NAN));
    out.family(
        "ipmi_sensor_state",
        "Indicates the severity of the state reported by an IPMI sensor (0=nominal, 1=warning, 2=critical).",
        MetricType::Gauge,
    )
    .sample(&labels, state);
    out.family(
        "ipmi_sensor_asserted_states",
        "The states that an IPMI sensor is in, a bit for each, as the standard counts them.",
        MetricType::Gauge,
    )
    .sample(&labels, reading.states.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ipmi::Target;
    use crate::sources::ipmi::reading::Severity;

    fn shown(kind: u8, unit: u8, is_percentage: bool, value: Option<f64>) -> Vec<String> {
        let sensor = Sensor {
            id: 18,
            name: "Inlet Temp".to_owned(),
            target: Target::Controller { unit: 0 },
            number: 1,
            kind,
            reading_type: 1,
            unit,
            is_percentage,
            conversion: None,
        };
        let reading = Reading {
            value,
            severity: Some(Severity::Warning),
            states: 8,
        };
        let mut out = Families::new();
        emit_sensor(&sensor, reading, &mut out);
        let mut text = String::new();
        exposition::encode(&out, exposition::Format::Text, &mut text);
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn sensors_with_units_have_families_of_their_own() {
        assert_eq!(
            shown(1, CELSIUS, false, Some(24.0)),
            [
                "ipmi_temperature_celsius{id=\"18\",name=\"Inlet Temp\"} 24",
                "ipmi_temperature_state{id=\"18\",name=\"Inlet Temp\"} 1"
            ]
        );
        assert!(shown(1, FAHRENHEIT, false, Some(212.0))[0].ends_with("} 100"));
        assert!(shown(FAN, 0, true, Some(50.0))[0].starts_with("ipmi_fan_speed_ratio{"));
    }

    #[test]
    fn all_others_are_generic_with_their_kind() {
        let lines = shown(0x08, 0, false, None);
        assert_eq!(
            lines[2],
            "ipmi_sensor_value{id=\"18\",name=\"Inlet Temp\",type=\"Power Supply\"} NaN"
        );
        assert_eq!(
            lines[1],
            "ipmi_sensor_state{id=\"18\",name=\"Inlet Temp\",type=\"Power Supply\"} 1"
        );
        assert_eq!(
            lines[0],
            "ipmi_sensor_asserted_states{id=\"18\",name=\"Inlet Temp\",type=\"Power Supply\"} 8"
        );
    }
}
