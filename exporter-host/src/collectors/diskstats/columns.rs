//! The metrics that the counters of `/proc/diskstats` make, in the order of the kernel's fields, and those of udev's
//! ATA properties.

use exposition::MetricType::{self, Counter, Gauge};

/// What a counter counts.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Events, or anything else that is exported as it is.
    Count,
    /// Sectors of 512 bytes, whatever the sectors of the device are; exported in bytes.
    Sectors,
    /// Milliseconds; exported in seconds.
    Milliseconds,
}

impl Unit {
    pub(super) fn value(self, counter: u64) -> f64 {
        let counter = counter as f64;
        match self {
            Self::Count => counter,
            Self::Sectors => counter * 512.0,
            // Not a division: the peer multiplies, and the last bit differs.
            Self::Milliseconds => counter * (1.0 / 1000.0),
        }
    }
}

pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
    pub(super) unit: Unit,
}

const fn column(name: &'static str, help: &'static str, kind: MetricType, unit: Unit) -> Column {
    Column {
        name,
        help,
        kind,
        unit,
    }
}

/// Fields 4 to 20 of a line.
#[rustfmt::skip]
pub(super) const COLUMNS: [Column; 17] = {
    use Unit::{Count, Milliseconds, Sectors};
    [
        column("node_disk_reads_completed_total", "The total number of reads completed successfully.", Counter, Count),
        column("node_disk_reads_merged_total", "The total number of reads merged.", Counter, Count),
        column("node_disk_read_bytes_total", "The total number of bytes read successfully.", Counter, Sectors),
        column("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.", Counter, Milliseconds),
        column("node_disk_writes_completed_total", "The total number of writes completed successfully.", Counter, Count),
        column("node_disk_writes_merged_total", "The number of writes merged.", Counter, Count),
        column("node_disk_written_bytes_total", "The total number of bytes written successfully.", Counter, Sectors),
        column("node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes.", Counter, Milliseconds),
        column("node_disk_io_now", "The number of I/Os currently in progress.", Gauge, Count),
        column("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", Counter, Milliseconds),
        column("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", Counter, Milliseconds),
        column("node_disk_discards_completed_total", "The total number of discards completed successfully.", Counter, Count),
        column("node_disk_discards_merged_total", "The total number of discards merged.", Counter, Count),
        column("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully.", Counter, Count),
        column("node_disk_discard_time_seconds_total", "This is the total number of seconds spent by all discards.", Counter, Milliseconds),
        column("node_disk_flush_requests_total", "The total number of flush requests completed successfully", Counter, Count),
        column("node_disk_flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests.", Counter, Milliseconds),
    ]
};

/// Name and HELP of the metrics of `Properties::ata`.
pub(super) const ATA: [(&str, &str); 3] = [
    ("node_disk_ata_write_cache", "ATA disk has a write cache."),
    (
        "node_disk_ata_write_cache_enabled",
        "ATA disk has its write cache enabled.",
    ),
    (
        "node_disk_ata_rotation_rate_rpm",
        "ATA disk rotation rate in RPMs (0 for SSDs).",
    ),
];
