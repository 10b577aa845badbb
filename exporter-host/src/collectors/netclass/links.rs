//! Network devices by one netlink dump. What netlink does not say is read from sysfs: the way in which address and name
//! were given once per device, speed and duplex when the state of a virtual device has changed, and on each scrape for
//! hardware and bonds, whose speed may change by itself.

use std::collections::HashMap;
use std::io;

use exposition::{Families, MetricType};

use super::{DIR, hexadecimal, speed};
use crate::roots::Roots;
use crate::sources::link_state::{self, IFF_UP, LinkState};
use crate::sources::netlink::Netlink;
use crate::text::number;

/// The socket, and what is known of the devices.
#[derive(Default)]
pub(super) struct Links {
    netlink: Netlink,
    known: HashMap<u32, Known>,
}

/// What sysfs says of a device.
struct Known {
    name: String,
    /// Flags, state and changes of the carrier when the speed was read.
    state: (u32, &'static str, u32),
    is_virtual: bool,
    address_assign_type: Option<f64>,
    name_assign_type: Option<f64>,
    device_id: Option<f64>,
    speed: Option<f64>,
    duplex: String,
}

type Value = fn(&LinkState, &Known) -> Option<f64>;

/// What follows `node_network_`, and the value.
const COLUMNS: [(&str, Value); 17] = [
    ("address_assign_type", |_, known| known.address_assign_type),
    ("carrier", |link, _| {
        is_up(link).then(|| link.carrier.into())
    }),
    ("carrier_changes_total", |link, _| {
        Some(link.carrier_changes.into())
    }),
    ("carrier_down_changes_total", |link, _| {
        Some(link.carrier_down.into())
    }),
    ("carrier_up_changes_total", |link, _| {
        Some(link.carrier_up.into())
    }),
    ("device_id", |_, known| known.device_id),
    ("dormant", |link, _| {
        is_up(link).then_some(f64::from(u8::from(link.is_dormant)))
    }),
    ("flags", |link, _| Some(link.flags.into())),
    ("iface_id", |link, _| Some(link.index.into())),
    ("iface_link", |link, _| Some(link.link.into())),
    ("iface_link_mode", |link, _| Some(link.link_mode.into())),
    ("mtu_bytes", |link, _| Some(link.mtu.into())),
    ("name_assign_type", |_, known| known.name_assign_type),
    ("net_dev_group", |link, _| Some(link.group.into())),
    ("protocol_type", |link, _| Some(link.kind.into())),
    ("speed_bytes", |_, known| known.speed),
    ("transmit_queue_length", |link, _| {
        Some(link.queue_length.into())
    }),
];

fn is_up(link: &LinkState) -> bool {
    link.flags & IFF_UP != 0
}

impl Links {
    /// Writes the families of all devices that are shown.
    pub(super) fn emit(
        &mut self,
        roots: &Roots,
        is_shown: impl Fn(&str) -> bool,
        valid_speed: bool,
        out: &mut Families,
    ) -> io::Result<()> {
        let mut links = link_state::dump(&mut self.netlink)?;
        links.retain(|link| is_shown(&link.name));
        self.known
            .retain(|index, _| links.iter().any(|link| link.index == *index));
        let links: Vec<(&LinkState, &Known)> = {
            for link in &links {
                let known = self
                    .known
                    .remove(&link.index)
                    .filter(|known| known.name == link.name);
                let known = known
                    .unwrap_or_else(|| Known::new(roots, link))
                    .refreshed(roots, link);
                self.known.insert(link.index, known);
            }
            links
                .iter()
                .filter_map(|link| Some((link, self.known.get(&link.index)?)))
                .collect()
        };
        for (link, known) in &links {
            info(link, known, out);
        }
        for (name, value) in COLUMNS {
            let kind = if name.ends_with("_total") {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let help = format!("Network device property: {name}");
            let mut family = out.family(&format!("node_network_{name}"), &help, kind);
            for (link, known) in &links {
                if let Some(value) = value(link, known)
                    && (value >= 0.0 || !valid_speed)
                {
                    family.sample(&[("device", &link.name)], value);
                }
            }
        }
        Ok(())
    }
}

fn info(link: &LinkState, known: &Known, out: &mut Families) {
    out.family(
        "node_network_up",
        "Value is 1 if operstate is 'up', 0 otherwise.",
        MetricType::Gauge,
    )
    .sample(
        &[("device", &link.name)],
        f64::from(u8::from(link.operstate == "up")),
    );
    let labels = [
        ("address", link.address.as_str()),
        ("adminstate", if is_up(link) { "up" } else { "down" }),
        ("broadcast", &link.broadcast),
        ("device", &link.name),
        ("duplex", &known.duplex),
        ("ifalias", &link.alias),
        ("operstate", link.operstate),
    ];
    out.family(
        "node_network_info",
        "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
        MetricType::Gauge,
    )
    .sample(&labels, 1.0);
}

impl Known {
    fn new(roots: &Roots, link: &LinkState) -> Self {
        let text = |file: &str| roots.sys_once(&format!("{DIR}/{}/{file}", link.name)).ok();
        let has = |file: &str| {
            roots
                .sys_names(&format!("{DIR}/{}/{file}", link.name))
                .is_ok()
        };
        Self {
            name: link.name.clone(),
            // No device is in this state: the speed is read at once.
            state: (0, "", 0),
            is_virtual: !has("device") && !has("bonding"),
            address_assign_type: text("addr_assign_type").as_deref().and_then(number),
            name_assign_type: text("name_assign_type").as_deref().and_then(number),
            device_id: text("dev_id").as_deref().and_then(hexadecimal),
            speed: None,
            duplex: String::new(),
        }
    }

    fn refreshed(mut self, roots: &Roots, link: &LinkState) -> Self {
        let state = (link.flags, link.operstate, link.carrier_changes);
        if !self.is_virtual || self.state != state {
            let text = |file: &str| roots.sys_once(&format!("{DIR}/{}/{file}", link.name)).ok();
            self.speed = text("speed").as_deref().and_then(speed);
            self.duplex = text("duplex").unwrap_or_default();
            self.state = state;
        }
        self
    }
}
