//! The state of replicated block devices (DRBD 8). Source: `/proc/drbd`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "drbd",
    default_on: false,
    help: "replicated block devices from /proc/drbd",
    build,
};

use MetricType::{Counter, Gauge};

/// The key, the metric, its HELP and type, and what the number is multiplied by.
#[rustfmt::skip]
const NUMBERS: [(&str, &str, &str, MetricType, f64); 12] = [
    ("ns", "node_drbd_network_sent_bytes_total", "Total number of bytes sent via the network.", Counter, 1024.0),
    ("nr", "node_drbd_network_received_bytes_total", "Total number of bytes received via the network.", Counter, 1.0),
    ("dw", "node_drbd_disk_written_bytes_total", "Net data written on local hard disk; in bytes.", Counter, 1024.0),
    ("dr", "node_drbd_disk_read_bytes_total", "Net data read from local hard disk; in bytes.", Counter, 1024.0),
    ("al", "node_drbd_activitylog_writes_total", "Number of updates of the activity log area of the meta data.", Counter, 1.0),
    ("bm", "node_drbd_bitmap_writes_total", "Number of updates of the bitmap area of the meta data.", Counter, 1.0),
    ("lo", "node_drbd_local_pending", "Number of open requests to the local I/O sub-system.", Gauge, 1.0),
    ("pe", "node_drbd_remote_pending", "Number of requests sent to the peer, but that have not yet been answered by the latter.", Gauge, 1.0),
    ("ua", "node_drbd_remote_unacknowledged", "Number of requests received by the peer via the network connection, but that have not yet been answered.", Gauge, 1.0),
    ("ap", "node_drbd_application_pending", "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.", Gauge, 1.0),
    ("ep", "node_drbd_epochs", "Number of Epochs currently on the fly.", Gauge, 1.0),
    ("oos", "node_drbd_out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.", Gauge, 1024.0),
];

/// The key, the metric, its HELP, and the word that is 1.
const PAIRS: [(&str, &str, &str, &str); 2] = [
    (
        "ro",
        "node_drbd_node_role_is_primary",
        "Whether the role of the node is in the primary state.",
        "Primary",
    ),
    (
        "ds",
        "node_drbd_disk_state_is_up_to_date",
        "Whether the disk of the node is up to date.",
        "UpToDate",
    ),
];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Drbd(config.roots.proc("drbd"))))
}

struct Drbd(KernelFile);

impl Collector for Drbd {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.0.exists() {
            return Err(CollectError::NoData("the host has no DRBD".to_owned()));
        }
        self.0.parse(|text| emit(text, out))
    }
}

/// Words of the form `key:value`; `1:` begins device 1.
fn emit(text: &str, out: &mut Families) -> Result<(), ParseError> {
    let mut device = None;
    for (index, line) in text.lines().enumerate() {
        for word in line.split_ascii_whitespace() {
            let Some((key, value)) = word.split_once(':') else {
                continue;
            };
            if value.is_empty() && key.parse::<u32>().is_ok() {
                device = Some(format!("drbd{key}"));
            } else if let Some(device) = &device {
                pair(key, value, device, out)
                    .ok_or_else(|| ParseError::at(index, "a number", word))?;
            }
        }
    }
    Ok(())
}

/// Shows what is known; `None` if it should be a number and is not.
fn pair(key: &str, value: &str, device: &str, out: &mut Families) -> Option<()> {
    if let Some((_, name, help, kind, factor)) = NUMBERS.iter().find(|(known, ..)| *known == key) {
        let value = number(value)? * factor;
        out.family(name, help, *kind)
            .sample(&[("device", device)], value);
    }
    if let Some((_, name, help, good)) = PAIRS.iter().find(|(known, ..)| *known == key) {
        let mut family = out.family(name, help, Gauge);
        for (node, word) in ["local", "remote"].into_iter().zip(value.split('/')) {
            let labels = [("device", device), ("node", node)];
            family.sample(&labels, f64::from(word == *good));
        }
    }
    if key == "cs" {
        out.family(
            "node_drbd_connected",
            "Whether DRBD is connected to the peer.",
            Gauge,
        )
        .sample(&[("device", device)], f64::from(value == "Connected"));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_series_of_the_device_before_them() {
        let text = "version: 8.4.3 (api:1/proto:86-101)\n 1: cs:Connected ro:Primary/Secondary C r-----\n    ns:2 oos:3\n";
        let mut out = Families::new();
        emit(text, &mut out).unwrap();
        let value = |name: &str| out.get(name).unwrap().samples().next().unwrap().value;
        assert_eq!(value("node_drbd_network_sent_bytes_total"), 2048.0);
        assert_eq!(value("node_drbd_connected"), 1.0);
        assert_eq!(out.sample_count(), 5);
        assert!(emit("1: ns:many", &mut out).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_series_or_refused(text in "(.|\n){0,99}|( [0-9]{1,2}: (cs|ro|ds|ns|oos|x):[A-Za-z0-9/]{0,9}\n){0,5}") {
            let mut out = Families::new();
            let _ = emit(&text, &mut out);
        }
    }
}
