//! The sensors of a board management controller through the kernel's own driver, beside ipmitool: in a guest under QEMU's
//! emulator, whose simulated controller has sensors of our own making.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed assumption fails the test loudly"
)]

mod common;

use std::path::Path;

use testkit::bmc::run_in_guest;
use testkit::tools::find_program;

/// What a full record has of a sensor: number (QEMU's controller has room for twenty), kind, unit, M, and the exponents of the result and of B.
type Numeric = (u8, u8, u8, u8, u8, &'static str);

/// Celsius, turns per minute, volts, amperes and watts.
const NUMERIC: [Numeric; 5] = [
    (0x01, 0x01, 1, 1, 0x00, "Inlet Temp"),
    (0x02, 0x04, 18, 60, 0x00, "Fan1"),
    (0x03, 0x02, 4, 6, 0xe0, "P12V"),
    (0x04, 0x03, 5, 1, 0xf0, "PSU1 Current"),
    (0x05, 0x0b, 6, 4, 0x00, "Pwr Consumption"),
];

/// The bits of a sensor's beginning: it is scanned.
const IS_SCANNED: u8 = 0x67;

fn record(kind: u8, length: usize, name: &str) -> Vec<u8> {
    let mut record = vec![0; length];
    (record[2], record[3]) = (0x51, kind);
    // The controller itself has it, and it is one of the first power supply.
    (record[5], record[8], record[9], record[10]) = (0x20, 0x0a, 1, IS_SCANNED);
    record[length - 1] = 0xc0 | u8::try_from(name.len()).unwrap();
    record.extend(name.bytes());
    record[4] = u8::try_from(record.len() - 5).unwrap();
    record
}

/// The repository: sensors with thresholds, and the states of a power supply.
fn records() -> Vec<u8> {
    let mut all = Vec::new();
    for (number, kind, unit, m, exponents, name) in NUMERIC {
        // QEMU's controller makes sensors of compact records only: this one makes it, the next one describes it.
        let mut maker = record(2, 32, "maker");
        (maker[7], maker[12], maker[13]) = (number, kind, 1);
        all.extend(maker);
        let mut full = record(1, 48, name);
        (full[7], full[12], full[13]) = (number, kind, 1);
        (full[21], full[24], full[29]) = (unit, m, exponents);
        // All thresholds may be read, and their crossing told.
        (full[11], full[18], full[19]) = (0x68, 0x3f, 0x3f);
        all.extend(full);
    }
    let mut supply = record(2, 32, "PS1 Status");
    (supply[7], supply[12], supply[13], supply[20]) = (0x06, 0x08, 0x6f, 0xc0);
    (supply[14], supply[18]) = (0x0f, 0x0f);
    all.extend(supply);
    all
}

/// Sets the readings (IPMI's Set Sensor Reading), lets ipmitool say them, then scrapes the exporter until it has read them.
const SCRIPT: &str = "
set_reading() { ipmitool raw 0x04 0x30 $1 0x01 $2; }
set_reading 1 24; set_reading 2 76; set_reading 3 201; set_reading 4 15; set_reading 5 60
echo == ipmitool
ipmitool sdr elist full
ipmitool chassis power status
echo == exporter
nephoscope --web.listen-address=127.0.0.1:9100 2>/tmp/log &
for i in $(seq 60); do
    sleep 1
    wget -q -O /tmp/metrics http://127.0.0.1:9100/metrics
    grep -q ^ipmi_temperature /tmp/metrics && break
done
grep ipmi /tmp/metrics
grep -i ipmi /tmp/log
poweroff -f";

#[test]
fn a_guest_shows_its_controllers_sensors_as_ipmitool_does() {
    let ipmitool = find_program("ipmitool");
    let programs = [
        ("nephoscope", Path::new(common::EXPORTER)),
        ("ipmitool", ipmitool.as_path()),
    ];
    let console = run_in_guest(&records(), &programs, SCRIPT);
    let (theirs, ours) = console
        .split_once("== exporter")
        .unwrap_or_else(|| panic!("{console}"));
    let shows = |line: &str| assert!(ours.contains(line), "{line} is not in\n{console}");
    // ipmitool: `Inlet Temp       | 10h | ok  | 10.1 | 24 degrees C`.
    for (family, name, unit) in [
        ("ipmi_temperature_celsius", "Inlet Temp", "degrees C"),
        ("ipmi_fan_speed_rpm", "Fan1", "RPM"),
        ("ipmi_voltage_volts", "P12V", "Volts"),
        ("ipmi_current_amperes", "PSU1 Current", "Amps"),
        ("ipmi_power_watts", "Pwr Consumption", "Watts"),
    ] {
        let line = theirs.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit('|').next()?.trim().strip_suffix(unit));
        let value: f64 = value
            .unwrap_or_else(|| panic!("{name}: {console}"))
            .trim()
            .parse()
            .unwrap();
        // The controller numbers the records anew.
        let id = NUMERIC.iter().position(|sensor| sensor.5 == name).unwrap() * 2 + 1;
        shows(&format!(
            "{family}{{id=\"{id}\",name=\"{name}\"}} {value}\n"
        ));
    }
    shows("ipmi_temperature_state{id=\"1\",name=\"Inlet Temp\"} 0\n");
    shows("ipmi_sensor_asserted_states{id=\"10\",name=\"PS1 Status\",type=\"Power Supply\"} 0\n");
    shows("ipmi_sensor_state{id=\"10\",name=\"PS1 Status\",type=\"Power Supply\"} 0\n");
    shows("ipmi_bmc_info{firmware_revision=\"1.66\",manufacturer_id=\"674\"} 1\n");
    assert!(theirs.contains("Chassis Power is on"), "{console}");
    shows("ipmi_chassis_power_state 1\n");
    shows("ipmi_up{collector=\"ipmi\"} 1\n");
    // The simulated controller does not know DCMI.
    shows("ipmi_up{collector=\"dcmi\"} 0\n");
    shows("node_scrape_collector_success{collector=\"ipmi\"} 1\n");
}
