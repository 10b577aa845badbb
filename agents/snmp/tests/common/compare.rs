//! Debian's snmp_exporter 0.21 beside ours on the same file: every series that either gives has to be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use exposition::{Families, MetricType};
use testkit::scrape::scrape;
use testkit::{Peer, Running};

use super::{page, shipped};

/// Families that 0.21 does not have.
const OURS: [&str; 2] = ["snmp_scrape_samples_dropped", "snmp_scrape_subtree_success"];

/// Values that are facts about the program rather than about the device.
const OWN: [&str; 4] = [
    "snmp_scrape_duration_seconds",
    "snmp_scrape_packets_retried",
    "snmp_scrape_packets_sent",
    "snmp_scrape_walk_duration_seconds",
];

/// Values move between two scrapes, up and down: each series must be right in one of so many rounds.
const ROUNDS: usize = 12;

type Labels = BTreeMap<String, String>;
type Key = (String, Labels);

struct Scraped {
    families: BTreeMap<String, (MetricType, String)>,
    series: BTreeMap<Key, f64>,
}

fn scraped(url: &str) -> Scraped {
    let all: Families = scrape(url);
    let (mut families, mut series) = (BTreeMap::new(), BTreeMap::new());
    for family in all.iter().filter(|family| !OURS.contains(&family.name())) {
        let name = family.name().to_owned();
        families.insert(name.clone(), (family.kind(), family.help().to_owned()));
        for sample in family.samples() {
            let labels = sample
                .labels()
                .map(|(key, value)| (key.to_owned(), value.into_owned()));
            series.insert((name.clone(), labels.collect()), sample.value);
        }
    }
    Scraped { families, series }
}

/// Ours and theirs on the same file.
pub(crate) struct Pair {
    /// Our agent.
    pub(crate) ours: Running,
    /// Debian's snmp_exporter.
    pub(crate) theirs: Running,
}

impl Pair {
    /// Starts both.
    pub(crate) fn start(config: &Path) -> Self {
        let flag = format!("--config.file={}", config.display());
        Self {
            // Remembered columns would be missing from the count of PDUs.
            ours: shipped()
                .arg(&flag)
                .arg("--snmp.lookup-interval=0s")
                .start(),
            theirs: Peer::new("prometheus-snmp-exporter")
                .args([flag])
                .args(["--web.listen-address=127.0.0.1:{port}"])
                .wait_http("/")
                .start(),
        }
    }

    /// Compares a module until each series of theirs was the same once; returns how many there are.
    pub(crate) fn compare(&self, target: &str, module: &str) -> usize {
        let query = format!("module={module}");
        let (our_page, their_page) = (
            page(&self.ours, target, &query),
            page(&self.theirs, target, &query),
        );
        let mut matched: BTreeSet<Key> = BTreeSet::new();
        let mut wrong = Vec::new();
        for _ in 0..ROUNDS {
            let before = scraped(&their_page);
            let own = scraped(&our_page);
            let after = scraped(&their_page);
            assert_eq!(own.families, after.families, "{module}");
            wrong.clear();
            for key in before
                .series
                .keys()
                .chain(after.series.keys())
                .chain(own.series.keys())
            {
                let all = [&before, &after, &own].map(|scraped| scraped.series.get(key).copied());
                let is_same = match all {
                    [Some(a), Some(b), Some(c)] => {
                        OWN.contains(&key.0.as_str()) || (a.min(b)..=a.max(b)).contains(&c)
                    }
                    // It came or went in between.
                    [None, None, Some(_)] | [Some(_), Some(_), None] => false,
                    _ => true,
                };
                if is_same {
                    matched.insert(key.clone());
                } else if !matched.contains(key) {
                    wrong.push((key.clone(), all));
                }
            }
            if wrong.is_empty() {
                return own.series.len();
            }
        }
        panic!("{module}: before, after, ours: {wrong:#?}")
    }
}
