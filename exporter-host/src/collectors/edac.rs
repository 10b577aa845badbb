//! Memory errors that the hardware corrected or could not correct, by memory controller and by row of chips. Source:
//! `/sys/devices/system/edac/mc`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "edac",
    default_on: true,
    help: "memory errors from /sys/devices/system/edac",
    build,
};

const DIR: &str = "devices/system/edac/mc";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::Fine, discover)
}

/// The file, and the metric of a controller and of a row: name and HELP.
const COUNTS: [(&str, &str, [&str; 2], [&str; 2]); 2] = [
    (
        "ce_count",
        "ce_noinfo_count",
        [
            "node_edac_correctable_errors_total",
            "Total correctable memory errors.",
        ],
        [
            "node_edac_csrow_correctable_errors_total",
            "Total correctable memory errors for this csrow.",
        ],
    ),
    (
        "ue_count",
        "ue_noinfo_count",
        [
            "node_edac_uncorrectable_errors_total",
            "Total uncorrectable memory errors.",
        ],
        [
            "node_edac_csrow_uncorrectable_errors_total",
            "Total uncorrectable memory errors for this csrow.",
        ],
    ),
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for (directory, controller) in names
        .iter()
        .filter_map(|name| Some((name, digits(name, "mc")?)))
    {
        let path = format!("{DIR}/{directory}");
        let rows = roots.sys_names(&path).unwrap_or_default();
        for (count, no_row, [name, help], [row_name, row_help]) in COUNTS {
            let labels = [("controller", controller)];
            items.number(
                roots.attribute(&format!("{path}/{count}")),
                Metric::counter(name, help),
                &labels,
            );
            let labels = [("controller", controller), ("csrow", "unknown")];
            items.number(
                roots.attribute(&format!("{path}/{no_row}")),
                Metric::counter(row_name, row_help),
                &labels,
            );
            for (directory, row) in rows
                .iter()
                .filter_map(|name| Some((name, digits(name, "csrow")?)))
            {
                let labels = [("controller", controller), ("csrow", row)];
                let file = roots.attribute(&format!("{path}/{directory}/{count}"));
                items.number(file, Metric::counter(row_name, row_help), &labels);
            }
        }
        for row in rows.iter().filter(|name| digits(name, "csrow").is_some()) {
            channels(roots, &path, controller, row, items);
        }
        for module in rows.iter().filter(|name| is_module(name)) {
            module_counts(roots, &path, controller, module, items);
        }
    }
}

/// The counts of the channels of a row, `chN_ce_count`, with what is printed beside the slot.
fn channels(roots: &Roots, path: &str, controller: &str, row: &str, items: &mut Items) {
    const COUNTS: [(&str, &str, &str); 2] = [
        (
            "ce_count",
            "node_edac_channel_correctable_errors_total",
            "Total correctable memory errors for this channel.",
        ),
        (
            "ue_count",
            "node_edac_channel_uncorrectable_errors_total",
            "Total uncorrectable memory errors for this channel.",
        ),
    ];
    let dir = format!("{path}/{row}");
    let names = roots.sys_names(&dir).unwrap_or_default();
    for (count, name, help) in COUNTS {
        for file in &names {
            let channel = file
                .strip_suffix(count)
                .and_then(|rest| rest.strip_suffix('_'));
            let Some(channel) = channel.and_then(|channel| digits(channel, "ch")) else {
                continue;
            };
            let label = roots.sys_once(&format!("{dir}/ch{channel}_dimm_label"));
            let label = dimm_label(label.as_deref().unwrap_or_default());
            let labels = [
                ("channel", channel),
                ("controller", controller),
                ("csrow", digits(row, "csrow").unwrap_or_default()),
                ("dimm_label", &label),
            ];
            let file = roots.attribute(&format!("{dir}/{file}"));
            items.number(file, Metric::counter(name, help), &labels);
        }
    }
}

/// What is printed beside a slot, as node_exporter writes it.
fn dimm_label(text: &str) -> String {
    if text.is_empty() {
        return "unknown".to_owned();
    }
    let label = text.replace('#', "").replace("csrow", "_csrow");
    label.replace("channel", "_channel")
}

/// Kernels without the older directories of rows have one for each module (`dimm3`), or for each rank.
fn is_module(name: &str) -> bool {
    ["dimm", "rank"]
        .iter()
        .any(|prefix| digits(name, prefix).is_some())
}

fn module_counts(roots: &Roots, path: &str, controller: &str, module: &str, items: &mut Items) {
    const COUNTS: [(&str, &str, &str); 2] = [
        (
            "dimm_ce_count",
            "node_edac_dimm_correctable_errors_total",
            "Total correctable memory errors for this memory module.",
        ),
        (
            "dimm_ue_count",
            "node_edac_dimm_uncorrectable_errors_total",
            "Total uncorrectable memory errors for this memory module.",
        ),
    ];
    let text = |file: &str| roots.sys_once(&format!("{path}/{module}/{file}"));
    let [label, place] = ["dimm_label", "dimm_location"].map(|file| text(file).unwrap_or_default());
    for (file, name, help) in COUNTS {
        let labels = [
            ("controller", controller),
            ("dimm", module),
            ("dimm_label", &dimm_label(&label)),
            ("dimm_location", place.trim()),
        ];
        let file = roots.attribute(&format!("{path}/{module}/{file}"));
        items.number(file, Metric::counter(name, help), &labels);
    }
}

/// The number after a prefix: `0` of `mc0`.
fn digits<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(prefix)?;
    (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_controllers_are_told_from_their_neighbours() {
        assert_eq!(digits("mc12", "mc"), Some("12"));
        assert_eq!(digits("mc", "mc"), None);
        assert_eq!(digits("mcx", "mc"), None);
        assert_eq!(digits("power", "mc"), None);
        assert!(
            is_module("dimm0") && is_module("rank12") && !is_module("dimm") && !is_module("csrow0")
        );
    }

    #[test]
    fn what_is_printed_beside_a_slot_is_written_as_the_peer_does() {
        assert_eq!(
            dimm_label("CPU#1_csrow0_channel1"),
            "CPU1__csrow0__channel1"
        );
        assert_eq!(dimm_label(""), "unknown");
    }
}
