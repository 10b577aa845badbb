//! `nephoscope-collector storage …` on the data of a collector that has stopped, as an operator types it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use support::Collector;
use testkit::{Finished, Shipped};

fn storage(arguments: &[&str], dir: &Path) -> Finished {
    let shipped = Shipped::new(env!("CARGO_BIN_EXE_nephoscope-collector")).arg("storage");
    let (command, rest) = arguments.split_first().unwrap();
    let shipped = shipped.arg(command).arg(dir.display().to_string());
    let shipped = rest
        .iter()
        .fold(shipped, |shipped, argument| shipped.arg(argument));
    shipped.run(Duration::from_secs(60))
}

#[test]
fn a_stopped_store_is_checked_shown_dumped_and_repaired_and_a_running_one_is_refused() {
    let mut collector = Collector::start();
    let metric = collector.metric("low");
    let measures = json!([
        {"timestamp": "2026-01-01T00:00:00", "value": 1.5},
        {"timestamp": "2026-01-01T00:05:00", "value": 2.5},
    ]);
    let path = format!("/v1/metric/{metric}/measures");
    collector.post(&path, &measures).expect_status(202);
    let data = collector.dir().join("data");
    let refused = storage(&["check"], &data);
    assert!(!refused.status.success());
    assert!(
        refused.stderr.contains("is in use by another process"),
        "{}",
        refused.stderr
    );
    assert!(collector.running.terminate().success());

    let checked = storage(&["check"], &data);
    assert!(checked.status.success(), "{}", checked.stderr);
    assert!(
        checked.stdout.contains("records are sound"),
        "{}",
        checked.stdout
    );
    let stats = storage(&["stats"], &data);
    assert!(
        stats.stdout.starts_with("format 3, snapshot of entry "),
        "{}",
        stats.stdout
    );
    let dump = storage(&["dump", &metric], &data);
    let line = "mean 300 2026-01-01T00:05:00+00:00 2.5";
    assert!(
        dump.stdout.lines().any(|found| found == line),
        "{}",
        dump.stdout
    );

    // The first frame is of a shard without metrics and ends at byte 22.
    let snapshots = data.join("series/snapshot");
    let snapshot = std::fs::read_dir(snapshots).unwrap().next().unwrap();
    let snapshot = snapshot.unwrap().path();
    let mut bytes = std::fs::read(&snapshot).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let damaged = storage(&["check"], &data);
    assert!(!damaged.status.success());
    let place = format!("{} at byte 22: checksum does not match", snapshot.display());
    assert!(damaged.stdout.contains(&place), "{}", damaged.stdout);
    let repaired = storage(&["repair"], &data);
    assert!(repaired.status.success(), "{}", repaired.stderr);
    assert!(
        repaired.stdout.contains("set aside: "),
        "{}",
        repaired.stdout
    );
    assert!(storage(&["check"], &data).status.success());
}

#[test]
fn what_is_no_store_is_refused_and_not_made_one() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        &["check"][..],
        &["stats"],
        &["repair"],
        &["dump", "8d6d2b8e-5a5c-4a5b-9d5e-111111111111"],
    ] {
        let refused = storage(command, dir.path());
        assert!(!refused.status.success(), "{command:?}");
        assert!(
            refused.stderr.contains("this is no store"),
            "{command:?}: {}",
            refused.stderr
        );
        assert!(
            std::fs::read_dir(dir.path()).unwrap().next().is_none(),
            "{command:?}"
        );
    }
}
