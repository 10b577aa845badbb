//! The routes of this network namespace. Source: one netlink dump (rtnetlink(7), `RTM_GETROUTE`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::sources::netlink::Netlink;
use crate::sources::routes::{self, Route};
use crate::sources::rtnl::Links;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "network_route",
    default_on: false,
    help: "routes by network device",
    build: |_: &HostConfig| -> Result<Box<dyn Collector>, ConfigError> {
        Ok(Box::<NetworkRoute>::default())
    },
};

#[derive(Default)]
struct NetworkRoute {
    netlink: Netlink,
    links: Links,
}

impl Collector for NetworkRoute {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let failed = |error| CollectError::Other(format!("cannot dump routes: {error}"));
        self.links.dump(&mut self.netlink).map_err(failed)?;
        let routes = routes::dump(&mut self.netlink).map_err(failed)?;
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut seen: Vec<&Route> = Vec::new();
        for route in &routes {
            let device = self.links.iter().find(|link| link.index == route.device);
            let device = device.map_or("", |link| link.name.as_str());
            *counts.entry(device).or_default() += 1;
            // Tables that have the same route are not told apart by the labels.
            if seen.contains(&route) {
                continue;
            }
            seen.push(route);
            emit(route, device, out);
        }
        let mut family = out.family(
            "node_network_routes",
            "network routes by interface",
            MetricType::Gauge,
        );
        for (device, count) in counts {
            family.sample(&[("device", device)], count.into());
        }
        Ok(())
    }
}

fn emit(route: &Route, device: &str, out: &mut Families) {
    let text = |address: Option<IpAddr>| address.map(|address| address.to_string());
    let destination = match route.destination {
        Some(address) if route.prefix > 0 => format!("{address}/{}", route.prefix),
        _ => "default".to_owned(),
    };
    let weight = route.weight.map(|weight| weight.to_string());
    out.family(
        "node_network_route_info",
        "network routing table information",
        MetricType::Gauge,
    )
    .sample(
        &[
            ("dest", &destination),
            ("device", device),
            ("gw", &text(route.gateway).unwrap_or_default()),
            ("priority", &route.priority.to_string()),
            ("proto", routes::protocol(route.protocol)),
            ("src", &text(route.source).unwrap_or_default()),
            ("weight", &weight.unwrap_or_default()),
        ],
        1.0,
    );
}
