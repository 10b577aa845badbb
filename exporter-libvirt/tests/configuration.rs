//! A configuration that is wrong: what is said of it, and how the program ends.

#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption fails the test loudly"
)]

use std::ffi::OsStr;
use std::time::Duration;

use testkit::http::{get, post};
use testkit::{Running, Shipped};

#[test]
fn a_configuration_file_is_checked_and_its_mistake_named_by_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("exporter.yaml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Shipped::new(env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt"))
            .args([OsStr::new("check-config"), file.as_os_str()])
            .run(Duration::from_secs(30))
    };
    let good = "libvirt:\n  uri: qemu:///system\n  timeout: 2s\ncollectors:\n  block: false\n";
    assert!(check(good).status.success());
    for (text, line, key) in [
        ("libvirt:\n  url: qemu:///system\n", ":2:", "url"),
        ("collectors:\n  block: perhaps\n", ":2:", "block"),
    ] {
        let checked = check(text);
        assert_eq!(checked.status.code(), Some(1), "{}", checked.stderr);
        let said = checked.stderr;
        assert!(said.contains(line) && said.contains(key), "{said}");
    }
    for (text, named) in [
        ("libvirt:\n  timeout: 2\n", "libvirt.timeout"),
        ("collectors:\n  blocks: true\n", "blocks"),
    ] {
        let checked = check(text);
        assert_eq!(checked.status.code(), Some(1), "{}", checked.stderr);
        assert!(checked.stderr.contains(named), "{}", checked.stderr);
    }
}

#[test]
fn a_wrong_flag_is_one_line_that_names_it_and_exit_code_64() {
    for (flag, named) in [
        ("--libvirt.timeout=soon", "--libvirt.timeout"),
        ("--libvirt.timeout=0s", "--libvirt.timeout"),
        ("--libvirt.uri=", "--libvirt.uri"),
        ("--collector.nonsense", "--collector.nonsense"),
    ] {
        let finished = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt"))
            .arg(flag)
            .run(Duration::from_secs(30));
        assert_eq!(
            finished.status.code(),
            Some(64),
            "{flag}: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(named),
            "{flag}: {}",
            finished.stderr
        );
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn the_landing_page_lists_the_groups_that_are_switched_on_also_after_a_reload() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("exporter.yaml");
    std::fs::write(&file, "collectors: {perf: true}\n").unwrap();
    let exporter = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-exporter-libvirt"))
        .arg("--libvirt.uri=qemu+unix:///system?socket=/no/such/socket")
        .arg("--no-collector.block")
        .arg(format!("--config.file={}", file.display()))
        .start();
    let is_listed = |exporter: &Running, group: &str| {
        let page = get(&exporter.url("/")).expect_status(200).text();
        page.contains(&format!("<li>{group}</li>"))
    };
    for (group, expected) in [
        ("cpu", true),
        ("perf", true),
        ("block", false),
        ("vm", false),
    ] {
        assert_eq!(is_listed(&exporter, group), expected, "{group}");
    }
    std::fs::write(&file, "collectors: {perf: false}\n").unwrap();
    post(&exporter.url("/-/reload"), &[], "").expect_status(200);
    assert!(is_listed(&exporter, "cpu") && !is_listed(&exporter, "perf"));
}
