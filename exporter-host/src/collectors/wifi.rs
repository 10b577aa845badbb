//! Wireless devices, the cell that each is in and the stations that it hears. Source: nl80211 (`sources/nl80211.rs`), or
//! the files of `--collector.wifi.fixtures`, which are node_exporter's and stand in for devices that are not there.

use std::io;
use std::path::PathBuf;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::sources::nl80211::{Cell, Interface, Membership, Station, Wireless};

mod fixtures;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "wifi",
    default_on: false,
    help: "wireless devices and the stations that they hear",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let source = match config.options.value("collector.wifi.fixtures") {
        "" => Source::Kernel(Wireless::new()),
        directory => Source::Files(PathBuf::from(directory)),
    };
    Ok(Box::new(Wifi(source)))
}

struct Wifi(Source);

enum Source {
    Kernel(Wireless),
    Files(PathBuf),
}

/// What is known of one device.
struct Device {
    interface: Interface,
    cell: Option<Cell>,
    stations: Vec<Station>,
}

impl Source {
    fn devices(&mut self) -> io::Result<Vec<Device>> {
        match self {
            Self::Files(directory) => fixtures::devices(directory),
            Self::Kernel(wireless) => {
                let interfaces = wireless.interfaces()?;
                let devices = interfaces.into_iter().map(|interface| Device {
                    // Not every kind of device has a cell and stations; the kernel refuses what a kind does not have.
                    cell: wireless.cell(interface.index).unwrap_or_default(),
                    stations: wireless.stations(interface.index).unwrap_or_default(),
                    interface,
                });
                Ok(devices.collect())
            }
        }
    }
}

use MetricType::{Counter, Gauge};

/// The metric, its HELP, type and value.
type Column = (&'static str, &'static str, MetricType, fn(&Station) -> f64);

#[rustfmt::skip]
const COLUMNS: [Column; 12] = [
    ("node_wifi_station_connected_seconds_total", "The total number of seconds a station has been connected to an access point.", Counter, |station| station.connected.as_secs_f64()),
    ("node_wifi_station_inactive_seconds", "The number of seconds since any wireless activity has occurred on a station.", Gauge, |station| station.inactive.as_secs_f64()),
    ("node_wifi_station_receive_bits_per_second", "The current WiFi receive bitrate of a station, in bits per second.", Gauge, |station| station.receive_bitrate as f64),
    ("node_wifi_station_transmit_bits_per_second", "The current WiFi transmit bitrate of a station, in bits per second.", Gauge, |station| station.transmit_bitrate as f64),
    ("node_wifi_station_receive_bytes_total", "The total number of bytes received by a WiFi station.", Counter, |station| station.received_bytes as f64),
    ("node_wifi_station_transmit_bytes_total", "The total number of bytes transmitted by a WiFi station.", Counter, |station| station.transmitted_bytes as f64),
    ("node_wifi_station_signal_dbm", "The current WiFi signal strength, in decibel-milliwatts (dBm).", Gauge, |station| station.signal.into()),
    ("node_wifi_station_transmit_retries_total", "The total number of times a station has had to retry while sending a packet.", Counter, |station| station.transmit_retries.into()),
    ("node_wifi_station_transmit_failed_total", "The total number of times a station has failed to send a packet.", Counter, |station| station.transmit_failed.into()),
    ("node_wifi_station_beacon_loss_total", "The total number of times a station has detected a beacon loss.", Counter, |station| station.beacon_loss.into()),
    ("node_wifi_station_transmitted_packets_total", "The total number of packets transmitted by a station.", Counter, |station| station.transmitted_packets.into()),
    ("node_wifi_station_received_packets_total", "The total number of packets received by a station.", Counter, |station| station.received_packets.into()),
];

impl Collector for Wifi {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let devices = self.0.devices().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                CollectError::NoData(format!("no wireless devices: {error}"))
            }
            _ => CollectError::Other(format!("cannot ask for wireless devices: {error}")),
        })?;
        for device in &devices {
            // Some virtual devices have no name.
            if !device.interface.name.is_empty() {
                emit(device, out);
            }
        }
        Ok(())
    }
}

fn emit(device: &Device, out: &mut Families) {
    let name = ("device", device.interface.name.as_str());
    out.family(
        "node_wifi_interface_frequency_hertz",
        "The current frequency a WiFi interface is operating at, in hertz.",
        Gauge,
    )
    .sample(&[name], f64::from(device.interface.frequency) * 1e6);
    if let Some(cell) = &device.cell {
        let mode = match cell.membership {
            Membership::Client => "client",
            Membership::AdHoc => "ad-hoc",
            Membership::Unknown => "unknown",
        };
        let bssid = address(&cell.bssid);
        let labels = [
            ("bssid", bssid.as_str()),
            name,
            ("mode", mode),
            ("ssid", &cell.ssid),
        ];
        out.family(
            "node_wifi_station_info",
            "Labeled WiFi interface station information as provided by the operating system.",
            Gauge,
        )
        .sample(&labels, 1.0);
    }
    for station in &device.stations {
        let address = address(&station.address);
        for (metric, help, kind, value) in COLUMNS {
            out.family(metric, help, kind)
                .sample(&[name, ("mac_address", &address)], value(station));
        }
    }
}

/// `aa:bb:cc:dd:ee:ff`.
fn address(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_a_cell_still_has_a_frequency() {
        let mut out = Families::new();
        let device = Device {
            interface: Interface {
                name: "wlan0".to_owned(),
                frequency: 2412,
                ..Interface::default()
            },
            cell: None,
            stations: Vec::new(),
        };
        emit(&device, &mut out);
        let names: Vec<_> = out.iter().map(|family| family.name().to_owned()).collect();
        assert_eq!(names, ["node_wifi_interface_frequency_hertz"]);
    }

    #[test]
    fn addresses_are_pairs_of_digits() {
        assert_eq!(address(&[0xab, 1, 0x22]), "ab:01:22");
        assert_eq!(address(&[]), "");
    }
}
