//! A scrape's result: the modules' own metrics and `snmp_scrape_*`, what snmp_exporter tells about each walk and what ours
//! tells beside that.

use std::collections::HashSet;
use std::time::Instant;

use exposition::{Families, MetricType};

use crate::render::{Table, render};
use crate::walk::{Part, Walk};

/// What walks came to.
pub(crate) struct Report {
    pub(crate) families: Families,
    /// The walks themselves, with their rows.
    pub(crate) walks: Vec<Walk>,
    /// Of each walk, what was looked up in vain in columns that may be remembered ones.
    pub(crate) missing: Vec<HashSet<Vec<u32>>>,
}

/// Renders what `walks` found in a scrape that began at `start`.
pub(crate) fn report(mut walks: Vec<Walk>, wrap: bool, start: Instant) -> Report {
    let mut families = Families::new();
    let mut missing = Vec::new();
    for walk in &mut walks {
        let module = &walk.asked.module;
        let table = Table::new(std::mem::take(&mut walk.rows));
        missing.push(render(module, &table, wrap, &mut families));
        walk.rows = table.into_rows();
        let labels = [("module", module.name.as_str())];
        let labels = if module.is_told { &labels[..] } else { &[] };
        about(walk, start, labels, &mut families);
        parts(walk, labels, &mut families);
    }
    let dropped = families.problem_count() as f64;
    let help = "Samples left out because they were there already or not valid.";
    families.gauge("snmp_scrape_samples_dropped", help, dropped);
    Report {
        families,
        walks,
        missing,
    }
}

fn about(walk: &Walk, start: Instant, labels: &[(&str, &str)], out: &mut Families) {
    let (packets, retried) = walk.counts();
    for (name, help, value) in [
        (
            "snmp_scrape_walk_duration_seconds",
            "Time SNMP walk/bulkwalk took.",
            walk.duration.as_secs_f64(),
        ),
        (
            "snmp_scrape_packets_sent",
            "Packets sent for get, bulkget, and walk; including retries.",
            packets as f64,
        ),
        (
            "snmp_scrape_packets_retried",
            "Packets retried for get, bulkget, and walk.",
            retried as f64,
        ),
        (
            "snmp_scrape_pdus_returned",
            "PDUs returned from get, bulkget, and walk.",
            walk.returned as f64,
        ),
        (
            "snmp_scrape_duration_seconds",
            "Total SNMP time scrape took (walk and processing).",
            start.elapsed().as_secs_f64(),
        ),
    ] {
        out.family(name, help, MetricType::Gauge)
            .sample(labels, value);
    }
}

fn parts(walk: &Walk, labels: &[(&str, &str)], out: &mut Families) {
    let help = "Whether a subtree, or all that is got by instance (get), was found whole.";
    let mut family = out.family("snmp_scrape_subtree_success", help, MetricType::Gauge);
    for (part, result) in &walk.parts {
        let name = match part {
            Part::Get => "get".to_owned(),
            Part::Subtree(oid) => oid.to_string(),
        };
        let labels: Vec<_> = labels
            .iter()
            .copied()
            .chain([("subtree", name.as_str())])
            .collect();
        family.sample(&labels, f64::from(u8::from(result.is_ok())));
    }
}
