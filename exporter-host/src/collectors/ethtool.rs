//! What the drivers of network devices say of themselves, of their links and of their traffic. Source: the ioctl
//! `SIOCETHTOOL`, device by device; statistics have the names that each driver gives them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use exposition::{Families, MetricType};
use regex::Regex;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::config::HostConfig;
use crate::pattern::{Filter, Pattern};
use crate::roots::Roots;
use crate::sources::calls::{Ethtool, ethtool};
use crate::sources::guest_links::GuestLinks;
use crate::sources::netlink::read_u32;

mod modes;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "ethtool",
    default_on: false,
    help: "drivers, links and statistics of network devices",
    build,
};

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(EthtoolCollector {
        roots: config.roots.clone(),
        devices: config.options.filter("collector.ethtool.device")?,
        guests: config.guests.clone(),
        statistics: config.options.pattern("collector.ethtool.metrics-include"),
        names: Names::new()?,
        socket: None,
    }))
}

struct EthtoolCollector {
    roots: Roots,
    devices: Filter,
    guests: GuestLinks,
    /// Which statistics are shown.
    statistics: Pattern,
    names: Names,
    /// Any socket will do to ask.
    socket: Option<OwnedFd>,
}

impl Collector for EthtoolCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let devices = self.roots.sys_names("class/net")?;
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(open().map_err(|error| {
                CollectError::Other(format!("cannot open a socket for ethtool: {error}"))
            })?),
        };
        for device in devices
            .iter()
            .filter(|name| !self.devices.ignores(name) && !self.guests.hides(name))
        {
            // A driver that does not know a question, and a file among the devices, have no series of it.
            let ask = |question, argument| ethtool(socket.as_fd(), device, question, argument);
            if let Ok(link) = ask(Ethtool::Gset, 0) {
                modes::emit(device, &link, out);
            }
            let Ok(answer) = ask(Ethtool::Gdrvinfo, 0) else {
                continue;
            };
            let Some(driver) = driver(&answer) else {
                continue;
            };
            driver.emit(device, out);
            if driver.statistics == 0 {
                continue;
            }
            const OF_STATISTICS: u32 = 1;
            let strings = ask(Ethtool::Gstrings, OF_STATISTICS);
            let values = ask(Ethtool::Gstats, driver.statistics);
            if let (Ok(strings), Ok(values)) = (strings, values) {
                let all = statistics(&strings, &values);
                emit(device, all, &self.statistics, &mut self.names, out);
            }
        }
        Ok(())
    }
}

fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        flags,
        None,
    )?)
}

/// `struct ethtool_drvinfo`.
#[derive(Debug, PartialEq)]
struct Driver {
    driver: String,
    version: String,
    firmware: String,
    bus: String,
    expansion_rom: String,
    statistics: u32,
}

fn driver(answer: &[u8]) -> Option<Driver> {
    let text = |field: usize| answer.get(4 + field * 32..36 + field * 32).map(text_of);
    Some(Driver {
        driver: text(0)?,
        version: text(1)?,
        firmware: text(2)?,
        bus: text(3)?,
        expansion_rom: text(4)?,
        statistics: read_u32(answer, 180)?,
    })
}

/// A text that ends at the first NUL.
fn text_of(field: &[u8]) -> String {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

impl Driver {
    fn emit(&self, device: &str, out: &mut Families) {
        let labels = [
            ("bus_info", self.bus.as_str()),
            ("device", device),
            ("driver", &self.driver),
            ("expansion_rom_version", &self.expansion_rom),
            ("firmware_version", &self.firmware),
            ("version", &self.version),
        ];
        out.family(
            "node_ethtool_info",
            "A metric with a constant '1' value labeled by bus_info, device, driver, expansion_rom_version, firmware_version, version.",
            MetricType::Gauge,
        )
        .sample(&labels, 1.0);
    }
}

/// `struct ethtool_gstrings` and `struct ethtool_stats` joined.
fn statistics(strings: &[u8], values: &[u8]) -> BTreeMap<String, u64> {
    let count = |bytes, place| usize::try_from(read_u32(bytes, place).unwrap_or_default());
    // Both say how many there are; if a queue came between the two questions, what both have is shown.
    let count = count(strings, 8)
        .unwrap_or_default()
        .min(count(values, 4).unwrap_or_default());
    let names = strings.get(12..).unwrap_or_default().chunks_exact(32);
    let numbers = values.get(8..).unwrap_or_default().chunks_exact(8);
    let numbers = numbers.filter_map(|bytes| bytes.first_chunk().copied().map(u64::from_ne_bytes));
    names.map(text_of).zip(numbers).take(count).collect()
}

/// The metrics that statistics become, each made once.
struct Names {
    received: Regex,
    transmitted: Regex,
    known: BTreeMap<String, (String, String)>,
}

/// Statistics whose metrics have other names than the rule gives.
const COMMON: [(&str, &str, &str); 7] = [
    (
        "rx_bytes",
        "received_bytes_total",
        "Network interface bytes received",
    ),
    (
        "rx_dropped",
        "received_dropped_total",
        "Number of received frames dropped",
    ),
    (
        "rx_errors",
        "received_errors_total",
        "Number of received frames with errors",
    ),
    (
        "rx_packets",
        "received_packets_total",
        "Network interface packets received",
    ),
    (
        "tx_bytes",
        "transmitted_bytes_total",
        "Network interface bytes sent",
    ),
    (
        "tx_errors",
        "transmitted_errors_total",
        "Number of sent frames with errors",
    ),
    (
        "tx_packets",
        "transmitted_packets_total",
        "Network interface packets sent",
    ),
];

/// More names than drivers have; beyond, they are made anew each time.
const MOST_NAMES: usize = 10_000;

impl Names {
    fn new() -> Result<Self, ConfigError> {
        let word = |word: &str| {
            let regex = Regex::new(&format!("(^|_){word}(_|$)"));
            regex.map_err(|error| ConfigError::value("ethtool", error.to_string()))
        };
        Ok(Self {
            received: word("rx")?,
            transmitted: word("tx")?,
            known: BTreeMap::new(),
        })
    }

    /// The metric's name by the rule: lower case, and `rx` and `tx` written out.
    fn by_rule(&self, statistic: &str) -> String {
        let lower = statistic.to_ascii_lowercase();
        let name = self
            .received
            .replace_all(lower.trim_start_matches('_'), "${1}received${2}");
        let name = self.transmitted.replace_all(&name, "${1}transmitted${2}");
        format!("node_ethtool_{name}")
    }

    /// The metric's name and HELP.
    fn get(&mut self, statistic: &str) -> (&str, &str) {
        if !self.known.contains_key(statistic) {
            if self.known.len() >= MOST_NAMES {
                self.known.clear();
            }
            let common = COMMON.iter().find(|(name, ..)| *name == statistic);
            let made = match common {
                Some((_, name, help)) => (format!("node_ethtool_{name}"), (*help).to_owned()),
                None => (
                    self.by_rule(statistic),
                    format!("Network interface {statistic}"),
                ),
            };
            self.known.insert(statistic.to_owned(), made);
        }
        let made = self.known.get(statistic);
        made.map_or(("", ""), |(name, help)| (name, help))
    }
}

/// Two statistics that become the same metric are both left out, for it could be either.
fn emit(
    device: &str,
    all: BTreeMap<String, u64>,
    shown: &Pattern,
    names: &mut Names,
    out: &mut Families,
) {
    let mut by_metric: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for (raw, value) in all {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let plain = raw.replace(|char| !is_plain(char), "_");
        if shown.is_empty() || shown.is_match(&plain) {
            by_metric
                .entry(names.by_rule(&plain))
                .or_default()
                .push((plain, value));
        }
    }
    for statistics in by_metric.values() {
        if let [(statistic, value)] = statistics.as_slice() {
            let (name, help) = names.get(statistic);
            out.family(name, help, MetricType::Untyped)
                .sample(&[("device", device)], *value as f64);
        }
    }
}

#[cfg(test)]
#[path = "ethtool/tests.rs"]
mod tests;
