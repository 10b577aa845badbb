//! What the queueing disciplines at the root of network devices sent, dropped and hold. Source: one netlink dump
//! (rtnetlink(7), `RTM_GETQDISC`), or the file of `--collector.qdisc.fixtures`, which is node_exporter's.

use std::path::{Path, PathBuf};

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Filter;
use crate::sources::guest_links::GuestLinks;
use crate::sources::netlink::{Netlink, attributes, read_u32};
use crate::sources::rtnl::Links;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "qdisc",
    default_on: false,
    help: "queueing disciplines of network devices",
    build,
};

const RTM_GETQDISC: u16 = 38;

/// The size of `struct tcmsg`, and where it has the device and the parent.
const HEADER: usize = 20;
const DEVICE: usize = 4;
const PARENT: usize = 12;

/// The parent of a discipline that is at the root of its device.
const TC_H_ROOT: u32 = 0xffff_ffff;

const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(QdiscCollector {
        devices: config.options.filter("collector.qdisc.device")?,
        guests: config.guests.clone(),
        fixtures: match config.options.value("collector.qdisc.fixtures") {
            "" => None,
            directory => Some(PathBuf::from(directory).join("results.json")),
        },
        netlink: Netlink::default(),
        links: Links::default(),
    }))
}

struct QdiscCollector {
    devices: Filter,
    guests: GuestLinks,
    /// A file that is shown instead of what the kernel has.
    fixtures: Option<PathBuf>,
    netlink: Netlink,
    links: Links,
}

/// A discipline at the root of a device.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Qdisc {
    #[serde(rename = "IfaceName")]
    name: String,
    #[serde(skip)]
    device: u32,
    parent: u32,
    kind: String,
    bytes: u64,
    packets: u32,
    #[serde(rename = "Qlen")]
    length: u32,
    backlog: u32,
    drops: u32,
    requeues: u32,
    overlimits: u32,
}

type Value = fn(&Qdisc) -> f64;

/// The metric, its HELP, type and value.
const COLUMNS: [(&str, &str, MetricType, Value); 7] = [
    (
        "node_qdisc_bytes_total",
        "Number of bytes sent.",
        MetricType::Counter,
        |qdisc| qdisc.bytes as f64,
    ),
    (
        "node_qdisc_packets_total",
        "Number of packets sent.",
        MetricType::Counter,
        |qdisc| qdisc.packets.into(),
    ),
    (
        "node_qdisc_drops_total",
        "Number of packets dropped.",
        MetricType::Counter,
        |qdisc| qdisc.drops.into(),
    ),
    (
        "node_qdisc_requeues_total",
        "Number of packets dequeued, not transmitted, and requeued.",
        MetricType::Counter,
        |qdisc| qdisc.requeues.into(),
    ),
    (
        "node_qdisc_overlimits_total",
        "Number of overlimit packets.",
        MetricType::Counter,
        |qdisc| qdisc.overlimits.into(),
    ),
    (
        "node_qdisc_current_queue_length",
        "Number of packets currently in queue to be sent.",
        MetricType::Gauge,
        |qdisc| qdisc.length.into(),
    ),
    (
        "node_qdisc_backlog",
        "Number of bytes currently in queue to be sent.",
        MetricType::Gauge,
        |qdisc| qdisc.backlog.into(),
    ),
];

impl Collector for QdiscCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut all = match &self.fixtures {
            Some(file) => read(file)?,
            None => self.ask()?,
        };
        all.retain(|qdisc| qdisc.parent == 0 && !self.devices.ignores(&qdisc.name));
        for (name, help, kind, value) in COLUMNS {
            for qdisc in &all {
                let labels = [("device", qdisc.name.as_str()), ("kind", &qdisc.kind)];
                out.family(name, help, kind).sample(&labels, value(qdisc));
            }
        }
        Ok(())
    }
}

impl QdiscCollector {
    /// The disciplines of the devices of this network namespace.
    fn ask(&mut self) -> Result<Vec<Qdisc>, CollectError> {
        let failed = |error| CollectError::Other(format!("cannot dump disciplines: {error}"));
        self.links.dump(&mut self.netlink).map_err(failed)?;
        let guests = &self.guests;
        self.links.filter(|name| !guests.hides(name));
        let mut all: Vec<Qdisc> = Vec::new();
        self.netlink
            .dump(
                RTM_GETQDISC,
                &[0; HEADER],
                &mut all,
                Vec::clear,
                |all, payload| {
                    all.extend(parse(payload));
                },
            )
            .map_err(failed)?;
        // A device that came between the two dumps has no name yet.
        all.retain_mut(|qdisc| {
            let device = self.links.iter().find(|link| link.index == qdisc.device);
            device.filter(|link| link.is_shown).is_some_and(|link| {
                link.name.clone_into(&mut qdisc.name);
                true
            })
        });
        Ok(all)
    }
}

/// node_exporter's form of disciplines in JSON.
fn read(file: &Path) -> Result<Vec<Qdisc>, CollectError> {
    let text = crate::roots::read_lossy(file).map_err(|source| CollectError::Read {
        path: file.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|error| CollectError::Parse {
        path: file.to_owned(),
        reason: error.to_string(),
    })
}

/// `RTM_NEWQDISC`; `None` if it is cut short or below another discipline.
fn parse(payload: &[u8]) -> Option<Qdisc> {
    if !matches!(read_u32(payload, PARENT)?, 0 | TC_H_ROOT) {
        return None;
    }
    let mut qdisc = Qdisc {
        device: read_u32(payload, DEVICE)?,
        ..Qdisc::default()
    };
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            TCA_KIND => {
                let name = String::from_utf8_lossy(value);
                name.trim_end_matches('\0').clone_into(&mut qdisc.kind);
            }
            TCA_STATS2 => {
                for (kind, value) in attributes(value) {
                    statistics(kind, value, &mut qdisc);
                }
            }
            _ => {}
        }
    }
    Some(qdisc)
}

/// `struct gnet_stats_basic` and `struct gnet_stats_queue`.
fn statistics(kind: u16, value: &[u8], qdisc: &mut Qdisc) {
    let number = |place| read_u32(value, place).unwrap_or_default();
    match kind {
        TCA_STATS_BASIC => {
            let bytes = value.first_chunk().copied();
            qdisc.bytes = bytes.map_or(0, u64::from_ne_bytes);
            qdisc.packets = number(8);
        }
        TCA_STATS_QUEUE => {
            qdisc.length = number(0);
            qdisc.backlog = number(4);
            qdisc.drops = number(8);
            qdisc.requeues = number(12);
            qdisc.overlimits = number(16);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_payload_is_parsed_or_left_out(payload: Vec<u8>) {
            let _ = parse(&payload);
        }
    }

    #[test]
    fn a_file_of_disciplines_has_node_exporters_names() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("results.json");
        std::fs::write(
            &file,
            r#"[{"IfaceName":"eth0","Kind":"fq","Qlen":3,"Parent":7}]"#,
        )
        .unwrap();
        let expected = Qdisc {
            name: "eth0".to_owned(),
            kind: "fq".to_owned(),
            length: 3,
            parent: 7,
            ..Qdisc::default()
        };
        assert_eq!(read(&file).unwrap(), [expected]);
        std::fs::write(&file, "{").unwrap();
        assert!(read(&file).is_err() && read(directory.path()).is_err());
    }

    #[test]
    fn a_discipline_below_another_is_left_out() {
        let mut payload = vec![0; HEADER];
        payload[PARENT..PARENT + 4].copy_from_slice(&TC_H_ROOT.to_ne_bytes());
        payload.extend([7, 0, 1, 0, b'f', b'q', 0, 0]);
        assert_eq!(parse(&payload).unwrap().kind, "fq");
        payload[PARENT] = 1;
        assert_eq!(parse(&payload), None);
    }
}
