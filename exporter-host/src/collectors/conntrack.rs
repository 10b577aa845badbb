//! How full the connection tracking table is and what happened to packets in it, added up over the CPUs. Sources:
//! `/proc/sys/net/netfilter/nf_conntrack_count` and `_max`, `/proc/net/stat/nf_conntrack`.

use exposition::Families;
use runtime::{CollectError, Collector, ConfigError, Scrape, Spec};

use crate::config::HostConfig;
use crate::roots::KernelFile;
use crate::text::{ParseError, hex, number};

/// The collector's line in the table.
pub(crate) const SPEC: Spec<HostConfig> = Spec {
    name: "conntrack",
    default_on: true,
    help: "connection tracking from /proc/sys/net/netfilter and /proc/net/stat/nf_conntrack",
    build,
};

/// The place of a field, its metric and HELP. The places are the same in all kernels, the headings are not.
const FIELDS: [(usize, &str, &str); 8] = [
    (
        2,
        "node_nf_conntrack_stat_found",
        "Number of searched entries which were successful.",
    ),
    (
        4,
        "node_nf_conntrack_stat_invalid",
        "Number of packets seen which can not be tracked.",
    ),
    (
        5,
        "node_nf_conntrack_stat_ignore",
        "Number of packets seen which are already connected to a conntrack entry.",
    ),
    (
        8,
        "node_nf_conntrack_stat_insert",
        "Number of entries inserted into the list.",
    ),
    (
        9,
        "node_nf_conntrack_stat_insert_failed",
        "Number of entries for which list insertion was attempted but failed.",
    ),
    (
        10,
        "node_nf_conntrack_stat_drop",
        "Number of packets dropped due to conntrack failure.",
    ),
    (
        11,
        "node_nf_conntrack_stat_early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    ),
    (
        16,
        "node_nf_conntrack_stat_search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
    ),
];

/// Fields per CPU.
const WIDTH: usize = 17;

fn build(config: &HostConfig) -> Result<Box<dyn Collector>, ConfigError> {
    Ok(Box::new(Conntrack {
        count: config
            .roots
            .proc_value("sys/net/netfilter/nf_conntrack_count"),
        limit: config
            .roots
            .proc_value("sys/net/netfilter/nf_conntrack_max"),
        stat: config.roots.proc("net/stat/nf_conntrack"),
    }))
}

struct Conntrack {
    count: KernelFile,
    limit: KernelFile,
    stat: KernelFile,
}

impl Collector for Conntrack {
    fn update(&mut self, _scrape: &Scrape, out: &mut Families) -> Result<(), CollectError> {
        if !self.count.exists() {
            return Err(CollectError::NoData(
                "connections are not tracked".to_owned(),
            ));
        }
        let count = self.count.parse(parse_number)?;
        out.gauge(
            "node_nf_conntrack_entries",
            "Number of currently allocated flow entries for connection tracking.",
            count,
        );
        let limit = self.limit.parse(parse_number)?;
        out.gauge(
            "node_nf_conntrack_entries_limit",
            "Maximum size of connection tracking table.",
            limit,
        );
        if !self.stat.exists() {
            return Ok(());
        }
        let sums = self.stat.parse(parse)?;
        for (place, name, help) in FIELDS {
            let sum = sums.get(place).copied().unwrap_or_default();
            out.gauge(name, help, sum as f64);
        }
        Ok(())
    }
}

fn parse_number(text: &str) -> Result<f64, ParseError> {
    number(text).ok_or_else(|| ParseError::at(0, "a number", text))
}

/// The fields of all CPUs added up; the first line is the heading, the fields are hexadecimal.
fn parse(text: &str) -> Result<[u64; WIDTH], ParseError> {
    let mut sums = [0_u64; WIDTH];
    for (index, line) in text.lines().enumerate().skip(1) {
        for (sum, field) in sums.iter_mut().zip(line.split_ascii_whitespace()) {
            let value =
                hex(field).ok_or_else(|| ParseError::at(index, "hexadecimal counts", line))?;
            *sum = sum.wrapping_add(value);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_added_up() {
        let text = "entries searched found\n0000000a 1 2\n0000000a 3 ff\n";
        assert_eq!(parse(text).unwrap().get(..3), Some([20, 4, 257].as_slice()));
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused() {
        assert!(parse("entries\nten\n").is_err() && parse_number("ten").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(?s).*") {
            let _ = parse(&text);
        }
    }
}
