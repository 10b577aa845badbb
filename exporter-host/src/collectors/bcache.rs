//! How the block cache works, by set of devices, by backing device and by cache device. Source: `/sys/fs/bcache`, where
//! the kernel rounds sizes to one digit of fraction and a unit: `20.4G`.

use exposition::{Families, MetricType};
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::Roots;
use crate::sources::board::{Board, Items, Metric, Unit};
use crate::text::number;

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "bcache",
    default_on: true,
    help: "the block cache from /sys/fs/bcache",
    build,
};

const DIR: &str = "fs/bcache";

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Bcache {
        roots: config.roots.clone(),
        board: Board::default(),
        has_priority: config.options.is_on("collector.bcache.priorityStats"),
    }))
}

struct Bcache {
    roots: Roots,
    board: Board,
    /// Whether the statistics are shown for which the kernel sorts all buckets.
    has_priority: bool,
}

impl Collector for Bcache {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        // A host without a cache is as good as any.
        let mut sets = self.roots.sys_names(DIR).unwrap_or_default();
        // Beside the sets, which are named by their UUID, there are files to register devices.
        sets.retain(|name| name.contains('-'));
        let Self {
            roots,
            board,
            has_priority,
        } = self;
        board.emit(sets, out, |sets, items| {
            for set in sets {
                discover(roots, set, *has_priority, items);
            }
        });
        Ok(())
    }
}

use MetricType::{Counter, Gauge};

/// A file, the metric, its HELP, type and unit.
type Row = (&'static str, &'static str, &'static str, MetricType, Unit);

const SIZE: Unit = Unit::With(size);

#[rustfmt::skip]
const OF_SET: [Row; 10] = [
    ("average_key_size", "node_bcache_average_key_size_sectors", "Average data per key in the btree (sectors).", Gauge, SIZE),
    ("btree_cache_size", "node_bcache_btree_cache_size_bytes", "Amount of memory currently used by the btree cache.", Gauge, SIZE),
    ("cache_available_percent", "node_bcache_cache_available_percent", "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).", Gauge, SIZE),
    ("congested", "node_bcache_congested", "Congestion.", Gauge, SIZE),
    ("root_usage_percent", "node_bcache_root_usage_percent", "Percentage of the root btree node in use (tree depth increases if too high).", Gauge, SIZE),
    ("tree_depth", "node_bcache_tree_depth", "Depth of the btree.", Gauge, SIZE),
    ("internal/active_journal_entries", "node_bcache_active_journal_entries", "Number of journal entries that are newer than the index.", Gauge, SIZE),
    ("internal/btree_nodes", "node_bcache_btree_nodes", "Total nodes in the btree.", Gauge, SIZE),
    ("internal/btree_read_average_duration_us", "node_bcache_btree_read_average_duration_seconds", "Average btree read duration.", Gauge, Unit::Times(1e-9)),
    ("internal/cache_read_races", "node_bcache_cache_read_races_total", "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. where the pointer was stale after the read completed.", Counter, SIZE),
];

#[rustfmt::skip]
const OF_BACKING_DEVICE: [Row; 13] = [
    ("dirty_data", "node_bcache_dirty_data_bytes", "Amount of dirty data for this backing device in the cache.", Gauge, SIZE),
    ("writeback_rate_debug", "node_bcache_dirty_target_bytes", "Current dirty data target threshold for this backing device in bytes.", Gauge, Unit::With(|text| of_line(text, "target:"))),
    ("writeback_rate_debug", "node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes.", Gauge, Unit::With(|text| of_line(text, "rate:"))),
    ("writeback_rate_debug", "node_bcache_writeback_rate_proportional_term", "Current result of proportional controller, part of writeback rate", Gauge, Unit::With(|text| of_line(text, "proportional:"))),
    ("writeback_rate_debug", "node_bcache_writeback_rate_integral_term", "Current result of integral controller, part of writeback rate", Gauge, Unit::With(|text| of_line(text, "integral:"))),
    ("writeback_rate_debug", "node_bcache_writeback_change", "Last writeback rate change step for this backing device.", Gauge, Unit::With(|text| of_line(text, "change:"))),
    ("stats_total/bypassed", "node_bcache_bypassed_bytes_total", "Amount of IO (both reads and writes) that has bypassed the cache.", Counter, SIZE),
    ("stats_total/cache_hits", "node_bcache_cache_hits_total", "Hits counted per individual IO as bcache sees them.", Counter, SIZE),
    ("stats_total/cache_misses", "node_bcache_cache_misses_total", "Misses counted per individual IO as bcache sees them.", Counter, SIZE),
    ("stats_total/cache_bypass_hits", "node_bcache_cache_bypass_hits_total", "Hits for IO intended to skip the cache.", Counter, SIZE),
    ("stats_total/cache_bypass_misses", "node_bcache_cache_bypass_misses_total", "Misses for IO intended to skip the cache.", Counter, SIZE),
    ("stats_total/cache_miss_collisions", "node_bcache_cache_miss_collisions_total", "Instances where data insertion from cache miss raced with write (data already present).", Counter, SIZE),
    ("stats_total/cache_readaheads", "node_bcache_cache_readaheads_total", "Count of times readahead occurred.", Counter, Unit::With(|text| size(text).filter(|count| *count > 0.0))),
];

#[rustfmt::skip]
const OF_CACHE_DEVICE: [Row; 3] = [
    ("io_errors", "node_bcache_io_errors", "Number of errors that have occurred, decayed by io_error_halflife.", Gauge, SIZE),
    ("metadata_written", "node_bcache_metadata_written_bytes_total", "Sum of all non data writes (btree writes and all other metadata).", Counter, SIZE),
    ("written", "node_bcache_written_bytes_total", "Sum of all data that has been written to the cache.", Counter, SIZE),
];

#[rustfmt::skip]
const PRIORITY: [Row; 2] = [
    ("priority_stats", "node_bcache_priority_stats_unused_percent", "The percentage of the cache that doesn't contain any data.", Gauge, Unit::With(|text| of_line(text, "Unused:"))),
    ("priority_stats", "node_bcache_priority_stats_metadata_percent", "Bcache's metadata overhead.", Gauge, Unit::With(|text| of_line(text, "Metadata:"))),
];

fn discover(roots: &Roots, set: &str, has_priority: bool, items: &mut Items) {
    let mut add = |path: &str, rows: &[Row], labels: &[(&'static str, &str)]| {
        for (name, metric, help, kind, unit) in rows {
            let metric = match kind {
                Counter => Metric::counter(*metric, *help),
                _ => Metric::gauge(*metric, *help),
            };
            items.number(
                roots.attribute(&format!("{path}/{name}")),
                metric.unit(*unit),
                labels,
            );
        }
    };
    let path = format!("{DIR}/{set}");
    add(&path, &OF_SET, &[("uuid", set)]);
    for name in roots.sys_names(&path).unwrap_or_default() {
        let below = format!("{path}/{name}");
        let number = |prefix: &str| {
            let digits = name.strip_prefix(prefix).unwrap_or_default();
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if number("bdev") {
            add(
                &below,
                &OF_BACKING_DEVICE,
                &[("backing_device", &name), ("uuid", set)],
            );
        } else if number("cache") {
            let labels = [("cache_device", name.as_str()), ("uuid", set)];
            add(&below, &OF_CACHE_DEVICE, &labels);
            if has_priority {
                add(&below, &PRIORITY, &labels);
            }
        }
    }
}

/// `20.4G`, `512` or `-1.5k`: the digit after the point counts hundreds of the next smaller unit, not tenths, for
/// that is how the kernel makes it.
fn size(text: &str) -> Option<f64> {
    let text = text.trim();
    let Some(power) = text.chars().last().and_then(|unit| "kMGTPEZY".find(unit)) else {
        return number(text);
    };
    let digits = text.get(..text.len() - 1)?;
    let smaller = 1024_f64.powi(i32::try_from(power).ok()?);
    let (whole, tenths) = digits.split_once('.').unwrap_or((digits, "0"));
    let sign = if whole.starts_with('-') { -1.0 } else { 1.0 };
    Some(number(whole)? * 1024.0 * smaller + sign * number(tenths)? * 100.0 * smaller)
}

/// The size on the line that begins with `key`, such as `rate:   1.1M/sec` or `Unused: 99%`.
fn of_line(text: &str, key: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?.trim();
    size(value.trim_end_matches("/sec").trim_end_matches('%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_and_hundreds_of_the_next_smaller() {
        assert_eq!(size("512\n"), Some(512.0));
        assert_eq!(size("1.1M"), Some(1_150_976.0));
        assert_eq!(size("-2.5k"), Some(-2548.0));
        assert_eq!(size("20G"), Some(20.0 * 1_073_741_824.0));
        assert_eq!(size("k"), None);
        assert_eq!(size("many"), None);
    }

    #[test]
    fn lines_are_found_by_their_key() {
        let text = "rate:\t\t1.1M/sec\ndirty:\t\t20.4G\nUnused:\t\t99%\n";
        assert_eq!(of_line(text, "rate:"), Some(1_150_976.0));
        assert_eq!(of_line(text, "Unused:"), Some(99.0));
        assert_eq!(of_line(text, "change:"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_size_or_none(text in ".*|[0-9.-]*[kMGTPEZYé]") {
            let _ = size(&text);
            let _ = of_line(&format!("rate:{text}"), "rate:");
        }
    }
}
