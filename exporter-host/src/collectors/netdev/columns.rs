//! Which counters of a network device make which metric. The names by default are those of `/proc/net/dev`, which
//! adds several counters up; the detailed ones are the kernel's own, one for each.

use crate::sources::rtnl::field::{
    COLLISIONS, MULTICAST, RX_BYTES, RX_COMPRESSED, RX_CRC_ERRORS, RX_DROPPED, RX_ERRORS,
    RX_FIFO_ERRORS, RX_FRAME_ERRORS, RX_LENGTH_ERRORS, RX_MISSED_ERRORS, RX_NOHANDLER,
    RX_OVER_ERRORS, RX_PACKETS, TX_ABORTED_ERRORS, TX_BYTES, TX_CARRIER_ERRORS, TX_COMPRESSED,
    TX_DROPPED, TX_ERRORS, TX_FIFO_ERRORS, TX_HEARTBEAT_ERRORS, TX_PACKETS, TX_WINDOW_ERRORS,
};

/// A metric: its name, its HELP, and the counters of which it is the sum.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) sum: &'static [usize],
}

type Table = &'static [(&'static str, &'static [usize])];

/// The same under all names and sources.
const COMMON: Table = &[
    ("receive_bytes", &[RX_BYTES]),
    ("receive_compressed", &[RX_COMPRESSED]),
    ("receive_packets", &[RX_PACKETS]),
    ("transmit_bytes", &[TX_BYTES]),
    ("transmit_compressed", &[TX_COMPRESSED]),
    ("transmit_packets", &[TX_PACKETS]),
];

const NETLINK: Table = &[
    ("receive_drop", &[RX_DROPPED, RX_MISSED_ERRORS]),
    ("receive_errs", &[RX_ERRORS]),
    ("receive_fifo", &[RX_FIFO_ERRORS]),
    (
        "receive_frame",
        &[
            RX_FRAME_ERRORS,
            RX_LENGTH_ERRORS,
            RX_OVER_ERRORS,
            RX_CRC_ERRORS,
        ],
    ),
    ("receive_multicast", &[MULTICAST]),
    ("receive_nohandler", &[RX_NOHANDLER]),
    (
        "transmit_carrier",
        &[
            TX_CARRIER_ERRORS,
            TX_ABORTED_ERRORS,
            TX_HEARTBEAT_ERRORS,
            TX_WINDOW_ERRORS,
        ],
    ),
    ("transmit_colls", &[COLLISIONS]),
    ("transmit_drop", &[TX_DROPPED]),
    ("transmit_errs", &[TX_ERRORS]),
    ("transmit_fifo", &[TX_FIFO_ERRORS]),
];

const NETLINK_DETAILED: Table = &[
    ("collisions", &[COLLISIONS]),
    ("multicast", &[MULTICAST]),
    ("receive_crc_errors", &[RX_CRC_ERRORS]),
    ("receive_dropped", &[RX_DROPPED]),
    ("receive_errors", &[RX_ERRORS]),
    ("receive_fifo_errors", &[RX_FIFO_ERRORS]),
    ("receive_frame_errors", &[RX_FRAME_ERRORS]),
    ("receive_length_errors", &[RX_LENGTH_ERRORS]),
    ("receive_missed_errors", &[RX_MISSED_ERRORS]),
    ("receive_nohandler", &[RX_NOHANDLER]),
    ("receive_over_errors", &[RX_OVER_ERRORS]),
    ("transmit_aborted_errors", &[TX_ABORTED_ERRORS]),
    ("transmit_carrier_errors", &[TX_CARRIER_ERRORS]),
    ("transmit_dropped", &[TX_DROPPED]),
    ("transmit_errors", &[TX_ERRORS]),
    ("transmit_fifo_errors", &[TX_FIFO_ERRORS]),
    ("transmit_heartbeat_errors", &[TX_HEARTBEAT_ERRORS]),
    ("transmit_window_errors", &[TX_WINDOW_ERRORS]),
];

/// `/proc/net/dev` has no more than these, already added up.
const PROC: Table = &[
    ("receive_fifo", &[RX_FIFO_ERRORS]),
    ("receive_frame", &[RX_FRAME_ERRORS]),
    ("receive_multicast", &[MULTICAST]),
    ("transmit_carrier", &[TX_CARRIER_ERRORS]),
    ("transmit_colls", &[COLLISIONS]),
    ("transmit_fifo", &[TX_FIFO_ERRORS]),
];

const PROC_PLAIN: Table = &[
    ("receive_drop", &[RX_DROPPED]),
    ("receive_errs", &[RX_ERRORS]),
    ("transmit_drop", &[TX_DROPPED]),
    ("transmit_errs", &[TX_ERRORS]),
];

const PROC_DETAILED: Table = &[
    ("receive_dropped", &[RX_DROPPED]),
    ("receive_errors", &[RX_ERRORS]),
    ("transmit_dropped", &[TX_DROPPED]),
    ("transmit_errors", &[TX_ERRORS]),
];

/// The metrics of one source under the default or the detailed names.
pub(super) fn of(detailed: bool, netlink: bool) -> Vec<Column> {
    let tables: &[Table] = match (netlink, detailed) {
        (true, false) => &[COMMON, NETLINK],
        (true, true) => &[COMMON, NETLINK_DETAILED],
        (false, false) => &[COMMON, PROC, PROC_PLAIN],
        (false, true) => &[COMMON, PROC, PROC_DETAILED],
    };
    tables
        .iter()
        .copied()
        .flatten()
        .map(|(key, sum)| Column {
            name: format!("node_network_{key}_total"),
            help: format!("Network device statistic {key}."),
            sum,
        })
        .collect()
}
