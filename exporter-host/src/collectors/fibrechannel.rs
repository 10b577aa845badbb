//! What Fibre Channel ports are and what they count. Source: `/sys/class/fc_host`; counters are hexadecimal there.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};
use crate::text::hex;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "fibrechannel",
    default_on: true,
    help: "Fibre Channel ports from /sys/class/fc_host",
    build,
};

const DIR: &str = "class/fc_host";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The label and the file of each word.
const WORDS: [(&str, &str); 7] = [
    ("dev_loss_tmo", "dev_loss_tmo"),
    ("port_state", "port_state"),
    ("port_type", "port_type"),
    ("speed", "speed"),
    ("supported_classes", "supported_classes"),
    ("supported_speeds", "supported_speeds"),
    ("symbolic_name", "symbolic_name"),
];

/// The file, the metric and its HELP.
const COUNTERS: [(&str, &str, &str); 14] = [
    (
        "dumped_frames",
        "node_fibrechannel_dumped_frames_total",
        "Number of dumped frames",
    ),
    (
        "error_frames",
        "node_fibrechannel_error_frames_total",
        "Number of errors in frames",
    ),
    (
        "invalid_crc_count",
        "node_fibrechannel_invalid_crc_total",
        "Invalid Cyclic Redundancy Check count",
    ),
    (
        "rx_frames",
        "node_fibrechannel_rx_frames_total",
        "Number of frames received",
    ),
    (
        "rx_words",
        "node_fibrechannel_rx_words_total",
        "Number of words received by host port",
    ),
    (
        "tx_frames",
        "node_fibrechannel_tx_frames_total",
        "Number of frames transmitted by host port",
    ),
    (
        "tx_words",
        "node_fibrechannel_tx_words_total",
        "Number of words transmitted by host port",
    ),
    (
        "seconds_since_last_reset",
        "node_fibrechannel_seconds_since_last_reset_total",
        "Number of seconds since last host port reset",
    ),
    (
        "invalid_tx_word_count",
        "node_fibrechannel_invalid_tx_words_total",
        "Number of invalid words transmitted by host port",
    ),
    (
        "link_failure_count",
        "node_fibrechannel_link_failure_total",
        "Number of times the host port link has failed",
    ),
    (
        "loss_of_sync_count",
        "node_fibrechannel_loss_of_sync_total",
        "Number of failures on either bit or transmission word boundaries",
    ),
    (
        "loss_of_signal_count",
        "node_fibrechannel_loss_of_signal_total",
        "Number of times signal has been lost",
    ),
    (
        "nos_count",
        "node_fibrechannel_nos_total",
        "Number Not_Operational Primitive Sequence received by host port",
    ),
    (
        "fcp_packet_aborts",
        "node_fibrechannel_fcp_packet_aborts_total",
        "Number of aborted packets",
    ),
];

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for host in names {
        let file = |name: &str| roots.attribute(&format!("{DIR}/{host}/{name}"));
        // Names of the fabric are hexadecimal too, and are shown without the mark of that.
        let digits = |name: &str| {
            let text = roots.sys_once(&format!("{DIR}/{host}/{name}"));
            let text = text.unwrap_or_default();
            text.strip_prefix("0x").unwrap_or(&text).to_owned()
        };
        items.whole_info(
            Metric::gauge(
                "node_fibrechannel_info",
                "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.",
            ),
            &[
                ("fabric_name", &digits("fabric_name")),
                ("fc_host", host),
                ("port_id", &digits("port_id")),
                ("port_name", &digits("port_name")),
            ],
            WORDS.map(|(label, name)| (label, file(name))),
        );
        for (name, metric, help) in COUNTERS {
            let metric = Metric::counter(metric, help).unit(Unit::With(hexadecimal));
            items.number(
                file(&format!("statistics/{name}")),
                metric,
                &[("fc_host", host)],
            );
        }
    }
}

/// `0x1f`; all bits set is the kernel's way to say that the driver does not count this.
fn hexadecimal(text: &str) -> Option<f64> {
    let value = hex(text.trim().strip_prefix("0x")?)?;
    (value != u64::MAX).then_some(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_hexadecimal_and_may_not_be_counted() {
        assert_eq!(hexadecimal("0x1f\n"), Some(31.0));
        assert_eq!(hexadecimal("0xffffffffffffffff"), None);
        assert_eq!(hexadecimal("31"), None);
    }
}
