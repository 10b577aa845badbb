//! What InfiniBand ports are, how fast they are and what they count. Source: `/sys/class/infiniband`; data are counted
//! in words of four bytes there.

use runtime::{Collector, ConfigError, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Items, Metric, Unit};
use crate::sources::devices::{Absence, DeviceCollector};
use crate::text::number;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "infiniband",
    default_on: true,
    help: "InfiniBand ports from /sys/class/infiniband",
    build,
};

const DIR: &str = "class/infiniband";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    DeviceCollector::build(config, DIR, Absence::NoData, discover)
}

/// The file, the metric and its HELP.
const COUNTERS: [(&str, &str, &str); 30] = [
    (
        "counters/VL15_dropped",
        "node_infiniband_vl15_dropped_total",
        "Number of incoming VL15 packets dropped due to resource limitations.",
    ),
    (
        "counters/excessive_buffer_overrun_errors",
        "node_infiniband_excessive_buffer_overrun_errors_total",
        "Number of times that OverrunErrors consecutive flow control update periods occurred, each having at least one overrun error.",
    ),
    (
        "counters/link_downed",
        "node_infiniband_link_downed_total",
        "Number of times the link failed to recover from an error state and went down",
    ),
    (
        "counters/link_error_recovery",
        "node_infiniband_link_error_recovery_total",
        "Number of times the link successfully recovered from an error state",
    ),
    (
        "counters/local_link_integrity_errors",
        "node_infiniband_local_link_integrity_errors_total",
        "Number of times that the count of local physical errors exceeded the threshold specified by LocalPhyErrors.",
    ),
    (
        "counters/multicast_rcv_packets",
        "node_infiniband_multicast_packets_received_total",
        "Number of multicast packets received (including errors)",
    ),
    (
        "counters/multicast_xmit_packets",
        "node_infiniband_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted (including errors)",
    ),
    (
        "counters/port_rcv_constraint_errors",
        "node_infiniband_port_constraint_errors_received_total",
        "Number of packets received on the switch physical port that are discarded",
    ),
    (
        "counters/port_xmit_constraint_errors",
        "node_infiniband_port_constraint_errors_transmitted_total",
        "Number of packets not transmitted from the switch physical port",
    ),
    (
        "counters/port_rcv_data",
        "node_infiniband_port_data_received_bytes_total",
        "Number of data octets received on all links",
    ),
    (
        "counters/port_xmit_data",
        "node_infiniband_port_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
    ),
    (
        "counters/port_rcv_discards",
        "node_infiniband_port_discards_received_total",
        "Number of inbound packets discarded by the port because the port is down or congested",
    ),
    (
        "counters/port_xmit_discards",
        "node_infiniband_port_discards_transmitted_total",
        "Number of outbound packets discarded by the port because the port is down or congested",
    ),
    (
        "counters/port_rcv_errors",
        "node_infiniband_port_errors_received_total",
        "Number of packets containing an error that were received on this port",
    ),
    (
        "counters/port_rcv_packets",
        "node_infiniband_port_packets_received_total",
        "Number of packets received on all VLs by this port (including errors)",
    ),
    (
        "counters/port_xmit_packets",
        "node_infiniband_port_packets_transmitted_total",
        "Number of packets transmitted on all VLs from this port (including errors)",
    ),
    (
        "counters/port_rcv_remote_physical_errors",
        "node_infiniband_port_receive_remote_physical_errors_total",
        "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
    ),
    (
        "counters/port_rcv_switch_relay_errors",
        "node_infiniband_port_receive_switch_relay_errors_total",
        "Number of packets that could not be forwarded by the switch.",
    ),
    (
        "counters/port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Number of ticks during which the port had data to transmit but no data was sent during the entire tick",
    ),
    (
        "counters/symbol_error",
        "node_infiniband_symbol_error_total",
        "Number of minor link errors detected on one or more physical lanes.",
    ),
    (
        "counters/unicast_rcv_packets",
        "node_infiniband_unicast_packets_received_total",
        "Number of unicast packets received (including errors)",
    ),
    (
        "counters/unicast_xmit_packets",
        "node_infiniband_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted (including errors)",
    ),
    (
        "counters_ext/port_multicast_rcv_packets",
        "node_infiniband_legacy_multicast_packets_received_total",
        "Number of multicast packets received",
    ),
    (
        "counters_ext/port_multicast_xmit_packets",
        "node_infiniband_legacy_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted",
    ),
    (
        "counters_ext/port_rcv_data_64",
        "node_infiniband_legacy_data_received_bytes_total",
        "Number of data octets received on all links",
    ),
    (
        "counters_ext/port_rcv_packets_64",
        "node_infiniband_legacy_packets_received_total",
        "Number of data packets received on all links",
    ),
    (
        "counters_ext/port_unicast_rcv_packets",
        "node_infiniband_legacy_unicast_packets_received_total",
        "Number of unicast packets received",
    ),
    (
        "counters_ext/port_unicast_xmit_packets",
        "node_infiniband_legacy_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted",
    ),
    (
        "counters_ext/port_xmit_data_64",
        "node_infiniband_legacy_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
    ),
    (
        "counters_ext/port_xmit_packets_64",
        "node_infiniband_legacy_packets_transmitted_total",
        "Number of data packets received on all links",
    ),
];

/// Words of data are of four bytes.
const WORD: f64 = 4.0;

/// Bytes per second of a gigabit per second.
const GIGABIT: f64 = 125_000_000.0;

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for device in names {
        let file = |name: &str| roots.attribute(&format!("{DIR}/{device}/{name}"));
        items.info(
            Metric::gauge(
                "node_infiniband_info",
                "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
            ),
            &[("device", device)],
            [
                ("board_id", file("board_id")),
                ("firmware_version", file("fw_ver")),
                ("hca_type", file("hca_type")),
            ],
        );
        for port in roots
            .sys_names(&format!("{DIR}/{device}/ports"))
            .unwrap_or_default()
        {
            let file = |name: &str| file(&format!("ports/{port}/{name}"));
            let labels = [("device", device.as_str()), ("port", port.as_str())];
            for (name, metric, help) in STATES {
                items.number(
                    file(name),
                    Metric::gauge(metric, help).unit(Unit::With(before_colon)),
                    &labels,
                );
            }
            let metric = Metric::gauge(
                "node_infiniband_rate_bytes_per_second",
                "Maximum signal transfer rate",
            );
            items.number(file("rate"), metric.unit(Unit::With(rate)), &labels);
            for (name, metric, help) in COUNTERS {
                let unit = if name.contains("_data") {
                    Unit::Times(WORD)
                } else {
                    Unit::One
                };
                items.number(
                    file(name),
                    Metric::counter(metric, help).unit(unit),
                    &labels,
                );
            }
        }
    }
}

/// The file, the metric and its HELP.
const STATES: [(&str, &str, &str); 2] = [
    (
        "state",
        "node_infiniband_state_id",
        "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)",
    ),
    (
        "phys_state",
        "node_infiniband_physical_state_id",
        "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: phytest)",
    ),
];

/// The number of `4: ACTIVE`.
fn before_colon(text: &str) -> Option<f64> {
    number(text.split_once(':')?.0)
}

/// `2.5 Gb/sec (1X SDR)` in bytes per second.
fn rate(text: &str) -> Option<f64> {
    Some(number(text.split_once(" Gb/sec")?.0)? * GIGABIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_rates_are_numbers() {
        assert_eq!(before_colon("4: ACTIVE\n"), Some(4.0));
        assert_eq!(rate("2.5 Gb/sec (1X SDR)\n"), Some(312_500_000.0));
        assert_eq!(before_colon("ACTIVE"), None);
        assert_eq!(rate("fast"), None);
    }
}
