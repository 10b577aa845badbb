//! node_exporter's own end-to-end fixture: its kernel files are given to our binary, and each series that its expected
//! output has of our collectors must be there with the same type, labels and value.

mod common;
#[path = "common/debian_source.rs"]
mod debian_source;
#[path = "common/fixture_tables.rs"]
mod fixture_tables;
#[path = "common/ttar.rs"]
mod ttar;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use exposition::{Families, Format, parse_families};
use fixture_tables::{ELSEWHERE, FLAGS, MOMENTARY, NAMES, OWNERS, SWITCHED_ON};
use testkit::Shipped;
use testkit::scrape::scrape;
use ttar::Entry;

/// How long `--help` may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A series: its type and its labels.
type Series = BTreeMap<(String, String), f64>;

fn series(families: &Families, tree: &str) -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for family in families.iter() {
        let of_family = all.entry(family.name().to_owned()).or_default();
        for sample in family.samples() {
            let labels: BTreeSet<String> = sample
                .labels()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| {
                    format!("{name}={}", value.replace(tree, "collector/fixtures"))
                })
                .collect();
            let labels = labels.into_iter().collect::<Vec<_>>().join(",");
            of_family.insert((format!("{:?}", family.kind()), labels), sample.value);
        }
    }
    all
}

fn owner(family: &str) -> &'static str {
    let of_family = OWNERS.iter().filter(|(start, _)| family.starts_with(start));
    of_family
        .max_by_key(|(start, _)| start.len())
        .map_or("none", |(_, owner)| *owner)
}

fn is_same(expected: f64, ours: f64) -> bool {
    expected == ours || (expected.is_nan() && ours.is_nan())
}

/// By collector: series of the expected output that are the same in ours, and all of them.
fn score(
    expected: &BTreeMap<String, Series>,
    ours: &BTreeMap<String, Series>,
) -> BTreeMap<&'static str, (usize, usize)> {
    let mut scores: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for (family, series) in expected {
        let score = scores.entry(owner(family)).or_default();
        for (labels, value) in series {
            let same = ours.get(family).and_then(|ours| ours.get(labels));
            score.0 += usize::from(same.is_some_and(|ours| is_same(*value, *ours)));
            score.1 += 1;
        }
    }
    scores
}

/// The flags that this build has: `--collector.NAME` of those that are switched on, and the settings.
fn flags(tree: &str) -> Vec<String> {
    let help = Shipped::new(common::EXPORTER).arg("--help").run(TIMEOUT);
    let has = |flag: &str| {
        let name = flag.split('=').next().unwrap_or(flag);
        let name = name.replacen("--no-", "--", 1);
        help.stdout
            .split_ascii_whitespace()
            .any(|word| word.trim_end_matches([',', '.']) == name)
    };
    let on = SWITCHED_ON.iter().map(|name| format!("--collector.{name}"));
    let settings = FLAGS.iter().map(|flag| flag.replace("TREE", tree));
    on.chain(settings)
        .filter(|flag| flag.starts_with("--no-") || has(flag))
        .collect()
}

#[test]
fn every_series_is_that_of_node_exporters_own_fixture() {
    let fixtures = match debian_source::fixtures() {
        Ok(fixtures) => fixtures,
        Err(error) => {
            let line = format!("not compared: node_exporter's source is not to be had: {error}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return;
        }
    };
    let tree = fixtures.display().to_string();
    let exporter = Shipped::new(common::EXPORTER).args(flags(&tree)).start();
    let text = std::fs::read_to_string(fixtures.join("e2e-output.txt")).unwrap();
    let mut expected = series(&parse_families(&text, Format::Text).unwrap(), &tree);
    expected.retain(|family, _| !MOMENTARY.iter().any(|start| family.starts_with(start)));
    let found: Families = scrape(&exporter.url("/metrics"));
    let ours = series(&found, &tree);
    let mut scores = score(&expected, &ours);
    let (same, all) = scores
        .values()
        .fold((0, 0), |sum, (same, all)| (sum.0 + same, sum.1 + all));
    let mut report = String::new();
    for (collector, (same, all)) in &scores {
        report.push_str(&format!("{collector}: {same} of {all}\n"));
    }
    report.push_str(&format!("in total: {same} of {all}\n"));
    let successes = found.get("node_scrape_collector_success").unwrap();
    let has: BTreeSet<String> = successes
        .samples()
        .filter_map(|sample| Some(sample.label("collector")?.into_owned()))
        .collect();
    for (family, series) in expected
        .iter()
        .filter(|(family, _)| has.contains(owner(family)))
    {
        let of_family = ours.get(family);
        let missing = series.iter().filter(|(labels, value)| {
            !of_family
                .and_then(|ours| ours.get(*labels))
                .is_some_and(|ours| is_same(**value, *ours))
        });
        for (labels, value) in missing {
            report.push_str(&format!("missing: {family} {labels:?} {value}\n"));
        }
    }
    std::io::stderr().write_all(report.as_bytes()).unwrap();
    scores.retain(|collector, (same, all)| has.contains(*collector) && same < all);
    assert!(scores.is_empty(), "{scores:?}");
}

/// The names of all families that an exporter with these flags has.
fn names_of(flags: &[String]) -> BTreeSet<String> {
    let exporter = Shipped::new(common::EXPORTER).args(flags).start();
    let found: Families = scrape(&exporter.url("/metrics"));
    found
        .iter()
        .map(|family| family.name().to_owned())
        .collect()
}

#[test]
fn every_name_of_release_1_12_and_of_public_dashboards_is_here() {
    let Ok(fixtures) = debian_source::fixtures() else {
        return;
    };
    let mut here = names_of(&flags(&fixtures.display().to_string()));
    here.extend(names_of(&[]));
    let golden = std::fs::read_to_string(common::golden()).unwrap();
    let types = golden
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    here.extend(types.filter_map(|line| Some(line.split(' ').next()?.to_owned())));
    let is_elsewhere = |name: &&str| ELSEWHERE.iter().any(|(start, _)| name.starts_with(start));
    let missing: Vec<&str> = NAMES
        .lines()
        .filter(|name| !here.contains(*name))
        .filter(|name| !is_elsewhere(name))
        .collect();
    assert!(NAMES.lines().count() > 1100);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn archives_are_unpacked_with_their_ends_and_zeros() {
    let text = "# Archive\nDirectory: sys\nMode: 755\n# ttar\nPath: sys/a\nLines: 2\none\ntwoEOF\nMode: 644\n\
        Path: sys/b\nLines: 1\nxNULLBYTEy\nMode: 644\nPath: sys/c\nSymlinkTo: ../a\nPath: sys/d\nLines: 0\n";
    let expected = [
        Entry::Directory("sys"),
        Entry::File("sys/a", b"one\ntwo".to_vec()),
        Entry::File("sys/b", b"x\0y\n".to_vec()),
        Entry::Link("sys/c", "../a"),
        Entry::File("sys/d", Vec::new()),
    ];
    assert_eq!(ttar::entries(text), expected);
    let dir = tempfile::tempdir().unwrap();
    ttar::unpack(text, dir.path());
    assert_eq!(
        std::fs::read(dir.path().join("sys/a")).unwrap(),
        b"one\ntwo"
    );
}

#[test]
fn the_mirror_of_debian_is_read_from_lists_of_both_forms() {
    let text =
        "deb http://mirror.example/debian stable main\ndeb-src http://old.example stable main\n";
    assert_eq!(
        debian_source::mirror_of(text),
        Some("http://mirror.example/debian")
    );
    let text = "Types: deb\nURIs: http://deb.example/debian\nSuites: stable\nSigned-By: /k.gpg\n";
    assert_eq!(
        debian_source::mirror_of(text),
        Some("http://deb.example/debian")
    );
    assert_eq!(
        debian_source::mirror_of("deb http://other.example/apt x main\n"),
        None
    );
}

#[test]
fn a_series_with_another_value_type_or_label_is_not_the_same() {
    let parse = |text: &str| series(&parse_families(text, Format::Text).unwrap(), "/tree");
    let expected = parse(
        "# TYPE node_load1 gauge\nnode_load1 1\n# TYPE node_xfs_a counter\nnode_xfs_a{device=\"a\"} 1\n",
    );
    assert_eq!(score(&expected, &expected)["xfs"], (1, 1));
    for ours in [
        "# TYPE node_xfs_a counter\nnode_xfs_a{device=\"a\"} 2\n",
        "# TYPE node_xfs_a gauge\nnode_xfs_a{device=\"a\"} 1\n",
        "# TYPE node_xfs_a counter\nnode_xfs_a{device=\"b\"} 1\n",
    ] {
        assert_eq!(score(&expected, &parse(ours))["xfs"], (0, 1), "{ours}");
    }
}
