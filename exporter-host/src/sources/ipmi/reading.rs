//! What a sensor's reading means: the number (IPMI 2.0, 36.3) and how bad its state is. A sensor with thresholds says which
//! of them are crossed, others say which of their states they are in; the tables here know those that tell of trouble.

use super::sdr::Sensor;
use super::{Bmc, IpmiError, SENSOR};

/// How a reading becomes a number: `L((M x + B * 10^K1) * 10^K2)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Conversion {
    format: Format,
    m: i16,
    b: i16,
    k1: i8,
    k2: i8,
    linearization: u8,
}

/// How the eight bits are a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Unsigned,
    OnesComplement,
    TwosComplement,
}

impl Conversion {
    /// From a full record; `None` if the sensor has no number, or one that needs a table of the controller's.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        let byte = |at: usize| record.get(at).copied();
        let format = match byte(20)? >> 6 {
            0 => Format::Unsigned,
            1 => Format::OnesComplement,
            2 => Format::TwosComplement,
            _ => return None,
        };
        let linearization = byte(23)? & 0x7f;
        // Ten bits in two's complement: the eight lowest, and the two highest in front of another field.
        let ten = |low: u8, high: u8| {
            let bits = (u16::from(high & 0xc0) << 2) | u16::from(low);
            (bits << 6).cast_signed() >> 6
        };
        let exponents = byte(29)?;
        let four = |bits: u8| (bits << 4).cast_signed() >> 4;
        (linearization <= 11).then_some(Self {
            format,
            m: ten(byte(24)?, byte(25)?),
            b: ten(byte(26)?, byte(27)?),
            k1: four(exponents & 0xf),
            k2: four(exponents >> 4),
            linearization,
        })
    }

    /// The number; `None` if the formula has none, such as the logarithm of 0.
    pub(crate) fn value(self, raw: u8) -> Option<f64> {
        let x = match self.format {
            Format::Unsigned => f64::from(raw),
            Format::TwosComplement => f64::from(raw.cast_signed()),
            Format::OnesComplement if raw & 0x80 != 0 => -f64::from(!raw),
            Format::OnesComplement => f64::from(raw),
        };
        // A power of ten with a negative exponent is not exact, dividing by one with a positive is.
        let scaled = |number: f64, exponent: i8| {
            let power = 10_f64.powi(i32::from(exponent).abs());
            if exponent < 0 {
                number / power
            } else {
                number * power
            }
        };
        let y = scaled(
            f64::from(self.m) * x + scaled(f64::from(self.b), self.k1),
            self.k2,
        );
        let value = match self.linearization {
            0 => y,
            1 => y.ln(),
            2 => y.log10(),
            3 => y.log2(),
            4 => y.exp(),
            5 => 10_f64.powf(y),
            6 => y.exp2(),
            7 => y.recip(),
            8 => y.powi(2),
            9 => y.powi(3),
            10 => y.sqrt(),
            _ => y.cbrt(),
        };
        value.is_finite().then_some(value)
    }
}

/// What a sensor says now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// The number, if it has one.
    pub(crate) value: Option<f64>,
    /// How bad that is, if it can be told.
    pub(crate) severity: Option<Severity>,
    /// The states that it is in, or the thresholds that are crossed, a bit for each.
    pub(crate) states: u16,
}

/// How bad a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Nominal,
    Warning,
    Critical,
}

impl Severity {
    /// As ipmi_exporter has it.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Nominal => 0.0,
            Self::Warning => 1.0,
            Self::Critical => 2.0,
        }
    }
}

/// Get Sensor Reading; `None` if there is nothing to be read now, as of a fan in an empty bay.
pub(crate) fn read(bmc: &mut dyn Bmc, sensor: &Sensor) -> Result<Option<Reading>, IpmiError> {
    const COMMAND: u8 = 0x2d;
    let answer = bmc.ask(sensor.target, SENSOR, COMMAND, &[sensor.number])?;
    let (&[raw, flags], rest) = answer
        .split_first_chunk()
        .ok_or(IpmiError::Short(COMMAND))?;
    Ok(parse(sensor, raw, flags, rest))
}

fn parse(sensor: &Sensor, raw: u8, flags: u8, states: &[u8]) -> Option<Reading> {
    const IS_SCANNED: u8 = 1 << 6;
    const IS_UNAVAILABLE: u8 = 1 << 5;
    if flags & IS_SCANNED == 0 || flags & IS_UNAVAILABLE != 0 {
        return None;
    }
    let byte = |at: usize| states.get(at).copied().unwrap_or_default();
    let (low, high) = (byte(0), byte(1));
    let is_threshold = sensor.reading_type == THRESHOLD;
    let states = match is_threshold {
        true => u16::from(low & 0x3f),
        // The highest bit is not a state.
        false => u16::from_le_bytes([low, high & 0x7f]),
    };
    Some(Reading {
        value: sensor
            .conversion
            .and_then(|conversion| conversion.value(raw)),
        severity: severity(sensor, states),
        states,
    })
}

const THRESHOLD: u8 = 0x01;
const SENSOR_SPECIFIC: u8 = 0x6f;

/// Kinds of sensors or readings, and which of their states are a warning and which are critical (tables 42-2 and 42-3).
const GENERIC: [(u8, u16, u16); 6] = [
    // Thresholds: below or above the non-critical ones; the critical and the non-recoverable ones.
    (THRESHOLD, 0b00_1001, 0b11_0110),
    // Predictive failure.
    (0x04, 0b10, 0),
    // Limit exceeded.
    (0x05, 0, 0b10),
    // Performance lags.
    (0x06, 0b10, 0),
    // Severity.
    (0x07, 0b0_0001_0010, 0b0_0110_1100),
    // Redundancy: degraded or not redundant but sufficient; lost or insufficient.
    (0x0b, 0b1101_1100, 0b0010_0010),
];
const SPECIFIC: [(u8, u16, u16); 9] = [
    // Physical security: any intrusion.
    (0x05, 0b111_1110, 0b1),
    // Processor: throttled; internal error, thermal trip, failed at start, configuration, machine check.
    (0x07, 1 << 10, 0b1000_0111_1111 & !(1 << 7)),
    // Power supply: failure predicted, configuration; failed, without input or out of range.
    (0x08, 0b100, 0b111_1010),
    // Power unit: power cycled or off is as it may be; failures.
    (0x09, 0, 0b0110_1000),
    // Memory: correctable; uncorrectable, parity, scrub failed, configuration, critical temperature.
    (0x0c, 0b1, 0b100_1000_1110),
    // Drive slot: failure predicted, rebuilt; fault, in a critical or failed array.
    (0x0d, 0b1000_0100, 0b0110_0010),
    // Critical interrupt: corrected; all others.
    (0x13, 0b1000_0000, 0b0111_0111_1111),
    // Battery: low; failed.
    (0x29, 0b1, 0b10),
    // Management subsystem: degraded; not reachable or failed.
    (0x28, 0b1, 0b1_1110),
];

/// The worst of the states that the sensor is in; `None` where nothing is known of them.
fn severity(sensor: &Sensor, states: u16) -> Option<Severity> {
    let (table, key): (&[(u8, u16, u16)], u8) = match sensor.reading_type {
        SENSOR_SPECIFIC => (&SPECIFIC, sensor.kind),
        other => (&GENERIC, other),
    };
    let (_, warning, critical) = table.iter().find(|(known, ..)| *known == key)?;
    Some(if states & critical != 0 {
        Severity::Critical
    } else if states & warning != 0 {
        Severity::Warning
    } else {
        Severity::Nominal
    })
}

/// What a sensor senses, in the words that FreeIPMI has for it.
pub(crate) fn kind_name(kind: u8) -> &'static str {
    const NAMES: [&str; 45] = [
        "Reserved",
        "Temperature",
        "Voltage",
        "Current",
        "Fan",
        "Physical Security",
        "Platform Security Violation Attempt",
        "Processor",
        "Power Supply",
        "Power Unit",
        "Cooling Device",
        "Other Units Based Sensor",
        "Memory",
        "Drive Slot",
        "POST Memory Resize",
        "System Firmware Progress",
        "Event Logging Disabled",
        "Watchdog 1",
        "System Event",
        "Critical Interrupt",
        "Button/Switch",
        "Module/Board",
        "Microcontroller/Coprocessor",
        "Add In Card",
        "Chassis",
        "Chip Set",
        "Other FRU",
        "Cable/Interconnect",
        "Terminator",
        "System Boot Initiated",
        "Boot Error",
        "OS Boot",
        "OS Critical Stop",
        "Slot/Connector",
        "System ACPI Power State",
        "Watchdog 2",
        "Platform Alert",
        "Entity Presence",
        "Monitor ASIC/IC",
        "LAN",
        "Management Subsystem Health",
        "Battery",
        "Session Audit",
        "Version Change",
        "FRU State",
    ];
    NAMES
        .get(usize::from(kind))
        .copied()
        .unwrap_or("OEM Reserved")
}

#[cfg(test)]
mod tests {
    use super::super::scripted::Scripted;
    use super::super::{STORAGE, sdr};
    use super::*;

    fn sensor(record: Vec<u8>) -> Sensor {
        let mut bmc = Scripted::holding(vec![record], 255);
        bmc.answer(STORAGE, 0x22, &[0, 0]);
        sdr::read(&mut bmc, true).unwrap().remove(0)
    }

    fn temperature(m: i8, b: i8, exponents: u8) -> Sensor {
        sensor(sdr::tests::full(1, 1, 1, 1, (m, b, exponents), "T"))
    }

    #[test]
    fn a_reading_becomes_a_number_by_the_records_factors() {
        let value = |sensor: &Sensor, raw| sensor.conversion.unwrap().value(raw);
        assert_eq!(value(&temperature(1, 0, 0), 24), Some(24.0));
        // 0.06 V a step: M 6, K2 -2.
        assert_eq!(value(&temperature(6, 0, 0xe0), 201), Some(12.06));
        // Offset: B -5, K1 1.
        assert_eq!(value(&temperature(1, -5, 0x01), 75), Some(25.0));
        assert_eq!(value(&temperature(-1, 0, 0), 3), Some(-3.0));
        // Fans: 60 turns a step.
        assert_eq!(value(&temperature(60, 0, 0), 76), Some(4560.0));
    }

    #[test]
    fn the_bits_may_be_signed_and_the_curve_bent() {
        let mut record = sdr::tests::full(1, 1, 1, 1, (1, 0, 0), "T");
        record[20] = 0x80;
        assert_eq!(
            sensor(record.clone()).conversion.unwrap().value(0xfe),
            Some(-2.0)
        );
        record[20] = 0x40;
        assert_eq!(
            sensor(record.clone()).conversion.unwrap().value(0xfe),
            Some(-1.0)
        );
        (record[20], record[23]) = (0, 7);
        assert_eq!(
            sensor(record.clone()).conversion.unwrap().value(4),
            Some(0.25)
        );
        assert_eq!(sensor(record.clone()).conversion.unwrap().value(0), None);
        record[23] = 0x70;
        assert_eq!(sensor(record).conversion, None);
    }

    #[test]
    fn crossed_thresholds_tell_how_bad_it_is() {
        let sensor = temperature(1, 0, 0);
        let severity = |states| parse(&sensor, 90, 0xc0, &[states]).unwrap().severity;
        assert_eq!(severity(0xc0), Some(Severity::Nominal));
        assert_eq!(severity(0x08), Some(Severity::Warning));
        assert_eq!(severity(0x18), Some(Severity::Critical));
        assert_eq!(severity(0x01), Some(Severity::Warning));
        assert_eq!(severity(0x02), Some(Severity::Critical));
        // Scanning is off, or there is nothing to be read.
        assert_eq!(parse(&sensor, 90, 0x80, &[0]), None);
        assert_eq!(parse(&sensor, 90, 0xe0, &[0]), None);
    }

    #[test]
    fn states_of_a_power_supply_tell_of_trouble() {
        let supply = sensor(sdr::tests::compact(3, 0x62, 0x08, SENSOR_SPECIFIC, "PS1"));
        let reading = |low| parse(&supply, 0, 0xc0, &[low, 0x80]).unwrap();
        assert_eq!(
            (reading(0x01).severity, reading(0x01).states),
            (Some(Severity::Nominal), 1)
        );
        assert_eq!(reading(0x03).severity, Some(Severity::Critical));
        assert_eq!(reading(0x05).severity, Some(Severity::Warning));
        assert_eq!(reading(0x09).severity, Some(Severity::Critical));
        assert_eq!(reading(0x01).value, None);
        let unknown = sensor(sdr::tests::compact(3, 0x62, 0xc1, SENSOR_SPECIFIC, "OEM"));
        assert_eq!(parse(&unknown, 0, 0xc0, &[1]).unwrap().severity, None);
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(
            (kind_name(4), kind_name(0x1b), kind_name(0xc0)),
            ("Fan", "Cable/Interconnect", "OEM Reserved")
        );
        assert_eq!(
            (kind_name(0x28), kind_name(0x2c)),
            ("Management Subsystem Health", "FRU State")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_factors_give_a_number_or_none(bytes: [u8; 10], raw: u8, answer: Vec<u8>) {
            let mut record = sdr::tests::full(1, 1, 1, 1, (1, 0, 0), "T");
            record[20..30].copy_from_slice(&bytes);
            let sensor = sensor(record);
            if let Some(conversion) = sensor.conversion {
                let value = conversion.value(raw);
                proptest::prop_assert!(value.is_none_or(f64::is_finite));
            }
            let mut bmc = Scripted::default();
            bmc.answer(SENSOR, 0x2d, &answer);
            let _ = read(&mut bmc, &sensor);
        }
    }
}
