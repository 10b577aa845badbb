//! What PCI devices are, how their links run, in which power state they are and how many virtual functions they have.
//! Source: `/sys/bus/pci/devices`.

use std::path::Path;

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::{Roots, read_lossy};
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};
use crate::sources::pci_names::Names;
use crate::text::number;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "pcidevice",
    default_on: false,
    help: "PCI devices from /sys/bus/pci/devices",
    build,
};

const DIR: &str = "bus/pci/devices";

/// Where distributions have the list of names.
const LISTS: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    let names = config.options.is_on("collector.pcidevice.names").then(|| {
        let given = config.options.values("collector.pcidevice.idsfile");
        let lists = if given.is_empty() {
            LISTS.map(str::to_owned).to_vec()
        } else {
            given
        };
        let text = lists
            .iter()
            .find_map(|list| read_lossy(Path::new(list)).ok());
        Names::parse(&text.unwrap_or_default())
    });
    let discover = move |roots: &Roots, devices: &[String], items: &mut Items| {
        discover(roots, devices, names.as_ref(), items);
    };
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The label and the file of each word.
const WORDS: [(&str, &str); 6] = [
    ("class_id", "class"),
    ("device_id", "device"),
    ("revision", "revision"),
    ("subsystem_device_id", "subsystem_device"),
    ("subsystem_vendor_id", "subsystem_vendor"),
    ("vendor_id", "vendor"),
];

/// The file, the metric, its HELP, its unit and the value where the file is not there.
const NUMBERS: [(&str, &str, &str, Unit, f64); 9] = [
    (
        "max_link_speed",
        "node_pcidevice_max_link_transfers_per_second",
        "Value of maximum link's transfers per second (T/s)",
        Unit::With(transfers),
        -1.0,
    ),
    (
        "max_link_width",
        "node_pcidevice_max_link_width",
        "Value of maximum link's width (number of lanes)",
        Unit::One,
        -1.0,
    ),
    (
        "current_link_speed",
        "node_pcidevice_current_link_transfers_per_second",
        "Value of current link's transfers per second (T/s)",
        Unit::With(transfers),
        -1.0,
    ),
    (
        "current_link_width",
        "node_pcidevice_current_link_width",
        "Value of current link's width (number of lanes)",
        Unit::One,
        -1.0,
    ),
    (
        "d3cold_allowed",
        "node_pcidevice_d3cold_allowed",
        "Whether the PCIe device supports D3cold power state (0/1).",
        Unit::One,
        0.0,
    ),
    (
        "sriov_drivers_autoprobe",
        "node_pcidevice_sriov_drivers_autoprobe",
        "Whether SR-IOV drivers autoprobe is enabled for the device (0/1).",
        Unit::One,
        0.0,
    ),
    (
        "sriov_numvfs",
        "node_pcidevice_sriov_numvfs",
        "Number of Virtual Functions (VFs) currently enabled for SR-IOV.",
        Unit::One,
        0.0,
    ),
    (
        "sriov_totalvfs",
        "node_pcidevice_sriov_totalvfs",
        "Total number of Virtual Functions (VFs) supported by the device.",
        Unit::One,
        0.0,
    ),
    (
        "sriov_vf_total_msix",
        "node_pcidevice_sriov_vf_total_msix",
        "Total number of MSI-X vectors for Virtual Functions.",
        Unit::One,
        0.0,
    ),
];

/// Whether a text is one of the states.
type Is = fn(&str) -> Option<f64>;

/// The power states, and which of them is 1.
const POWER: [(&str, Is); 7] = [
    ("D0", is::<0>),
    ("D1", is::<1>),
    ("D2", is::<2>),
    ("D3hot", is::<3>),
    ("D3cold", is::<4>),
    ("unknown", is::<5>),
    ("error", is::<6>),
];

fn discover(roots: &Roots, devices: &[String], names: Option<&Names>, items: &mut Items) {
    for name in devices {
        let Some(place) = location(name) else {
            continue;
        };
        let file = |attribute: &str| roots.one_of_many(&format!("{DIR}/{name}/{attribute}"));
        let parent = parent(roots, name)
            .as_deref()
            .and_then(location)
            .unwrap_or(["*"; 4].map(str::to_owned));
        let labels = label(["segment", "bus", "device", "function"], &place);
        let above = label(
            [
                "parent_segment",
                "parent_bus",
                "parent_device",
                "parent_function",
            ],
            &parent,
        );
        let texts = names
            .map(|names| named(names, roots, name))
            .unwrap_or_default();
        let texts = texts.iter().map(|(label, text)| (*label, text.as_str()));
        let all: Vec<_> = labels.into_iter().chain(above).chain(texts).collect();
        items.info(
            Metric::gauge(
                "node_pcidevice_info",
                "Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.",
            ),
            &all,
            WORDS.map(|(label, attribute)| (label, file(attribute))),
        );
        for (attribute, metric, help, unit, absent) in NUMBERS {
            let metric = Metric::gauge(metric, help);
            let mut source = file(attribute);
            if source.exists() {
                items.number(source, metric.unit(unit), &labels);
            } else {
                items.fixed(metric, &labels, absent);
            }
        }
        for (state, is) in POWER {
            let metric = Metric::gauge(
                "node_pcidevice_power_state",
                "PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.",
            );
            let labels = [labels.as_slice(), &[("state", state)]].concat();
            items.number(file("power_state"), metric.unit(Unit::With(is)), &labels);
        }
        let metric = Metric::gauge(
            "node_pcidevice_numa_node",
            "NUMA node number for the PCI device. -1 indicates unknown or not available.",
        );
        items.number(file("numa_node"), metric.unit(Unit::With(known)), &labels);
    }
}

/// The labels with the names of what a device is.
fn named(names: &Names, roots: &Roots, device: &str) -> Vec<(&'static str, String)> {
    let number = |file: &str| {
        roots
            .sys_once(&format!("{DIR}/{device}/{file}"))
            .unwrap_or_default()
    };
    let [class, vendor, id] = ["class", "vendor", "device"].map(number);
    let subsystem = ["subsystem_vendor", "subsystem_device"].map(number);
    let [sub_vendor, sub_device] = subsystem.each_ref().map(String::as_str);
    vec![
        ("class_name", names.class(&class)),
        ("device_name", names.device(&vendor, &id)),
        (
            "subsystem_device_name",
            names.subsystem(&vendor, &id, [sub_vendor, sub_device]),
        ),
        ("subsystem_vendor_name", names.vendor(sub_vendor)),
        ("vendor_name", names.vendor(&vendor)),
    ]
}

fn label<'a>(names: [&'static str; 4], values: &'a [String; 4]) -> [(&'static str, &'a str); 4] {
    let [one, two, three, four] = names;
    let [first, second, third, fourth] = values;
    [(one, first), (two, second), (three, third), (four, fourth)]
}

/// `0000:01:00.0` in its four parts.
fn location(name: &str) -> Option<[String; 4]> {
    let (segment, rest) = name.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    let parts = [segment, bus, device, function];
    let is_hex =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().all(is_hex).then(|| parts.map(str::to_owned))
}

/// The device that this one is plugged into, which is the directory above its own.
fn parent(roots: &Roots, name: &str) -> Option<String> {
    let target = roots.sys_link(&format!("{DIR}/{name}")).ok()?;
    Some(target.parent()?.file_name()?.to_str()?.to_owned())
}

/// `8.0 GT/s PCIe`, or `Unknown`.
fn transfers(text: &str) -> Option<f64> {
    let speed = text.split(' ').next().and_then(number);
    Some(speed.map_or(-1.0, |speed| speed * 1e9))
}

/// The node, if the device belongs to one.
fn known(text: &str) -> Option<f64> {
    number(text).filter(|node| *node >= 0.0)
}

fn is<const STATE: usize>(text: &str) -> Option<f64> {
    let state = POWER.get(STATE)?.0;
    Some(f64::from(text == state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_four_parts() {
        let parts = ["0000", "01", "00", "0"].map(str::to_owned);
        assert_eq!(location("0000:01:00.0"), Some(parts));
        for name in ["pci0000:00", "0000:01", "0000:01:00.", "x:01:00.0"] {
            assert_eq!(location(name), None, "{name}");
        }
    }

    #[test]
    fn speeds_are_in_transfers_and_may_be_unknown() {
        assert_eq!(transfers("2.5 GT/s PCIe"), Some(2.5e9));
        assert_eq!(transfers("Unknown"), Some(-1.0));
        assert_eq!((known("-1"), known("1")), (None, Some(1.0)));
        assert_eq!((is::<3>("D3hot"), is::<0>("D3hot")), (Some(1.0), Some(0.0)));
    }
}
