//! The whole of what the groups write, from a snapshot made by hand; and what must hold for the table of groups.

#[path = "tests_snapshot.rs"]
mod snapshot;

use std::collections::BTreeSet;

use exposition::{Format, encode};
use snapshot::snapshot;

use super::*;

fn families() -> Families {
    let mut out = Families::new();
    let snapshot = snapshot();
    for group in GROUPS {
        (group.emit)(&snapshot, &mut out);
    }
    out
}

#[test]
fn the_families_of_all_groups_are_as_they_were() {
    let families = families();
    assert_eq!(families.problems().len(), 0, "{:?}", families.problems());
    let mut text = String::new();
    encode(&families, Format::Text, &mut text);
    testkit::golden::assert_golden(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/families.txt"),
        &text,
    );
}

#[test]
fn every_series_of_a_domain_names_it_and_no_family_has_two_writers() {
    let snapshot = snapshot();
    let mut written_by = BTreeSet::new();
    for group in GROUPS {
        let mut out = Families::new();
        (group.emit)(&snapshot, &mut out);
        for family in out.iter() {
            assert!(
                written_by.insert(family.name().to_owned()),
                "{} twice",
                family.name()
            );
            if !family.name().starts_with("libvirt_domain_") {
                continue;
            }
            for sample in family.samples() {
                let labels: Vec<_> = sample.labels().collect();
                let has = |wanted: &str| {
                    labels
                        .iter()
                        .any(|(name, value)| *name == wanted && !value.is_empty())
                };
                assert!(has("domain") && has("uuid"), "{} {labels:?}", family.name());
            }
        }
    }
}

#[test]
fn the_table_is_sorted_and_has_every_file_of_the_folder() {
    let names: Vec<_> = GROUPS.iter().map(|group| group.name.to_owned()).collect();
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/collectors")).unwrap();
    let files = folder.map(|entry| {
        entry
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    let files: BTreeSet<_> = files
        .filter(|name| !["mod", "tests", "tests_snapshot"].contains(&name.as_str()))
        .collect();
    assert_eq!(names, files.into_iter().collect::<Vec<_>>());
}

/// The unit that a name says.
fn unit(name: &str) -> &'static str {
    let is_either = ["_up", "_stuck", "_timed_out"];
    if is_either.iter().any(|end| name.ends_with(end)) {
        return "0 or 1";
    }
    if name.ends_with("bytes_per_second") {
        return "bytes per second";
    }
    let (name, is_total) = match name.strip_suffix("_total") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let units = [
        "bytes", "seconds", "percent", "requests", "packets", "errors", "drops",
    ];
    match units.into_iter().find(|unit| name.ends_with(unit)) {
        Some("bytes") => "bytes",
        Some("seconds") => "seconds",
        Some("percent") => "percent",
        Some(_) => "count",
        None if name.ends_with("_info") || name.ends_with("_meta") => "always 1",
        None if name.ends_with("_allocation") => "bytes",
        None if is_total => "count",
        None => "number",
    }
}

/// What the peers' HELP, which is kept as it is, leaves open.
fn note(name: &str) -> &'static str {
    match name.strip_prefix("libvirt_").unwrap_or(name) {
        "domain_info_maximum_memory_bytes" => " `<memory>` of the XML.",
        "domain_info_memory_usage_bytes" => {
            " The size of its balloon, whatever the guest uses of it."
        }
        "domain_memory_stats_available_bytes" => {
            ": all that the guest has, as it says itself (`MemTotal` in Linux)."
        }
        "domain_memory_stats_unused_bytes" => ": `MemFree` in Linux.",
        "domain_memory_stats_used_percent" => {
            " What the guest cannot use any more: available less usable, through available. Absent while the guest does not \
             report."
        }
        "domain_vcpu_state" => " 0: offline, 1: running, 2: blocked.",
        "domain_job_info_type" => {
            ". 0: none, 1: it knows how long it takes, 2: it does not, 3: completed, 4: failed, 5: cancelled."
        }
        "storage_pool_state" | "storage_pool_info_state" => {
            " 0: inactive, 1: being built, 2: running, 3: degraded, 4: inaccessible."
        }
        _ => "",
    }
}

/// What is there whatever is switched on.
const ALWAYS: &str = "
## Always

| family | type | unit | labels | what it is |
|---|---|---|---|---|
| `libvirt_up` | gauge | 0 or 1 |  | Whether scraping libvirt's metrics was successful. Source: whether it gave the list of domains in time. |
| `libvirt_versions_info` | gauge | always 1 | `hypervisor_running` `libvirt_library` `libvirtd_running` | Versions of virtualization components. Source: virConnectGetVersion, virConnectGetLibVersion, virGetVersion. |
| `libvirt_exporter_stuck_connections` | gauge | number |  | Connections to libvirt that were given up and still wait for an answer. |
| `libvirt_exporter_abandoned_connections_total` | counter | count |  | Connections to libvirt that were given up because an answer did not come in time. |
| `libvirt_exporter_capability` | gauge | 0 or 1 | `capability` | Whether the libvirt library that was loaded can do what came after libvirt 4.5: `guest_info` (5.7). |
| `libvirt_scrape_collector_success` | gauge | 0 or 1 | `collector` | Whether a collector succeeded. |
| `libvirt_scrape_collector_duration_seconds` | gauge | seconds | `collector` | Duration of a collector scrape. |
";

#[test]
fn every_family_that_stands_in_the_source_stands_in_the_documentation() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("../docs/exporter-libvirt-families.md")).unwrap();
    let folder = std::fs::read_dir(root.join("src/collectors")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let files = files.filter(|file| !file.to_str().unwrap().contains("/tests"));
    let mut names = BTreeSet::new();
    for file in files.chain([root.join("src/scrape.rs")]) {
        let source = std::fs::read_to_string(file).unwrap();
        let literals = source.split('"').skip(1).step_by(2);
        let is_name = |it: &&str| {
            it.starts_with("libvirt_") && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        names.extend(literals.filter(is_name).map(str::to_owned));
    }
    // Labels that begin so.
    names.remove("libvirt_library");
    names.remove("libvirtd_running");
    assert!(names.len() > 100, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_documentation_has_every_family_with_type_unit_labels_and_source() {
    let snapshot = snapshot();
    let mut text = String::from(
        "# Families of nephoscope-exporter-libvirt\n\n\
         Written by a test of the exporter from its table of collectors. Every series of a domain has the labels `domain`\n\
         and `uuid`, and `project_id` where Nova wrote one; only further ones are listed. A value that libvirt does not\n\
         have is absent. What the program does with it is in [exporter-libvirt.md](exporter-libvirt.md).\n",
    );
    text += ALWAYS;
    for group in GROUPS {
        let mut out = Families::new();
        (group.emit)(&snapshot, &mut out);
        let state = if group.default_on { "on" } else { "off" };
        text += &format!(
            "\n## `{}`\n\n{}. Source: {}. {}: `--[no-]collector.{}`.\n\n\
             | family | type | unit | labels | what it is |\n|---|---|---|---|---|\n",
            group.name,
            group.help,
            group.source,
            if state == "on" {
                "On by default"
            } else {
                "Off by default"
            },
            group.name
        );
        for family in out.iter() {
            let mut labels = BTreeSet::new();
            for sample in family.samples() {
                labels.extend(sample.labels().map(|(name, _)| name.to_owned()));
            }
            let common = ["domain", "uuid", "project_id"];
            let labels: Vec<_> = labels
                .iter()
                .filter(|label| !common.contains(&label.as_str()))
                .map(|label| format!("`{label}`"))
                .collect();
            text += &format!(
                "| `{}` | {} | {} | {} | {}{} |\n",
                family.name(),
                family.kind(),
                unit(family.name()),
                labels.join(" "),
                family.help().replace('\t', " ").replace('|', "\\|"),
                note(family.name()),
            );
        }
    }
    testkit::golden::assert_golden(
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/exporter-libvirt-families.md"
        ),
        &text,
    );
}
