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
    }
}
