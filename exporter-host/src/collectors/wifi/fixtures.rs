//! node_exporter's fixtures of wireless devices: `interfaces.json`, and `DEVICE/bss.json` and `DEVICE/stationinfo.json`
//! for those that have a cell and stations. Times are nanoseconds, addresses base64.

use std::io;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Device;
use crate::sources::nl80211::{Cell, Interface, Membership, Station};

#[derive(Deserialize)]
struct Bss {
    ssid: String,
    bssid: String,
    status: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StationInfo {
    hardwareaddr: String,
    connected: u64,
    inactive: u64,
    receivebitrate: u64,
    transmitbitrate: u64,
    receivedbytes: u64,
    transmittedbytes: u64,
    receivedpackets: u32,
    transmittedpackets: u32,
    signal: i32,
    transmitretries: u32,
    transmitfailed: u32,
    beaconloss: u32,
}

/// The devices that the files tell of.
pub(super) fn devices(directory: &Path) -> io::Result<Vec<Device>> {
    let interfaces: Vec<Interface> = read(&directory.join("interfaces.json"))?
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let devices = interfaces.into_iter().map(|interface| {
        let of_device = directory.join(&interface.name);
        let cell: Option<Bss> = read(&of_device.join("bss.json"))?;
        let stations: Option<Vec<StationInfo>> = read(&of_device.join("stationinfo.json"))?;
        Ok(Device {
            interface,
            cell: cell.map(Cell::try_from).transpose()?,
            stations: stations
                .unwrap_or_default()
                .into_iter()
                .map(Station::try_from)
                .collect::<io::Result<_>>()?,
        })
    });
    devices.collect()
}

/// What a file says; `None` if it is not there.
fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match crate::roots::read_lossy(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn bytes(text: &str) -> io::Result<Vec<u8>> {
    let decoded = STANDARD.decode(text);
    decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

impl TryFrom<Bss> for Cell {
    type Error = io::Error;

    fn try_from(bss: Bss) -> io::Result<Self> {
        Ok(Self {
            bssid: bytes(&bss.bssid)?,
            ssid: bss.ssid,
            membership: Membership::of(bss.status),
        })
    }
}

impl TryFrom<StationInfo> for Station {
    type Error = io::Error;

    fn try_from(info: StationInfo) -> io::Result<Self> {
        Ok(Self {
            address: bytes(&info.hardwareaddr)?,
            connected: Duration::from_nanos(info.connected),
            inactive: Duration::from_nanos(info.inactive),
            received_bytes: info.receivedbytes,
            transmitted_bytes: info.transmittedbytes,
            received_packets: info.receivedpackets,
            transmitted_packets: info.transmittedpackets,
            receive_bitrate: info.receivebitrate,
            transmit_bitrate: info.transmitbitrate,
            signal: info.signal,
            transmit_retries: info.transmitretries,
            transmit_failed: info.transmitfailed,
            beacon_loss: info.beaconloss,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_files_of_its_own_has_no_cell_and_no_stations() {
        let directory = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write(
            "interfaces.json",
            r#"[{"name":"wlan0","type":2,"frequency":2412},{"type":10}]"#,
        );
        let found = devices(directory.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].cell.is_none() && found[0].stations.is_empty());
        std::fs::create_dir(directory.path().join("wlan0")).unwrap();
        write(
            "wlan0/bss.json",
            r#"{"ssid":"home","bssid":"qrvM3e7/","status":2}"#,
        );
        write(
            "wlan0/stationinfo.json",
            r#"[{"hardwareaddr":"AQI=","signal":-52,"inactive":400000000}]"#,
        );
        let found = devices(directory.path()).unwrap();
        let expected = Cell {
            bssid: vec![0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff],
            ssid: "home".to_owned(),
            membership: Membership::AdHoc,
        };
        assert_eq!(found[0].cell, Some(expected));
        assert_eq!(found[0].stations[0].inactive, Duration::from_millis(400));
        write("wlan0/bss.json", "{");
        assert!(devices(directory.path()).is_err());
    }
}
