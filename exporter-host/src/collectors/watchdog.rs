//! How the hardware watchdogs are set. Source: `/sys/class/watchdog`.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric};
use crate::sources::devices::{Absence, DeviceCollector};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "watchdog",
    default_on: true,
    help: "watchdog timers from /sys/class/watchdog",
    build,
};

const DIR: &str = "class/watchdog";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The file, the metric and its HELP.
const NUMBERS: [(&str, &str, &str); 7] = [
    (
        "bootstatus",
        "node_watchdog_bootstatus",
        "Value of /sys/class/watchdog/<watchdog>/bootstatus",
    ),
    (
        "fw_version",
        "node_watchdog_fw_version",
        "Value of /sys/class/watchdog/<watchdog>/fw_version",
    ),
    (
        "nowayout",
        "node_watchdog_nowayout",
        "Value of /sys/class/watchdog/<watchdog>/nowayout",
    ),
    (
        "timeleft",
        "node_watchdog_timeleft_seconds",
        "Value of /sys/class/watchdog/<watchdog>/timeleft",
    ),
    (
        "timeout",
        "node_watchdog_timeout_seconds",
        "Value of /sys/class/watchdog/<watchdog>/timeout",
    ),
    (
        "pretimeout",
        "node_watchdog_pretimeout_seconds",
        "Value of /sys/class/watchdog/<watchdog>/pretimeout",
    ),
    (
        "access_cs0",
        "node_watchdog_access_cs0",
        "Value of /sys/class/watchdog/<watchdog>/access_cs0",
    ),
];

/// The files whose words are labels of the same name.
const WORDS: [&str; 5] = [
    "identity",
    "options",
    "pretimeout_governor",
    "state",
    "status",
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for name in names {
        let file = |attribute: &str| roots.attribute(&format!("{DIR}/{name}/{attribute}"));
        for (attribute, metric, help) in NUMBERS {
            items.number(
                file(attribute),
                Metric::gauge(metric, help),
                &[("name", name)],
            );
        }
        items.whole_info(
            Metric::gauge(
                "node_watchdog_info",
                "Info of /sys/class/watchdog/<watchdog>",
            ),
            &[("name", name)],
            WORDS.map(|word| (word, file(word))),
        );
    }
}
