//! What tape drives read and wrote, and how long that took. Source: `/sys/class/scsi_tape/stN/stats`; times are in
//! nanoseconds there.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::pattern::Pattern;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "tapestats",
    default_on: true,
    help: "tape I/O from /sys/class/scsi_tape",
    build,
};

const DIR: &str = "class/scsi_tape";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(TapestatsCollector {
        roots: config.roots.clone(),
        board: Board::default(),
        ignored: config
            .options
            .pattern("collector.tapestats.ignored-devices"),
    }))
}

struct TapestatsCollector {
    roots: Roots,
    board: Board,
    ignored: Pattern,
}

impl Collector for TapestatsCollector {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        let mut names = self
            .roots
            .sys_names(DIR)
            .map_err(|error| CollectError::NoData(error.to_string()))?;
        names.retain(|name| !self.ignored.is_match(name));
        let Self { roots, board, .. } = self;
        board.emit(names, out, |names, items| discover(roots, names, items));
        Ok(())
    }
}

/// The file, the metric, its HELP and its unit. Only what is outstanding is no counter.
const FILES: [(&str, &str, &str, Unit); 9] = [
    (
        "io_ns",
        "node_tape_io_time_seconds_total",
        "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape devices are used.",
        NANOS,
    ),
    (
        "other_cnt",
        "node_tape_io_others_total",
        "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
        Unit::One,
    ),
    (
        "read_byte_cnt",
        "node_tape_read_bytes_total",
        "The number of bytes read from the tape drive.",
        Unit::One,
    ),
    (
        "read_cnt",
        "node_tape_reads_completed_total",
        "The number of read requests issued to the tape drive.",
        Unit::One,
    ),
    (
        "read_ns",
        "node_tape_read_time_seconds_total",
        "The amount of time spent waiting for read requests to complete.",
        NANOS,
    ),
    (
        "resid_cnt",
        "node_tape_residual_total",
        "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
        Unit::One,
    ),
    (
        "write_byte_cnt",
        "node_tape_written_bytes_total",
        "The number of bytes written to the tape drive.",
        Unit::One,
    ),
    (
        "write_cnt",
        "node_tape_writes_completed_total",
        "The number of write requests issued to the tape drive.",
        Unit::One,
    ),
    (
        "write_ns",
        "node_tape_write_time_seconds_total",
        "The amount of time spent waiting for write requests to complete.",
        NANOS,
    ),
];

const NANOS: Unit = Unit::Times(1e-9);

fn discover(roots: &Roots, names: &[String], items: &mut Items) {
    for device in names.iter().filter(|name| is_drive(name)) {
        let file = |name: &str| roots.attribute(&format!("{DIR}/{device}/stats/{name}"));
        let labels = [("device", device.as_str())];
        let metric = Metric::gauge(
            "node_tape_io_now",
            "The number of I/Os currently outstanding to this device.",
        );
        items.number(file("in_flight"), metric, &labels);
        for (name, metric, help, unit) in FILES {
            items.number(
                file(name),
                Metric::counter(metric, help).unit(unit),
                &labels,
            );
        }
    }
}

/// `st0`, but not `nst0a`, another way to open the same drive.
fn is_drive(name: &str) -> bool {
    name.strip_prefix("st")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_are_told_from_their_other_names() {
        assert!(is_drive("st0") && is_drive("st12"));
        assert!(!is_drive("st") && !is_drive("st0a") && !is_drive("nst0"));
    }
}
