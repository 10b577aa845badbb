//! What network devices are and what state they are in. Source: one netlink dump for all devices where `/sys` is that
//! of this network namespace, and `/sys/class/net` elsewhere, a directory of two dozen files per device, which are
//! too many to stay open on a compute node.

use std::path::Path;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::{KernelFile, Roots};
use crate::sources::board::{Board, Items, Metric, Unit};
use crate::sources::guest_links::GuestLinks;
use crate::text::{hex, number};

mod links;

use links::Links;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "netclass",
    default_on: true,
    help: "state and properties of network devices from /sys/class/net",
    build,
};

const DIR: &str = "class/net";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(NetclassCollector {
        roots: config.roots.clone(),
        board: Board::default(),
        infos: Vec::new(),
        // Another sysfs may be that of another network namespace.
        links: (config.roots.sysfs == Path::new("/sys")).then(Links::default),
        ignored: config.options.pattern("collector.netclass.ignored-devices"),
        guests: config.guests.clone(),
        valid_speed: config
            .options
            .is_on("collector.netclass.ignore-invalid-speed"),
    }))
}

struct NetclassCollector {
    roots: Roots,
    board: Board,
    infos: Vec<Info>,
    links: Option<Links>,
    ignored: Pattern,
    guests: GuestLinks,
    valid_speed: bool,
}

/// The files of the words of a device, in the order of [`WORDS`].
struct Info {
    device: String,
    files: [KernelFile; WORDS.len()],
}

impl Collector for NetclassCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let (ignored, guests) = (&self.ignored, &self.guests);
        let is_shown = |name: &str| !ignored.is_match(name) && !guests.hides(name);
        if let Some(links) = &mut self.links {
            let emitted = links.emit(&self.roots, is_shown, self.valid_speed, out);
            return emitted.map_err(|error| CollectError::Other(error.to_string()));
        }
        let mut names = self.roots.sys_names(DIR)?;
        // Beside the devices there may be a file that lists the bonds.
        names.retain(|name| name != "bonding_masters" && is_shown(name));
        let Self {
            roots,
            board,
            infos,
            valid_speed,
            ..
        } = self;
        board.emit(names, out, |names, items| {
            discover(roots, names, *valid_speed, items);
            let file = |device: &str, name| roots.one_of_many(&format!("{DIR}/{device}/{name}"));
            let info = |device: &String| Info {
                device: device.clone(),
                files: WORDS.map(|name| file(device, name)),
            };
            *infos = names.iter().map(info).collect();
        });
        for info in infos {
            info.emit(out);
        }
        Ok(())
    }
}

/// The file, what follows `node_network_`, its type and its unit.
const FILES: [(&str, &str, bool, Unit); 17] = [
    ("addr_assign_type", "address_assign_type", false, Unit::One),
    ("carrier", "carrier", false, Unit::One),
    ("carrier_changes", "carrier_changes_total", true, Unit::One),
    (
        "carrier_down_count",
        "carrier_down_changes_total",
        true,
        Unit::One,
    ),
    (
        "carrier_up_count",
        "carrier_up_changes_total",
        true,
        Unit::One,
    ),
    ("dev_id", "device_id", false, Unit::With(hexadecimal)),
    ("dormant", "dormant", false, Unit::One),
    ("flags", "flags", false, Unit::With(hexadecimal)),
    ("ifindex", "iface_id", false, Unit::One),
    ("iflink", "iface_link", false, Unit::One),
    ("link_mode", "iface_link_mode", false, Unit::One),
    ("mtu", "mtu_bytes", false, Unit::One),
    ("name_assign_type", "name_assign_type", false, Unit::One),
    ("netdev_group", "net_dev_group", false, Unit::One),
    ("speed", "speed_bytes", false, Unit::With(speed)),
    ("tx_queue_len", "transmit_queue_length", false, Unit::One),
    ("type", "protocol_type", false, Unit::One),
];

/// The files whose words are labels of the same name, except the flags, which tell whether the device is up.
const WORDS: [&str; 6] = [
    "address",
    "broadcast",
    "duplex",
    "flags",
    "ifalias",
    "operstate",
];

impl Info {
    fn emit(&mut self, out: &mut Families) {
        for file in &mut self.files {
            // What cannot be read is an empty label.
            let _ = file.value();
        }
        let [address, broadcast, duplex, flags, alias, state] =
            self.files.each_ref().map(KernelFile::last);
        let is_up = hexadecimal(flags).is_some_and(|flags| flags % 2.0 == 1.0);
        out.family(
            "node_network_info",
            "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
            MetricType::Gauge,
        )
        .sample(
            &[
                ("address", address),
                ("adminstate", if is_up { "up" } else { "down" }),
                ("broadcast", broadcast),
                ("device", &self.device),
                ("duplex", duplex),
                ("ifalias", alias),
                ("operstate", state),
            ],
            1.0,
        );
    }
}

fn discover(roots: &Roots, names: &[String], valid_speed: bool, items: &mut Items) {
    for device in names {
        let file = |name: &str| roots.one_of_many(&format!("{DIR}/{device}/{name}"));
        let labels = [("device", device.as_str())];
        let metric = Metric::gauge(
            "node_network_up",
            "Value is 1 if operstate is 'up', 0 otherwise.",
        );
        items.number(file("operstate"), metric.unit(Unit::With(is_up)), &labels);
        for (name, metric, is_counter, unit) in FILES {
            let help = format!("Network device property: {metric}");
            let metric = format!("node_network_{metric}");
            let unit = if name == "speed" && valid_speed {
                Unit::With(known_speed)
            } else {
                unit
            };
            let metric = if is_counter {
                Metric::counter(metric, help)
            } else {
                Metric::gauge(metric, help)
            };
            items.number(file(name), metric.unit(unit), &labels);
        }
    }
}

fn is_up(text: &str) -> Option<f64> {
    Some(f64::from(u8::from(text.trim() == "up")))
}

/// `0x1003`.
fn hexadecimal(text: &str) -> Option<f64> {
    hex(text.trim().strip_prefix("0x")?).map(|value| value as f64)
}

/// Megabits in bytes per second; -1 is unknown.
fn speed(text: &str) -> Option<f64> {
    Some(number(text)? * 1000.0 * 1000.0 / 8.0)
}

fn known_speed(text: &str) -> Option<f64> {
    speed(text).filter(|speed| *speed >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_numbers() {
        assert_eq!(hexadecimal("0x1003\n"), Some(4099.0));
        assert_eq!(speed("10000\n"), Some(1.25e9));
        assert_eq!((speed("-1"), known_speed("-1")), (Some(-125_000.0), None));
        assert_eq!((is_up("up\n"), is_up("down")), (Some(1.0), Some(0.0)));
    }
}
