//! Dashboards that others have made for node_exporter and for libvirt exporters: what they ask for is exported, under
//! the same names and with the same labels, or docs/dashboards-compat.md says why not.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and fails loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use testkit::{Shipped, http};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every sample's name with the labels that any sample of that name has.
type Exported = BTreeMap<String, BTreeSet<String>>;

/// Adds the samples of an exposition. No label value of these programs has a comma and an equals sign in it.
fn add(known: &mut Exported, text: &str) {
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let labels = known.entry(line[..end].to_owned()).or_default();
        if let Some((inner, _)) = line[end..]
            .strip_prefix('{')
            .and_then(|it| it.rsplit_once('}'))
        {
            let pairs = inner.split(',').filter_map(|it| it.split_once("=\""));
            labels.extend(pairs.map(|(name, _)| name.to_owned()));
        }
    }
}

/// What both exporters export here, what they export of their fixtures, and what our rules record of it.
fn exported() -> Exported {
    let mut known = Exported::new();
    for golden in [
        "exporter-host/tests/golden/metrics.txt",
        "exporter-libvirt/tests/golden/families.txt",
    ] {
        add(&mut known, &read(&root().join(golden)));
    }
    let programs = [
        Shipped::new("nephoscope-exporter-host").start(),
        Shipped::new("nephoscope-exporter-libvirt")
            .arg("--libvirt.uri=qemu+unix:///system?socket=/no/such/socket")
            .start(),
    ];
    for program in &programs {
        let scraped = http::get(&program.url("/metrics")).expect_status(200);
        add(&mut known, &scraped.text());
    }
    // What depends on the machine is in no golden file, but in the list of all families, which a test of its own keeps true.
    let families = read(&root().join("docs/exporter-libvirt-families.md"));
    for row in families.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').collect();
        let quoted = |cell: &str| -> Vec<String> {
            let words = cell.split('`').skip(1).step_by(2);
            words.map(str::to_owned).collect()
        };
        for name in quoted(cells[1]) {
            known.entry(name).or_default().extend(quoted(cells[4]));
        }
    }
    for file in ["node.yml", "skyline.yml"] {
        let rules = read(&root().join("dashboards/recording").join(file));
        for name in rules
            .lines()
            .filter_map(|line| line.split("record: ").nth(1))
        {
            known.entry(name.to_owned()).or_default();
        }
    }
    known
}

/// The series that a section of the document says to have no data, with the reasons.
fn excused<'d>(document: &'d str, dashboard: &str) -> BTreeMap<&'d str, &'d str> {
    let mut sections = document.split("\n## ");
    let section = sections.find_map(|it| it.strip_prefix(&format!("{dashboard}\n")));
    let section = section.unwrap_or_else(|| panic!("no section {dashboard}"));
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut found = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').collect();
        assert!(cells[2].trim().len() > 10, "no reason: {row}");
        let series = cells[1].split('`').skip(1).step_by(2);
        found.extend(series.map(|it| (it, cells[2])));
    }
    found
}

#[test]
fn what_public_dashboards_ask_for_is_exported_or_excused() {
    let known = exported();
    let document = read(&root().join("docs/dashboards-compat.md"));
    let entries = std::fs::read_dir(root().join("dashboards/public")).unwrap();
    let mut dashboards = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let dashboard = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let excused = excused(&document, &dashboard);
        let text = read(&path);
        let mut asked = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, labels) = line.split_once('{').unwrap_or((line, "}"));
            asked.insert(name);
            let Some(has) = known.get(name) else {
                assert!(
                    excused.contains_key(name),
                    "{dashboard}: {name} is not exported and not excused"
                );
                continue;
            };
            for label in labels
                .trim_end_matches('}')
                .split(',')
                .filter(|it| !it.is_empty())
            {
                assert!(
                    has.contains(label),
                    "{dashboard}: {name} has no label {label}: {has:?}"
                );
            }
        }
        assert!(asked.len() > 20, "{dashboard}: {asked:?}");
        let strange: Vec<_> = excused.keys().filter(|it| !asked.contains(**it)).collect();
        assert!(
            strange.is_empty(),
            "{dashboard}: excused and not asked for: {strange:?}"
        );
        for (name, reason) in &excused {
            let is_there = known.contains_key(*name) && !reason.contains("off by default");
            assert!(!is_there, "{dashboard}: {name} is exported and excused");
        }
        dashboards += 1;
    }
    assert_eq!(dashboards, document.matches("\n## ").count());
}
